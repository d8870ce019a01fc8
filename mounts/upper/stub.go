package upper

import (
	"context"
	"time"
)

var _ time.Time

// FS is the write path of one mount.
type FS struct{}

// Node is a file, directory or symlink.
type Node struct{}

// Handle is an open file.
type Handle struct{}

func Open(opt Options) (*FS, error)                                             { panic("soon") }
func (f *FS) Root() *Node                                                       { panic("soon") }
func (f *FS) Lookup(ctx context.Context, dir *Node, name string) (*Node, error) { panic("soon") }
func (f *FS) ReadDir(ctx context.Context, dir *Node) ([]*Node, error)           { panic("soon") }
func (f *FS) Attr(n *Node) Attr                                                 { panic("soon") }
func (f *FS) SetAttr(ctx context.Context, n *Node, h *Handle, c Change) (Attr, error) {
	panic("soon")
}

func (f *FS) Create(ctx context.Context, dir *Node, name string, mode uint32, flags int) (*Node, *Handle, error) {
	panic("soon")
}
func (f *FS) Open(ctx context.Context, n *Node, flags int) (*Handle, error) { panic("soon") }
func (f *FS) Mkdir(ctx context.Context, dir *Node, name string, mode uint32) (*Node, error) {
	panic("soon")
}
func (f *FS) Rmdir(ctx context.Context, dir *Node, name string) error  { panic("soon") }
func (f *FS) Unlink(ctx context.Context, dir *Node, name string) error { panic("soon") }
func (f *FS) Rename(ctx context.Context, dir *Node, name string, newDir *Node, newName string, flags uint32) error {
	panic("soon")
}

func (f *FS) Symlink(ctx context.Context, dir *Node, name, target string) (*Node, error) {
	panic("soon")
}

func (f *FS) Readlink(ctx context.Context, n *Node) (string, error) { panic("soon") }

func (h *Handle) Node() *Node { panic("soon") }

func (h *Handle) ReadAt(ctx context.Context, p []byte, off int64) (int, error) { panic("soon") }

func (h *Handle) WriteAt(ctx context.Context, p []byte, off int64) (int, error) { panic("soon") }

func (h *Handle) Flush(ctx context.Context) error { panic("soon") }

func (h *Handle) Fsync(ctx context.Context) error { panic("soon") }

func (h *Handle) Release() { panic("soon") }

func (h *Handle) Allocate(off, size int64, mode uint32) error { panic("soon") }

func (n *Node) Name() string { panic("soon") }

func (n *Node) Kind() Kind { panic("soon") }

func (n *Node) Ino() uint64 { panic("soon") }

func (n *Node) Generation() uint64 { panic("soon") }

func (f *FS) Forget(ctx context.Context, path string) { panic("soon") }

func (f *FS) OnChange(fn func(n *Node, entry bool)) { panic("soon") }

func (f *FS) Stats() Stats { panic("soon") }

func (f *FS) Drain(ctx context.Context) error { panic("soon") }

func (f *FS) Sync(ctx context.Context) error { panic("soon") }

func (f *FS) Close() error { panic("soon") }
