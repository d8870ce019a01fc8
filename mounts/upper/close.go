package upper

import "syscall"

// closeVersion records what n holds as closed and queues its upload. Nothing happens
// where nothing changed, or the file has no name any more. After a failed write it is
// that error, and nothing is recorded.
func (f *FS) closeVersion(n *Node) error {
	err := f.tryClose(n)
	if err != nil && isFull(err) && f.reclaim() {
		err = f.tryClose(n)
	}
	return err
}

func (f *FS) tryClose(n *Node) error {
	n.file.io.Lock()
	defer n.file.io.Unlock()
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.closeLocked(n)
}

// closeLocked is closeVersion with io and FS.mu held.
func (f *FS) closeLocked(n *Node) error {
	st := n.file
	switch {
	case st.bad != nil:
		return st.bad.err
	case n.detached():
		return nil
	case !st.dirty:
		return nil
	case f.closed:
		return syscall.ESHUTDOWN
	}
	c := st.content
	v := &version{
		data: c.data, ext: c.ext.clone(), size: c.size, attrs: n.attrs,
	}
	if n.base != nil && !c.all.whole && !c.all.ext.covers(0, c.size) || !v.full() {
		v.base, v.diff = n.base, c.all.ext.clone()
	}
	if err := f.commitPut(n, v); err != nil {
		return err
	}
	st.noteClose(v.seq, c.fresh)
	c.fresh = changes{}
	st.dirty = false
	delete(f.unrecorded, n)
	return nil
}

// commitPut queues the upload of v as n's newest version. What it supersedes and does
// not run yet is dropped.
func (f *FS) commitPut(n *Node, v *version) error {
	c := &change{}
	key := n.key()
	c.supersede(n.state().put)
	f.supersedeOn(c, n, key)
	c.put(n, key, v, append([]*op{n.file.put}, c.drop...)...)
	return f.commit(c)
}

// supersedeOn drops the uploads and deletions at the end of key's line that do not run:
// the upload of n that comes replaces what they do.
func (f *FS) supersedeOn(c *change, n *Node, key string) {
	ks := f.q.at(key)
	if ks == nil {
		return
	}
	for i := len(ks.ops) - 1; i >= 0; i-- {
		o := ks.ops[i]
		if o.kind != opPut && o.kind != opDelete || !f.q.loose(o) {
			return
		}
		if o.kind == opDelete || o.attempted {
			n.ghost = true
		}
		c.supersede(o)
	}
}

// recordUnrecorded tries again to close files whose close the journal refused. FS.mu is
// held on entry and exit, not meanwhile.
func (f *FS) recordUnrecorded() {
	var nodes []*Node
	for n := range f.unrecorded {
		nodes = append(nodes, n)
	}
	if len(nodes) == 0 {
		return
	}
	f.mu.Unlock()
	for _, n := range nodes {
		if err := f.tryClose(n); err != nil {
			f.log.Error("closing a file failed; kept and tried again", "path", n.Name(), "err", err)
		}
	}
	f.mu.Lock()
	for _, n := range nodes {
		if n.file.bad != nil || n.detached() || !n.file.dirty {
			delete(f.unrecorded, n)
		}
	}
}
