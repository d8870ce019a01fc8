package store

import (
	"context"
	"errors"
	"time"
)

// Feed is what changed in the store, in order, kept for a while: whoever has a copy of a
// listing or of bytes reads it to know what of that is not true any more (SPEC D5).
//
// A change of a key is in the feed once it is durable, never before, and within moments of
// that. Nothing is left out: a feed that cannot go on without a gap begins another life, and
// refuses the positions of the former one. A change is a reason to look, not the state: one may
// come twice, and where several processes share an index two changes of one key may come in either order.
type Feed interface {
	// Head is the position of the newest change. What a List that begins after Head has
	// returned does not show comes after that position.
	Head(ctx context.Context) (Position, error)
	// Read returns what came after a position, the oldest first, limit changes at most; none
	// where there is nothing yet. It does not wait. The slice belongs to the feed: the caller
	// changes nothing in it. ErrFeedLost says that the position is too old, of another life of the
	// feed, or no position at all: what was missed cannot be told, so the reader forgets all
	// it knows and begins again at Head.
	Read(ctx context.Context, after Position, limit int) ([]Change, error)
	// News is closed when something may have come that was not there when News was called.
	// Whoever waits calls it before it reads, so that nothing comes between the two.
	News() <-chan struct{}
}

// Position is a place in a feed. Only the feed that gave it can read it; it is good for any
// process that serves the same feed. It has at most 64 characters of A-Z a-z 0-9 . _ - and fits a header.
type Position string

// MaxPosition bounds a Position, in bytes.
const MaxPosition = 64

// ErrFeedLost says that what came after a position cannot be told any more.
var ErrFeedLost = errors.New("the position is too old, or of another life of the feed")

// ChangeKind says what happened.
type ChangeKind string

// The kinds. Whatever touches many keys is told of key by key: a rename by copy is a put and a
// delete, a move to the recycle bin a put in that bucket and a delete. A bucket is deleted when it is
// empty, so all of its keys were deleted before; of an object's tags nothing is told.
const (
	ChangePut    ChangeKind = "put"    // the key has an object, another one than before or a first one
	ChangeDelete ChangeKind = "delete" // the key has none any more
	// ChangeBucketDeleted says that the bucket is no more, and no key in it. One of the same name that
	// is made later begins empty. Key is empty.
	ChangeBucketDeleted ChangeKind = "bucket-deleted"
)

// Change is one entry of a feed.
type Change struct {
	Position Position
	Kind     ChangeKind
	Bucket   string
	Key      string
	// Of the object that was put; a later change may have replaced it already.
	ETag     string // without quotes
	Size     int64  // bytes
	Modified time.Time
}

// PutChange is the change that an object's being written is; the feed gives it its position.
func PutChange(o ObjectInfo) Change {
	return Change{Kind: ChangePut, Bucket: o.Bucket, Key: o.Key, ETag: o.ETag, Size: o.Size, Modified: o.Modified}
}
