package lower

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"time"

	_ "github.com/rclone/rclone/backend/local" // the cache's own files
	"github.com/rclone/rclone/fs"
	"github.com/rclone/rclone/fs/config"
	"github.com/rclone/rclone/vfs/vfscache"
	"github.com/rclone/rclone/vfs/vfscommon"
	"golang.org/x/sys/unix"
)

// The read streams. With 30 ms to the store and 60 MB/s a request, sixteen streams of
// 4 MiB read above 600 MB/s; the read-ahead must not be less than their product, and the
// product is the memory a file that is read through takes.
const (
	chunk     = 4 << 20
	streams   = 16
	readAhead = 2 * chunk * streams
	keepFor   = 7 * 24 * time.Hour
)

// configure gives rclone its settings in a context, not from its environment, and its
// log to ours: notices and worse, none of which holds a header or a key.
func configure(ctx context.Context, opt Options) context.Context {
	ctx, ci := fs.AddConfig(ctx)
	ci.LogLevel = fs.LogLevelNotice
	ci.Dump = 0
	ci.LowLevelRetries = 2
	ci.BufferSize = chunk
	ci.Transfers, ci.Checkers = 4, 4
	ci.TPSLimit = 0
	fs.SetLogger(opt.Log.Handler())
	return ctx
}

func openCache(ctx context.Context, v *view, opt Options, s stamp) (*vfscache.Cache, error) {
	if err := s.begin(); err != nil {
		return nil, err
	}
	if err := config.SetCacheDir(opt.CacheDir); err != nil {
		return nil, err
	}
	return vfscache.New(ctx, v, &vfscommon.Options{
		ReadOnly:          true,
		CacheMode:         vfscommon.CacheModeFull,
		CacheMaxAge:       fs.Duration(keepFor),
		CacheMaxSize:      fs.SizeSuffix(opt.MaxSize),
		CachePollInterval: fs.Duration(time.Minute),
		ChunkSize:         chunk,
		ChunkSizeLimit:    -1,
		ChunkStreams:      streams,
		ReadAhead:         readAhead,
		ReadWait:          fs.Duration(20 * time.Millisecond),
		WriteBack:         fs.Duration(time.Hour), // nothing is ever written back
		FilePerms:         0o600,
		DirPerms:          0o700,
	}, nil)
}

// stamp is a file that says which boot the cache was last used under. rclone notes which
// ranges of a file are there without fsync; after a power loss the note may be on disk and
// the bytes not, so a cache that was in use then is thrown away.
type stamp struct {
	root, id, boot string
}

const cleanly = "clean"

func newStamp(opt Options) stamp {
	boot := opt.BootID
	if boot == "" {
		raw, _ := os.ReadFile("/proc/sys/kernel/random/boot_id")
		boot = strings.TrimSpace(string(raw))
	}
	return stamp{root: opt.CacheDir, id: opt.ID, boot: boot}
}

func (s stamp) path() string { return filepath.Join(s.root, "vfsMeta", s.id+".boot") }

// begin wipes a cache that is in doubt and marks it as in use.
func (s stamp) begin() error {
	last, err := os.ReadFile(s.path())
	trusted := err == nil && (string(last) == cleanly || string(last) == s.boot)
	if !trusted {
		for _, kind := range []string{"vfs", "vfsMeta"} {
			if err := os.RemoveAll(filepath.Join(s.root, kind, s.id)); err != nil {
				return err
			}
		}
	}
	return s.write(s.boot)
}

// clean marks the cache as safe to use after a reboot, once it is on disk.
func (s stamp) clean() error {
	dir, err := os.Open(s.root)
	if err != nil {
		return err
	}
	defer dir.Close()
	if err := unix.Syncfs(int(dir.Fd())); err != nil {
		return err
	}
	return s.write(cleanly)
}

func (s stamp) write(text string) error {
	if err := os.MkdirAll(filepath.Dir(s.path()), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(s.path(), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.WriteString(text); err != nil {
		return err
	}
	return f.Sync()
}
