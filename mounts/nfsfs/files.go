package nfsfs

import (
	"context"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/go-git/go-billy/v5"

	"github.com/artifacts-tui/artifacts-tui/mounts/upper"
)

// files is an upper.FS by paths, as the library wants it: names, or numbers of nodes, with
// slashes between them.
type files struct{ *handler }

var (
	_ billy.Filesystem = (*files)(nil)
	_ billy.Capable    = (*files)(nil)
	_ billy.Change     = (*files)(nil)
)

// forever is for what upper bounds by itself.
func forever() context.Context { return context.Background() }

// Capabilities implements billy.Capable.
func (f *files) Capabilities() billy.Capability {
	if f.opt.ReadOnly {
		return billy.ReadCapability | billy.SeekCapability
	}
	return billy.DefaultCapabilities &^ billy.LockCapability
}

// Join implements billy.Basic.
func (f *files) Join(parts ...string) string { return strings.Join(parts, "/") }

// node finds what is at path.
func (f *files) node(path string) (*upper.Node, error) {
	n := f.up.Root()
	if path == "" {
		return n, nil
	}
	parts := strings.Split(path, "/")
	for i := len(parts) - 1; i >= 0; i-- {
		text, numbered := strings.CutPrefix(parts[i], byNumber)
		if !numbered {
			continue
		}
		number, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			return nil, syscall.ENOENT
		}
		if n = f.nodes.node(number); n == nil {
			return nil, syscall.ESTALE
		}
		parts = parts[i+1:]
		break
	}
	for _, name := range parts {
		var err error
		if n, err = f.up.Lookup(forever(), n, name); err != nil {
			return nil, err
		}
	}
	return n, nil
}

// place finds the directory of path, and splits off the name in it.
func (f *files) place(path string) (*upper.Node, string, error) {
	dir, name := "", path
	if i := strings.LastIndexByte(path, '/'); i >= 0 {
		dir, name = path[:i], path[i+1:]
	}
	n, err := f.node(dir)
	return n, name, err
}

// display is path for the log, where numbers say nothing to anybody.
func (f *files) display(path string) string {
	if n, err := f.node(path); err == nil {
		return n.Name()
	}
	return path[strings.LastIndexByte(path, '/')+1:]
}

// Stat implements billy.Basic. It does not follow symlinks: clients do that.
func (f *files) Stat(path string) (os.FileInfo, error) { return f.Lstat(path) }

// Lstat implements billy.Symlink.
func (f *files) Lstat(path string) (os.FileInfo, error) {
	n, err := f.node(path)
	if err != nil {
		return nil, f.failed("lookup", path, err)
	}
	return info{n.Name(), f.up.Attr(n)}, nil
}

// ReadDir implements billy.Dir.
func (f *files) ReadDir(path string) ([]os.FileInfo, error) {
	n, err := f.node(path)
	var children []*upper.Node
	if err == nil {
		children, err = f.up.ReadDir(forever(), n)
	}
	if err != nil {
		return nil, f.failed("readdir", path, err)
	}
	list := make([]os.FileInfo, 0, len(children))
	for _, child := range children {
		list = append(list, info{child.Name(), f.up.Attr(child)})
	}
	return list, nil
}

// Create implements billy.Basic. What is there stays as it is: a client that wants it to be
// empty says so in the attributes that it sends along.
func (f *files) Create(path string) (billy.File, error) {
	dir, name, err := f.place(path)
	if err != nil {
		return nil, f.failed("create", path, err)
	}
	how := f.conn.now.create
	flags := os.O_RDWR
	if how.guarded {
		flags |= os.O_EXCL
	}
	n, h, err := f.up.Create(forever(), dir, name, 0o644, flags)
	if err != nil {
		return nil, f.failed("create", path, err)
	}
	err = h.Flush(forever())
	h.Release()
	if err != nil {
		return nil, f.failed("create", path, err)
	}
	f.made.note(how)
	return &file{files: f, node: n, path: path}, nil
}

// Open implements billy.Basic.
func (f *files) Open(path string) (billy.File, error) { return f.OpenFile(path, os.O_RDONLY, 0) }

// OpenFile implements billy.Basic. Nothing is opened before it is used: the library does
// not close a file after an error.
func (f *files) OpenFile(path string, _ int, _ os.FileMode) (billy.File, error) {
	n, err := f.node(path)
	if err != nil {
		return nil, f.failed("open", path, err)
	}
	return &file{files: f, node: n, path: path}, nil
}

// Rename implements billy.Basic.
func (f *files) Rename(from, to string) error {
	dir, name, err := f.place(from)
	if err != nil {
		return f.failed("rename", from, err)
	}
	newDir, newName, err := f.place(to)
	if err != nil {
		return f.failed("rename", to, err)
	}
	replaced, _ := f.up.Lookup(forever(), newDir, newName)
	if err := f.up.Rename(forever(), dir, name, newDir, newName, 0); err != nil {
		return f.failed("rename", from, err)
	}
	f.drop(replaced)
	return nil
}

// Remove implements billy.Basic, for files and directories.
func (f *files) Remove(path string) error {
	dir, name, err := f.place(path)
	if err != nil {
		return f.failed("remove", path, err)
	}
	n, err := f.up.Lookup(forever(), dir, name)
	switch {
	case err != nil:
	case n.Kind() == upper.Dir:
		err = f.up.Rmdir(forever(), dir, name)
	default:
		err = f.up.Unlink(forever(), dir, name)
	}
	return f.failed("remove", path, err)
}

// MkdirAll implements billy.Dir: the folder above is always there.
func (f *files) MkdirAll(path string, mode os.FileMode) error {
	if mode&^os.ModePerm != 0 {
		mode = 0o755 // the library's own default is 755, not 0o755
	}
	dir, name, err := f.place(path)
	if err == nil {
		_, err = f.up.Mkdir(forever(), dir, name, uint32(mode.Perm()))
	}
	return f.failed("mkdir", path, err)
}

// Symlink implements billy.Symlink.
func (f *files) Symlink(target, path string) error {
	dir, name, err := f.place(path)
	if err == nil {
		_, err = f.up.Symlink(forever(), dir, name, target)
	}
	return f.failed("symlink", path, err)
}

// Readlink implements billy.Symlink.
func (f *files) Readlink(path string) (string, error) {
	n, err := f.node(path)
	if err != nil {
		return "", f.failed("readlink", path, err)
	}
	target, err := f.up.Readlink(forever(), n)
	return target, f.failed("readlink", path, err)
}

// change sets attributes.
func (f *files) change(path string, c upper.Change) error {
	n, err := f.node(path)
	if err == nil {
		_, err = f.up.SetAttr(forever(), n, nil, c)
	}
	return f.failed("setattr", path, err)
}

// Chmod implements billy.Change.
func (f *files) Chmod(path string, mode os.FileMode) error {
	m := uint32(mode.Perm())
	return f.change(path, upper.Change{Mode: &m})
}

// Chown implements billy.Change.
func (f *files) Chown(path string, uid, gid int) error { return f.Lchown(path, uid, gid) }

// Lchown implements billy.Change.
func (f *files) Lchown(path string, uid, gid int) error {
	u, g := uint32(uid), uint32(gid)
	return f.change(path, upper.Change{UID: &u, GID: &g})
}

// Chtimes implements billy.Change.
func (f *files) Chtimes(path string, atime, mtime time.Time) error {
	return f.change(path, upper.Change{ATime: &atime, MTime: &mtime})
}

// TempFile implements billy.TempFile, which no request needs.
func (f *files) TempFile(string, string) (billy.File, error) { return nil, billy.ErrNotSupported }

// Chroot implements billy.Chroot, which no request needs.
func (f *files) Chroot(string) (billy.Filesystem, error) { return nil, billy.ErrNotSupported }

// Root implements billy.Chroot.
func (f *files) Root() string { return "/" }

var _ fs.FileInfo = info{}
