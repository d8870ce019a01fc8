package objects

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"golang.org/x/sys/unix"

	"github.com/artifacts-tui/artifacts-tui/internal/atomicfile"
)

// source is a file that is uploaded. It is the same one as long as these are.
type source struct {
	Dir      string    `json:"-"` // folder of the records
	Path     string    `json:"path"`
	Size     int64     `json:"size"`
	Modified time.Time `json:"modified"`
}

// resumption is the record, on disk, of an upload in parts: a program that was killed, or that
// lost its store, goes on with it. It holds no secret.
type resumption struct {
	file   string
	lock   *os.File // nil: there is no record, or another program has it
	source source
	key    string
	record resumeRecord
}

type resumeRecord struct {
	Source   source `json:"source"`
	UploadID string `json:"upload_id"`
	PartSize int64  `json:"part_size"`
	Sums     string `json:"sums"`
	Place    string `json:"place"`
}

func (s *Store) resumption(key string, in input) *resumption {
	r := &resumption{source: in.source, key: key}
	if in.source.Dir == "" || os.MkdirAll(in.source.Dir, 0o700) != nil {
		return r
	}
	h := sha256.New()
	for _, part := range []string{s.Account, s.Bucket, s.Prefix + key, in.source.Path} {
		h.Write([]byte(part))
		h.Write([]byte{0})
	}
	r.file = filepath.Join(in.source.Dir, hex.EncodeToString(h.Sum(nil))[:32]+".json")
	lock, err := os.OpenFile(r.file+".lock", os.O_CREATE|os.O_RDWR|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return r
	}
	if unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB) != nil {
		_ = lock.Close()
		return r
	}
	r.lock = lock
	return r
}

// find returns the upload that was cut off, and what the store has of it; nil where there is none.
func (r *resumption) find(ctx context.Context, s *Store, length int64) (*upload, map[int32]listedPart) {
	if r.lock == nil {
		return nil, nil
	}
	raw, err := os.ReadFile(r.file)
	if err != nil || json.Unmarshal(raw, &r.record) != nil || r.record.UploadID == "" {
		return nil, nil
	}
	u := &upload{s: s, key: r.key, id: r.record.UploadID, sums: r.record.Sums}
	there := r.record.Source
	if there.Size != r.source.Size || !there.Modified.Equal(r.source.Modified) || r.record.PartSize != length {
		_ = u.abort(ctx) // of another content
		return nil, nil
	}
	have := map[int32]listedPart{}
	in := &s3.ListPartsInput{Bucket: &s.Bucket, Key: s.full(r.key), UploadId: &u.id}
	for {
		var out *s3.ListPartsOutput
		err := s.try(ctx, "look at the upload of", r.key, func(ctx context.Context, _ int) (err error) {
			call, cancel := s.bounded(ctx)
			defer cancel()
			out, err = s.Client.S3().ListParts(call, in)
			return err
		})
		if err != nil {
			return nil, nil // it is gone, or cannot be used
		}
		for _, p := range out.Parts {
			have[aws.ToInt32(p.PartNumber)] = listedPart{size: aws.ToInt64(p.Size), etag: p.ETag, crc: aws.ToString(p.ChecksumCRC32C)}
		}
		if !aws.ToBool(out.IsTruncated) {
			return u, have
		}
		in.PartNumberMarker = out.NextPartNumberMarker
	}
}

// keep writes the record of an upload that was begun.
func (r *resumption) keep(u *upload, length int64) {
	if r.lock == nil {
		return
	}
	r.record = resumeRecord{Source: r.source, UploadID: u.id, PartSize: length, Sums: u.sums, Place: u.s.Place(u.key)}
	raw, err := json.Marshal(r.record)
	if err != nil || atomicfile.Write(r.file, raw, 0o600) != nil {
		r.record = resumeRecord{}
	}
}

// kept reports whether the upload can be gone on with.
func (r *resumption) kept() bool { return r.lock != nil && r.record.UploadID != "" }

// forget drops the record.
func (r *resumption) forget() {
	if r.lock == nil {
		return
	}
	_ = os.Remove(r.file)
	r.record = resumeRecord{}
}

// close lets another program have the record.
func (r *resumption) close() {
	if r.lock == nil {
		return
	}
	if !r.kept() {
		_ = os.Remove(r.lock.Name()) // while it is locked
	}
	_ = r.lock.Close()
	r.lock = nil
}
