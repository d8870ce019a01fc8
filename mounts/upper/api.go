package upper

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"time"
)

// Kind is what a Node or an Object is.
type Kind uint8

// The kinds of nodes.
const (
	File Kind = iota
	Dir
	Symlink
)

// Object is one entry of the store as a listing or an answer shows it.
type Object struct {
	Key     string // relative to the workspace root, no leading or trailing slash
	Size    int64  // bytes
	ModTime time.Time
	ETag    string // with its quotes stripped; "" where unknown
	Kind    Kind   // Dir for a prefix or a marker
	Version string // what its uploader named it (PutMeta); only Head tells
}

// Reader reads one object's bytes.
type Reader interface {
	io.ReaderAt
	io.Closer
}

// Lower lists and reads the store. Its methods may block on the network; none is
// called with a lock of this package held.
type Lower interface {
	// List returns the direct children of dir ("" is the root), always from the
	// store; a missing directory is an empty list. A symlink is listed under its
	// name without the suffix, Kind Symlink, Key with the suffix SymlinkSuffix or without.
	List(ctx context.Context, dir string) ([]Object, error)
	// Open returns a reader of o's bytes, lazily; a read fails with ESTALE where
	// the object is no longer the one that o describes.
	Open(ctx context.Context, o Object) (Reader, error)
	// Forget drops what is cached about key and its directory.
	Forget(key string)
}

// SymlinkSuffix ends the key of the object that holds a symlink's target, as
// rclone's --links has it.
const SymlinkSuffix = ".rclonelink"

// PutMeta travels with an upload. Remote also stores ModTime as the user
// metadata "mtime" in rclone's format (seconds with a fraction).
type PutMeta struct {
	ModTime     time.Time
	Mode        uint32 // permission bits
	ContentType string // "" lets Remote guess from the key
	Version     string // kept with the object, and told by Head
	// The object at the key must have this ETag, or there must be none; what is there
	// otherwise stays, and the answer is ErrChanged or ErrNoObject. A store that does not
	// know conditions ignores them.
	IfMatch     string
	IfNoneMatch bool
}

// Remote changes the store. A call that was started may commit even where its
// context is cancelled; the package therefore never cancels one to undo it.
// Errors carry a fault kind (Quota, Auth, Unreachable) or are ErrNoObject, ErrChanged.
type Remote interface {
	// Put stores size bytes of body under key, which ends in "/" for a directory marker.
	Put(ctx context.Context, key string, body io.ReaderAt, size int64, meta PutMeta) (Object, error)
	// Patch stores under key an object that is put together from parts: ranges of base,
	// where that still has its ETag, and of body. The conditions of meta hold too.
	// ErrNoPatch: the store cannot do that.
	Patch(ctx context.Context, key string, base Object, body io.ReaderAt, parts []Part, meta PutMeta) (Object, error)
	// Delete removes key; a missing key is no error.
	Delete(ctx context.Context, key string) error
	// Copy copies on the server, with If-Match where etag is not "".
	// ErrNoObject: src is missing; ErrChanged: its ETag is another.
	Copy(ctx context.Context, src, dst, etag string) (Object, error)
	// Head returns key's object or ErrNoObject.
	Head(ctx context.Context, key string) (Object, error)
	// Walk calls each for every key below prefix (which ends in "/"), markers
	// included: those come with their "/" and Kind Dir.
	Walk(ctx context.Context, prefix string, each func(Object) error) error
	// Get returns all of a small object and its ETag; more than most bytes are an error.
	Get(ctx context.Context, key string, most int64) ([]byte, string, error)
	// ReadRange reads n bytes at off with If-Match where etag is not "".
	ReadRange(ctx context.Context, key, etag string, off, n int64) (io.ReadCloser, error)
}

// What Remote's answers are compared with (errors.Is).
var (
	ErrNoObject = errors.New("no such object")
	ErrChanged  = errors.New("the object changed in the bucket meanwhile")
	ErrSlowDown = errors.New("the store wants fewer requests") // in a fault.Unreachable
	ErrNoPatch  = errors.New("the store does not copy parts of objects")
)

// Options of Open. Zero values mean the defaults given.
type Options struct {
	Dir       string // the staging folder, absolute; created 0700
	Lower     Lower
	Remote    Remote
	ReadOnly  bool          // every change is EROFS; what is pending from before still uploads
	Uploads   int           // parallel changes to the store; 0: as many as it takes, 16 at first and 64 at most
	WriteBack time.Duration // from close to the start of an upload; 300 ms, negative: none
	DirTTL    time.Duration // how long a listing is believed; 30 s
	// SyncOnClose has close and fsync wait until the store has the object; there is no
	// write-back delay then.
	SyncOnClose  bool
	StoreTimeout time.Duration // how long such a close waits for a store that takes nothing; 30 s
	StagingMax   int64         // bound on what staged files take on disk; 0: the disk stays free by max(5 %, 1 GiB)
	PatchFrom    int64         // size in bytes from which changed parts alone are sent; 32 MiB
	CleanBytes   int64         // bound on staged copies of what the store has; 1 GiB, negative: none kept
	UID, GID     uint32        // owner of what has no owner of its own
	// NoAttributes leaves sheets alone: modes, owners, times and such live as long as the mount.
	NoAttributes bool
	Log          *slog.Logger // nil: discarded
	partLeast    int64        // of such an upload's parts, in bytes; what S3 wants
	BootID       string       // of the running kernel; default hostos.BootID
}

// Attr is what stat(2) shows of a node.
type Attr struct {
	Ino                 uint64
	Kind                Kind
	Size                int64
	Mode                uint32 // permission bits
	UID, GID            uint32
	MTime, ATime, CTime time.Time
	Nlink               uint32
}

// Change is a set of attributes to change; nil fields stay.
type Change struct {
	Mode, UID, GID *uint32
	MTime, ATime   *time.Time
	Size           *int64
}

// Failure is a change that the store refused, or could not take so far.
type Failure struct {
	Path   string
	Reason string
}

// Stats counts what is on its way to the store.
type Stats struct {
	Queued, InProgress, Failed, Quarantined, OpenHandles             int
	StagingBytes, StagingLimit                                       int64 // on disk
	PendingBytes, UploadedBytes, CleanBytes, BytesRead, BytesWritten int64
	Failures                                                         []Failure  // at most 100
	Conflicts                                                        []Conflict // the last 100 of this process
	Unreachable                                                      string     // since when and why the store does not answer; "" while it does
}
