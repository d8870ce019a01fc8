package upper

import (
	"context"
	"syscall"
	"time"
)

// Attr is what stat(2) shows of n.
func (f *FS) Attr(n *Node) Attr {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.attr(n)
}

func (f *FS) attr(n *Node) Attr {
	a := Attr{
		Ino: n.ino, Kind: n.kind, Size: n.size(), Mode: n.mode, UID: n.uid, GID: n.gid,
		MTime: time.Unix(0, n.mtime), ATime: time.Unix(0, n.atime), CTime: time.Unix(0, n.ctime), Nlink: 1,
	}
	if n.gone {
		a.Nlink = 0
	}
	return a
}

// SetAttr changes attributes, the size included. A truncation without a handle is a
// write and a close. h may be nil.
func (f *FS) SetAttr(_ context.Context, n *Node, h *Handle, c Change) (Attr, error) {
	if err := f.writable(); err != nil {
		return Attr{}, err
	}
	if c.Size != nil {
		if err := f.resize(n, h, *c.Size); err != nil {
			return Attr{}, err
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	mode, uid, gid, mtime := n.mode, n.uid, n.gid, n.mtime
	if c.Mode != nil {
		mode = *c.Mode & 0o7777
	}
	if c.UID != nil {
		uid = *c.UID
	}
	if c.GID != nil {
		gid = *c.GID
	}
	if c.MTime != nil {
		mtime = c.MTime.UnixNano()
	}
	changed := mode != n.mode || uid != n.uid || gid != n.gid || mtime != n.mtime
	if changed && n.file != nil && n.file.put != nil && !n.file.dirty {
		// An upload that waits takes them along; one that runs has sent the old ones.
		o := n.file.put
		if err := f.record(&record{Attr: &attrRecord{Op: o.id, Mode: mode, UID: uid, GID: gid, MTime: mtime}}); err != nil {
			return Attr{}, err
		}
		o.ver.mode, o.ver.uid, o.ver.gid, o.ver.mtime = mode, uid, gid, mtime
	}
	n.mode, n.uid, n.gid, n.mtime = mode, uid, gid, mtime
	if c.ATime != nil {
		n.atime = c.ATime.UnixNano()
	}
	n.ctime = time.Now().UnixNano()
	return f.attr(n), nil
}

func (f *FS) resize(n *Node, h *Handle, size int64) error {
	switch {
	case n.kind == Dir:
		return syscall.EISDIR
	case n.kind != File || size < 0:
		return syscall.EINVAL
	}
	st := f.stateOf(n)
	try := func() error {
		st.io.Lock()
		defer st.io.Unlock()
		f.mu.Lock()
		gone := n.gone && st.handles == 0
		f.mu.Unlock()
		if gone {
			return syscall.ESTALE
		}
		if err := f.truncate(n, size); err != nil || h != nil {
			return err
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		return f.closeLocked(n)
	}
	err := try()
	if err != nil && isFull(err) && f.reclaim() {
		err = try()
	}
	if err != nil && h == nil {
		f.mu.Lock()
		if st.dirty && st.bad == nil && !n.detached() {
			f.unrecorded[n] = struct{}{}
		}
		f.mu.Unlock()
	}
	return err
}
