package lower

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	_ "github.com/rclone/rclone/backend/local" // the cache's own files
	"github.com/rclone/rclone/fs"
	"github.com/rclone/rclone/fs/config"
	"github.com/rclone/rclone/vfs/vfscache"
	"github.com/rclone/rclone/vfs/vfscommon"

	"github.com/artifacts-tui/artifacts-tui/internal/hostos"
	"github.com/artifacts-tui/artifacts-tui/mounts/lower/rcloneenv"
)

// rclone has been initialised by now, and looked where its configuration would be.
var _ = rcloneenv.Restore()

const keepFor = 7 * 24 * time.Hour

// quiet demotes rclone's records to debug: what fails is told once, where the error ends
// up, and rclone repeats each ten times.
type quiet struct{ slog.Handler }

// Enabled implements slog.Handler.
func (q quiet) Enabled(ctx context.Context, _ slog.Level) bool {
	return q.Handler.Enabled(ctx, slog.LevelDebug)
}

// Handle implements slog.Handler.
func (q quiet) Handle(ctx context.Context, r slog.Record) error {
	r.Level = slog.LevelDebug
	return q.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (q quiet) WithAttrs(attrs []slog.Attr) slog.Handler { return quiet{q.Handler.WithAttrs(attrs)} }

// WithGroup implements slog.Handler.
func (q quiet) WithGroup(name string) slog.Handler { return quiet{q.Handler.WithGroup(name)} }

// configure gives rclone its settings in a context, not from its environment, and its
// log to ours: notices and worse, none of which holds a header or a key.
func configure(ctx context.Context, opt Options) context.Context {
	ctx, ci := fs.AddConfig(ctx)
	ci.LogLevel = fs.LogLevelNotice
	ci.Dump = 0
	ci.LowLevelRetries = 2
	ci.BufferSize = 0 // streams read ahead themselves
	ci.Transfers, ci.Checkers = 4, 4
	ci.TPSLimit = 0
	setLogger.Do(func() { fs.SetLogger(quiet{opt.Log.Handler()}) })
	return ctx
}

// setLogger guards rclone's logger, a variable of the process that rclone reads without a
// lock, also in downloads that outlive the cache they belong to.
var setLogger sync.Once

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
		ChunkSize:         -1, // one reader from where it starts to the end: streams
		ChunkSizeLimit:    -1,
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
		boot, _ = hostos.BootID()
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
	if err := hostos.SyncBelow(s.root); err != nil {
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
