package lower

import (
	"context"
	"io"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/rclone/rclone/fs"
	"github.com/rclone/rclone/vfs/vfscache"

	"github.com/artifacts-tui/artifacts-tui/mounts/upper"
)

var _ upper.Lower = (*Lower)(nil)

// Source is the store as far as reading goes.
type Source interface {
	// ListDir returns the direct children of dir; a missing dir is an empty list.
	ListDir(ctx context.Context, dir string) ([]upper.Object, error)
	// ReadRange reads n bytes at off of the object that has etag (any, for "");
	// upper.ErrChanged or upper.ErrNoObject where it is gone.
	ReadRange(ctx context.Context, key, etag string, off, n int64) (io.ReadCloser, error)
}

// Options say where the read cache is. Zero values mean the defaults given.
type Options struct {
	Source   Source
	CacheDir string       // the cache root; files go to vfs/<ID> and vfsMeta/<ID> below it
	ID       string       // of the workspace
	MaxSize  int64        // bytes; 10 GiB
	Log      *slog.Logger // nil: discarded
	Streams  int          // ranges that a sequential read fetches at once, at most; 16
	BootID   string       // of the running kernel; default hostos.BootID
}

// Lower is the read side of one mount.
type Lower struct {
	source Source
	log    *slog.Logger
	view   *view
	stamp  stamp
	cancel context.CancelFunc
	hits   counters // reads of programs that needed no store
	misses counters
	widest int // ranges in flight of one sequential read
	ahead  *siblings
	budget atomic.Int64 // bytes that streams hold; see streams.fill

	cacheFiles string // the folder of the cache on disk

	ready chan struct{}   // closed when cache is set
	cache *vfscache.Cache // nil where the disk cannot hold one: reads go straight to the store

	mu     sync.Mutex
	open   map[string]*shared // by item name
	broken brokenStore
}

// shared is one object that readers have open.
type shared struct {
	object *object
	item   *vfscache.Item
	refs   int
}

// New starts the read cache in the background; an unusable cache folder is logged, and
// reads then go to the store each time. rclone's cache folder and logger are settings of
// the process: the last New sets the folder, the first one the logger.
func New(opt Options) (*Lower, error) {
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	if opt.MaxSize <= 0 {
		opt.MaxSize = 10 << 30
	}
	if opt.Streams <= 0 {
		opt.Streams = widest
	}
	ctx, cancel := context.WithCancel(context.Background())
	l := &Lower{
		widest: opt.Streams,
		source: opt.Source,
		log:    opt.Log,
		cancel: cancel,
		ready:  make(chan struct{}),
		open:   map[string]*shared{},
		stamp:  newStamp(opt),
	}
	l.ahead = newSiblings(ctx, l)
	l.cacheFiles = filepath.Join(opt.CacheDir, "vfs", opt.ID)
	ctx = configure(ctx, opt)
	l.view = newView(ctx, opt.ID)
	go func() {
		defer close(l.ready)
		cache, err := openCache(ctx, l.view, opt, l.stamp)
		if err != nil {
			l.log.Warn("no read cache; reading from the store each time", "err", err)
			return
		}
		l.cache = cache
	}()
	return l, nil
}

// Close stops the cache. Readers must be closed before.
func (l *Lower) Close() error {
	<-l.ready
	l.cancel()
	l.ahead.wg.Wait()
	if l.cache == nil {
		return nil
	}
	return l.stamp.clean()
}

// List implements upper.Lower: it always asks the store.
func (l *Lower) List(ctx context.Context, dir string) ([]upper.Object, error) {
	objects, err := l.source.ListDir(ctx, dir)
	if err == nil {
		l.ahead.listed(dir, objects)
	}
	return objects, err
}

// Forget implements upper.Lower. There is nothing to drop: listings are kept to
// guess from alone, and cached bytes belong to one ETag, so that those of a changed object are never asked for
// again and leave by age.
func (l *Lower) Forget(string) {}

// CacheBytes is what the read cache holds on disk, up to a minute old.
func (l *Lower) CacheBytes() int64 {
	select {
	case <-l.ready:
	default:
		return 0
	}
	if l.cache == nil {
		return 0
	}
	used, _ := l.cache.Stats()["bytesUsed"].(int64)
	return used
}

// Reads counts those of programs, and their bytes, that the cache could answer (hits) or
// the store had to (misses). What was fetched ahead in time is a hit.
type Reads struct {
	Hits      int64 `json:"hits"`
	Misses    int64 `json:"misses"`
	HitBytes  int64 `json:"hit_bytes"`
	MissBytes int64 `json:"miss_bytes"`
}

// Reads is since the start.
func (l *Lower) Reads() Reads {
	return Reads{
		Hits: l.hits.reads.Load(), HitBytes: l.hits.bytes.Load(),
		Misses: l.misses.reads.Load(), MissBytes: l.misses.bytes.Load(),
	}
}

type counters struct{ reads, bytes atomic.Int64 }

func (c *counters) add(n int) {
	c.reads.Add(1)
	c.bytes.Add(int64(n))
}

// Open implements upper.Lower. It sends nothing: the first read does.
func (l *Lower) Open(ctx context.Context, o upper.Object) (upper.Reader, error) {
	select {
	case <-l.ready:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if l.cache == nil || o.Size == 0 {
		return &reader{l: l, object: newObject(l, o)}, nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	name := itemName(o)
	s := l.open[name]
	if s == nil {
		s = &shared{object: newObject(l, o), item: l.cache.Item(name)}
		if err := s.item.Open(s.object); err != nil {
			l.log.Warn("the read cache cannot hold a file; reading from the store", "key", o.Key, "err", err)
			return &reader{l: l, object: s.object}, nil
		}
		l.open[name] = s
	}
	s.refs++
	return &reader{l: l, object: s.object, shared: s}, nil
}

// release closes the item with its last reader.
func (l *Lower) release(s *shared) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s.refs--; s.refs > 0 {
		return
	}
	delete(l.open, itemName(s.object.o))
	if err := s.item.Close(nil); err != nil {
		l.log.Debug("closing a cached file", "key", s.object.o.Key, "err", err)
	}
}

// stale is what reading a replaced object answers.
const stale = syscall.ESTALE

var _ fs.Object = (*object)(nil)
