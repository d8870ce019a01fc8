package upper

import (
	"context"
	"fmt"
	"time"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// Drain starts everything at once and waits for it. It returns nil when nothing is
// pending, or a fault.Pending when ctx ends first (SPEC C5, D1).
func (f *FS) Drain(ctx context.Context) error {
	f.mu.Lock()
	f.q.urgent++
	f.recordUnrecorded()
	f.q.hurry(func(*op) bool { return true })
	defer func() {
		f.mu.Lock()
		f.q.urgent--
		f.mu.Unlock()
	}()
	var idle chan struct{} // closed when the queue is empty; nil while not asked for
	for {
		left := len(f.q.ops) + len(f.unrecorded)
		if left == 0 {
			f.mu.Unlock()
			return nil
		}
		if idle == nil && len(f.q.ops) > 0 {
			idle = make(chan struct{})
			f.q.idle = append(f.q.idle, idle)
		}
		f.mu.Unlock()
		retry := time.NewTimer(time.Second)
		select {
		case <-idle:
			idle = nil
		case <-retry.C:
		case <-f.ctx.Done():
			retry.Stop()
			return fault.New(fault.Pending, "", "%d changes are not yet in the store", left)
		case <-ctx.Done():
			retry.Stop()
			return &fault.Error{
				Kind: fault.Pending, Message: fmt.Sprintf("%d changes are not yet in the store", left),
				Hint: "they are kept on disk and uploaded at the next mount", Err: ctx.Err(),
			}
		}
		retry.Stop()
		f.mu.Lock()
		f.recordUnrecorded()
	}
}

// Wake retries everything that waits after a failure: credentials were renewed, or the
// network is back.
func (f *FS) Wake() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.q.hurry(func(*op) bool { return true })
}
