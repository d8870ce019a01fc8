package mountd

import (
	"context"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/artifacts-tui/artifacts-tui/mounts/upper"
)

// ledger remembers which keys the last change did not reach the store for, so that an
// unmount that leaves something can name it (SPEC C5, D1). While the store does not
// answer nothing is refused, and upper's counts alone tell no names.
type ledger struct {
	upper.Remote

	mu     sync.Mutex
	unsent map[string]struct{}
}

func newLedger(r upper.Remote) *ledger { return &ledger{Remote: r, unsent: map[string]struct{}{}} }

// Put implements upper.Remote.
func (l *ledger) Put(ctx context.Context, key string, body io.ReaderAt, size int64, meta upper.PutMeta) (upper.Object, error) {
	o, err := l.Remote.Put(ctx, key, body, size, meta)
	l.note(key, err)
	return o, err
}

// Delete implements upper.Remote.
func (l *ledger) Delete(ctx context.Context, key string) error {
	err := l.Remote.Delete(ctx, key)
	l.note(key, err)
	return err
}

// Copy implements upper.Remote.
func (l *ledger) Copy(ctx context.Context, src, dst, etag string) (upper.Object, error) {
	o, err := l.Remote.Copy(ctx, src, dst, etag)
	l.note(dst, err)
	return o, err
}

func (l *ledger) note(key string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err == nil {
		delete(l.unsent, key)
	} else {
		l.unsent[key] = struct{}{}
	}
}

// names are up to n paths of the workspace, sorted.
func (l *ledger) names(n int) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	keys := slices.Sorted(maps.Keys(l.unsent))
	keys = keys[:min(n, len(keys))]
	for i, k := range keys {
		keys[i] = strings.TrimSuffix(strings.TrimSuffix(k, "/"), upper.SymlinkSuffix)
	}
	return keys
}
