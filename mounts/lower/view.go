package lower

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/rclone/rclone/fs"
	"github.com/rclone/rclone/fs/hash"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/mounts/upper"
)

var errReadOnly = errors.New("the lower layer is read-only")

// view is the store as rclone's cache sees it: a file system without listings, whose
// objects are handed to the cache one by one. Every change is refused.
type view struct {
	id       string
	features *fs.Features
}

var _ fs.Fs = (*view)(nil)

func newView(ctx context.Context, id string) *view {
	v := &view{id: id}
	v.features = (&fs.Features{}).Fill(ctx, v)
	return v
}

// Name is the folder below the cache root; Root is empty.
func (v *view) Name() string             { return v.id }
func (v *view) Root() string             { return "" }
func (v *view) String() string           { return "workspace " + v.id }
func (v *view) Precision() time.Duration { return fs.ModTimeNotSupported }
func (v *view) Hashes() hash.Set         { return hash.Set(hash.None) }
func (v *view) Features() *fs.Features   { return v.features }

func (v *view) List(context.Context, string) (fs.DirEntries, error) { return nil, fs.ErrorDirNotFound }

func (v *view) NewObject(context.Context, string) (fs.Object, error) {
	return nil, fs.ErrorObjectNotFound
}

func (v *view) Put(context.Context, io.Reader, fs.ObjectInfo, ...fs.OpenOption) (fs.Object, error) {
	return nil, errReadOnly
}
func (v *view) Mkdir(context.Context, string) error { return errReadOnly }
func (v *view) Rmdir(context.Context, string) error { return errReadOnly }

// object is one version of one key. Its bytes never change: a read of a replaced object fails.
type object struct {
	l     *Lower
	o     upper.Object
	gone  atomic.Bool           // replaced or deleted in the store
	cause atomic.Pointer[error] // of the last failed read; rclone's wrapping loses it
}

func newObject(l *Lower, o upper.Object) *object { return &object{l: l, o: o} }

// itemName is where the cache keeps an object. Everything that tells two versions apart
// is in it, so that a file in the cache is never another version's.
func itemName(o upper.Object) string {
	h := sha256.New()
	fmt.Fprintf(h, "%q %q %d", o.Key, o.ETag, o.Size)
	if o.ETag == "" {
		fmt.Fprintf(h, " %d", o.ModTime.UnixNano())
	}
	sum := hex.EncodeToString(h.Sum(nil)[:20])
	return sum[:2] + "/" + sum[2:]
}

func (o *object) Fs() fs.Info                       { return o.l.view }
func (o *object) String() string                    { return o.o.Key }
func (o *object) Remote() string                    { return itemName(o.o) }
func (o *object) ModTime(context.Context) time.Time { return o.o.ModTime }
func (o *object) Size() int64                       { return o.o.Size }
func (o *object) Storable() bool                    { return true }

func (o *object) Hash(context.Context, hash.Type) (string, error) { return "", hash.ErrUnsupported }
func (o *object) SetModTime(context.Context, time.Time) error     { return errReadOnly }
func (o *object) Remove(context.Context) error                    { return errReadOnly }
func (o *object) Update(context.Context, io.Reader, fs.ObjectInfo, ...fs.OpenOption) error {
	return errReadOnly
}

// Open implements fs.Object.
func (o *object) Open(ctx context.Context, options ...fs.OpenOption) (io.ReadCloser, error) {
	fs.FixRangeOption(options, o.o.Size)
	var off, n int64 = 0, o.o.Size
	for _, option := range options {
		switch option := option.(type) {
		case *fs.RangeOption:
			start, length := option.Decode(o.o.Size)
			off, n = start, length
			if n < 0 {
				n = o.o.Size - off
			}
		case *fs.SeekOption:
			off, n = option.Offset, o.o.Size-option.Offset
		}
	}
	return newStreams(ctx, o, off, n), nil
}

// request is fetch for a reader, who may find the range fetched ahead.
func (o *object) request(ctx context.Context, off, n int64) (io.ReadCloser, error) {
	if !o.gone.Load() {
		if body := o.l.ahead.take(ctx, o.o, off, n); body != nil {
			return body, nil
		}
	}
	return o.fetch(ctx, off, n)
}

// fetch asks the store for a range of this very version.
func (o *object) fetch(ctx context.Context, off, n int64) (io.ReadCloser, error) {
	if o.gone.Load() {
		return nil, stale
	}
	if err := o.l.broken.check(); err != nil {
		return nil, err
	}
	body, err := o.l.source.ReadRange(ctx, o.o.Key, o.o.ETag, off, n)
	if errors.Is(err, upper.ErrChanged) || errors.Is(err, upper.ErrNoObject) {
		o.gone.Store(true)
		return nil, stale
	}
	if ctx.Err() == nil {
		o.l.broken.note(err)
	}
	return body, err
}

// blame turns an error of the cache into the store's own reason, where there is one.
func (o *object) blame(err error) error {
	if o.gone.Load() {
		return stale
	}
	if cause := o.cause.Swap(nil); cause != nil {
		return *cause
	}
	return fault.Wrap(fault.Failure, err, "", "read %s", o.o.Key)
}
