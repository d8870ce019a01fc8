package store

import (
	"context"
	"io"
)

// Blobs holds immutable bytes under ids that it gives itself. A blob exists from a
// Commit that returned nil, durably, until Delete.
type Blobs interface {
	// Create begins a blob. size is the number of bytes that will come, -1 where that is not known.
	// It may wait for other writers to end; once it has returned, no method of its writer does.
	Create(ctx context.Context, size int64) (BlobWriter, error)
	// Open returns fs.ErrNotExist (wrapped) where there is no such blob. A reader that is
	// open reads on after Delete; of a blob that a sweep had moved it may say fs.ErrNotExist.
	Open(ctx context.Context, id string) (io.ReadSeekCloser, error)
	// Delete of a blob that does not exist is no error.
	Delete(ctx context.Context, id string) error
	// Untidy reports whether a Sweep would give back much space, or must look for what a
	// crash left behind.
	Untidy() bool
	// Sweep deletes blobs that nothing refers to. It asks refs for the references before it
	// condemns what is not among them, and deletes what refs.Condemn returns alone.
	Sweep(ctx context.Context, refs Referrer) (Swept, error)
	Close() error
}

// Referrer is what a sweep asks about references.
type Referrer interface {
	// Each first waits for every writer of this process whose Commit has returned to be known
	// to the index, or to have failed, and then calls fn with all blobs of a span that are
	// referenced, some of them more than once.
	Each(of Span, fn func(id string)) error
	// Condemn returns those of ids that nothing refers to and nothing will, whatever process
	// it is in. ids are blobs that were there before Each was called, and that it did not name.
	// It takes minutes where other processes may be reading them, and may run beside others.
	Condemn(ids []string) ([]string, error)
}

// Span are the blobs whose ids are, by their bytes, From or above and below To; an empty To
// is above all.
type Span struct{ From, To string }

// Has reports whether id is one of them.
func (s Span) Has(id string) bool { return id >= s.From && (s.To == "" || id < s.To) }

// Expecter is a reader of a blob, as Open returns it, that wants to know what will be read.
type Expecter interface {
	// Expect announces the next n bytes. Where sum is not 0 it is their CRC-32C, and the
	// reader fails before the last of them where they are others.
	Expect(n int64, sum uint32)
}

// Pinger is a Blobs that may be out of reach.
type Pinger interface {
	// Ping asks whether it answers.
	Ping(ctx context.Context) error
}

// Swept says what a sweep did.
type Swept struct {
	Removed int // orphaned blobs
	// Move reports whether a blob should be written again, so that the space around it can be
	// given back. nil: none.
	Move func(id string) bool
}

// BlobWriter takes the bytes of a new blob.
type BlobWriter interface {
	io.Writer
	// Commit makes the blob durable under the id it returns. After an error nothing is left of it.
	Commit() (id string, err error)
	// Abort gives the blob up. After Commit it does nothing.
	Abort()
}
