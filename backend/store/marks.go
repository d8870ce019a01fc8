package store

import (
	"context"
	"errors"
	"strings"
)

// Mark is a note that an index keeps about itself. It is an empty bucket whose owner is the
// note, so that every index can keep it and the first of two that set it wins. A Store shows none.
type Mark string

// The marks.
const (
	MarkBlobs     Mark = "_mark.blobs"     // the id of the blobs that the index refers to
	MarkMigrating Mark = "_mark.migrating" // a migration into the index is not finished; what it is from
	MarkMoved     Mark = "_mark.moved"     // all of it was moved; where to
)

// Marks begin with this.
const markPrefix = "_mark."

// Read returns the note, empty where there is none.
func (m Mark) Read(ctx context.Context, x Index) (string, error) {
	b, err := x.Bucket(ctx, string(m))
	if errors.Is(err, ErrNoSuchBucket) {
		return "", nil
	}
	return b.Owner, err
}

// Set refuses with BucketAlreadyExists where there is a note.
func (m Mark) Set(ctx context.Context, x Index, note string) error {
	return x.CreateBucket(ctx, BucketInfo{Name: string(m), Owner: note})
}

// Drop ends the note, where there is one.
func (m Mark) Drop(ctx context.Context, x Index) error {
	_, err := x.DeleteBucket(ctx, string(m))
	if errors.Is(err, ErrNoSuchBucket) {
		return nil
	}
	return err
}

// Moved is where all of the store was moved to, perhaps a moment ago; empty: nowhere.
func (s *Store) Moved(ctx context.Context) (string, error) { return MarkMoved.Read(ctx, s.index) }

// withoutMarks leaves out the buckets that are marks.
func withoutMarks(list []BucketInfo) []BucketInfo {
	kept := list[:0]
	for _, b := range list {
		if !strings.HasPrefix(b.Name, markPrefix) {
			kept = append(kept, b)
		}
	}
	return kept
}

// BucketsOf are the buckets of an index but for its marks.
func BucketsOf(ctx context.Context, x Index) ([]BucketInfo, error) {
	list, err := x.Buckets(ctx)
	return withoutMarks(list), err
}
