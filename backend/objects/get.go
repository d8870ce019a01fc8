package objects

import (
	"context"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"golang.org/x/sync/errgroup"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/mounts/remote"
	"github.com/artifacts-tui/artifacts-tui/mounts/upper"
)

// Of downloads.
const (
	singleGet    = 32 << 20 // the largest object fetched by one request
	rangeSize    = 16 << 20
	rangesAFile  = 8
	copyBuffer   = 256 << 10
	brokenBodies = 5 // in a row, without a byte between them, until a download is given up
)

// get opens an object from off on. etag, where it is given, is the one that it must have.
func (s *Store) get(ctx context.Context, key, etag string, off, n int64) (io.ReadCloser, Info, error) {
	leave, err := s.Client.DownloadTurn(ctx)
	if err != nil {
		return nil, Info{}, err
	}
	call, end := context.WithCancel(ctx)
	var out *s3.GetObjectOutput
	err = s.try(call, "read", key, func(ctx context.Context, _ int) (err error) {
		in := &s3.GetObjectInput{Bucket: &s.Bucket, Key: s.full(key), IfMatch: quote(etag)}
		if off > 0 || n >= 0 {
			in.Range = aws.String(fmt.Sprintf("bytes=%d-", off))
			if n >= 0 {
				*in.Range += fmt.Sprint(off + n - 1)
			}
		} else {
			in.ChecksumMode = types.ChecksumModeEnabled
		}
		silent := time.AfterFunc(s.Client.Timeout(), end)
		out, err = s.Client.S3().GetObject(ctx, in)
		silent.Stop()
		if err == nil {
			if err = remote.Stored(out.ETag); err != nil {
				out.Body.Close()
			}
		}
		return err
	})
	if err != nil {
		if call.Err() != nil && ctx.Err() == nil {
			err = s.silent(key)
		}
		end()
		leave()
		return nil, Info{}, err
	}
	i := Info{
		Object:      Object{Key: key, Size: aws.ToInt64(out.ContentLength), Modified: aws.ToTime(out.LastModified), ETag: unquote(out.ETag)},
		ContentType: aws.ToString(out.ContentType), CacheControl: aws.ToString(out.CacheControl), Encoding: aws.ToString(out.ContentEncoding),
		Disposition: aws.ToString(out.ContentDisposition), Language: aws.ToString(out.ContentLanguage),
		StorageClass: string(out.StorageClass), Encryption: string(out.ServerSideEncryption), Metadata: out.Metadata,
		Checksums: checksums(out.ChecksumCRC32, out.ChecksumCRC32C, out.ChecksumCRC64NVME, out.ChecksumSHA1, out.ChecksumSHA256),
		tagged:    aws.ToInt32(out.TagCount),
	}
	i.describe(out.ChecksumType)
	b := &fetched{s: s, ctx: ctx, key: key, body: out.Body, end: func() { end(); leave() }, left: i.Size}
	b.guard = time.AfterFunc(s.Client.Timeout(), end)
	switch {
	case etag != "" && i.ETag != etag:
		err = s.verdict(fmt.Errorf("read %s: %w", s.Place(key), upper.ErrChanged)) // the store ignores If-Match
	case off > 0 && !strings.HasPrefix(aws.ToString(out.ContentRange), fmt.Sprintf("bytes %d-", off)):
		err = fault.New(fault.Failure, "use a store that does", "read %s: the store does not serve byte ranges", s.Place(key))
	case n >= 0 && i.Size != n:
		err = s.cut(key)
	}
	if err != nil {
		b.Close()
		return nil, i, err
	}
	return b, i, nil
}

func (s *Store) silent(key string) error {
	return fault.New(fault.Unreachable, Hints.Reach, "read %s: no answer from the store for %s", s.Place(key), s.Client.Timeout())
}

func (s *Store) cut(key string) error {
	return fault.New(fault.Unreachable, Hints.Reach, "read %s: the store's answer was cut off", s.Place(key))
}

// fetched is a response's body, of exactly left bytes, whose reads must make progress.
type fetched struct {
	s     *Store
	ctx   context.Context // of who reads
	key   string
	body  io.ReadCloser
	guard *time.Timer
	end   func()
	left  int64
}

// Read implements io.Reader.
func (f *fetched) Read(p []byte) (int, error) {
	if f.left == 0 {
		return 0, io.EOF
	}
	f.guard.Reset(f.s.Client.Timeout())
	n, err := f.body.Read(p[:min(int64(len(p)), f.left)])
	quiet := !f.guard.Stop()
	f.left -= int64(n)
	if n > 0 {
		if perr := f.s.Client.Fetched(f.ctx, n); perr != nil {
			return n, perr
		}
	}
	switch {
	case f.ctx.Err() != nil:
		return n, f.ctx.Err()
	case f.left == 0:
		return n, nil
	case err == io.EOF:
		return n, f.s.cut(f.key)
	case err != nil && quiet:
		return n, f.s.silent(f.key)
	case err != nil:
		return n, f.s.Client.Outcome(f.ctx, "read", f.s.Place(f.key), err)
	}
	return n, nil
}

// Close implements io.Closer.
func (f *fetched) Close() error {
	f.guard.Stop()
	f.end() // before the body, of which the rest would be read to keep the connection
	return f.body.Close()
}

// copyTo writes an object's bytes from off on to w, and goes on where a body is cut off. n < 0
// is to its end. begin gets what the first answer tells, before a byte is written.
func (s *Store) copyTo(ctx context.Context, w io.Writer, key, etag string, off, n int64, moved func(int64), begin func(Info) error) error {
	buffer := make([]byte, copyBuffer)
	for broken := 0; ; {
		body, i, err := s.get(ctx, key, etag, off, n)
		if err != nil {
			return err
		}
		if begin != nil {
			if err := begin(i); err != nil {
				body.Close()
				return err
			}
			begin = nil
		}
		if n < 0 {
			n = i.Size
		}
		etag = i.ETag
		got, err := io.CopyBuffer(onlyWriter{w, moved}, onlyReader{body}, buffer)
		body.Close()
		off, n = off+got, n-got
		if err == nil || ctx.Err() != nil || n == 0 {
			return errors.Join(ctx.Err(), err)
		}
		if broken++; got > 0 {
			broken = 0
		}
		if !fault.Is(err, fault.Unreachable) || broken == brokenBodies {
			return err
		}
	}
}

// onlyWriter counts what passes, and hides the ReadFrom of w.
type onlyWriter struct {
	w     io.Writer
	moved func(int64)
}

// Write implements io.Writer.
func (o onlyWriter) Write(p []byte) (int, error) {
	n, err := o.w.Write(p)
	o.moved(int64(n))
	return n, err
}

type onlyReader struct{ io.Reader }

// fetch writes an object to w as a whole and verifies it. verified is false where the store
// tells no checksum of the whole.
func (s *Store) fetch(ctx context.Context, w io.Writer, key, etag string, moved func(int64)) (info Info, verified bool, err error) {
	var p proof
	var sum hash.Hash
	var tee io.Writer
	err = s.copyTo(ctx, writerFunc(func(b []byte) (int, error) { return tee.Write(b) }), key, etag, 0, -1, moved, func(i Info) error {
		info, p = i, i.proof()
		tee = w
		if sum = p.newHash(); sum != nil {
			tee = io.MultiWriter(w, sum)
		}
		return nil
	})
	if err == nil && sum != nil {
		err = p.check(s.Place(key), sum)
	}
	return info, err == nil && sum != nil, err
}

type writerFunc func([]byte) (int, error)

// Write implements io.Writer.
func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// fetchParts writes a large object to f by ranges beside each other, but for what is there already,
// and verifies it.
func (s *Store) fetchParts(ctx context.Context, f *os.File, info Info, there *partial, moved func(int64)) (verified bool, err error) {
	if at, err := f.Stat(); err != nil || at.Size() > info.Size {
		if err := errors.Join(err, f.Truncate(info.Size)); err != nil {
			return false, err
		}
	}
	count := int((info.Size + rangeSize - 1) / rangeSize)
	sums := make([]uint32, count)
	group, inner := errgroup.WithContext(ctx)
	group.SetLimit(rangesAFile)
	for i := range count {
		if inner.Err() != nil {
			break
		}
		group.Go(func() error {
			off := int64(i) * rangeSize
			n := min(rangeSize, info.Size-off)
			w := there.begin(inner, f, off, n)
			moved(w.off - off)
			var err error
			if w.off < w.end {
				err = s.copyTo(inner, w, info.Key, info.ETag, w.off, w.end-w.off, moved, nil)
			}
			sums[i] = w.sum()
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return false, err
	}
	if err := ctx.Err(); err != nil {
		return false, err
	}
	p := info.proof()
	if p.algorithm == sumCRC32C {
		sum := sums[0]
		for i, next := range sums[1:] {
			sum = combine(sum, next, min(rangeSize, info.Size-int64(i+1)*rangeSize))
		}
		return true, p.compare(s.Place(info.Key), encodeSum(sum))
	}
	if h := p.newHash(); h != nil {
		if _, err := io.Copy(h, io.NewSectionReader(f, 0, info.Size)); err != nil {
			return false, err
		}
		return true, p.check(s.Place(info.Key), h)
	}
	same, known, err := sameParts(f, info.Size, info.ETag)
	return same && known, err
}
