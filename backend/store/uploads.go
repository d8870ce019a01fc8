package store

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
)

// CreateUpload begins a multipart upload and returns its id; u gives bucket, key,
// owner, metadata and checksum algorithm.
func (s *Store) CreateUpload(ctx context.Context, u UploadInfo) (string, error) {
	if err := checkKey(u.Key); err != nil {
		return "", err
	}
	if err := s.noteRoom(u.Bucket); err != nil {
		return "", err
	}
	u.ID, u.Created = newID(), s.now().UTC()
	return u.ID, s.index.CreateUpload(ctx, u)
}

// Upload refuses with NoSuchBucket, NoSuchUpload.
func (s *Store) Upload(ctx context.Context, bucket, key, id string) (UploadInfo, error) {
	return s.index.Upload(ctx, bucket, key, id)
}

// Uploads lists the uploads in flight by key and id; limit 0: all. See Index.Uploads.
func (s *Store) Uploads(ctx context.Context, bucket, prefix, afterKey, afterID string, limit int) ([]UploadInfo, error) {
	return s.index.Uploads(ctx, bucket, prefix, afterKey, afterID, limit)
}

// Parts lists the parts of an upload by number, those above after; limit 0: all.
func (s *Store) Parts(ctx context.Context, bucket, key, id string, after, limit int) ([]PartInfo, error) {
	list, err := s.index.Parts(ctx, bucket, key, id, after, limit)
	infos := make([]PartInfo, len(list))
	for i, p := range list {
		infos[i] = p.PartInfo
	}
	return infos, err
}

// PartOptions describe a part.
type PartOptions struct {
	Size int64 // of the body in bytes; -1: not known
	// Begin is called with the upload before the body is read; its error refuses the part. nil: nothing is.
	Begin func(UploadInfo) error
	// Finish is called as that of PutOptions; it returns the part's checksum (base64) in the
	// upload's algorithm.
	Finish func(md5 string) (string, error)
}

func checkPartNumber(n int) error {
	if n < 1 || n > MaxPart {
		return Refuse(InvalidPart, "part number %d is not between 1 and %d", n, MaxPart)
	}
	return nil
}

// PutPart writes or replaces a part. It refuses as Put does, and with NoSuchUpload.
func (s *Store) PutPart(ctx context.Context, bucket, key, id string, number int, body io.Reader, o PartOptions) (PartInfo, error) {
	if err := checkPartNumber(number); err != nil {
		return PartInfo{}, err
	}
	u, quota, err := s.index.BeginPart(ctx, bucket, key, id, number, o.Size)
	if err != nil {
		return PartInfo{}, err
	}
	space, err := s.withDisk(bucket, quota, max(o.Size, 0))
	if err != nil {
		return PartInfo{}, err
	}
	defer space.release()
	if o.Begin != nil {
		if err := o.Begin(u); err != nil {
			return PartInfo{}, err
		}
	}
	data, err := s.spool(ctx, body, o.Size, space)
	if err != nil {
		return PartInfo{}, fmt.Errorf("part %d of %s/%s: %w", number, bucket, key, err)
	}
	defer data.abort()
	part := Part{PartInfo: PartInfo{Number: number, Size: data.size, ETag: data.md5, Modified: s.now().UTC()}}
	if o.Finish != nil {
		if part.Checksum, err = o.Finish(data.md5); err != nil {
			return PartInfo{}, err
		}
	}
	freed, err := s.commit(data, func(segments []Segment) (Freed, error) {
		part.Segments = segments
		return s.index.PutPart(ctx, PartEntry{Bucket: bucket, Key: key, UploadID: id, Part: part, Space: space.quota})
	})
	if err != nil {
		return PartInfo{}, err
	}
	s.free(freed.Blobs)
	return part.PartInfo, nil
}

// AbortUpload gives an upload up and its space back. It refuses with NoSuchUpload.
func (s *Store) AbortUpload(ctx context.Context, bucket, key, id string) error {
	freed, err := s.index.AbortUpload(ctx, bucket, key, id)
	if err != nil {
		return err
	}
	s.free(freed.Blobs)
	return nil
}

// CompletedPart is a part as the client names it in Complete.
type CompletedPart struct {
	Number   int
	ETag     string // without quotes
	Checksum string // base64; empty: not said
}

// CompleteOptions describe the object that an upload becomes.
type CompleteOptions struct {
	IfMatch     string // see Condition
	IfNoneMatch bool
	// Finish makes the object's checksum of its parts' (they are in order); an error refuses. nil: none.
	Finish func(UploadInfo, []PartInfo) (Checksum, error)
}

// CompleteUpload makes the object of the parts that are named, in their order; nothing is
// copied. A complete that is sent again after it succeeded succeeds again. It refuses with
// NoSuchUpload, InvalidPart, InvalidPartOrder, EntityTooSmall, PreconditionFailed.
func (s *Store) CompleteUpload(ctx context.Context, bucket, key, id string, parts []CompletedPart, o CompleteOptions) (ObjectInfo, error) {
	u, err := s.index.Upload(ctx, bucket, key, id)
	if errors.Is(err, ErrNoSuchUpload) {
		if done, e := s.index.Object(ctx, bucket, key); e == nil && done.UploadID == id {
			return done.ObjectInfo, nil
		}
	}
	if err != nil {
		return ObjectInfo{}, err
	}
	present, err := s.index.Parts(ctx, bucket, key, id, 0, 0)
	if err != nil {
		return ObjectInfo{}, err
	}
	chosen, err := choose(present, parts)
	if err != nil {
		return ObjectInfo{}, err
	}
	obj := assemble(u, chosen)
	obj.Modified = s.now().UTC()
	if o.Finish != nil {
		infos := make([]PartInfo, len(chosen))
		for i, p := range chosen {
			infos[i] = p.PartInfo
		}
		if obj.Checksum, err = o.Finish(u, infos); err != nil {
			return ObjectInfo{}, err
		}
	}
	freed, err := s.index.CompleteUpload(ctx, CompleteEntry{
		UploadID: id, Object: obj, Parts: chosen, Cond: Condition{IfMatch: o.IfMatch, IfNoneMatch: o.IfNoneMatch},
	})
	if err != nil {
		return ObjectInfo{}, err
	}
	obj.Seq = freed.Seq
	s.free(freed.Blobs)
	return obj.ObjectInfo, nil
}

// choose finds the named parts among those present.
func choose(present []Part, named []CompletedPart) ([]Part, error) {
	if len(named) == 0 {
		return nil, Refuse(InvalidPart, "no part is named")
	}
	byNumber := make(map[int]Part, len(present))
	for _, p := range present {
		byNumber[p.Number] = p
	}
	for i, n := range named[1:] {
		if n.Number <= named[i].Number {
			return nil, Refuse(InvalidPartOrder, "part %d comes after part %d", n.Number, named[i].Number)
		}
	}
	chosen := make([]Part, 0, len(named))
	for i, n := range named {
		p, ok := byNumber[n.Number]
		switch {
		case !ok:
			return nil, Refuse(InvalidPart, "part %d was not uploaded", n.Number)
		case n.ETag != p.ETag:
			return nil, Refuse(InvalidPart, "part %d has another ETag", n.Number)
		case n.Checksum != "" && p.Checksum != "" && n.Checksum != p.Checksum:
			return nil, Refuse(InvalidPart, "part %d has another checksum", n.Number)
		case p.Size < MinPart && i < len(named)-1:
			return nil, Refuse(EntityTooSmall, "part %d has %d bytes; all but the last need %d", n.Number, p.Size, MinPart)
		}
		chosen = append(chosen, p)
	}
	return chosen, nil
}

// assemble strings the parts' segments together. The ETag is S3's: the MD5 of the parts' MD5s, and their number.
func assemble(u UploadInfo, parts []Part) Object {
	obj := Object{
		ObjectInfo: ObjectInfo{
			Bucket: u.Bucket, Key: u.Key, ContentType: u.ContentType, Headers: u.Headers, Meta: u.Meta, Tags: u.Tags,
		},
		UploadID: u.ID,
	}
	sum := md5.New() //nolint:gosec // S3's ETag is an MD5
	for _, p := range parts {
		obj.Size += p.Size
		obj.PartSizes = append(obj.PartSizes, p.Size)
		if u.ChecksumAlgorithm != "" {
			obj.PartChecksums = append(obj.PartChecksums, p.Checksum)
		}
		obj.Segments = append(obj.Segments, p.Segments...)
		raw, err := hex.DecodeString(p.ETag)
		if err != nil {
			raw = []byte(p.ETag)
		}
		sum.Write(raw)
	}
	obj.ETag = fmt.Sprintf("%x-%d", sum.Sum(nil), len(parts))
	return obj
}
