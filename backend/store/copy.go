package store

import (
	"context"
	"errors"
)

// CopyOptions describe a copy.
type CopyOptions struct {
	// Replace gives the new object ContentType, Headers and Meta; otherwise it has the source's.
	Replace     bool
	ContentType string
	Headers     map[string]string
	Meta        map[string]string
	// ReplaceTags gives the new object Tags; otherwise it has the source's.
	ReplaceTags bool
	Tags        map[string]string
	IfMatch     string // of the destination; see Condition
	IfNoneMatch bool   // of the destination
	// Source is asked with what is copied; an error refuses. It may be nil, and may be called again.
	Source func(ObjectInfo) error
	// Checksum makes the new object's checksum, of the source's bytes where it must. nil: the source's own.
	Checksum func(*Reader) (Checksum, error)
}

// Copy makes an object of the same bytes as another, or the same object with other
// metadata. Blobs are shared, not copied, and count for each object (SPEC B26). The
// ETag stays. It refuses as Put and Get do.
func (s *Store) Copy(ctx context.Context, srcBucket, srcKey, bucket, key string, o CopyOptions) (ObjectInfo, error) {
	if err := checkKey(key); err != nil {
		return ObjectInfo{}, err
	}
	if err := s.noteRoom(bucket); err != nil {
		return ObjectInfo{}, err
	}
	for range retries {
		src, err := s.index.Object(ctx, srcBucket, srcKey)
		if err != nil {
			return ObjectInfo{}, err
		}
		if o.Source != nil {
			if err := o.Source(src.ObjectInfo); err != nil {
				return ObjectInfo{}, err
			}
		}
		obj := src
		obj.Bucket, obj.Key, obj.Modified, obj.UploadID = bucket, key, s.now().UTC(), ""
		if o.Replace {
			obj.ContentType, obj.Headers, obj.Meta = o.ContentType, o.Headers, o.Meta
		}
		if o.ReplaceTags {
			obj.Tags = o.Tags
		}
		if o.Checksum != nil {
			if obj.Checksum, err = s.checksumOf(ctx, src.ObjectInfo, o.Checksum); errors.Is(err, errChanged) {
				continue
			}
			if err != nil {
				return ObjectInfo{}, err
			}
			if obj.Checksum.Algorithm != src.Checksum.Algorithm {
				obj.PartChecksums = nil
			}
		}
		freed, err := s.index.Put(ctx, PutEntry{
			Object: obj, Cond: Condition{IfMatch: o.IfMatch, IfNoneMatch: o.IfNoneMatch}, Source: &src.ObjectInfo,
		})
		if errors.Is(err, ErrNoSuchKey) && o.IfMatch == "" {
			continue // the source was overwritten or deleted meanwhile: look again
		}
		if err != nil {
			return ObjectInfo{}, err
		}
		obj.Seq = freed.Seq
		s.free(freed.Blobs)
		return obj.ObjectInfo, nil
	}
	return ObjectInfo{}, Refuse(TooFast, "copy %s/%s: the source changes too fast", srcBucket, srcKey)
}

func (s *Store) checksumOf(ctx context.Context, o ObjectInfo, fn func(*Reader) (Checksum, error)) (Checksum, error) {
	r, err := s.Get(ctx, o.Bucket, o.Key)
	if err != nil {
		return Checksum{}, err
	}
	defer r.Close()
	if r.Info.Seq != o.Seq {
		return Checksum{}, errChanged
	}
	return fn(r)
}
