package store

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"io"
	"math"
)

// CheckOptions say how far a check goes.
type CheckOptions struct {
	Deep   bool // read all bytes and verify their sums; otherwise only their number
	Repair bool // correct counters, and remove blobs that nothing refers to
	// Progress is called after each object; nil: nobody looks.
	Progress func(CheckReport)
}

// CheckReport is what a check found.
type CheckReport struct {
	Objects int64    `json:"objects"` // that were looked at
	Parts   int64    `json:"parts"`   // of uploads in flight
	Bytes   int64    `json:"bytes"`   // of both
	Damaged []Damage `json:"damaged"` // what is lost
	Index   Recount  `json:"index"`
	Orphans int      `json:"orphans"` // removed; only with Repair
}

// Sound reports whether nothing is lost and nothing was wrong.
func (r CheckReport) Sound() bool {
	return len(r.Damaged)+len(r.Index.Drifts)+r.Index.Shared+len(r.Index.Problems) == 0
}

// Damage is an object, or a part of an upload in flight, whose bytes are not there as a whole.
type Damage struct {
	Bucket   string `json:"bucket"`
	Key      string `json:"key"`
	UploadID string `json:"upload_id,omitempty"`
	Part     int    `json:"part,omitempty"`
	Reason   string `json:"reason"`
}

// Check verifies the index against the blobs. Nothing may be written meanwhile. An error is
// about the check itself; what it found wrong is in the report.
func (s *Store) Check(ctx context.Context, o CheckOptions) (CheckReport, error) {
	var r CheckReport
	var err error
	if r.Index, err = s.index.Recount(ctx, o.Repair); err != nil {
		return r, err
	}
	err = s.walk(ctx, func(page []Object) error {
		for _, obj := range page {
			if err := s.checkObject(ctx, obj, o.Deep); err != nil {
				if ctx.Err() != nil {
					return ctx.Err()
				}
				r.Damaged = append(r.Damaged, Damage{Bucket: obj.Bucket, Key: obj.Key, Reason: err.Error()})
			}
			r.Objects++
			r.Bytes += obj.Size
			if o.Progress != nil {
				o.Progress(r)
			}
		}
		return nil
	})
	if err != nil {
		return r, err
	}
	if err := s.checkParts(ctx, o, &r); err != nil {
		return r, err
	}
	if o.Repair && len(r.Index.Problems) == 0 { // what cannot be read may refer to a blob
		r.Orphans, err = s.Sweep(ctx)
	}
	return r, err
}

func (s *Store) checkParts(ctx context.Context, o CheckOptions, r *CheckReport) error {
	buckets, err := s.index.Buckets(ctx)
	if err != nil {
		return err
	}
	for _, b := range buckets {
		uploads, err := s.index.Uploads(ctx, b.Name, "", "", "", 0)
		if err != nil {
			return err
		}
		for _, u := range uploads {
			parts, err := s.index.Parts(ctx, u.Bucket, u.Key, u.ID, 0, 0)
			if err != nil {
				return err
			}
			for _, p := range parts {
				if err := s.checkBytes(ctx, p.Segments, p.Size, p.ETag, o.Deep); err != nil {
					r.Damaged = append(r.Damaged, Damage{Bucket: u.Bucket, Key: u.Key, UploadID: u.ID, Part: p.Number, Reason: err.Error()})
				}
				r.Parts++
				r.Bytes += p.Size
			}
		}
	}
	return nil
}

func (s *Store) checkObject(ctx context.Context, o Object, deep bool) error {
	etag := o.ETag
	if o.PartSizes != nil {
		etag = "" // not an MD5 of the bytes
	}
	return s.checkBytes(ctx, o.Segments, o.Size, etag, deep)
}

// checkBytes verifies segments; etag is looked at where a segment has no sum.
func (s *Store) checkBytes(ctx context.Context, segments []Segment, size int64, etag string, deep bool) error {
	whole := md5.New() //nolint:gosec // S3's ETag is an MD5
	sums, n := true, int64(0)
	for _, g := range segments {
		n += g.Length
		f, err := s.blobs.Open(ctx, g.Blob)
		if err != nil {
			return err
		}
		sum, err := checkSegment(f, g, whole, deep)
		_ = f.Close()
		if err != nil {
			return fmt.Errorf("blob %s: %w", g.Blob, err)
		}
		if deep && g.Sum != 0 && sum != g.Sum {
			return fmt.Errorf("blob %s: %w", g.Blob, ErrDamaged)
		}
		sums = sums && g.Sum != 0
	}
	if n != size {
		return fmt.Errorf("the index has %d bytes in segments, and says %d", n, size)
	}
	if deep && !sums && len(etag) == hex.EncodedLen(md5.Size) && hex.EncodeToString(whole.Sum(nil)) != etag {
		return ErrDamaged
	}
	return nil
}

// checkSegment reads a segment, or only makes sure that it has all of its bytes.
func checkSegment(f io.ReadSeeker, g Segment, whole io.Writer, deep bool) (sum uint32, err error) {
	if !deep {
		_, err := f.Seek(g.Offset+g.Length-1, io.SeekStart)
		if err == nil {
			expect(f, g, g.Length-1, 1)
			_, err = io.ReadFull(f, make([]byte, 1))
		}
		return 0, unexpected(err)
	}
	if _, err := f.Seek(g.Offset, io.SeekStart); err != nil {
		return 0, err
	}
	expect(f, g, 0, math.MaxInt64)
	crc := crc32.New(castagnoli)
	w := io.Writer(crc)
	if g.Sum == 0 {
		w = io.MultiWriter(crc, whole)
	}
	_, err = io.CopyN(w, f, g.Length)
	return crc.Sum32(), unexpected(err)
}
