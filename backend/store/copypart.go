package store

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
)

// CopyPartOptions choose the piece of the source that becomes a part.
type CopyPartOptions struct {
	Offset, Length int64                           // bytes; Length -1: to the end
	Source         func(ObjectInfo) error          // see CopyOptions
	Checksum       func(io.Reader) (string, error) // reads the piece to its end; nil: the part has none
}

// CopyPart makes a part of a piece of an object. Blobs that lie in the piece as a whole are
// shared; the piece is copied where it cuts one, so that a small piece does not keep a large
// blob on disk. It refuses as PutPart and Get do, and with InvalidRange.
func (s *Store) CopyPart(ctx context.Context, srcBucket, srcKey, bucket, key, id string, number int, o CopyPartOptions) (PartInfo, error) {
	if err := checkPartNumber(number); err != nil {
		return PartInfo{}, err
	}
	if _, err := s.index.Upload(ctx, bucket, key, id); err != nil {
		return PartInfo{}, err
	}
	r, err := s.Get(ctx, srcBucket, srcKey)
	if err != nil {
		return PartInfo{}, err
	}
	defer r.Close()
	if o.Source != nil {
		if err := o.Source(r.Info); err != nil {
			return PartInfo{}, err
		}
	}
	if o.Length < 0 {
		o.Length = r.Info.Size - o.Offset
	}
	if o.Offset < 0 || o.Length < 0 || o.Length > r.Info.Size-o.Offset {
		return PartInfo{}, Refuse(InvalidRange, "the range is outside the source's %d bytes", r.Info.Size)
	}
	var sum string
	if o.Checksum != nil {
		if sum, err = o.Checksum(r.section(o.Offset, o.Length)); err != nil {
			return PartInfo{}, err
		}
	}
	segments, whole := r.cut(o.Offset, o.Length)
	if !whole {
		return s.PutPart(ctx, bucket, key, id, number, r.section(o.Offset, o.Length),
			PartOptions{Size: o.Length, Finish: func(string) (string, error) { return sum, nil }})
	}
	if err := s.noteRoom(bucket); err != nil {
		return PartInfo{}, err
	}
	part := Part{
		PartInfo: PartInfo{Number: number, Size: o.Length, ETag: pieceTag(r.Info, o.Offset, o.Length), Modified: s.now().UTC(), Checksum: sum},
		Segments: segments,
	}
	freed, err := s.index.PutPart(ctx, PartEntry{Bucket: bucket, Key: key, UploadID: id, Part: part, Source: &r.Info})
	if errors.Is(err, ErrNoSuchKey) {
		// The source is gone since; its bytes are still open.
		return s.PutPart(ctx, bucket, key, id, number, r.section(o.Offset, o.Length),
			PartOptions{Size: o.Length, Finish: func(string) (string, error) { return sum, nil }})
	}
	if err != nil {
		return PartInfo{}, err
	}
	s.free(freed.Blobs)
	return part.PartInfo, nil
}

// pieceTag is an ETag for bytes that were not read: the source's own where the piece is
// all of it, else one made of where they come from.
func pieceTag(src ObjectInfo, offset, length int64) string {
	if length == src.Size && len(src.ETag) == hex.EncodedLen(md5.Size) {
		return src.ETag
	}
	sum := md5.Sum([]byte(fmt.Sprintf("%s %d %d", src.ETag, offset, length))) //nolint:gosec // an ETag
	return hex.EncodeToString(sum[:])
}

// cut returns the segments of a piece, and whether it takes each as a whole.
func (r *Reader) cut(offset, length int64) (list []Segment, whole bool) {
	start, end := int64(0), offset+length
	for _, g := range r.segments {
		from, to := start, start+g.Length
		start = to
		if to <= offset || from >= end {
			continue
		}
		if from < offset || to > end {
			return nil, false
		}
		list = append(list, g)
	}
	return list, true
}

// section reads a piece of the object; it moves r.
func (r *Reader) section(offset, length int64) io.Reader {
	if _, err := r.Seek(offset, io.SeekStart); err != nil {
		return errorReader{err}
	}
	return io.LimitReader(r, length)
}

type errorReader struct{ err error }

func (e errorReader) Read([]byte) (int, error) { return 0, e.err }
