package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"slices"
)

// Head returns what Get does but the bytes. It refuses with NoSuchBucket, NoSuchKey.
func (s *Store) Head(ctx context.Context, bucket, key string) (ObjectInfo, error) {
	o, err := s.index.Object(ctx, bucket, key)
	return o.ObjectInfo, err
}

// Get opens an object. The reader goes on reading the same bytes when the object is
// overwritten or deleted meanwhile; it must be closed. It refuses with NoSuchBucket, NoSuchKey.
func (s *Store) Get(ctx context.Context, bucket, key string) (*Reader, error) {
	for range retries {
		o, err := s.index.Object(ctx, bucket, key)
		if err != nil {
			return nil, err
		}
		r := &Reader{Info: o.ObjectInfo, ctx: ctx, store: s, segments: o.Segments, at: -1}
		err = r.secure()
		if errors.Is(err, errChanged) {
			continue // overwritten between the index and the blob
		}
		if err != nil {
			return nil, err
		}
		return r, nil
	}
	return nil, fmt.Errorf("get %s/%s: the object changes too fast, or its bytes are missing: %w", bucket, key, fs.ErrNotExist)
}

var errChanged = errors.New("store: the object has changed")

// Reader reads an object. It is an io.ReadSeekCloser, for one goroutine.
type Reader struct {
	Info ObjectInfo

	ctx      context.Context
	store    *Store
	segments []Segment
	pinned   []string
	pos      int64
	small    []byte // all of a small object
	at       int    // index of the open segment; -1: none
	file     io.ReadSeekCloser
}

// secure makes sure of the bytes: a small object is read, and its sum verified; a single blob
// is opened; several are pinned and opened as they come, so that an object of 10,000 parts
// does not take 10,000 files.
func (r *Reader) secure() error {
	switch len(r.segments) {
	case 0:
		return nil
	case 1:
		var err error
		if r.Info.Size <= smallSize {
			r.small, err = r.store.bytesOf(r.ctx, r.segments[0])
		} else {
			err = r.open(0)
		}
		if errors.Is(err, fs.ErrNotExist) {
			return errChanged
		}
		return err
	}
	for _, g := range r.segments {
		r.pinned = append(r.pinned, g.Blob)
	}
	r.store.pins.pin(r.pinned)
	// Pinned blobs that were still referenced after the pin stay until it is gone.
	now, err := r.store.index.Object(r.ctx, r.Info.Bucket, r.Info.Key)
	if err == nil && now.Seq == r.Info.Seq && slices.Equal(now.Segments, r.segments) {
		return nil
	}
	_ = r.Close()
	if err == nil || errors.Is(err, ErrNoSuchKey) {
		err = errChanged
	}
	return err
}

func (r *Reader) open(i int) error {
	if r.at == i {
		return nil
	}
	if r.file != nil {
		_ = r.file.Close()
		r.file, r.at = nil, -1
	}
	f, err := r.store.blobs.Open(r.ctx, r.segments[i].Blob)
	if err != nil {
		return err
	}
	r.file, r.at = f, i
	return nil
}

// locate opens the segment that holds r.pos, seeks there, and returns how many
// bytes of it follow; 0 at the end of the object. wanted is how many will be read.
func (r *Reader) locate(wanted int64) (left int64, err error) {
	start := int64(0)
	for i, g := range r.segments {
		if r.pos < start+g.Length {
			if err := r.open(i); err != nil {
				return 0, err
			}
			in := r.pos - start
			if _, err := r.file.Seek(g.Offset+in, io.SeekStart); err != nil {
				return 0, err
			}
			expect(r.file, g, in, wanted)
			return g.Length - in, nil
		}
		start += g.Length
	}
	return 0, nil
}

// expect announces that wanted bytes of g will be read, those from in.
func expect(f io.Reader, g Segment, in, wanted int64) {
	e, ok := f.(Expecter)
	switch {
	case !ok:
	case in == 0 && wanted >= g.Length:
		e.Expect(g.Length, g.Sum)
	default:
		e.Expect(min(wanted, g.Length-in), 0)
	}
}

// Read implements io.Reader.
func (r *Reader) Read(p []byte) (int, error) {
	if r.small != nil {
		n := copy(p, r.small[r.pos:])
		r.pos += int64(n)
		if n == 0 && len(p) > 0 {
			return 0, io.EOF
		}
		return n, nil
	}
	left, err := r.locate(math.MaxInt64)
	if err != nil {
		return 0, err
	}
	if left == 0 {
		return 0, io.EOF
	}
	n, err := r.file.Read(p[:min(int64(len(p)), left)])
	r.pos += int64(n)
	return n, unexpected(err)
}

// Seek implements io.Seeker. A place outside the object is an error.
func (r *Reader) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += r.pos
	case io.SeekEnd:
		offset += r.Info.Size
	}
	if offset < 0 || offset > r.Info.Size {
		return r.pos, Refuse(InvalidRange, "offset %d is outside the object's %d bytes", offset, r.Info.Size)
	}
	r.pos = offset
	return offset, nil
}

// CopyTo writes the next n bytes to w. Each piece goes through io.CopyN from the
// blob's own reader, which for a file and a TCP connection is sendfile(2).
func (r *Reader) CopyTo(w io.Writer, n int64) error {
	if r.small != nil {
		if n > r.Info.Size-r.pos {
			return io.ErrUnexpectedEOF
		}
		k, err := w.Write(r.small[r.pos : r.pos+n])
		r.pos += int64(k)
		return err
	}
	for n > 0 {
		left, err := r.locate(n)
		if err != nil {
			return err
		}
		if left == 0 {
			return io.ErrUnexpectedEOF
		}
		k, err := io.CopyN(w, r.file, min(left, n))
		r.pos += k
		n -= k
		if err != nil {
			return unexpected(err)
		}
	}
	return nil
}

// Close lets go of the object's bytes.
func (r *Reader) Close() error {
	var err error
	if r.file != nil {
		err = r.file.Close()
		r.file, r.at = nil, -1
	}
	if r.pinned != nil {
		r.store.free(r.store.pins.unpin(r.pinned))
		r.pinned = nil
	}
	return err
}
