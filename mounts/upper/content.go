package upper

import (
	"os"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// setContent replaces what is staged of n. FS.mu is held; where bytes are at stake the
// caller holds io too.
func (f *FS) setContent(n *Node, c *content) {
	st := n.state()
	if st.content != nil && (c == nil || c.data != st.content.data) {
		f.unref(st.content.data)
	}
	st.content = c
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
		next.size = c.size
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
	os.Remove(f.st.path(d.id))
}

// noteDirty journals that data is about to hold bytes that no close covers, so that
// after a crash they are known to be in doubt, and whose they are.
func (f *FS) noteDirty(n *Node, data *dataFile) error {
	st := n.state()
	if !n.detached() {
		r := &record{Dirty: &dirtyRecord{ID: data.id, Path: n.path()}}
		if err := f.record(r); err != nil {
			return err
		}
		f.logged[data] = r.Dirty.Path
	}
	st.dirty = true
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

// write puts p at off. The caller holds io.
func (f *FS) write(n *Node, p []byte, off int64) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	file, data, err := f.stage(n, off, off+1<<62)
	if err == nil {
		defer f.st.release(data)
		var k int
		if k, err = f.st.pwrite(file, p, off); err != nil && k > 0 && isFull(err) {
			err = nil // a short write: the rest was not touched, and its writer knows
		}
		if err != nil {
			f.cutTail(n, file)
		}
		if err == nil {
			f.mu.Lock()
			f.wrote(n, off, off+int64(k))
			f.mu.Unlock()
			return k, nil
		}
	}
	f.mu.Lock()
	f.spoil(n, off, off+int64(len(p)), err)
	f.mu.Unlock()
	return 0, errno(err)
}

// cutTail takes away what a failed write may have left after the end of the content: a
// gap that a later write leaves there must read as zeros.
func (f *FS) cutTail(n *Node, file *os.File) {
	f.mu.Lock()
	size := n.size()
	f.mu.Unlock()
	if info, err := file.Stat(); err == nil && info.Size() > size {
		if err := file.Truncate(size); err != nil {
			f.log.Error("cannot cut a staged file after a failed write", "path", file.Name(), "err", err)
		}
	}
}

// wrote accounts for bytes that arrived in the staged file.
func (f *FS) wrote(n *Node, off, end int64) {
	st := n.file
	c := st.content
	c.ext = c.ext.add(min(off, c.size), end) // a gap before off reads as zeros
	c.size = max(c.size, end)
	if b := st.bad; b != nil && off <= b.off && end >= b.end {
		st.bad = nil
	}
	n.touch()
	f.lean(n)
}

// spoil remembers that the file is not what its writer meant.
func (f *FS) spoil(n *Node, off, end int64, err error) {
	st := n.state()
	if st.bad != nil {
		off, end = min(off, st.bad.off), max(end, st.bad.end)
	}
	st.bad = &badRange{extent{off, end}, errno(err)}
}

func (n *Node) touch() {
	n.mtime = time.Now().UnixNano()
	n.ctime = n.mtime
}

// truncate sets the size. The caller holds io.
func (f *FS) truncate(n *Node, size int64) error {
	f.mu.Lock()
	st := n.state()
	old := n.size()
	if size == 0 {
		// Nothing of the old file is needed, so that no new one is until a write.
		f.uncount(n)
		st.dirty, st.bad = true, nil
		f.setContent(n, &content{})
		n.touch()
		f.lean(n)
		f.mu.Unlock()
		return nil
	}
	f.mu.Unlock()
	if size == old {
		f.mu.Lock()
		n.touch()
		f.mu.Unlock()
		return nil
	}
	file, data, err := f.stage(n, min(size, old), size)
	if err != nil {
		return err
	}
	defer f.st.release(data)
	if err := file.Truncate(size); err != nil {
		return errno(err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	c := n.file.content
	if size < c.size {
		c.ext = c.ext.clip(size)
	} else {
		c.ext = c.ext.add(c.size, size)
	}
	c.size = size
	if b := st.bad; b != nil && size <= b.off {
		st.bad = nil
	}
	n.touch()
	f.lean(n)
	return nil
}

// allocate is fallocate(2): mode 0 and KEEP_SIZE reserve, PUNCH_HOLE and ZERO_RANGE
// write zeros. The caller holds io.
func (f *FS) allocate(n *Node, off, size int64, mode uint32) error {
	const known = unix.FALLOC_FL_KEEP_SIZE | unix.FALLOC_FL_PUNCH_HOLE | unix.FALLOC_FL_ZERO_RANGE
	if off < 0 || size <= 0 {
		return syscall.EINVAL
	}
	if mode&^known != 0 {
		return syscall.EOPNOTSUPP
	}
	f.mu.Lock()
	old := n.size()
	f.mu.Unlock()
	end := off + size
	keep := mode&unix.FALLOC_FL_KEEP_SIZE != 0
	zero := mode&(unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_ZERO_RANGE) != 0
	if keep && (!zero || off >= old) {
		return nil // nothing that a reader could see
	}
	if keep {
		end = min(end, old)
	}
	if !zero && end <= old {
		return nil
	}
	cutoff := min(off, old)
	if !zero {
		cutoff = old
	}
	file, data, err := f.stage(n, cutoff, 1<<62)
	if err != nil {
		return err
	}
	defer f.st.release(data)
	if end > old {
		if err := unix.Fallocate(int(file.Fd()), 0, old, end-old); err != nil && !slices.Contains([]error{unix.EOPNOTSUPP, unix.ENOSYS}, err) {
			f.cutTail(n, file)
			return err
		}
		if err := file.Truncate(end); err != nil {
			f.cutTail(n, file)
			return errno(err)
		}
	}
	if lo, hi := off, min(end, old); zero && lo < hi {
		if err := f.zero(file, lo, hi); err != nil {
			f.mu.Lock()
			f.spoil(n, lo, hi, err)
			f.mu.Unlock()
			return errno(err)
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	c := n.file.content
	if zero {
		c.ext = c.ext.add(off, end)
	}
	if end > old {
		c.ext = c.ext.add(old, end)
	}
	c.size = max(c.size, end)
	n.touch()
	f.lean(n)
	return nil
}

func (f *FS) zero(file *os.File, lo, hi int64) error {
	zeros := make([]byte, min(hi-lo, 1<<20))
	for lo < hi {
		k, err := f.st.pwrite(file, zeros[:min(int64(len(zeros)), hi-lo)], lo)
		if err != nil {
			return err
		}
		lo += int64(k)
	}
	return nil
}
