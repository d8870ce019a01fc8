package upper

import (
	"os"
	"syscall"
	"time"

	"github.com/artifacts-tui/artifacts-tui/internal/hostos"
)

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

// change notes that c holds [off, end) and that it was changed.
func (c *content) change(off, end int64) {
	c.ext = c.ext.add(off, end)
	c.all.add(off, end)
	c.fresh.add(off, end)
}

// emptyContent is that of a file that begins anew.
func emptyContent() *content {
	return &content{all: changes{whole: true}, fresh: changes{whole: true}}
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
	c.change(min(off, c.size), end) // a gap before off reads as zeros
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
	if n.timed {
		// The time that was set on purpose is over. Should the journal refuse, an older
		// time shows after a remount.
		n.timed = false
		_ = n.fs.commit(n.fs.changeDir(n, n.attrs))
	}
}

// truncate sets the size. The caller holds io.
func (f *FS) truncate(n *Node, size int64) error {
	f.mu.Lock()
	st := n.state()
	old := n.size()
	if size == 0 {
		// Nothing of the old file is needed, so that no new one is until a write.
		f.uncount(n)
		n.soil()
		st.bad = nil
		f.setContent(n, emptyContent())
		n.touch()
		f.lean(n)
		f.mu.Unlock()
		return nil
	}
	f.mu.Unlock()
	if size == old {
		return nil // and POSIX leaves the time as it is too
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
		c.all.ext, c.fresh.ext = c.all.ext.clip(size), c.fresh.ext.clip(size)
	} else {
		c.change(c.size, size)
	}
	c.size = size
	if b := st.bad; b != nil && size <= b.off {
		st.bad = nil
	}
	n.touch()
	f.lean(n)
	return nil
}

// Modes of Handle.Allocate, as fallocate(2) and FUSE have them.
const (
	KeepSize  = 0x01
	PunchHole = 0x02
	ZeroRange = 0x10
)

// allocate is fallocate(2): mode 0 and KEEP_SIZE reserve, PUNCH_HOLE and ZERO_RANGE
// write zeros. The caller holds io.
func (f *FS) allocate(n *Node, off, size int64, mode uint32) error {
	const known = KeepSize | PunchHole | ZeroRange
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
	keep := mode&KeepSize != 0
	zero := mode&(PunchHole|ZeroRange) != 0
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
		if err := hostos.Reserve(file, old, end-old); err != nil {
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
		c.change(off, end)
	}
	if end > old {
		c.change(old, end)
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
