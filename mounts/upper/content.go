package upper

import (
	"os"
	"syscall"
)

// setContent replaces what is staged of n. FS.mu is held; where bytes are at stake the
// caller holds io too.
func (f *FS) setContent(n *Node, c *content) {
	st := n.state()
	if st.content != nil && (c == nil || c.data != st.content.data) {
		f.unref(st.content.data)
	}
	st.content = c
	if c == nil {
		st.closes = nil
	}
	f.pin(n)
}

// letGo drops the staged copy of a node whose bytes the store has, or nobody needs.
func (f *FS) letGo(n *Node) {
	f.uncount(n)
	f.setContent(n, nil)
}

// cleanCopy is an element of FS.cleanNodes.
type cleanCopy struct {
	node *Node
	size int64
}

func (f *FS) uncount(n *Node) {
	if n.file != nil && n.file.clean != nil {
		f.cleanBytes -= f.cleanNodes.Remove(n.file.clean).(cleanCopy).size
		n.file.clean = nil
	}
}

// settle decides what becomes of n's staged bytes after something about n ended.
func (f *FS) settle(n *Node) {
	st := n.file
	if st == nil {
		return
	}
	if n.detached() && st.handles == 0 {
		f.letGo(n)
		st.dirty, st.bad = false, nil
		delete(f.unrecorded, n)
		f.lean(n)
		return
	}
	f.uncount(n)
	if st.content != nil && !st.dirty && st.put == nil && n.base != nil && !n.gone {
		st.clean = f.cleanNodes.PushBack(cleanCopy{n, st.content.size})
		f.cleanBytes += st.content.size
		f.evict(f.opt.CleanBytes)
	}
	f.lean(n)
}

// evict removes clean copies, least recently used first, until limit holds.
func (f *FS) evict(limit int64) {
	for e := f.cleanNodes.Front(); e != nil && f.cleanBytes > max(limit, 0); {
		next := e.Next()
		if n := e.Value.(cleanCopy).node; n.file.handles == 0 {
			f.letGo(n)
			f.lean(n)
		}
		e = next
	}
}

// stage makes n's staged file ready for a change of the bytes at and after cutoff, and
// returns it in use (release it after) with the size that the content has. Bytes of a
// closed version below cutoff that are not in the store yet, durably, must not change:
// then what is held goes into a new file first. keep bounds what is worth copying.
// The caller holds io.
func (f *FS) stage(n *Node, cutoff, keep int64) (*os.File, *dataFile, error) {
	f.mu.Lock()
	if f.closed {
		f.mu.Unlock()
		return nil, nil, syscall.ESHUTDOWN
	}
	st := n.state()
	c := st.content
	if c != nil && c.data != nil && c.data.frozen() <= cutoff {
		file, err := f.st.acquire(c.data)
		if err == nil && !st.dirty {
			err = f.noteDirty(n, c.data)
			if err != nil {
				f.st.release(c.data)
			}
		}
		f.mu.Unlock()
		return file, c.data, errno(err)
	}
	if c != nil && c.data != nil {
		c.data.refs++ // it may be let go meanwhile
		defer func() {
			f.mu.Lock()
			f.unref(c.data)
			f.mu.Unlock()
		}()
	}
	f.mu.Unlock()

	data, err := f.st.create()
	if err != nil {
		return nil, nil, err
	}
	var held extents
	if c != nil && c.data != nil {
		if held, err = f.copyHeld(data.file, c, keep); err != nil {
			f.discard(data)
			return nil, nil, errno(err)
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.noteDirty(n, data); err != nil {
		f.discard(data)
		return nil, nil, err
	}
	next := &content{data: data, ext: held, size: n.size()}
	if c != nil {
		next.size, next.all, next.fresh = c.size, c.all, c.fresh
	}
	data.refs = 1
	f.setContent(n, next)
	f.lean(n)
	return data.file, data, nil
}

// copyHeld copies what c holds below keep, and returns that. FS.mu is not held, io is.
func (f *FS) copyHeld(dst *os.File, c *content, keep int64) (extents, error) {
	src, err := f.st.acquire(c.data)
	if err != nil {
		return nil, err
	}
	defer f.st.release(c.data)
	f.mu.Lock()
	size := min(keep, c.size)
	held := extents(c.ext.within(0, size))
	f.mu.Unlock()
	if err := copyRanges(dst, src, held); err != nil {
		return nil, err
	}
	return held, dst.Truncate(size)
}

// discard removes a data file that no record names.
func (f *FS) discard(d *dataFile) {
	f.st.release(d)
	f.st.room.gone(d)
	os.Remove(f.st.path(d.id))
}

// noteDirty journals that data is about to hold bytes that no close covers, so that
// after a crash they are known to be in doubt, and whose they are.
func (f *FS) noteDirty(n *Node, data *dataFile) error {
	if !n.detached() {
		r := &record{Dirty: &dirtyRecord{ID: data.id, Path: n.path()}}
		if err := f.record(r); err != nil {
			return err
		}
		f.logged[data] = r.Dirty.Path
	}
	n.soil()
	f.uncount(n)
	return nil
}

// pin keeps the staged file open while programs have the node open. FS.mu is held.
func (f *FS) pin(n *Node) {
	st := n.file
	var data *dataFile
	if st.handles > 0 && st.content != nil {
		data = st.content.data
	}
	if st.pinned == data {
		return
	}
	if data != nil {
		if _, err := f.st.acquire(data); err != nil {
			data = nil // each access opens it then, and says so
		}
	}
	if st.pinned != nil {
		f.st.release(st.pinned)
	}
	st.pinned = data
}
