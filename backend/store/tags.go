package store

import "context"

// SetTags replaces an object's tag set; none takes it away. Bytes, ETag and time of
// modification stay. It refuses with NoSuchBucket, NoSuchKey.
func (s *Store) SetTags(ctx context.Context, bucket, key string, tags map[string]string) error {
	return s.index.SetTags(ctx, bucket, key, tags)
}
