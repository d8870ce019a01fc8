//go:build linux

package fusefs

import (
	"log/slog"
	"os"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/artifacts-tui/artifacts-tui/mounts/upper"
)

// Type is the file system type in the mount table, without its "fuse." prefix.
const Type = "artifacts"

const (
	timeout       = time.Second // for which the kernel believes names and attributes
	maxBackground = 64          // reads and such that the kernel sends at once
	maxRequest    = 1 << 20     // bytes of one read or write
)

// Options of a mount.
type Options struct {
	Mountpoint string
	Source     string // shown as the device in the mount table
	ReadOnly   bool
	Xattrs     bool // user.* are kept; otherwise the kernel need not ask
	// Space is how many bytes the mount holds and how many still go in, as far as that is
	// known; free is below 0 where nothing bounds it. It must return at once; nil: not known.
	Space func() (used, free int64, known bool)
	Log   *slog.Logger
}

// FS is a mounted upper.FS.
type FS struct {
	*fuse.Server
	tree *tree
}

// tree is what all nodes of a mount share.
type tree struct {
	up    *upper.FS
	log   *slog.Logger
	space func() (used, free int64, known bool)

	read, written atomic.Int64 // bytes, by programs
	nodes         sync.Map     // inode number → *node, of those the kernel knows
	known         atomic.Int64 // their number
	making        sync.Mutex   // of nodes: there is one a number
}

// Mount mounts up and serves it until it is unmounted (Wait). As root it calls mount(2)
// itself, as an ordinary user it goes through fusermount3.
func Mount(up *upper.FS, opt Options) (*FS, error) {
	t := &tree{up: up, log: opt.Log, space: opt.Space}
	options := []string{"default_permissions"}
	if opt.ReadOnly {
		options = append(options, "ro")
	}
	mount := fuse.MountOptions{
		Options:                  options,
		FsName:                   opt.Source,
		Name:                     Type,
		DirectMountStrict:        os.Geteuid() == 0, // where mount(2) refuses root, fusermount3 does too, and says less
		MaxBackground:            maxBackground,
		MaxWrite:                 maxRequest,
		MaxReadAhead:             maxRequest,
		DisableXAttrs:            !opt.Xattrs,
		ExplicitDataCacheControl: true, // Generation says when cached bytes are stale
		// With CAP_ATOMIC_O_TRUNC an overwrite is one version, not an empty one and then another.
		ExtraCapabilities: fuse.CAP_ATOMIC_O_TRUNC | ownPrivileges,
		Logger:            slog.NewLogLogger(opt.Log.Handler(), slog.LevelWarn),
		PanicHandler: func(v any) fuse.Status {
			opt.Log.Error("panic in a file system request", "panic", v, "stack", string(debug.Stack()))
			return fuse.EIO
		},
	}
	if os.Geteuid() == 0 && opt.ReadOnly {
		// mount(2) takes "ro" as a flag only; upper answers EROFS in any case.
		mount.Options = options[:1]
		mount.DirectMountFlags = readOnlyFlags
	}
	root := &node{tree: t, up: up.Root()}
	limit := timeout
	attr := up.Attr(up.Root())
	server, err := fs.Mount(opt.Mountpoint, root, &fs.Options{
		MountOptions:    mount,
		EntryTimeout:    &limit,
		AttrTimeout:     &limit,
		NullPermissions: true,
		RootStableAttr:  &fs.StableAttr{Ino: attr.Ino},
		Logger:          mount.Logger,
	})
	if err != nil {
		return nil, err
	}
	if os.Geteuid() == 0 {
		if err := widen(opt.Mountpoint); err != nil {
			opt.Log.Debug("the kernel's read-ahead stays as it is", "err", err)
		}
	}
	t.nodes.Store(attr.Ino, root)
	up.OnChange(t.changed)
	return &FS{Server: server, tree: t}, nil
}

// Bytes are what programs read and wrote through the mount.
func (f *FS) Bytes() (read, written int64) { return f.tree.read.Load(), f.tree.written.Load() }

// Nodes is how many files and directories the kernel knows.
func (f *FS) Nodes() int { return int(f.tree.known.Load()) }

// changed tells the kernel to forget what it cached. It may be called with locks held
// that a FUSE request waits for, and a notification waits for such requests: hence the goroutine.
// One that has not told yet stands for all that come meanwhile.
func (t *tree) changed(n *upper.Node, entry bool) {
	known, ok := t.nodes.Load(n.Ino())
	if !ok {
		return
	}
	node := known.(*node)
	telling := &node.tellContent
	if entry {
		telling = &node.tellEntry
	}
	if telling.Swap(true) {
		return
	}
	go func() {
		telling.Store(false)
		if !entry {
			_ = node.NotifyContent(0, 0) // the kernel may have forgotten it already
			return
		}
		if name, parent := node.Parent(); parent != nil {
			_ = parent.NotifyEntry(name)
		}
	}()
}
