package eventstream

import "time"

// Path is where a coordinator serves its changes.
const Path = "/api/v1/events"

// The parameters of a request. LastID is what a browser sends instead of After when it
// connects again; it counts where both are there.
const (
	Bucket = "bucket"
	Prefix = "prefix" // of keys; empty: the whole bucket
	After  = "after"  // the id of the last event that was taken; empty: from now on
	LastID = "Last-Event-ID"
)

// Type is the content type of a stream.
const Type = "text/event-stream"

// The events. Each carries the position after it as its id; a position without an event is
// one up to which nothing of the bucket and prefix has changed.
const (
	Put           = "put"            // the key has an object, another one than before or a first one
	Delete        = "delete"         // the key has none any more
	BucketDeleted = "bucket-deleted" // the bucket is no more, and no key in it
	// Begin is the first event of a stream without a position: what was known before it may be
	// out of date. Lost takes its place where the position is too old, and comes in
	// between where the reader is too slow. Both say: forget everything.
	Begin = "begin"
	Lost  = "lost"
)

// Change is the data of an event.
type Change struct {
	Kind string `json:"-"`             // the event's name
	Key  string `json:"key,omitempty"` // of the bucket, the prefix included
	// Of the object that was put; a later change may have replaced it already.
	ETag     string    `json:"etag,omitempty"` // without quotes
	Size     int64     `json:"size,omitempty"` // bytes
	Modified time.Time `json:"modified,omitzero"`

	Reason string `json:"reason,omitempty"` // of Lost, for a person
}
