package upper

import (
	"container/heap"
	"context"
	"errors"
	"math/rand/v2"
	"syscall"
	"time"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

const (
	retryFirst   = 100 * time.Millisecond
	retryMost    = 10 * time.Second // while the store does not answer
	refusedFirst = 2 * time.Second
	refusedMost  = time.Minute // what was refused for a reason changes slowly
	failedAfter  = 3           // tries until an unexplained error counts as a failure
)

// errConflict is a partial change of an object that somebody else changed meanwhile.
var errConflict = errors.New("changed in the bucket meanwhile; the new content is kept on disk")

// errAbandoned ends an op that was superseded before it changed the store.
var errAbandoned = errors.New("superseded")

// dispatch starts operations as they come due, as many at once as the pace allows; while
// the store does not answer, one at a time.
func (f *FS) dispatch() {
	defer f.wg.Done()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		f.mu.Lock()
		var next time.Time
		for len(f.q.ready) > 0 && !f.closed {
			limit := int(f.q.pace.limit)
			if f.q.down {
				limit = 1
			}
			if f.q.running >= limit {
				break
			}
			at := f.q.ready[0].at
			if f.q.down && f.q.probeAt.After(at) {
				at = f.q.probeAt
			}
			if at.After(time.Now()) {
				next = at
				break
			}
			o := heap.Pop(&f.q.ready).(readyOp).op
			o.running, o.attempted, o.refused, o.slow = true, true, false, false
			f.q.running++
			f.wg.Add(1)
			go f.run(o)
		}
		f.mu.Unlock()
		wait := time.Hour
		if !next.IsZero() {
			wait = time.Until(next)
		}
		timer.Reset(wait)
		select {
		case <-f.ctx.Done():
			return
		case <-f.q.kick:
		case <-timer.C:
		}
	}
}

// run carries one operation out and takes account of how it went.
func (f *FS) run(o *op) {
	defer f.wg.Done()
	// A change of the store must never outlive the memory of why it was made.
	f.mu.Lock()
	seq := o.seq // a compaction renews it
	f.mu.Unlock()
	err := errno(f.j.sync(seq))
	began := time.Now()
	if err == nil {
		err = f.execute(o)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if err == nil {
		now := time.Now()
		f.q.pace.served(o.size(), now.Sub(began), len(f.q.ready) > 0 && !f.q.ready[0].at.After(now), now)
		f.storeAnswers()
		return // execute ended it
	}
	f.rest(o)
	if o.abandoned || errors.Is(err, errAbandoned) {
		if n := o.node; o.committed && n != nil && n.key() == o.key {
			n.ghost = true
		}
		f.endOp(o)
		return
	}
	f.failed(o, began, err)
}

// rest takes o out of the running ones. FS.mu is held.
func (f *FS) rest(o *op) {
	if o.running {
		o.running = false
		f.q.running--
		f.q.wake()
	}
}

// failed plans the next try of an operation that began at that time. Nothing is ever given up.
func (f *FS) failed(o *op, began time.Time, err error) {
	if o.err == nil {
		o.failing = time.Now()
	}
	o.err = err
	o.tries++
	defer o.node.stir()

	pause := backoff(retryFirst, retryMost, o.tries)
	switch {
	case f.ctx.Err() != nil:
		return
	case errors.Is(err, ErrSlowDown) && !f.q.down && !f.q.pace.refused(began, time.Now()):
		delete(f.q.failed, o)
	case fault.Is(err, fault.Unreachable), errors.Is(err, context.DeadlineExceeded):
		if !f.q.down {
			f.q.down, f.q.downWhy, f.q.downFrom = true, err.Error(), time.Now()
			f.log.Warn("the store does not answer; changes are kept", "err", err)
		}
		f.q.probes++
		f.q.probeAt = time.Now().Add(backoff(retryFirst, retryMost, f.q.probes))
		delete(f.q.failed, o)
	case fault.Is(err, fault.Quota), fault.Is(err, fault.Auth), errors.Is(err, errConflict):
		o.refused, o.slow = true, true
		pause = backoff(refusedFirst, refusedMost, o.tries)
	default:
		o.refused = o.tries >= failedAfter
	}
	if o.refused {
		if _, known := f.q.failed[o]; !known {
			f.log.Error("a change does not reach the store; it is kept and tried again", "path", o.shownPath(), "err", err)
		}
		f.q.failed[o] = struct{}{}
	}
	o.retryAt = time.Now().Add(pause)
	f.q.push(o)
}

func backoff(first, most time.Duration, tries int) time.Duration {
	d := most
	if tries < 16 {
		d = min(first<<(tries-1), most)
	}
	return d/2 + rand.N(d/2+1)
}

// storeAnswers wakes what waits for the store. FS.mu is held.
func (f *FS) storeAnswers() {
	if !f.q.down {
		return
	}
	f.q.down, f.q.probes = false, 0
	f.log.Info("the store answers again", "after", time.Since(f.q.downFrom).Round(time.Second))
	f.q.hurry(func(o *op) bool { return !o.slow })
}

// StoreAnswers has what waits for the store tried now: somebody heard that it answers, or
// takes the keys, again. It is one change that finds out where changes did not get through.
func (f *FS) StoreAnswers() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.q.hurry(func(o *op) bool { return !o.slow || fault.Is(o.err, fault.Auth) })
}

// done journals that o is in the store, with what the sheets of its nodes' directories
// are to say now, applies fn to the tree, and ends o. A journal that refuses is tried
// until it takes it: what follows o must not run before. noting, called with FS.mu held,
// may be nil.
func (f *FS) done(o *op, noting func() []noted, fn func()) error {
	f.forgetLower(o)
	for {
		f.mu.Lock()
		r := &record{Done: o.id, Left: f.leaves(o)}
		var notes []noted
		if noting != nil {
			notes = noting()
		}
		sheets := f.writeNotes(r, f.q.nextID, notes)
		err := f.record(r)
		if err == nil {
			o.done = true
			fn()
			f.applyNotes(notes, sheets)
			f.endOp(o)
			f.mu.Unlock()
			return nil
		}
		f.mu.Unlock()
		f.log.Error("cannot record that a change reached the store", "path", o.shownPath(), "err", err)
		if isFull(err) {
			f.reclaim()
		}
		select {
		case <-f.ctx.Done():
			return syscall.ESHUTDOWN
		case <-time.After(time.Second):
		}
	}
}

// endOp takes o out of the queue. FS.mu is held.
func (f *FS) endOp(o *op) {
	f.rest(o)
	f.progress.note()
	f.q.end(o, f.nextTick())
	f.q.stale(o)
	if n := o.node; n != nil && n.file != nil {
		if n.file.put == o {
			n.file.put = nil
		}
		if o.kind == opPut {
			n.file.patching = false
		}
		if n.file.move == o {
			n.file.move = nil
		}
		f.settle(n)
	}
	f.afterEnd(o)
	o.node.stir()
}
