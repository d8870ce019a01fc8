//go:build linux

package fusefs

import (
	"context"
	"errors"
	"io"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/artifacts-tui/artifacts-tui/mounts/upper"
)

// file is one open file.
type file struct {
	tree *tree
	up   *upper.Handle
}

var (
	_ fs.FileReader    = (*file)(nil)
	_ fs.FileWriter    = (*file)(nil)
	_ fs.FileFlusher   = (*file)(nil)
	_ fs.FileFsyncer   = (*file)(nil)
	_ fs.FileReleaser  = (*file)(nil)
	_ fs.FileAllocater = (*file)(nil)
)

// Create implements fs.NodeCreater.
func (n *node) Create(ctx context.Context, name string, flags, mode uint32, out *fuse.EntryOut) (*fs.Inode, fs.FileHandle, uint32, syscall.Errno) {
	child, h, err := n.tree.up.Create(unhurried(ctx), n.up, name, mode&0o7777, int(flags))
	if err != nil {
		return nil, nil, 0, n.tree.errno("create", n.up, err)
	}
	inode := n.child(ctx, child, out)
	if created, ok := inode.Operations().(*node); ok {
		created.seen.Store(child.Generation() + 1) // what is written now stays cached
	}
	return inode, &file{tree: n.tree, up: h}, 0, 0
}

// Open implements fs.NodeOpener. The kernel keeps its cached pages where the content is
// still that of the last open, changes through this mount aside.
func (n *node) Open(ctx context.Context, flags uint32) (fs.FileHandle, uint32, syscall.Errno) {
	h, err := n.tree.up.Open(unhurried(ctx), n.up, int(flags))
	if err != nil {
		return nil, 0, n.tree.errno("open", n.up, err)
	}
	if flags&syscall.O_TRUNC != 0 {
		n.tree.unprivileged(ctx, n.up)
	}
	var answer uint32
	generation := n.up.Generation()
	if n.seen.Swap(generation+1) == generation+1 && h.Cached(generation) {
		answer = fuse.FOPEN_KEEP_CACHE
	}
	return &file{tree: n.tree, up: h}, answer, 0
}

// Read implements fs.FileReader.
func (f *file) Read(ctx context.Context, dest []byte, off int64) (fuse.ReadResult, syscall.Errno) {
	n, err := f.up.ReadAt(unhurried(ctx), dest, off)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, f.errno("read", err)
	}
	f.tree.read.Add(int64(n))
	return fuse.ReadResultData(dest[:n]), 0
}

// Write implements fs.FileWriter.
func (f *file) Write(ctx context.Context, data []byte, off int64) (uint32, syscall.Errno) {
	f.tree.unprivileged(ctx, f.up.Node())
	f.up.KernelWrites(off)
	n, err := f.up.WriteAt(unhurried(ctx), data, off)
	f.tree.written.Add(int64(n))
	if err != nil && n == 0 {
		return 0, f.errno("write", err)
	}
	return uint32(n), 0
}

// unprivileged clears the set-user-ID bit of a file that somebody other than root changes.
func (t *tree) unprivileged(ctx context.Context, n *upper.Node) {
	if caller, ok := fuse.FromContext(ctx); ok && caller.Uid == 0 {
		return
	}
	if err := t.up.DropSetIDs(n); err != nil {
		t.log.Error("a changed file keeps its set-user-ID bit", "path", n.Name(), "err", err)
	}
}

// Flush implements fs.FileFlusher: it answers close(2). Only the wait for the store ends
// with a signal to the caller; what is closed is recorded by then.
func (f *file) Flush(ctx context.Context) syscall.Errno {
	return f.errno("close", f.up.Flush(ctx))
}

// Fsync implements fs.FileFsyncer.
func (f *file) Fsync(ctx context.Context, _ uint32) syscall.Errno {
	return f.errno("fsync", f.up.Fsync(ctx))
}

// Release implements fs.FileReleaser.
func (f *file) Release(context.Context) syscall.Errno {
	f.up.Release()
	return 0
}

// Allocate implements fs.FileAllocater.
func (f *file) Allocate(_ context.Context, off, size uint64, mode uint32) syscall.Errno {
	return f.errno("fallocate", f.up.Allocate(int64(off), int64(size), mode))
}

func (f *file) errno(op string, err error) syscall.Errno { return f.tree.errno(op, f.up.Node(), err) }
