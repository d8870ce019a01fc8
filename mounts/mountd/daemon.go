package mountd

import (
	"context"
	"log/slog"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/artifacts-tui/artifacts-tui/internal/unixsock"
	"github.com/artifacts-tui/artifacts-tui/internal/xdg"
	"github.com/artifacts-tui/artifacts-tui/mounts"
	"github.com/artifacts-tui/artifacts-tui/mounts/lower"
	"github.com/artifacts-tui/artifacts-tui/mounts/profile"
	"github.com/artifacts-tui/artifacts-tui/mounts/remote"
	"github.com/artifacts-tui/artifacts-tui/mounts/upper"
)

// Bounds of starting and ending.
const (
	checkTimeout = 20 * time.Second
	lastAnswers  = time.Second // for requests under way when draining is given up
)

// daemon is one mount being served.
type daemon struct {
	start  mounts.Start
	log    *slog.Logger
	began  time.Time
	keys   *remote.Keys
	remote *remote.Client
	lower  *lower.Lower
	upper  *upper.FS
	shown  layer
	space  *spacious
	news   *news
	socket net.Listener

	renewal *renewal

	unwatch  context.CancelFunc // of the store's health, and of the renewal of credentials
	draining atomic.Bool
	detach   sync.Mutex    // one attempt at a time
	detached chan struct{} // closed when the kernel has let go
	asked    chan time.Duration
	finished chan struct{} // closed when draining has ended; result and left are set then
	result   error
	left     mounts.Drain
}

// open checks everything, then takes the staging folder, then mounts; what fails undoes
// what was done.
func open(ctx context.Context, start mounts.Start, log *slog.Logger) (d *daemon, err error) {
	defer func() {
		if err != nil {
			err = hinted(err, start)
		}
	}()
	start.Spec.Options = profile.Complete(start.Spec.Options)
	if err := checkMountpoint(start); err != nil {
		return nil, err
	}
	if err := checkLayer(); err != nil {
		return nil, err
	}
	d = &daemon{
		start: start, log: log, began: time.Now(), keys: remote.NewKeys(start.Credentials), renewal: newRenewal(start.Spec),
		detached: make(chan struct{}), asked: make(chan time.Duration, 1), finished: make(chan struct{}),
	}
	if err := d.preflight(ctx); err != nil {
		return nil, err
	}
	if err := d.openLayers(); err != nil {
		return nil, err
	}
	if err := d.mount(ctx); err != nil {
		d.closeLayers()
		return nil, err
	}
	return d, nil
}

// preflight proves that the keys list the bucket: without it a mount with wrong keys
// would "succeed" and answer EIO.
func (d *daemon) preflight(ctx context.Context) (err error) {
	if d.remote, err = mounts.NewRemote(d.start.Spec, d.keys); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	return d.remote.Check(ctx)
}

func (d *daemon) openLayers() (err error) {
	spec, roots := d.start.Spec, d.start.Roots
	staging := mounts.StagingDir(roots, spec.ID)
	for _, dir := range []string{staging, roots.Cache} {
		if err := xdg.Ensure(dir, "", nil); err != nil {
			return err
		}
	}
	d.lower, err = lower.New(lower.Options{
		Source: d.remote, CacheDir: roots.Cache, ID: spec.ID, MaxSize: spec.Options.CacheSize,
		Streams: spec.Options.Streams, Log: d.log,
	})
	if err != nil {
		return err
	}
	d.upper, err = upper.Open(upper.Options{
		Dir: staging, Lower: d.lower, Remote: d.remote, ReadOnly: spec.ReadOnly,
		Uploads: spec.Options.Uploads, WriteBack: spec.Options.WriteBack, DirTTL: spec.Options.DirCache,
		StagingMax:   spec.Options.StagingMax,
		NoAttributes: spec.Options.NoAttributes,
		SyncOnClose:  spec.Options.SyncOnClose, StoreTimeout: spec.Options.StoreTimeout,
		UID: uint32(os.Getuid()), GID: uint32(os.Getgid()), Log: d.log,
	})
	if err != nil {
		_ = d.lower.Close()
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	d.unwatch = cancel
	d.space = newSpacious(nil)
	if hasSpace(spec) {
		d.space = newSpacious(d.remote.Space)
		d.space.want() // so that the first df finds an answer
		go d.space.run(ctx)
	}
	go d.renewCredentials(ctx)
	d.news = d.newNews()
	go d.news.follow(ctx)
	go d.remote.Watch(ctx, func() {
		d.lower.StoreAnswers()
		d.upper.StoreAnswers()
		d.news.wake()
	})
	return nil
}

// closeLayers ends everything. Requests that the store does not answer are cut off: what
// they carried is on disk, and the next mount sends it again.
func (d *daemon) closeLayers() {
	d.unwatch()
	defer time.AfterFunc(lastAnswers, d.remote.Abandon).Stop()
	if err := d.upper.Close(); err != nil {
		d.log.Error("closing the staging folder", "err", err)
	}
	if err := d.lower.Close(); err != nil {
		d.log.Warn("closing the read cache", "err", err)
	}
	d.remote.Close()
}

func (d *daemon) mount(ctx context.Context) (err error) {
	spec, roots := d.start.Spec, d.start.Roots
	if err := xdg.Ensure(mounts.RunDir(roots), "", nil); err != nil {
		return err
	}
	if d.socket, err = unixsock.Listen(mounts.SocketPath(roots, spec.ID)); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			d.socket.Close()
		}
	}()
	if err := ctx.Err(); err != nil {
		return err
	}
	if d.shown, err = d.show(); err != nil {
		return err
	}
	go func() {
		d.shown.Wait()
		close(d.detached)
	}()
	if err := seal(); err != nil {
		_ = d.shown.Unmount()
		return err
	}
	if err := mounts.SaveSpec(roots, spec); err != nil {
		d.log.Warn("after a crash this mount will not be listed", "err", err)
	}
	return nil
}
