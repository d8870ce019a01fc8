package coordinator

import (
	"context"
	"errors"
	"time"

	"github.com/artifacts-tui/artifacts-tui/backend/coordinator/documents"
	"github.com/artifacts-tui/artifacts-tui/backend/store"
)

// maintenanceLease is how long a lease that is not renewed must be watched before another
// coordinator takes it. What it is for may be done by two at once; it is only wasted then.
const maintenanceLease = 3 * purgeEvery

// lease is the task of one coordinator among several, kept as a state of the system bucket. It is for one goroutine.
type lease struct {
	store  *store.Store
	key    string
	holder string

	seen  string    // its ETag
	since time.Time // when that was first seen
}

func newLease(s *store.Store, name, holder string) *lease {
	return &lease{store: s, key: documents.State(name), holder: holder}
}

// mine takes the lease where it is free or abandoned, renews it where it is this
// coordinator's, and reports whether it is now.
func (l *lease) mine(ctx context.Context) (bool, error) {
	o, err := l.store.Head(ctx, SystemBucket, l.key)
	if err != nil && !errors.Is(err, store.ErrNoSuchKey) {
		return false, err
	}
	holder := o.Meta["holder"]
	if o.ETag != l.seen {
		l.seen, l.since = o.ETag, time.Now()
	}
	if holder != "" && holder != l.holder && time.Since(l.since) < maintenanceLease {
		return false, nil
	}
	return l.put(ctx, l.holder, o.ETag)
}

// release lets another coordinator have it at once.
func (l *lease) release(ctx context.Context) error {
	o, err := l.store.Head(ctx, SystemBucket, l.key)
	if errors.Is(err, store.ErrNoSuchKey) || err == nil && o.Meta["holder"] != l.holder {
		return nil
	}
	if err == nil {
		_, err = l.put(ctx, "", o.ETag)
	}
	return err
}

// put reports whether it was still the one with etag; empty: there was none.
func (l *lease) put(ctx context.Context, holder, etag string) (bool, error) {
	_, err := l.store.PutState(ctx, l.key, map[string]string{"holder": holder}, store.Condition{IfMatch: etag, IfNoneMatch: etag == ""})
	if errors.Is(err, store.ErrPreconditionFailed) || errors.Is(err, store.ErrNoSuchKey) {
		return false, nil
	}
	return err == nil, err
}
