package nfsfs

import (
	"context"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/artifacts-tui/artifacts-tui/mounts/upper"
)

// A file that is read stays open for a while: NFS has no open(2), and how a file is read
// from the store depends on how it was read before.
const (
	readersMost = 64
	readerIdle  = 5 * time.Second
)

// readers are the files open for reading.
type readers struct {
	up   *upper.FS
	done chan struct{}
	over chan struct{}

	mu     sync.Mutex
	open   map[*upper.Node]*reader
	closed bool
}

type reader struct {
	*upper.Handle
	users int
	last  time.Time
}

func newReaders(up *upper.FS) *readers {
	r := &readers{up: up, done: make(chan struct{}), over: make(chan struct{}), open: map[*upper.Node]*reader{}}
	go r.sweep()
	return r
}

// readAt reads from n as upper.Handle.ReadAt does.
func (r *readers) readAt(n *upper.Node, p []byte, off int64) (int, error) {
	f, err := r.acquire(n)
	if err != nil {
		return 0, err
	}
	defer r.release(n, f)
	return f.ReadAt(context.Background(), p, off)
}

func (r *readers) acquire(n *upper.Node) (*reader, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, syscall.ESHUTDOWN
	}
	f := r.open[n]
	if f == nil {
		h, err := r.up.Open(context.Background(), n, os.O_RDONLY)
		if err != nil {
			return nil, err
		}
		f = &reader{Handle: h}
		r.open[n] = f
	}
	f.users++
	return f, nil
}

func (r *readers) release(n *upper.Node, f *reader) {
	r.mu.Lock()
	f.users--
	f.last = time.Now()
	end := f.users == 0 && (r.closed || r.open[n] != f || len(r.open) > readersMost)
	if end && r.open[n] == f {
		delete(r.open, n)
	}
	r.mu.Unlock()
	if end {
		f.Release()
	}
}

// forget closes n, once nobody reads it.
func (r *readers) forget(n *upper.Node) {
	r.mu.Lock()
	f := r.open[n]
	delete(r.open, n)
	idle := f != nil && f.users == 0
	r.mu.Unlock()
	if idle {
		f.Release()
	}
}

// sweep closes what was not read for a while.
func (r *readers) sweep() {
	defer close(r.over)
	tick := time.NewTicker(readerIdle)
	defer tick.Stop()
	for {
		select {
		case <-r.done:
			return
		case <-tick.C:
			r.closeIdle(readerIdle)
		}
	}
}

func (r *readers) closeIdle(since time.Duration) {
	r.mu.Lock()
	var idle []*reader
	for n, f := range r.open {
		if f.users == 0 && time.Since(f.last) >= since {
			idle = append(idle, f)
			delete(r.open, n)
		}
	}
	r.mu.Unlock()
	for _, f := range idle {
		f.Release()
	}
}

// close closes all, what is still being read once that ends.
func (r *readers) close() {
	close(r.done)
	<-r.over
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.closeIdle(0)
}
