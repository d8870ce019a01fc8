package upper

import (
	"context"
	"errors"
	"io"
	"os"
	"sync"
)

// view is what a read needs to know of a file at one moment.
type view struct {
	size int64
	data *dataFile // in use where not nil
	file *os.File
	held []extent // of the range that is read
	base *Object

	gen   uint64 // the node's
	given bool   // what is read of it is known to be given out
}

// look takes a view of [off, end). The caller holds io, so that the bytes below stay.
func (f *FS) look(n *Node, off, end int64) (view, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	v := view{size: n.size(), base: n.base, gen: n.gen, given: n.file.given}
	if n.file.content == nil || n.file.content.data == nil {
		return v, nil
	}
	c := n.file.content
	file, err := f.st.acquire(c.data)
	if err != nil {
		return v, err
	}
	v.data, v.file, v.held = c.data, file, c.ext.within(off, min(end, c.size))
	return v, nil
}

// read fills p from off; io.EOF where it ends first.
func (f *FS) read(ctx context.Context, n *Node, p []byte, off int64) (int, error) {
	st := f.stateOf(n)
	for try := 0; ; try++ {
		st.io.RLock()
		v, err := f.look(n, off, off+int64(len(p)))
		if err != nil {
			st.io.RUnlock()
			return 0, err
		}
		want := min(int64(len(p)), v.size-off)
		if want < 0 {
			want = 0
		}
		buf := p[:want]
		err = v.readHeld(buf, off)
		st.io.RUnlock()
		if v.data != nil {
			f.st.release(v.data)
		}
		if err != nil {
			return 0, err
		}
		missing := extents(v.held).missing(off, off+want)
		if len(missing) > 0 {
			err = f.readBase(ctx, n, v.base, buf, off, missing)
		}
		if err == nil && !v.given && !f.give(n, v.gen) {
			continue
		}
		if err == nil {
			if want < int64(len(p)) {
				err = io.EOF
			}
			return int(want), err
		}
		if !isStale(err) || try >= 3 || !f.renewBase(ctx, n, v.base) {
			return 0, err
		}
	}
}

// give notes that somebody has bytes of n's content from now on, where it is still the
// generation that they are of.
func (f *FS) give(n *Node, generation uint64) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if n.gen != generation {
		return false
	}
	n.file.given = n.file.handles > 0
	return true
}

func (f *FS) stateOf(n *Node) *fileState {
	f.mu.Lock()
	defer f.mu.Unlock()
	return n.state()
}

func (v view) readHeld(buf []byte, off int64) error {
	for _, x := range v.held {
		part := buf[min(x.off-off, int64(len(buf))):min(x.end-off, int64(len(buf)))]
		if k, err := v.file.ReadAt(part, x.off); k < len(part) {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return err
		}
	}
	return nil
}

func (f *FS) readBase(ctx context.Context, n *Node, base *Object, buf []byte, off int64, missing []extent) error {
	if base == nil {
		return io.ErrUnexpectedEOF
	}
	r, err := n.openReader(ctx, *base)
	if err != nil {
		return err
	}
	defer r.release()
	for _, x := range missing {
		part := buf[x.off-off : x.end-off]
		k, err := r.r.ReadAt(part, x.off)
		if k == len(part) {
			continue
		}
		if err == nil || errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return err
	}
	return nil
}

// renewBase reports whether reading again can help after base was not there as known: it
// was moved or replaced by an operation of this mount, or the directory tells that
// somebody else changed the object.
func (f *FS) renewBase(ctx context.Context, n *Node, base *Object) bool {
	changed := func() (bool, *Node) {
		f.mu.Lock()
		defer f.mu.Unlock()
		if n.base != base || n.file.content != nil && n.file.content.full() {
			return true, nil
		}
		if n.detached() || n.pending() {
			return false, nil
		}
		return false, n.parent
	}
	yes, dir := changed()
	if !yes && f.awaitPatch(ctx, n, base) {
		return true
	}
	if yes || dir == nil || f.load(ctx, dir, true) != nil {
		return yes
	}
	yes, _ = changed()
	return yes
}

// baseReader is the open reader of a node's base, shared by its handles.
type baseReader struct {
	object Object
	r      Reader
	mu     sync.Mutex
	refs   int // one is the node's own
}

func (b *baseReader) release() {
	b.mu.Lock()
	b.refs--
	last := b.refs == 0
	b.mu.Unlock()
	if last {
		b.r.Close()
	}
}

func (n *Node) openReader(ctx context.Context, o Object) (*baseReader, error) {
	st := n.file
	st.readers.Lock()
	defer st.readers.Unlock()
	if b := st.reader; b != nil {
		if b.object == o {
			b.mu.Lock()
			b.refs++
			b.mu.Unlock()
			return b, nil
		}
		st.reader = nil
		b.release()
	}
	r, err := n.fs.opt.Lower.Open(ctx, o)
	if err != nil {
		return nil, err
	}
	st.reader = &baseReader{object: o, r: r, refs: 2}
	return st.reader, nil
}

func (n *Node) closeReader() {
	st := n.file
	st.readers.Lock()
	defer st.readers.Unlock()
	if st.reader != nil {
		st.reader.release()
		st.reader = nil
	}
}
