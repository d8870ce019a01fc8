package store

import "context"

// PutState writes an object without bytes to the system bucket: what it says is in meta, and
// its ETag is one that nothing had before. Processes that share a store agree by such
// objects: each is read, or replaced under a condition, by one transaction of the index.
func (s *Store) PutState(ctx context.Context, key string, meta map[string]string, c Condition) (etag string, err error) {
	if err := checkKey(key); err != nil {
		return "", err
	}
	// Not the form of an MD5, so that no client takes it for that of the bytes.
	etag = newID() + "-1"
	freed, err := s.index.Put(ctx, PutEntry{
		Object: Object{ObjectInfo: ObjectInfo{Bucket: SystemBucket, Key: key, Modified: s.now().UTC(), ETag: etag, Meta: meta}},
		Cond:   c,
	})
	if err != nil {
		return "", err
	}
	s.free(freed.Blobs)
	return etag, nil
}
