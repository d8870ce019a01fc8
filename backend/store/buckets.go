package store

import "context"

// CreateBucketOptions say whose a bucket is.
type CreateBucketOptions struct {
	Owner string // id of a peer
	Quota int64  // bytes; 0: unlimited
}

// CreateBucket refuses with InvalidBucketName, BucketAlreadyExists.
func (s *Store) CreateBucket(ctx context.Context, name string, o CreateBucketOptions) error {
	if err := checkBucketName(name); err != nil {
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
	s.settle(freed, Change{})
	return nil
}

// Bucket refuses with NoSuchBucket.
func (s *Store) Bucket(ctx context.Context, name string) (BucketInfo, error) {
	return s.index.Bucket(ctx, name)
}

// Buckets lists all of them by name, the coordinator's own included.
func (s *Store) Buckets(ctx context.Context) ([]BucketInfo, error) { return s.index.Buckets(ctx) }

// SetQuota bounds a bucket to bytes; 0: unlimited. A quota below what the bucket
// holds is set; writes that add to it are then refused.
func (s *Store) SetQuota(ctx context.Context, bucket string, bytes int64) error {
	return s.index.SetQuota(ctx, bucket, max(bytes, 0))
}

// Usage is what all buckets hold together.
func (s *Store) Usage(ctx context.Context) (Usage, error) { return s.index.Usage(ctx) }

// Free is what may still be added to a bucket before its quota or the store's is used up;
// bounded is false where there is neither.
func (s *Store) Free(ctx context.Context, bucket string) (bytes int64, bounded bool, err error) {
	return s.index.Free(ctx, bucket)
}

// List returns a page of a bucket. It refuses with NoSuchBucket.
func (s *Store) List(ctx context.Context, bucket string, o ListOptions) (Page, error) {
	return s.index.List(ctx, bucket, o)
}

// PrefixUsage counts the objects whose key begins with prefix, by listing them.
// Parts in flight are not in it.
func (s *Store) PrefixUsage(ctx context.Context, bucket, prefix string) (bytes, objects int64, err error) {
	o := ListOptions{Prefix: prefix, Max: 10 * MaxPage}
	for {
		page, err := s.index.List(ctx, bucket, o)
		if err != nil {
			return 0, 0, err
		}
		for _, obj := range page.Objects {
			bytes += obj.Size
		}
		objects += int64(len(page.Objects))
		if !page.Truncated {
			return bytes, objects, nil
		}
		o.StartAfter = page.Next
	}
}
