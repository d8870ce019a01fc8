package store

import (
	"context"
	"io"
)

// Blobs holds immutable bytes under ids that it gives itself. A blob exists from a
// Commit that returned nil, durably, until Delete.
type Blobs interface {
	Create(ctx context.Context) (BlobWriter, error)
	// Open returns fs.ErrNotExist (wrapped) where there is no such blob. A reader that is
	// open reads on after Delete.
	Open(ctx context.Context, id string) (io.ReadSeekCloser, error)
	// Delete of a blob that does not exist is no error.
	Delete(ctx context.Context, id string) error
	// Sweep deletes blobs that an earlier process committed and referenced does not know.
	// Blobs of this process are never swept: their index entry may be on its way.
	Sweep(ctx context.Context, referenced func(id string) bool) (removed int, err error)
	Close() error
}

// BlobWriter takes the bytes of a new blob.
type BlobWriter interface {
	io.Writer
	// Commit makes the blob durable under the id it returns. After an error nothing is left of it.
	Commit() (id string, err error)
	// Abort gives the blob up. After Commit it does nothing.
	Abort()
}
