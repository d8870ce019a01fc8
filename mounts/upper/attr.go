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
	err := f.setAttrs(n, c.MTime != nil, func(a *attrs) {
		if c.Mode != nil {
			a.mode = *c.Mode & 0o7777
		}
		if c.UID != nil {
			a.uid = *c.UID
		}
		if c.GID != nil {
			a.gid = *c.GID
		}
		if c.MTime != nil {
			a.mtime = c.MTime.UnixNano()
		}
	})
	if err != nil {
		return Attr{}, err
	}
	if c.ATime != nil {
		n.atime = c.ATime.UnixNano()
	}
	n.ctime = time.Now().UnixNano()
	return f.attr(n), nil
}

// DropSetIDs takes the set-user-ID bit of a file away, and of a program the set-group-ID
// bit too: what was changed is not what somebody vouched for.
func (f *FS) DropSetIDs(n *Node) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	mode := n.mode &^ 0o4000
	if mode&0o010 != 0 {
		mode &^= 0o2000
	}
	if n.kind != File || mode == n.mode {
		return nil
	}
	if err := f.writable(); err != nil {
		return err
	}
	return f.setAttrs(n, false, func(a *attrs) { a.mode = mode })
}

// setAttrs changes what n is besides its bytes, where the journal takes it: an upload or
// a copy that is queued takes it along, else it is noted for the sheet. What was never
// closed has it with the close. timed says that the time was set on purpose. FS.mu is held.
func (f *FS) setAttrs(n *Node, timed bool, set func(*attrs)) error {
	f.locate(n) // what is noted is about the object that stays
	now, closed := n.attrs, n.closedAttrs()
	for _, a := range []*attrs{&now, &closed} {
		set(a)
		a.timed = n.kind == Dir && (a.timed || timed)
	}
	if now.equal(n.attrs) {
		return nil
	}
	var err error
	switch st := n.file; {
	case n.detached():
	case st != nil && st.put != nil:
		va := st.put.ver.attrs
		set(&va)
		if err = f.recordAttr(st.put, va); err == nil {
			st.put.ver.attrs = va
		}
	case st != nil && st.move != nil:
		err = f.recordAttr(st.move, closed)
	case n.kind == Dir:
		err = f.commit(f.changeDir(n, now))
	case n.base != nil:
		err = f.commit(&change{notes: f.note(n, n.base.ETag, closed)})
	}
	if err != nil {
		return err
	}
	n.attrs = now
	if n.file != nil {
		n.file.was = closed
	}
	return nil
}

// changeDir gives the directory n the attributes a: its parent's sheet is to have them, and
// an operation that would tell others after a crash.
func (f *FS) changeDir(n *Node, a attrs) *change {
	c := &change{notes: f.note(n, "", a)}
	if o := n.dir.op; o != nil && !o.ended {
		c.attr = &attrRecord{Op: o.id, attrsRecord: a.record()}
	}
	return c
}

func (f *FS) recordAttr(o *op, a attrs) error {
	if f.closed {
		return syscall.ESHUTDOWN
	}
	return f.record(&record{Attr: &attrRecord{Op: o.id, attrsRecord: a.record()}})
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
		stale := h == nil && n.stale()
		f.mu.Unlock()
		if stale {
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
