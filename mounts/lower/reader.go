package lower

import (
	"context"
	"errors"
	"io"
	"sync"
	"syscall"

	"github.com/rclone/rclone/lib/ranges"
)

// How reads are told apart. A cached read starts parallel streams far ahead, which is
// right for a file that is read through and wasteful for a database's pages.
const (
	small     = 4 << 20   // a file this short is always read through the cache
	nearby    = 2 << 20   // the kernel's read-ahead comes out of order within this
	runLength = 512 << 10 // this many sequential bytes are a run
	block     = 16 << 10  // what one scattered read fetches at least
)

// reader reads one object: in sequence through the cache, scattered straight from the store.
type reader struct {
	l      *Lower
	object *object
	shared *shared // nil: no cache

	mu     sync.Mutex
	closed bool
	next   int64  // where a sequential read would go on
	run    int64  // bytes read in sequence so far
	whole  bool   // the run began at the first byte
	from   int64  // offset of recent
	recent []byte // the last block of scattered reads
}

// ReadAt implements io.ReaderAt.
func (r *reader) ReadAt(p []byte, off int64) (int, error) {
	size := r.object.o.Size
	if off >= size {
		return 0, io.EOF
	}
	short := int64(len(p)) > size-off
	if short {
		p = p[:size-off]
	}
	n, err := r.read(p, off)
	if err == nil && short {
		err = io.EOF
	}
	return n, err
}

func (r *reader) read(p []byte, off int64) (int, error) {
	if r.object.gone.Load() {
		return 0, stale
	}
	if r.shared == nil || r.scattered(off, int64(len(p))) {
		return r.direct(p, off)
	}
	counter := &r.l.misses
	if r.shared.item.HasRange(ranges.Range{Pos: off, Size: int64(len(p))}) {
		counter = &r.l.hits
	}
	n, err := r.shared.item.ReadAt(p, off)
	counter.add(n)
	if errors.Is(err, io.EOF) && n == len(p) {
		err = nil
	}
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF // the cache file is shorter than the object
	}
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return r.direct(p, off) // a full cache disk costs speed, not the read
	}
	if err != nil {
		return 0, r.object.blame(err)
	}
	return n, nil
}

// scattered reports whether a read is not part of a run, and notes it. A run begins at
// the first byte, or anywhere after enough neighbouring reads.
func (r *reader) scattered(off, n int64) bool {
	size := r.object.o.Size
	if size <= small {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if off >= r.next-nearby && off <= r.next+nearby {
		r.run += n
		r.next = max(r.next, off+n)
	} else {
		r.run, r.whole = 0, false
		r.next = off + n
	}
	if off == 0 {
		r.whole = true
	}
	return !r.whole && r.run < runLength && !r.shared.item.HasRange(ranges.Range{Pos: 0, Size: size})
}

// direct reads from the store, a block at least, without starting streams.
func (r *reader) direct(p []byte, off int64) (int, error) {
	r.mu.Lock()
	if off >= r.from && off+int64(len(p)) <= r.from+int64(len(r.recent)) {
		n := copy(p, r.recent[off-r.from:])
		r.mu.Unlock()
		r.l.hits.add(n)
		return n, nil
	}
	r.mu.Unlock()
	start := off &^ (block - 1)
	end := min((off+int64(len(p))+block-1)&^(block-1), r.object.o.Size)
	buf := make([]byte, end-start)
	if err := r.object.readBy(context.Background(), r.object.request, buf, start); err != nil {
		return 0, r.object.blame(err)
	}
	r.mu.Lock()
	r.from, r.recent = start, buf
	r.mu.Unlock()
	r.l.misses.add(len(p))
	return copy(p, buf[off-start:]), nil
}

// Close implements io.Closer.
func (r *reader) Close() error {
	r.mu.Lock()
	closed := r.closed
	r.closed, r.recent = true, nil
	r.mu.Unlock()
	if r.shared != nil && !closed {
		r.l.release(r.shared)
	}
	return nil
}
