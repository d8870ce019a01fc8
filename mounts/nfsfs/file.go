package nfsfs

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/go-git/go-billy/v5"
	library "github.com/willscott/go-nfs/file"

	"github.com/artifacts-tui/artifacts-tui/mounts/upper"
)

// file is one request's use of a file.
type file struct {
	files *files
	node  *upper.Node
	path  string
	off   int64
}

var _ billy.File = (*file)(nil)

// Name implements billy.File: the path that it was opened by.
func (f *file) Name() string { return f.path }

// ReadAt implements io.ReaderAt.
func (f *file) ReadAt(p []byte, off int64) (int, error) {
	n, err := f.files.readers.readAt(f.node, p, off)
	f.files.read.Add(int64(n))
	if errors.Is(err, io.EOF) {
		return n, err
	}
	return n, f.files.failed("read", f.path, err)
}

// Read implements io.Reader.
func (f *file) Read(p []byte) (int, error) {
	n, err := f.ReadAt(p, f.off)
	f.off += int64(n)
	return n, err
}

// Write implements io.Writer: it is on disk, and closed, before it is answered, since the
// answer promises just that.
func (f *file) Write(p []byte) (n int, err error) {
	err = f.changed(func(h *upper.Handle) (err error) {
		n, err = h.WriteAt(forever(), p, f.off)
		return err
	})
	f.files.written.Add(int64(n))
	f.off += int64(n)
	if err != nil {
		return 0, f.files.failed("write", f.path, err)
	}
	return n, nil
}

// Truncate implements billy.File.
func (f *file) Truncate(size int64) error {
	err := f.changed(func(h *upper.Handle) error {
		_, err := f.files.up.SetAttr(forever(), f.node, h, upper.Change{Size: &size})
		return err
	})
	return f.files.failed("truncate", f.path, err)
}

// changed opens the file for a change and closes it, durably.
func (f *file) changed(change func(*upper.Handle) error) error {
	h, err := f.files.up.Open(forever(), f.node, os.O_WRONLY)
	if err != nil {
		return err
	}
	defer h.Release()
	if err := change(h); err != nil {
		return err
	}
	return h.Fsync(forever())
}

// Seek implements io.Seeker.
func (f *file) Seek(off int64, whence int) (int64, error) {
	if whence != io.SeekStart {
		return 0, billy.ErrNotSupported
	}
	f.off = off
	return off, nil
}

// Close implements io.Closer: nothing is open between two uses.
func (f *file) Close() error { return nil }

// Lock implements billy.File. The protocol for locks is another one, which is not served.
func (f *file) Lock() error { return billy.ErrNotSupported }

// Unlock implements billy.File.
func (f *file) Unlock() error { return billy.ErrNotSupported }

// info is what stat(2) shows.
type info struct {
	name string
	attr upper.Attr
}

// Name implements fs.FileInfo.
func (i info) Name() string { return i.name }

// Size implements fs.FileInfo.
func (i info) Size() int64 { return i.attr.Size }

// ModTime implements fs.FileInfo.
func (i info) ModTime() time.Time { return i.attr.MTime }

// IsDir implements fs.FileInfo.
func (i info) IsDir() bool { return i.attr.Kind == upper.Dir }

// Mode implements fs.FileInfo. The lower twelve bits are those of stat(2).
func (i info) Mode() fs.FileMode {
	mode := fs.FileMode(i.attr.Mode & 0o7777)
	switch i.attr.Kind {
	case upper.Dir:
		mode |= fs.ModeDir
	case upper.Symlink:
		mode |= fs.ModeSymlink
	}
	return mode
}

// Sys implements fs.FileInfo with what the library looks for.
func (i info) Sys() any {
	return &library.FileInfo{Nlink: i.attr.Nlink, UID: i.attr.UID, GID: i.attr.GID, Fileid: i.attr.Ino}
}
