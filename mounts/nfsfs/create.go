package nfsfs

import (
	"slices"
	"sync"
)

// How a file is made (RFC 1813, createhow3).
const (
	unchecked = 0 // one that is there is opened
	guarded   = 1 // one that is there is EEXIST
	exclusive = 2 // the same, but for one that was made by this very request
)

// verifierSize is the length in bytes of what tells an exclusive CREATE from another.
const verifierSize = 8

// create is what a CREATE asks for besides its attributes.
type create struct {
	guarded  bool
	place    string // directory and name, where it is exclusive
	verifier string
}

// readCreate notes how the file is to be made. The library refuses EXCLUSIVE, which is
// what O_EXCL is: it gets GUARDED, without attributes, or UNCHECKED where the file is the
// one that an earlier copy of the request has made.
func (c *conn) readCreate(record []byte) []byte {
	r := &words{left: c.now.arguments}
	r.opaque()
	r.opaque()
	place := c.now.arguments[:len(c.now.arguments)-len(r.left)]
	at := len(record) - len(r.left)
	how := r.word()
	c.now.create = create{guarded: how != unchecked}
	if how != exclusive || len(r.left) < verifierSize {
		return record
	}
	c.now.create.place, c.now.create.verifier = string(place), string(r.left[:verifierSize])
	if c.server.made.by(c.now.create) {
		c.now.create, how = create{}, unchecked
	} else {
		how = guarded
	}
	record = append(record[:at], 0, 0, 0, byte(how))
	return append(record, make([]byte, 6*4)...) // none of the six attributes
}

// madeMost is how many exclusive creations are remembered: what is sent again was sent
// a moment ago.
const madeMost = 64

// made are the files that exclusive creations have made.
type made struct {
	mu   sync.Mutex
	last []create // oldest first
}

func (m *made) note(c create) {
	if c.place == "" {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.last = append(m.last, c)
	if len(m.last) > madeMost {
		m.last = slices.Delete(m.last, 0, 1)
	}
}

func (m *made) by(c create) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Contains(m.last, c)
}
