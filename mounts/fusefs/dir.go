//go:build linux

package fusefs

import (
	"context"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/artifacts-tui/artifacts-tui/mounts/upper"
)

// dirHandle is an open directory: a snapshot of its children, so that READDIRPLUS needs
// no look-up an entry.
type dirHandle struct {
	dir     *node
	entries []*upper.Node
	next    int
	begun   bool // it was read from
}

var (
	_ fs.FileReaddirenter = (*dirHandle)(nil)
	_ fs.FileLookuper     = (*dirHandle)(nil)
	_ fs.FileSeekdirer    = (*dirHandle)(nil)
	_ fs.FileFsyncdirer   = (*dirHandle)(nil)
)

// OpendirHandle implements fs.NodeOpendirHandler.
func (n *node) OpendirHandle(ctx context.Context, _ uint32) (fs.FileHandle, uint32, syscall.Errno) {
	entries, err := n.tree.up.ReadDir(unhurried(ctx), n.up)
	if err != nil {
		return nil, 0, n.tree.errno("readdir", n.up, err)
	}
	return &dirHandle{dir: n, entries: entries}, 0, 0
}

// Readdirent implements fs.FileReaddirenter. Offsets are 1-based positions.
func (d *dirHandle) Readdirent(ctx context.Context) (*fuse.DirEntry, syscall.Errno) {
	if len(d.entries) == 0 && d.begun { // a rewind of an empty directory is no seek
		if err := d.Seekdir(ctx, 0); err != 0 {
			return nil, err
		}
	}
	d.begun = true
	for d.next < len(d.entries) && !d.entries[d.next].In(d.dir.up) {
		d.next++
	}
	if d.next >= len(d.entries) {
		return nil, 0
	}
	n := d.entries[d.next]
	d.next++
	return &fuse.DirEntry{Name: n.Name(), Ino: n.Ino(), Mode: kindMode(n.Kind()), Off: uint64(d.next)}, 0
}

// Lookup implements fs.FileLookuper: name is that of the last entry. An entry that was
// renamed since is looked up by its name.
func (d *dirHandle) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	if d.next > 0 {
		if n := d.entries[d.next-1]; n.Name() == name && n.In(d.dir.up) {
			return d.dir.child(ctx, n, out), 0
		}
	}
	return d.dir.Lookup(ctx, name, out)
}

// Seekdir implements fs.FileSeekdirer. A rewind reads the directory anew, as rewinddir(3) asks.
func (d *dirHandle) Seekdir(ctx context.Context, off uint64) syscall.Errno {
	if off == 0 {
		entries, err := d.dir.tree.up.ReadDir(unhurried(ctx), d.dir.up)
		if err != nil {
			return d.dir.tree.errno("readdir", d.dir.up, err)
		}
		d.entries = entries
	}
	d.next = int(min(off, uint64(len(d.entries))))
	return 0
}

// Fsyncdir implements fs.FileFsyncdirer: names are durable once the journal is.
func (d *dirHandle) Fsyncdir(ctx context.Context, _ uint32) syscall.Errno {
	return d.dir.tree.errno("fsync", d.dir.up, d.dir.tree.up.Sync(unhurried(ctx)))
}
