package store

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// PutOptions describe a new object.
type PutOptions struct {
	Size        int64 // of the body in bytes; -1: not known, quota is then reserved as it comes
	ContentType string
	Headers     map[string]string // see ObjectInfo
	Meta        map[string]string // see ObjectInfo
	Tags        map[string]string // see ObjectInfo
	IfMatch     string            // see Condition
	IfNoneMatch bool              // see Condition
	// Finish is called once the body has ended, with the MD5 of its bytes in hex, before
	// anything is written to the index. Its error refuses the object. nil: no checksum.
	Finish func(md5 string) (Checksum, error)
}

func (o PutOptions) condition() Condition {
	return Condition{IfMatch: o.IfMatch, IfNoneMatch: o.IfNoneMatch}
}

// Put writes an object. When it returns nil the object is durable; after an error
// the old one is as it was. It refuses with NoSuchBucket, InvalidKey, QuotaExceeded
// and PreconditionFailed, before body is read where that can be known, and with
// IncompleteBody. An error of body comes back wrapped.
func (s *Store) Put(ctx context.Context, bucket, key string, body io.Reader, o PutOptions) (ObjectInfo, error) {
	if err := checkKey(key); err != nil {
		return ObjectInfo{}, err
	}
	space, err := s.begin(ctx, bucket, key, o)
	if err != nil {
		return ObjectInfo{}, err
	}
	defer space.release()
	data, err := s.spool(ctx, body, o.Size, space)
	if err != nil {
		return ObjectInfo{}, fmt.Errorf("put %s/%s: %w", bucket, key, err)
	}
	defer data.abort()
	obj := Object{ObjectInfo: ObjectInfo{
		Bucket: bucket, Key: key, Size: data.size, Modified: s.now().UTC(), ETag: data.md5,
		ContentType: o.ContentType, Headers: o.Headers, Meta: o.Meta, Tags: o.Tags,
	}}
	if o.Finish != nil {
		if obj.Checksum, err = o.Finish(data.md5); err != nil {
			return ObjectInfo{}, err
		}
	}
	freed, err := s.commit(data, func(segments []Segment) (Freed, error) {
		obj.Segments = segments
		return s.index.Put(ctx, PutEntry{Object: obj, Cond: o.condition(), Space: space.quota})
	})
	if err != nil {
		return ObjectInfo{}, err
	}
	obj.Seq = freed.Seq
	s.free(freed.Blobs)
	return obj.ObjectInfo, nil
}

// commit makes a body durable and has the index know it. A sweep does not begin between the two.
func (s *Store) commit(data spooled, record func([]Segment) (Freed, error)) (Freed, error) {
	defer s.settling.enter()()
	segments, err := data.commit()
	if err != nil {
		return Freed{}, err
	}
	freed, err := record(segments)
	if err != nil {
		s.discard(segments, err)
	}
	return freed, err
}

// discard deletes new blobs that the index refused to know. After any other error of
// the index they may have become part of it: they stay, and a later sweep decides.
func (s *Store) discard(segments []Segment, err error) {
	var refusal *Error
	if !errors.As(err, &refusal) {
		s.log.Warn("the index failed; new blobs are left for the sweep", "blobs", len(segments), "err", err)
		return
	}
	for _, g := range segments {
		if err := s.blobs.Delete(context.Background(), g.Blob); err != nil {
			s.log.Warn("a new blob could not be deleted", "blob", g.Blob, "err", err)
		}
	}
}

// Delete removes an object; where there is none it does nothing, as S3 does (SPEC B13).
func (s *Store) Delete(ctx context.Context, bucket, key string) error {
	return s.DeleteIf(ctx, bucket, key, Condition{})
}

// DeleteIf is Delete under a condition.
func (s *Store) DeleteIf(ctx context.Context, bucket, key string, c Condition) error {
	if err := checkKey(key); err != nil {
		return err
	}
	freed, err := s.index.Delete(ctx, bucket, key, c)
	if errors.Is(err, ErrNoSuchKey) && c == (Condition{}) {
		return nil
	}
	if err != nil {
		return err
	}
	s.free(freed.Blobs)
	return nil
}
