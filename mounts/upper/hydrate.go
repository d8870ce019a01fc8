package upper

import (
	"errors"
	"fmt"
	"io"
	"syscall"

	"golang.org/x/sync/errgroup"
)

const (
	fetchChunk    = 8 << 20 // bytes of one ranged request
	fetchParallel = 4
)

func isErr(err, target error) bool { return errors.Is(err, target) }

// vacate makes sure that nothing needs the object at key any more, by fetching what
// leaning nodes but one do not hold, before it is replaced or deleted.
func (f *FS) vacate(key string, but *Node) error {
	for {
		f.mu.Lock()
		n := f.needing(key, but)
		f.mu.Unlock()
		if n == nil {
			return nil
		}
		err := f.hydrate(n)
		if isErr(err, errConflict) {
			f.mu.Lock()
			if n.base != nil && n.base.Key == key {
				n.file.broken = n.base
			}
			f.lean(n)
			still := n.needs(key)
			f.mu.Unlock()
			if !still {
				continue
			}
		}
		if err != nil {
			return err
		}
	}
}

// needing is some node but one that would lose bytes with the object at key, or nil.
func (f *FS) needing(key string, but *Node) *Node {
	for n := range f.leans[key] {
		if n != but && n.needs(key) {
			return n
		}
	}
	return nil
}

// hydrate fetches everything that n needs of its base.
func (f *FS) hydrate(n *Node) error {
	f.mu.Lock()
	put := n.file.put
	f.mu.Unlock()
	if put != nil {
		if err := f.fillVersion(n, put); err != nil {
			return err
		}
	}
	n.file.fill.Lock()
	defer n.file.fill.Unlock()
	for {
		more, err := f.fillContent(n)
		if err != nil || !more {
			return err
		}
	}
}

// fillVersion fetches all that o's version does not hold.
func (f *FS) fillVersion(n *Node, o *op) error { return f.fill(n, o, nil, f.fetch) }

// fill fetches what o's version does not hold of the parts of plan that are sent, or of all
// of it, into its data file. That it is all there is journalled: the base may then go.
// The holes of a frozen file are nobody else's to write.
func (f *FS) fill(n *Node, o *op, plan []Part, fetch func(*Object, extent) ([]byte, error)) error {
	n.file.fill.Lock()
	defer n.file.fill.Unlock()
	v := o.ver
	for {
		f.mu.Lock()
		var missing []extent
		if plan == nil {
			missing = v.ext.missing(0, v.size)
		}
		for _, p := range plan {
			if !p.Copy {
				missing = append(missing, v.ext.missing(p.Off, p.End)...)
			}
		}
		base, data := v.base, v.data
		full := v.full()
		f.mu.Unlock()
		if full || len(missing) == 0 {
			return nil
		}
		if base == nil {
			return fmt.Errorf("%w: its base is not known", errConflict)
		}
		var err error
		if data == nil {
			if data, err = f.st.create(); err != nil {
				return errno(err)
			}
			f.mu.Lock()
			v.data, data.refs = data, v.carriers
			for range v.carriers {
				data.holds = append(data.holds, v)
			}
			f.mu.Unlock()
			f.st.release(data)
		}
		err = f.fillFile(data, base, missing, fetch)
		switch {
		case err == nil && plan == nil:
			return f.filled(n, v, missing)
		case err == nil:
			f.mu.Lock()
			f.hold(n, v, missing)
			f.mu.Unlock()
			return nil
		}
		f.mu.Lock()
		moved := v.base != base
		if isErr(err, errConflict) && !moved {
			n.file.broken = base
			f.lean(n)
		}
		f.mu.Unlock()
		if !moved {
			return err
		}
	}
}

func (f *FS) fillFile(data *dataFile, base *Object, missing []extent, fetch func(*Object, extent) ([]byte, error)) error {
	file, err := f.st.acquire(data)
	if err != nil {
		return errno(err)
	}
	defer f.st.release(data)
	var chunks []extent
	for _, x := range missing {
		for off := x.off; off < x.end; off += fetchChunk {
			chunks = append(chunks, extent{off, min(off+fetchChunk, x.end)})
		}
	}
	var g errgroup.Group
	g.SetLimit(fetchParallel)
	for _, x := range chunks {
		g.Go(func() error {
			buf, err := fetch(base, x)
			if err != nil {
				return err
			}
			_, err = f.st.pwrite(file, buf, x.off)
			return errno(err)
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	if info, err := file.Stat(); err != nil {
		return errno(err)
	} else if end := missing[len(missing)-1].end; info.Size() < end {
		return fmt.Errorf("staged file has %d bytes of %d: %w", info.Size(), end, syscall.EIO)
	}
	return errno(f.st.persist(data))
}

// filled makes a fetched version known to be whole, durably.
func (f *FS) filled(n *Node, v *version, missing []extent) error {
	f.mu.Lock()
	r := &record{Filled: &filledRecord{Seq: v.seq, ID: v.data.id, Size: v.size}}
	if err := f.record(r); err != nil {
		f.mu.Unlock()
		return err
	}
	f.hold(n, v, missing)
	f.mu.Unlock()
	return errno(f.j.sync(r.Seq))
}

// hold notes that v's data file has got ranges. FS.mu is held.
func (f *FS) hold(n *Node, v *version, ranges []extent) {
	ext := v.ext.clone()
	for _, x := range ranges {
		ext = ext.add(x.off, x.end)
	}
	v.ext = ext
	if c := n.file.content; c != nil && c.data == v.data {
		for _, x := range ranges {
			c.ext = c.ext.add(x.off, min(x.end, c.size))
		}
	}
	f.lean(n)
}

// fillContent fetches one piece of what n's content does not hold.
func (f *FS) fillContent(n *Node) (more bool, err error) {
	st := n.file
	if err := f.makeContent(n); err != nil {
		return false, err
	}
	f.mu.Lock()
	c, base := st.content, n.base
	if c == nil || c.full() {
		f.lean(n)
		f.mu.Unlock()
		return false, nil
	}
	x := c.ext.missing(0, c.size)[0]
	f.mu.Unlock()
	if base == nil {
		return false, errConflict
	}
	x.end = min(x.end, x.off+fetchChunk)
	buf, err := f.fetch(base, x)
	if err != nil {
		f.mu.Lock()
		defer f.mu.Unlock()
		return n.base != base, ignoreIf(n.base != base, err)
	}
	st.io.Lock()
	defer st.io.Unlock()
	f.mu.Lock()
	if st.content != c || n.base != base {
		f.mu.Unlock()
		return true, nil
	}
	file, err := f.st.acquire(c.data)
	var holes []extent
	if err == nil {
		holes = c.ext.missing(x.off, min(x.end, c.size))
	}
	f.mu.Unlock()
	if err != nil {
		return false, errno(err)
	}
	defer f.st.release(c.data)
	for _, h := range holes {
		if _, err := f.st.pwrite(file, buf[h.off-x.off:h.end-x.off], h.off); err != nil {
			return false, errno(err)
		}
		f.mu.Lock()
		c.ext = c.ext.add(h.off, h.end)
		f.mu.Unlock()
	}
	return true, nil
}

// makeContent gives a file that is only read, and about to lose its base, a staged copy.
func (f *FS) makeContent(n *Node) error {
	st := n.file
	st.io.Lock()
	defer st.io.Unlock()
	f.mu.Lock()
	needed := st.content == nil && st.handles > 0 && n.base != nil
	f.mu.Unlock()
	if !needed {
		return nil
	}
	data, err := f.st.create()
	if err != nil {
		return errno(err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	data.refs = 1
	f.gone = append(f.gone, data.id) // nothing to recover: nobody wrote it
	f.setContent(n, &content{data: data, size: n.base.Size})
	f.lean(n)
	f.st.release(data)
	return nil
}

func ignoreIf(ignore bool, err error) error {
	if ignore {
		return nil
	}
	return err
}

// fetch reads x of base, all of it, or says errConflict where base is not there any more.
func (f *FS) fetch(base *Object, x extent) ([]byte, error) {
	r, err := f.opt.Remote.ReadRange(f.ctx, base.Key, base.ETag, x.off, x.end-x.off)
	if err == nil {
		defer r.Close()
		buf := make([]byte, x.end-x.off)
		if _, err = io.ReadFull(r, buf); err == nil {
			return buf, nil
		}
	}
	if isErr(err, ErrChanged) || isErr(err, ErrNoObject) {
		return nil, fmt.Errorf("%w (%w)", errConflict, err)
	}
	return nil, err
}
