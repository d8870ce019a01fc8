package objects

import (
	"context"
	"errors"
	"io"
	"maps"
	"mime"
	"net/http"
	"path"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/artifacts-tui/artifacts-tui/mounts/remote"
)

// Of uploads. S3 allows 10,000 parts of 5 MiB to 5 GiB:
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
const (
	singlePut  = 16 << 20 // the largest body sent in one request
	partSize   = 16 << 20
	maxParts   = 10_000
	partsAFile = 8 // at once
)

// partLength is the size of the parts of size bytes: whole MiB, at most 10,000 parts.
func partLength(size int64) int64 {
	need := (size + maxParts - 1) / maxParts
	return max(partSize, (need+(1<<20)-1)>>20<<20)
}

// attributes are what an object has beside its bytes.
type attributes struct {
	contentType, cacheControl, encoding, disposition, language string
	metadata                                                   map[string]string
	tagging                                                    string // as a query
}

// condition has a change refused where the object is not the one that was looked at.
type condition struct {
	ifMatch  string // it has this ETag
	ifAbsent bool   // there is none
}

// input is what an upload sends.
type input struct {
	body io.ReaderAt
	size int64
	attributes
	condition
	moved     func(n int64) // of bytes on their way; negative where they have to be sent again
	unchanged func() error  // the source is still what it was: asked before parts become an object; may be nil
	source    source        // by which an upload that was cut off is found again; the zero value: by nothing
}

func fileAttributes(key string, modified time.Time) attributes {
	a := attributes{contentType: mime.TypeByExtension(path.Ext(key)), metadata: map[string]string{}}
	if a.contentType == "" {
		a.contentType = "application/octet-stream"
	}
	if !modified.IsZero() {
		a.metadata[mtimeKey] = mtimeText(modified)
	}
	return a
}

func (i Info) attributes() attributes {
	return attributes{
		contentType: i.ContentType, cacheControl: i.CacheControl, encoding: i.Encoding, disposition: i.Disposition, language: i.Language,
		metadata: maps.Clone(i.Metadata),
	}
}

func text(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// put stores an object. What fails or is cancelled leaves nothing, but for an upload in parts
// that lost its store: a later one of the same source goes on with it.
func (s *Store) put(ctx context.Context, key string, in input) (Object, error) {
	if in.moved == nil {
		in.moved = func(int64) {}
	}
	if in.size > singlePut {
		return s.putParts(ctx, key, in)
	}
	crc, err := sumOf(in.body, 0, in.size)
	if err != nil {
		return Object{}, err
	}
	var out *s3.PutObjectOutput
	err = s.try(ctx, "upload", key, func(ctx context.Context, n int) error {
		call, verdict, end, err := s.sending(ctx, in.size, in.moved)
		if err != nil {
			return err
		}
		out, err = s.putOnce(call, key, in, crc)
		err = verdict(err)
		end(err == nil)
		if n > 0 && remote.StatusOf(err) == http.StatusPreconditionFailed {
			if o, ok := s.arrived(ctx, key, in); ok { // the try before was answered into nothing
				out, err = &s3.PutObjectOutput{ETag: &o.ETag}, nil
			}
		}
		return err
	})
	if err != nil {
		return Object{}, err
	}
	return Object{Key: key, Size: in.size, ETag: unquote(out.ETag)}, nil
}

// sending is a request's context that counts what it sends, and takes that back at its end
// where it was in vain.
func (s *Store) sending(ctx context.Context, size int64, moved func(int64)) (call context.Context, verdict func(error) error, end func(ok bool), err error) {
	turn, verdict, leave, err := s.Client.UploadTurn(ctx, size)
	if err != nil {
		return nil, nil, nil, err
	}
	var sent atomic.Int64
	call = remote.Sending(turn, func(n int) {
		sent.Add(int64(n))
		moved(int64(n))
	})
	return call, verdict, func(ok bool) {
		leave()
		if back := sent.Load(); !ok && back > 0 {
			moved(-back)
		} else if ok && back != size {
			moved(size - back) // the SDK sent it twice
		}
	}, nil
}

func (s *Store) putOnce(ctx context.Context, key string, in input, crc uint32) (*s3.PutObjectOutput, error) {
	summed := !s.unsummed.Load()
	req := &s3.PutObjectInput{
		Bucket: &s.Bucket, Key: s.full(key), Body: io.NewSectionReader(in.body, 0, in.size), ContentLength: &in.size,
		ContentType: text(in.contentType), CacheControl: text(in.cacheControl), ContentEncoding: text(in.encoding),
		ContentDisposition: text(in.disposition), ContentLanguage: text(in.language), Metadata: in.metadata, Tagging: text(in.tagging),
	}
	if summed {
		req.ChecksumCRC32C = aws.String(encodeSum(crc))
	}
	if !s.simple.Load() {
		req.IfMatch = quote(in.ifMatch)
		if in.ifAbsent {
			req.IfNoneMatch = aws.String("*")
		}
	}
	out, err := s.Client.S3().PutObject(ctx, req, s.Client.Unsigned(summed && s.verifies.Load()))
	if err == nil {
		err = remote.Stored(out.ETag)
	}
	switch {
	case err == nil:
		s.verifies.Store(summed && aws.ToString(out.ChecksumCRC32C) == *req.ChecksumCRC32C)
	case remote.StatusOf(err) != http.StatusNotImplemented:
	case summed:
		s.unsummed.Store(true)
		return s.putOnce(ctx, key, in, crc)
	case req.IfMatch != nil || req.IfNoneMatch != nil:
		s.simple.Store(true)
		return s.putOnce(ctx, key, in, crc)
	}
	return out, err
}

// arrived reports whether the object has the bytes that were sent.
func (s *Store) arrived(ctx context.Context, key string, in input) (Object, bool) {
	i, err := s.Head(ctx, key)
	if err != nil {
		return Object{}, false
	}
	same, known, err := i.same(in.body, in.size)
	return i.Object, same && known && err == nil
}

// sumOf is the CRC-32C of n bytes at off.
func sumOf(r io.ReaderAt, off, n int64) (uint32, error) {
	h := newCRC32C()
	copied, err := io.Copy(h, io.NewSectionReader(r, off, n))
	if err == nil && copied != n {
		err = errShort
	}
	return h.Sum32(), err
}

// errShort is a source that has fewer bytes than it had.
var errShort = errors.New("the file became shorter while it was read")
