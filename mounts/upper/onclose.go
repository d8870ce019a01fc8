package upper

import (
	"context"
	"fmt"
	"io"
	"sync/atomic"
	"syscall"
	"time"
)

// awaitStore is the second half of a close with Options.SyncOnClose: it returns when the
// store has what n held at the close, or something newer. What ends it otherwise is the
// close's error: a refusal at once; a store that takes nothing for Options.StoreTimeout,
// ETIMEDOUT; an interruption, EINTR. The version is in the journal by then, and goes on
// being tried whatever becomes of the wait.
func (f *FS) awaitStore(ctx context.Context, n *Node) error {
	if !f.opt.SyncOnClose {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if n.file.put == nil {
		return nil
	}
	want, began := n.file.put.ver.seq, time.Now()
	for {
		o := n.file.put
		switch {
		case n.file.stored >= want || n.detached():
			return nil
		case o == nil: // its version was set aside: somebody else changed the object
			return fmt.Errorf("close %s: %w", n.name, ErrChanged)
		case o.refused && !o.running:
			return fmt.Errorf("close %s: %w", n.name, o.err)
		}
		if p := o.refusedBefore(); p != nil {
			return fmt.Errorf("close %s: %w", n.name, p.err)
		}
		left := f.opt.StoreTimeout - time.Since(f.silentSince(o, began))
		if left <= 0 {
			err := o.err
			if err == nil {
				err = context.DeadlineExceeded
			}
			return fmt.Errorf("close %s: %w: %w", n.name, syscall.ETIMEDOUT, err)
		}
		moved := n.file.movement()
		f.mu.Unlock()
		over := time.NewTimer(left)
		var err error
		select {
		case <-moved:
		case <-over.C:
		case <-ctx.Done():
			err = syscall.EINTR
		case <-f.ctx.Done():
			err = syscall.ESHUTDOWN
		}
		over.Stop()
		f.mu.Lock()
		if err != nil {
			return err
		}
	}
}

// silentSince is since when a close that began to wait for o has had no reason to hope: the
// store failed, or took no byte of anything. FS.mu is held.
func (f *FS) silentSince(o *op, began time.Time) time.Time {
	since := began
	if last := f.progress.last(); last.After(since) {
		since = last
	}
	if f.q.down && f.q.downFrom.Before(since) {
		since = f.q.downFrom
	}
	if o.err != nil && o.failing.Before(since) {
		since = o.failing
	}
	if since.Before(began) {
		return began
	}
	return since
}

// refusedBefore is a change that o has to wait for and that the store refuses, or nil.
func (o *op) refusedBefore() *op {
	for _, p := range o.preds {
		if !p.ended && p.refused && !p.running {
			return p
		}
	}
	return nil
}

// movement is closed when something became of the file's upload.
func (st *fileState) movement() <-chan struct{} {
	if st.moved == nil {
		st.moved = make(chan struct{})
	}
	return st.moved
}

// stir wakes the closes that wait for n. FS.mu is held.
func (n *Node) stir() {
	if n != nil && n.file != nil && n.file.moved != nil {
		close(n.file.moved)
		n.file.moved = nil
	}
}

// progress is when the store last took anything, in Unix nanoseconds.
type progress struct{ at atomic.Int64 }

func (p *progress) note()           { p.at.Store(time.Now().UnixNano()) }
func (p *progress) last() time.Time { return time.Unix(0, p.at.Load()) }

// taken is the body of an upload, which notes that it is being sent.
type taken struct {
	io.ReaderAt
	progress *progress
}

// ReadAt implements io.ReaderAt.
func (t taken) ReadAt(p []byte, off int64) (int, error) {
	t.progress.note()
	return t.ReaderAt.ReadAt(p, off)
}
