//go:build linux

package fusefs

import (
	"context"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/artifacts-tui/artifacts-tui/mounts/upper"
)

// node is one file, directory or symlink the kernel knows.
type node struct {
	fs.Inode
	tree *tree
	up   *upper.Node
	seen atomic.Uint64 // Generation+1 that the kernel's page cache belongs to; 0: none

	tellEntry, tellContent atomic.Bool // the kernel is about to be told

	// Of the table of nodes, guarded by tree.making.
	found   time.Time // by a look-up, last
	leaving bool      // the kernel forgot it
}

var (
	_ fs.NodeGetattrer      = (*node)(nil)
	_ fs.NodeSetattrer      = (*node)(nil)
	_ fs.NodeLookuper       = (*node)(nil)
	_ fs.NodeOpendirHandler = (*node)(nil)
	_ fs.NodeCreater        = (*node)(nil)
	_ fs.NodeOpener         = (*node)(nil)
	_ fs.NodeMkdirer        = (*node)(nil)
	_ fs.NodeMknoder        = (*node)(nil)
	_ fs.NodeLinker         = (*node)(nil)
	_ fs.NodeSymlinker      = (*node)(nil)
	_ fs.NodeReadlinker     = (*node)(nil)
	_ fs.NodeUnlinker       = (*node)(nil)
	_ fs.NodeRmdirer        = (*node)(nil)
	_ fs.NodeRenamer        = (*node)(nil)
	_ fs.NodeStatfser       = (*node)(nil)
	_ fs.NodeOnForgetter    = (*node)(nil)
)

// unhurried drops the cancellation that a signal to the calling program brings: file
// systems do not answer EINTR, and an operation cut in half helps nobody. What waits for
// the store is bounded below.
func unhurried(ctx context.Context) context.Context { return context.WithoutCancel(ctx) }

// settled is how long ago a look-up has surely told the library which node it found.
const settled = time.Second

// OnForget implements fs.NodeOnForgetter. A look-up that found the node in the table just
// before brings it back to life after this: it stays there until that is out of the question.
func (n *node) OnForget() {
	n.tree.making.Lock()
	defer n.tree.making.Unlock()
	if !n.leaving {
		n.leaving = true
		time.AfterFunc(settled, n.leave)
	}
}

// leave takes n out of the table, unless the kernel knows it again.
func (n *node) leave() {
	t := n.tree
	t.making.Lock()
	defer t.making.Unlock()
	if time.Since(n.found) < settled {
		time.AfterFunc(settled, n.leave)
		return
	}
	n.leaving = false
	//nolint:staticcheck // OnForget says that the node was forgotten, not that it still is
	if n.Forgotten() && t.nodes.CompareAndDelete(n.StableAttr().Ino, n) {
		t.known.Add(-1)
	}
}

// Getattr implements fs.NodeGetattrer.
func (n *node) Getattr(_ context.Context, _ fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	fill(&out.Attr, n.tree.up.Attr(n.up))
	return 0
}

// Setattr implements fs.NodeSetattrer.
func (n *node) Setattr(ctx context.Context, f fs.FileHandle, in *fuse.SetAttrIn, out *fuse.AttrOut) syscall.Errno {
	var c upper.Change
	if v, ok := in.GetMode(); ok {
		c.Mode = &v
	}
	if v, ok := in.GetUID(); ok {
		c.UID = &v
	}
	if v, ok := in.GetGID(); ok {
		c.GID = &v
	}
	if v, ok := in.GetMTime(); ok {
		c.MTime = &v
	}
	if v, ok := in.GetATime(); ok {
		c.ATime = &v
	}
	if v, ok := in.GetSize(); ok {
		size := int64(v)
		c.Size = &size
	}
	if _, ok := in.GetMode(); !ok && (c.UID != nil || c.GID != nil || in.Valid&fuse.FATTR_KILL_SUIDGID != 0) {
		if err := n.tree.up.DropSetIDs(n.up); err != nil {
			return n.tree.errno("setattr", n.up, err)
		}
	}
	var h *upper.Handle
	if file, ok := f.(*file); ok {
		h = file.up
	}
	attr, err := n.tree.up.SetAttr(unhurried(ctx), n.up, h, c)
	if err != nil {
		return n.tree.errno("setattr", n.up, err)
	}
	fill(&out.Attr, attr)
	return 0
}

// Lookup implements fs.NodeLookuper.
func (n *node) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	child, err := n.tree.up.Lookup(unhurried(ctx), n.up, name)
	if err != nil {
		return nil, n.tree.errno("lookup", n.up, err)
	}
	return n.child(ctx, child, out), 0
}

// child returns the inode of an upper node, which is the known one where there is one:
// inode numbers are the identity. The library would find that too, but only after this
// returns: a new node each time would be one that the kernel never hears of.
func (n *node) child(ctx context.Context, up *upper.Node, out *fuse.EntryOut) *fs.Inode {
	t := n.tree
	attr := t.up.Attr(up)
	fill(&out.Attr, attr)
	t.making.Lock()
	defer t.making.Unlock()
	if known, ok := t.nodes.Load(attr.Ino); ok {
		known := known.(*node)
		known.found = time.Now()
		return known.EmbeddedInode()
	}
	fresh := &node{tree: t, up: up, found: time.Now()}
	inode := n.NewInode(ctx, fresh, fs.StableAttr{Mode: kindMode(attr.Kind), Ino: attr.Ino})
	t.nodes.Store(attr.Ino, fresh)
	t.known.Add(1)
	return inode
}

// Mkdir implements fs.NodeMkdirer.
func (n *node) Mkdir(ctx context.Context, name string, mode uint32, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	child, err := n.tree.up.Mkdir(unhurried(ctx), n.up, name, mode&0o7777)
	if err != nil {
		return nil, n.tree.errno("mkdir", n.up, err)
	}
	return n.child(ctx, child, out), 0
}

// Mknod implements fs.NodeMknoder for regular files; a bucket holds no devices.
func (n *node) Mknod(ctx context.Context, name string, mode, _ uint32, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	if kind := mode & syscall.S_IFMT; kind != syscall.S_IFREG && kind != 0 {
		return nil, syscall.EPERM
	}
	ctx = unhurried(ctx)
	child, h, err := n.tree.up.Create(ctx, n.up, name, mode&0o7777, syscall.O_WRONLY|syscall.O_EXCL)
	if err != nil {
		return nil, n.tree.errno("mknod", n.up, err)
	}
	err = h.Flush(ctx)
	h.Release()
	if err != nil {
		return nil, n.tree.errno("mknod", n.up, err)
	}
	return n.child(ctx, child, out), 0
}

// Link implements fs.NodeLinker: EPERM is link(2)'s answer of a file system without hard links.
func (n *node) Link(context.Context, fs.InodeEmbedder, string, *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	return nil, syscall.EPERM
}

// Symlink implements fs.NodeSymlinker.
func (n *node) Symlink(ctx context.Context, target, name string, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	child, err := n.tree.up.Symlink(unhurried(ctx), n.up, name, target)
	if err != nil {
		return nil, n.tree.errno("symlink", n.up, err)
	}
	return n.child(ctx, child, out), 0
}

// Readlink implements fs.NodeReadlinker.
func (n *node) Readlink(ctx context.Context) ([]byte, syscall.Errno) {
	target, err := n.tree.up.Readlink(unhurried(ctx), n.up)
	return []byte(target), n.tree.errno("readlink", n.up, err)
}

// Unlink implements fs.NodeUnlinker.
func (n *node) Unlink(ctx context.Context, name string) syscall.Errno {
	return n.tree.errno("unlink", n.up, n.tree.up.Unlink(unhurried(ctx), n.up, name))
}

// Rmdir implements fs.NodeRmdirer.
func (n *node) Rmdir(ctx context.Context, name string) syscall.Errno {
	return n.tree.errno("rmdir", n.up, n.tree.up.Rmdir(unhurried(ctx), n.up, name))
}

// Rename implements fs.NodeRenamer.
func (n *node) Rename(ctx context.Context, name string, newParent fs.InodeEmbedder, newName string, flags uint32) syscall.Errno {
	to, ok := newParent.(*node)
	if !ok {
		return syscall.EXDEV
	}
	return n.tree.errno("rename", n.up, n.tree.up.Rename(unhurried(ctx), n.up, name, to.up, newName, flags))
}

func kindMode(k upper.Kind) uint32 {
	switch k {
	case upper.Dir:
		return syscall.S_IFDIR
	case upper.Symlink:
		return syscall.S_IFLNK
	default:
		return syscall.S_IFREG
	}
}

func fill(out *fuse.Attr, a upper.Attr) {
	out.Ino = a.Ino
	out.Size = uint64(max(a.Size, 0))
	out.Blocks = (out.Size + 511) / 512
	out.Blksize = 128 << 10
	out.Mode = kindMode(a.Kind) | a.Mode&0o7777
	out.Nlink = a.Nlink
	out.Uid, out.Gid = a.UID, a.GID
	out.SetTimes(orNil(a.ATime), orNil(a.MTime), orNil(a.CTime))
}

// orNil leaves a time that is not known at the epoch.
func orNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
