package store

import "context"

// Index holds what exists. Every method is one transaction: when it returns nil
// the change is durable and whole; when it returns an *Error nothing has changed.
// Any other error leaves it open whether the change will be found after a restart.
//
// Usage counters, of buckets and of counted prefixes, change in the transaction that
// changes the object or part, and so are exact after a crash (SPEC B26). A write that
// would take a bucket, or any counted prefix that covers its key, above its quota, or all
// buckets above MaxSize, is refused with QuotaExceeded, counting other writers'
// reservations (SPEC B25). SystemBucket counts, but is never refused.
//
// Blobs that a change leaves without any reference come back in Freed; the caller
// deletes them. An index that several processes have open is a Shared.
type Index interface {
	// CreateBucket refuses with BucketAlreadyExists. Usage is ignored.
	CreateBucket(ctx context.Context, b BucketInfo) error
	// DeleteBucket refuses with NoSuchBucket, BucketNotEmpty (objects); uploads in flight and
	// counted prefixes go with it.
	DeleteBucket(ctx context.Context, name string) (Freed, error)
	Bucket(ctx context.Context, name string) (BucketInfo, error)
	Buckets(ctx context.Context) ([]BucketInfo, error) // by name
	SetQuota(ctx context.Context, bucket string, bytes int64) error
	Usage(ctx context.Context) (Usage, error) // of all buckets
	// SetMaxSize bounds the bytes of all buckets from now on; 0: unlimited. It is not kept:
	// whoever opens the index says it.
	SetMaxSize(bytes int64)
	MaxSize() int64

	// SetPrefix begins to count what lies below prefix, which ends in "/", what is there
	// already included, and gives it a quota in bytes; 0: unlimited. Of a prefix that is
	// counted it changes the quota. It refuses with NoSuchBucket.
	SetPrefix(ctx context.Context, bucket, prefix string, quota int64) error
	// DropPrefix ends the counting; of a prefix that is not counted it does nothing.
	DropPrefix(ctx context.Context, bucket, prefix string) error
	// Prefix refuses with NoSuchBucket, and with NoSuchPrefix where it is not counted.
	Prefix(ctx context.Context, bucket, prefix string) (PrefixInfo, error)
	Prefixes(ctx context.Context, bucket string) ([]PrefixInfo, error) // by prefix
	// Free is what may still be added below prefix of bucket, in bytes, reservations taken
	// off; where no quota bounds it, bounded is false. It refuses with NoSuchBucket.
	Free(ctx context.Context, bucket, prefix string) (bytes int64, bounded bool, err error)

	// Begin sets bytes aside for a Put of size bytes: what they add to the object that is there;
	// size -1: not known, nothing is set aside. It refuses by the condition first.
	Begin(ctx context.Context, bucket, key string, size int64, c Condition) (Reservation, error)

	Object(ctx context.Context, bucket, key string) (Object, error)
	List(ctx context.Context, bucket string, o ListOptions) (Page, error)
	// Put writes an object; p.Space is used up where it succeeds.
	Put(ctx context.Context, p PutEntry) (Freed, error)
	// Delete refuses with NoSuchKey where there is no object.
	Delete(ctx context.Context, bucket, key string, c Condition) (Freed, error)
	// SetTags replaces an object's tag set and nothing else of it but Seq. It refuses with
	// NoSuchBucket, NoSuchKey.
	SetTags(ctx context.Context, bucket, key string, tags map[string]string) error

	CreateUpload(ctx context.Context, u UploadInfo) error
	Upload(ctx context.Context, bucket, key, id string) (UploadInfo, error)
	// Uploads lists by key and id those whose key begins with prefix, after (key, id).
	Uploads(ctx context.Context, bucket, prefix, afterKey, afterID string, limit int) ([]UploadInfo, error)
	// BeginPart is Begin for a PutPart: size is compared with that of the part of that number that
	// is there. It refuses with NoSuchUpload first.
	BeginPart(ctx context.Context, bucket, key, upload string, number int, size int64) (UploadInfo, Reservation, error)
	PutPart(ctx context.Context, p PartEntry) (Freed, error)
	// Parts lists by number those above after; limit 0: all.
	Parts(ctx context.Context, bucket, key, id string, after, limit int) ([]Part, error)
	// CompleteUpload turns parts into the object and forgets the upload. It refuses with
	// InvalidPart where a part is not the one (Seq) that the caller saw.
	CompleteUpload(ctx context.Context, c CompleteEntry) (Freed, error)
	AbortUpload(ctx context.Context, bucket, key, id string) (Freed, error)

	// Feed is what changes in this index, whoever changes it.
	Feed() Feed

	// References calls fn with every blob of a span that something refers to, at one point in
	// time; a blob may come more than once.
	References(ctx context.Context, of Span, fn func(blob string)) error
	// Walk returns a bucket's objects by key, those after a key; an empty list is the end.
	// Records that cannot be read are left out: Recount names them.
	Walk(ctx context.Context, bucket, after string, limit int) ([]Object, error)
	// Move gives an object other segments of the same bytes. The new ones must not belong to
	// anything else. It refuses with NoSuchKey where o is not the object any more.
	Move(ctx context.Context, o Object, segments []Segment) (Freed, error)
	// Recount compares the counters of all buckets and counted prefixes, and those of shared
	// blobs, with what is there, and with repair corrects them.
	Recount(ctx context.Context, repair bool) (Recount, error)
	Close() error
}

// Shared is an Index that several processes have open at a time.
type Shared interface {
	Index
	// Condemn ends blobs for good: of ids it returns those that nothing refers to. From then on
	// every change, of any process, that would refer to one of them is refused with Condemned,
	// also one that was under way meanwhile. A change that was made before is seen, and its blobs
	// are not returned.
	Condemn(ctx context.Context, ids []string) ([]string, error)
}

// Recount is what a recount found wrong.
type Recount struct {
	Drifts   []Drift  `json:"drifts"`   // buckets and prefixes whose counters were not exact
	Shared   int      `json:"shared"`   // blobs whose references were not counted right
	Problems []string `json:"problems"` // records that cannot be read; they are left as they are
}

// Drift is a bucket, or a prefix of it, whose counters are not what is there.
type Drift struct {
	Bucket   string `json:"bucket"`
	Prefix   string `json:"prefix,omitempty"` // empty: the bucket as a whole
	Recorded Usage  `json:"recorded"`
	Counted  Usage  `json:"counted"`
}

// Where is the bucket, or bucket/prefix.
func (d Drift) Where() string {
	if d.Prefix == "" {
		return d.Bucket
	}
	return d.Bucket + "/" + d.Prefix
}

// Freed are blobs that nothing refers to any more, and Seq what was written.
type Freed struct {
	Blobs []string
	Seq   uint64
}

// Reservation is quota set aside. It is not safe for use by several goroutines.
type Reservation interface {
	// Grow sets n more bytes aside or refuses with QuotaExceeded, keeping what it had.
	Grow(n int64) error
	// Release gives back what was not used up. It may be called again.
	Release()
}

// PutEntry is an object to be written. Object.Seq is set by the index.
type PutEntry struct {
	Object Object
	Cond   Condition
	Space  Reservation // nil: all of the space is asked for in the transaction
	// Source is given where Object shares blobs with another object (a copy): the index
	// refuses with NoSuchKey where that one is not the same (Seq) any more, or its bytes have moved.
	Source *ObjectInfo
}

// PartEntry is a part to be written.
type PartEntry struct {
	Bucket, Key, UploadID string
	Part                  Part
	Space                 Reservation
	Source                *ObjectInfo
}

// CompleteEntry is an upload to be completed: Object is made of Parts.
type CompleteEntry struct {
	UploadID string
	Object   Object
	Parts    []Part
	Cond     Condition
}
