package store

import (
	"context"
	"io"
)

// Blobs holds immutable bytes under ids that it gives itself. A blob exists from a
// Commit that returned nil, durably, until Delete.
type Blobs interface {
	// Create begins a blob. size is the number of bytes that will come, -1 where that is not known.
	Create(ctx context.Context, size int64) (BlobWriter, error)
	// Open returns fs.ErrNotExist (wrapped) where there is no such blob. A reader that is
	// open reads on after Delete; of a blob that a sweep had moved it may say fs.ErrNotExist.
	Open(ctx context.Context, id string) (io.ReadSeekCloser, error)
	// Delete of a blob that does not exist is no error.
	Delete(ctx context.Context, id string) error
	// Untidy reports whether a Sweep would give back much space, or must look for what a
	// crash left behind.
	Untidy() bool
	// Sweep deletes blobs that nothing refers to. It calls references once; that one first
	// waits for every writer whose Commit has returned to be known to the index, or to have
	// failed, and then calls each with all blobs that are referenced, some of them more than once.
	Sweep(ctx context.Context, references func(each func(id string)) error) (Swept, error)
	Close() error
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
