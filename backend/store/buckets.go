package store

import (
	"context"
	"errors"
	"strings"
)

// CreateBucketOptions say whose a bucket is.
type CreateBucketOptions struct {
	Owner string // id of a peer
	Quota int64  // bytes; 0: unlimited
}

// CreateBucket refuses with InvalidBucketName, BucketAlreadyExists.
func (s *Store) CreateBucket(ctx context.Context, name string, o CreateBucketOptions) error {
	if err := CheckBucketName(name); err != nil {
		return err
	}
	return s.index.CreateBucket(ctx, BucketInfo{Name: name, Owner: o.Owner, Quota: o.Quota, Created: s.now().UTC()})
}

// DeleteBucket refuses with NoSuchBucket, BucketNotEmpty. Uploads in flight are aborted with it.
func (s *Store) DeleteBucket(ctx context.Context, name string) error {
	freed, err := s.index.DeleteBucket(ctx, name)
	if err != nil {
		return err
	}
	s.free(freed.Blobs)
	return nil
}

// Bucket refuses with NoSuchBucket.
func (s *Store) Bucket(ctx context.Context, name string) (BucketInfo, error) {
	return s.index.Bucket(ctx, name)
}

// Buckets lists all of them by name, the coordinator's own included.
func (s *Store) Buckets(ctx context.Context) ([]BucketInfo, error) { return BucketsOf(ctx, s.index) }

// SetQuota bounds a bucket to bytes; 0: unlimited. A quota below what the bucket
// holds is set; writes that add to it are then refused.
func (s *Store) SetQuota(ctx context.Context, bucket string, bytes int64) error {
	return s.index.SetQuota(ctx, bucket, max(bytes, 0))
}

// Usage is what all buckets hold together.
func (s *Store) Usage(ctx context.Context) (Usage, error) { return s.index.Usage(ctx) }

// SetMaxSize bounds the bytes of all buckets together; 0: unlimited. A bound below what
// they hold is taken; writes that add are then refused. It lasts until Close.
func (s *Store) SetMaxSize(bytes int64) { s.index.SetMaxSize(max(bytes, 0)) }

// MaxSize is the bound of all buckets in bytes; 0: unlimited.
func (s *Store) MaxSize() int64 { return s.index.MaxSize() }

// Free is what may still be added below prefix ("" is all of the bucket) before a quota that
// covers it, the store's bound or the disk is used up; bounded is false where there is no
// quota and no bound.
func (s *Store) Free(ctx context.Context, bucket, prefix string) (bytes int64, bounded bool, err error) {
	bytes, bounded, err = s.index.Free(ctx, bucket, prefix)
	if bounded {
		bytes = min(bytes, s.disk.room())
	}
	return bytes, bounded, err
}

// List returns a page of a bucket. It refuses with NoSuchBucket.
func (s *Store) List(ctx context.Context, bucket string, o ListOptions) (Page, error) {
	return s.index.List(ctx, bucket, o)
}

// SetPrefix begins to count what a prefix holds, and bounds it to quota bytes; 0: unlimited.
// A prefix that is counted gets another quota. A quota below what is there is set; writes that
// add are then refused. It refuses with NoSuchBucket, InvalidKey (also where prefix does not end in "/").
func (s *Store) SetPrefix(ctx context.Context, bucket, prefix string, quota int64) error {
	if err := checkKey(prefix); err != nil {
		return err
	}
	if !strings.HasSuffix(prefix, "/") {
		return Refuse(InvalidKey, "the prefix %q does not end in /", prefix)
	}
	return s.index.SetPrefix(ctx, bucket, prefix, max(quota, 0))
}

// DropPrefix ends the counting of a prefix, and its quota; the objects stay.
func (s *Store) DropPrefix(ctx context.Context, bucket, prefix string) error {
	return s.index.DropPrefix(ctx, bucket, prefix)
}

// Prefix refuses with NoSuchBucket, NoSuchPrefix.
func (s *Store) Prefix(ctx context.Context, bucket, prefix string) (PrefixInfo, error) {
	return s.index.Prefix(ctx, bucket, prefix)
}

// Prefixes lists those of a bucket that are counted. It refuses with NoSuchBucket.
func (s *Store) Prefixes(ctx context.Context, bucket string) ([]PrefixInfo, error) {
	return s.index.Prefixes(ctx, bucket)
}

// PrefixUsage is what lies below prefix ("" is all of the bucket): the counter's where the prefix is
// counted, else by listing the objects; parts in flight are then not in it.
func (s *Store) PrefixUsage(ctx context.Context, bucket, prefix string) (u Usage, err error) {
	if prefix == "" {
		b, err := s.index.Bucket(ctx, bucket)
		return b.Usage, err
	}
	p, err := s.index.Prefix(ctx, bucket, prefix)
	if !errors.Is(err, ErrNoSuchPrefix) {
		return p.Usage, err
	}
	o := ListOptions{Prefix: prefix, Max: 10 * MaxPage}
	for {
		page, err := s.index.List(ctx, bucket, o)
		if err != nil {
			return Usage{}, err
		}
		for _, obj := range page.Objects {
			u.Bytes += obj.Size
		}
		u.Objects += int64(len(page.Objects))
		if !page.Truncated {
			return u, nil
		}
		o.StartAfter = page.Next
	}
}
