package upper

import (
	"context"
	"slices"
	"syscall"
)

// NoReplace is the flag of Rename, as renameat2(2) and FUSE have it, that leaves what is
// there.
const NoReplace = 1

// Rename moves an entry, over another where newDir has newName already. The new name
// shows the content at once; the store follows.
func (f *FS) Rename(ctx context.Context, dir *Node, name string, newDir *Node, newName string, flags uint32) error {
	if flags&^NoReplace != 0 {
		return syscall.EINVAL
	}
	if err := f.prepareNew(ctx, dir, name); err != nil {
		return err
	}
	if err := f.prepareNew(ctx, newDir, newName); err != nil {
		return err
	}
	for {
		f.mu.Lock()
		n, t := dir.dir.children[name], newDir.dir.children[newName]
		err := f.checkRename(n, t, newDir, newName, flags)
		if err == nil && t != n && t != nil && t.kind == Dir && !t.dir.loaded {
			f.mu.Unlock()
			if err := f.load(ctx, t, false); err != nil {
				return err
			}
			continue
		}
		if err == nil && t != n {
			if n.kind == Dir {
				err = f.renameDir(n, t, newDir, newName)
			} else {
				err = f.renameFile(n, t, newDir, newName)
			}
		}
		f.mu.Unlock()
		return err
	}
}

func (f *FS) checkRename(n, t, newDir *Node, newName string, flags uint32) error {
	switch {
	case n == nil:
		return syscall.ENOENT
	case t != nil && flags&NoReplace != 0:
		return syscall.EEXIST
	case t == n:
		return nil
	}
	if n.kind == Dir {
		for m := newDir; m != nil; m = m.parent {
			if m == n {
				return syscall.EINVAL
			}
		}
	}
	switch {
	case t == nil:
	case n.kind == Dir && t.kind != Dir:
		return syscall.ENOTDIR
	case n.kind != Dir && t.kind == Dir:
		return syscall.EISDIR
	case t.kind == Dir && len(t.dir.children) > 0:
		return syscall.ENOTEMPTY
	}
	return f.placeable(newDir, newName)
}

// renameFile moves a file or symlink. FS.mu is held.
func (f *FS) renameFile(n, t, newDir *Node, newName string) error {
	dir := n.parent
	f.locate(n)
	oldKey, newKey := n.key(), keyOf(joinPath(newDir.path(), newName), n.kind)
	existed := f.mayExist(n)
	wasGhost := n.ghost
	n.ghost = false
	c := &change{}
	ghost := false // an object that is not n's may be at newKey until n's is
	if t != nil && t.key() == newKey {
		ghost = f.mayExist(t) || t.file != nil && t.file.put != nil
	}
	var first *op // what brings n to newKey
	switch {
	case n.file != nil && n.file.put != nil:
		c.supersede(n.file.put)
		if t != nil && t.file != nil {
			c.supersede(t.file.put)
		}
		f.supersedeOn(c, n, newKey)
		ghost = ghost || n.ghost
		first = c.put(n, newKey, n.file.put.ver, append([]*op{n.file.put}, c.drop...)...)
		if t != nil && t.base != nil && t.base.Key == newKey {
			first.over = t.base.ETag
		}
		if existed {
			c.follow(c.queue(opDelete, oldKey), first)
		}
	case n.base != nil:
		if t != nil && t.file != nil {
			c.supersede(t.file.put)
		}
		first = &op{kind: opMove, key: oldKey, dst: newKey, node: n, base: n.base}
		c.add = append(c.add, first)
	default:
		// n was never closed: until it is, what t holds stays in the store, or on its way
		// there, so that a crash does not leave nothing.
		if existed {
			c.queue(opDelete, oldKey)
		}
	}
	if t != nil {
		if t.key() != newKey {
			d := c.queue(opDelete, t.key())
			if t.file != nil {
				c.supersede(t.file.put)
			}
			if first != nil {
				c.follow(d, first)
			}
		}
		c.forget(t)
	}
	if dir != newDir {
		f.keepDir(c, dir, n)
	}
	c.notes = f.unnote(n) // what its new name's sheet says comes with the object
	if t != nil && t.key() != newKey {
		c.notes = append(c.notes, f.unnote(t)...)
	}
	if err := f.commit(c); err != nil {
		n.ghost = wasGhost
		return err
	}
	if t != nil {
		f.detach(t)
	}
	delete(dir.dir.children, n.name)
	f.attach(n, newDir, newName)
	n.ghost = ghost
	if t != nil {
		f.settle(t)
	}
	f.settle(n)
	dir.touch()
	newDir.touch()
	return nil
}

// renameDir moves a directory, over an empty one. Its objects follow in one operation.
// Uploads below that have not reached the store are redirected; they come after it.
func (f *FS) renameDir(n, t, newDir *Node, newName string) error {
	dir := n.parent
	oldPath, newPath := n.path(), joinPath(newDir.path(), newName)
	c := &change{}
	if t != nil {
		f.removeDir(c, t) // what its sheet says is about nothing of n's
	}
	tree := &op{kind: opMoveTree, key: oldPath, dst: newPath, node: n}
	c.add = append(c.add, tree)
	var puts []*op
	for _, o := range f.q.ops {
		if o.kind == opPut && below(o.key, oldPath) && o.node.file != nil && o.node.file.put == o && !o.node.gone {
			puts = append(puts, o)
		}
	}
	slices.SortFunc(puts, func(a, b *op) int { return int(a.id) - int(b.id) })
	for _, o := range puts {
		c.supersede(o)
		c.put(o.node, newPath+o.key[len(oldPath):], o.ver, o)
	}
	if dir != newDir {
		f.keepDir(c, dir, n)
	}
	from := f.sources(n)
	c.notes = append(f.unnote(n), f.noteUnder(Dir, newDir, newName, f.entryFor(Dir, "", n.attrs))...)
	if err := f.commit(c); err != nil {
		return err
	}
	n.comesFrom(from, tree)
	n.dir.forgetSheets()
	n.dir.fresh = false
	if t != nil {
		f.detach(t)
	}
	delete(dir.dir.children, n.name)
	f.attach(n, newDir, newName)
	dir.touch()
	newDir.touch()
	return nil
}

// forgetSheets forgets which directories have no sheet, at d and below: a move writes some.
func (d *dirState) forgetSheets() {
	d.sheet = unknown
	for _, c := range d.children {
		if c.dir != nil {
			c.dir.forgetSheets()
		}
	}
}

// comesFrom notes that tree brings the directory n from its last place, and that earlier
// moves first bring some of its objects there.
func (n *Node) comesFrom(from []source, tree *op) {
	from[len(from)-1].op = tree
	n.dir.from, n.dir.since = from, tree.id
	for _, s := range from {
		s.op.carried = append(s.op.carried, n)
	}
}
