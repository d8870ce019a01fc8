package authn

import (
	"strings"
	"sync"

	"github.com/artifacts-tui/artifacts-tui/backend/s3/sigv4"
)

// keysMax is how many signing keys are remembered: one a peer, day and region.
const keysMax = 1024

// keyCache remembers signing keys, which take four HMACs to derive and are the same for a
// whole day. The zero value is usable, by many goroutines.
type keyCache struct {
	mu   sync.RWMutex
	keys map[keyScope][]byte
}

type keyScope struct{ secret, date, region, service string }

func (c *keyCache) get(secret string, s *sigv4.Signature) (key []byte, known bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	key, known = c.keys[keyScope{secret, s.Date, s.Region, s.Service}]
	return key, known
}

// put forgets all others when there are too many: deriving them again costs microseconds.
func (c *keyCache) put(secret string, s *sigv4.Signature, key []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.keys == nil || len(c.keys) >= keysMax {
		c.keys = map[keyScope][]byte{}
	}
	// Clones, so that a cached name does not hold on to the header that it was cut from.
	c.keys[keyScope{secret, strings.Clone(s.Date), strings.Clone(s.Region), strings.Clone(s.Service)}] = key
}
