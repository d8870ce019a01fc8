package upper

import (
	"context"
	"errors"
	"io"
	"syscall"
	"time"
)

// mayExist reports whether the store may show an object under n's key now, or will
// before anything queued from here on.
func (f *FS) mayExist(n *Node) bool {
	// base may be known under an older key: a move brings it here, or has brought it.
	if n.ghost || n.base != nil {
		return true
	}
	key := n.key()
	if ks := f.q.at(key); ks != nil {
		for _, o := range ks.ops {
			if o.kind == opPut && (o.attempted || o.running || o.node != n) || o.kind == opMove && o.dst == key {
				return true
			}
		}
	}
	return false
}

// Mkdir makes a directory, and its marker in the store.
func (f *FS) Mkdir(ctx context.Context, dir *Node, name string, mode uint32) (*Node, error) {
	if err := f.prepareNew(ctx, dir, name); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.vacant(dir, name); err != nil {
		return nil, err
	}
	path := joinPath(dir.path(), name)
	c := &change{}
	// A removal that waits is not called off: it takes away what the former directory's
	// sheet says.
	fresh := f.q.last(path+"/") == nil
	o := c.queue(opPutMarker, path+"/")
	o.made, o.fresh = true, true
	n := f.newNode(dir, name, Dir)
	n.mode = mode & 0o7777
	n.inherit(dir)
	o.node = n
	c.notes = f.noteUnder(Dir, dir, name, f.entryFor(Dir, "", n.attrs))
	if err := f.commit(c); err != nil {
		return nil, err
	}
	// Whatever the store shows below is about to go: nothing need be listed.
	n.dir.loaded, n.dir.loadedAt, n.dir.fresh, n.dir.since = true, time.Now(), fresh, o.id
	n.dir.sheet = absent // or about to be
	f.attach(n, dir, name)
	dir.touch()
	return n, nil
}

func (f *FS) prepareNew(ctx context.Context, dir *Node, name string) error {
	if err := f.writable(); err != nil {
		return err
	}
	if dir.kind != Dir {
		return syscall.ENOTDIR
	}
	return f.know(ctx, dir, name)
}

func (f *FS) vacant(dir *Node, name string) error {
	if dir.dir.children[name] != nil {
		return syscall.EEXIST
	}
	return f.placeable(dir, name)
}

// Symlink makes a symlink; its target becomes an object of its own.
func (f *FS) Symlink(ctx context.Context, dir *Node, name, target string) (*Node, error) {
	if err := f.prepareNew(ctx, dir, name); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.vacant(dir, name); err != nil {
		return nil, err
	}
	if target == "" {
		return nil, syscall.ENOENT
	}
	n := f.newNode(dir, name, Symlink)
	n.target = target
	n.inherit(dir)
	n.ghost = f.mayExist(n)
	v := &version{link: true, target: target, size: int64(len(target)), attrs: n.attrs}
	if err := f.commitPut(n, v); err != nil {
		return nil, err
	}
	f.attach(n, dir, name)
	dir.touch()
	return n, nil
}

// Readlink returns a symlink's target.
func (f *FS) Readlink(ctx context.Context, n *Node) (string, error) {
	if n.kind != Symlink {
		return "", syscall.EINVAL
	}
	f.mu.Lock()
	target, base := n.target, n.base
	f.mu.Unlock()
	if target != "" {
		return target, nil
	}
	for try := 0; ; try++ {
		if base == nil {
			return "", syscall.EIO
		}
		buf := make([]byte, base.Size)
		r, err := f.opt.Lower.Open(ctx, *base)
		if err == nil {
			var k int
			k, err = r.ReadAt(buf, 0)
			r.Close()
			if k == len(buf) {
				err = nil
			} else if err == nil || errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
		}
		f.mu.Lock()
		n.state()
		if err == nil && n.base == base {
			n.target = string(buf)
		}
		f.mu.Unlock()
		if err == nil {
			return string(buf), nil
		}
		if !isStale(err) || try == 3 || !f.renewBase(ctx, n, base) {
			return "", errno(err)
		}
		f.mu.Lock()
		base = n.base
		f.mu.Unlock()
	}
}

// Unlink removes a file or symlink. Programs that have it open keep it.
func (f *FS) Unlink(ctx context.Context, dir *Node, name string) error {
	if err := f.prepareNew(ctx, dir, name); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	n := dir.dir.children[name]
	switch {
	case n == nil:
		return syscall.ENOENT
	case n.kind == Dir:
		return syscall.EISDIR
	}
	c := &change{}
	f.remove(c, n)
	f.keepDir(c, dir, n)
	c.forget(n)
	c.notes = f.unnote(n)
	if err := f.commit(c); err != nil {
		return err
	}
	f.detach(n)
	f.settle(n)
	dir.touch()
	return nil
}

// remove adds to c what makes the store forget n.
func (f *FS) remove(c *change, n *Node) {
	key := n.key()
	exists := f.mayExist(n)
	if n.file != nil {
		c.supersede(n.file.put)
	}
	if ks := f.q.at(key); ks != nil {
		for i := len(ks.ops) - 1; i >= 0 && ks.ops[i].kind == opPut && f.q.loose(ks.ops[i]); i-- {
			exists = exists || ks.ops[i].attempted
			c.supersede(ks.ops[i])
		}
	}
	if exists {
		c.queue(opDelete, key)
	}
}

// keepDir adds the marker of a directory that leaves no object below it once n is gone:
// other hosts would not see it any more, nor would this one after a crash.
func (f *FS) keepDir(c *change, dir, n *Node) {
	if dir.parent == nil || dir.dir.marker {
		return
	}
	for _, other := range dir.dir.children {
		if other != n && other.lasts() {
			return
		}
	}
	c.queue(opPutMarker, dir.path()+"/").node = dir
}

// lasts reports whether the store has n or will have it: all but files never closed.
func (n *Node) lasts() bool {
	return n.kind == Dir || n.base != nil || n.file != nil && n.file.put != nil
}

// Rmdir removes an empty directory. What counts is what the mount shows: deletions need
// not have reached the store.
func (f *FS) Rmdir(ctx context.Context, dir *Node, name string) error {
	if err := f.prepareNew(ctx, dir, name); err != nil {
		return err
	}
	n, err := f.emptyDir(ctx, dir, name)
	if err != nil {
		return err
	}
	defer f.mu.Unlock()
	c := &change{}
	f.removeDir(c, n)
	f.keepDir(c, dir, n)
	c.notes = f.unnote(n)
	if err := f.commit(c); err != nil {
		return err
	}
	f.detach(n)
	dir.touch()
	return nil
}

// emptyDir returns the directory name of dir with FS.mu held, where it is there and empty.
func (f *FS) emptyDir(ctx context.Context, dir *Node, name string) (*Node, error) {
	for {
		f.mu.Lock()
		n := dir.dir.children[name]
		switch {
		case n == nil:
			f.mu.Unlock()
			return nil, syscall.ENOENT
		case n.kind != Dir:
			f.mu.Unlock()
			return nil, syscall.ENOTDIR
		case len(n.dir.children) > 0:
			f.mu.Unlock()
			return nil, syscall.ENOTEMPTY
		case n.dir.loaded:
			return n, nil
		}
		f.mu.Unlock()
		if err := f.load(ctx, n, false); err != nil {
			return nil, err
		}
	}
}

// removeDir adds to c what makes the store forget the empty directory n.
func (f *FS) removeDir(c *change, n *Node) {
	path := n.path()
	key := path + "/"
	if last := f.q.last(sheetKey(path)); last != nil && last.kind == opSheet && !f.q.carries(last) {
		c.supersede(last) // one that runs gives up before it writes, or is waited for
	}
	needed := true
	if last := f.q.last(key); last != nil && last.kind == opPutMarker && !last.attempted && f.q.loose(last) {
		c.supersede(last)
		// A directory that nobody but this mount ever saw leaves nothing to delete.
		needed = !n.dir.fresh || len(f.q.at(key).ops) > 1 || len(f.q.dirs[path]) > 0
	}
	if needed {
		c.queue(opDeleteMarker, key)
	}
}
