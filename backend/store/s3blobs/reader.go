package s3blobs

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/artifacts-tui/artifacts-tui/backend/store"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// reader reads a blob by one GET from where it was sought to, to the end of what was expected.
// Where the connection breaks it goes on with another.
type reader struct {
	b   *Blobs
	ctx context.Context
	id  token

	pos int64
	end int64 // of what is expected, and of the blob where that is not known; -1: not known either
	// While whole is set the bytes to end have the CRC-32C want, and those read so far have crc.
	whole     bool
	want, crc uint32

	body   io.ReadCloser // from pos; nil: none
	cancel context.CancelFunc
	guard  *time.Timer
	closed bool
}

var (
	_ store.Expecter    = (*reader)(nil)
	_ io.ReadSeekCloser = (*reader)(nil)
)

// Expect implements store.Expecter. While a request is under way it changes nothing.
func (r *reader) Expect(n int64, sum uint32) {
	if r.body != nil || n <= 0 {
		return
	}
	r.end, r.whole, r.want, r.crc = r.pos+n, sum != 0, sum, 0
}

// Seek implements io.Seeker.
func (r *reader) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += r.pos
	case io.SeekEnd:
		size, err := r.size()
		if err != nil {
			return r.pos, err
		}
		offset += size
	}
	if offset < 0 {
		return r.pos, errors.New("s3blobs: a place before the blob")
	}
	if offset != r.pos {
		r.hangUp()
		r.pos, r.end, r.whole = offset, -1, false
	}
	return offset, nil
}

func (r *reader) size() (n int64, err error) {
	err = r.b.ask(r.ctx, 0, func(ctx context.Context) error {
		out, err := r.b.s3.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &r.b.Bucket, Key: aws.String(r.b.key(r.id))})
		if err == nil {
			n = aws.ToInt64(out.ContentLength)
		}
		return err
	})
	return n, r.failure(err)
}

// Read implements io.Reader.
func (r *reader) Read(p []byte) (int, error) {
	if r.closed {
		return 0, fs.ErrClosed
	}
	if len(p) == 0 {
		return 0, nil
	}
	if r.pos == r.end && r.body == nil { // what was expected has been read, and there is more to be
		r.end, r.whole = -1, false
	}
	until := time.Now().Add(patience * r.b.Timeout)
	for try := 0; ; try++ {
		n, err := r.read(p)
		if n > 0 {
			return r.took(p[:n])
		}
		if err == nil {
			continue
		}
		if errors.Is(err, io.EOF) && (r.end < 0 || r.pos >= r.end) {
			r.hangUp()
			return 0, io.EOF
		}
		r.hangUp()
		if r.ctx.Err() != nil {
			return 0, r.ctx.Err()
		}
		if beyond(err) {
			if r.end < 0 {
				return 0, io.EOF
			}
			return 0, fmt.Errorf("blob %s ends at or before byte %d: %w", r.id, r.pos, io.ErrUnexpectedEOF)
		}
		if !passing(err) || !wait(r.ctx, try, until) {
			return 0, r.failure(err)
		}
	}
}

// read is one attempt.
func (r *reader) read(p []byte) (int, error) {
	if r.body == nil {
		if err := r.dial(); err != nil {
			return 0, err
		}
	}
	if r.end >= 0 {
		p = p[:min(int64(len(p)), r.end-r.pos)]
		if len(p) == 0 {
			return 0, io.EOF
		}
	}
	r.guard.Reset(r.b.Timeout)
	n, err := r.body.Read(p)
	if !r.guard.Stop() && n == 0 && r.ctx.Err() == nil {
		err = context.DeadlineExceeded
	}
	if n > 0 {
		return n, nil // an error comes again
	}
	return 0, err
}

// took moves on, and verifies.
func (r *reader) took(p []byte) (int, error) {
	r.pos += int64(len(p))
	if r.whole {
		r.crc = crc32.Update(r.crc, castagnoli, p)
		if r.pos == r.end && r.crc != r.want {
			r.hangUp()
			return 0, fmt.Errorf("blob %s: %w", r.id, store.ErrDamaged)
		}
	}
	if r.pos == r.end {
		// The connection is of use again when the end of the body was seen.
		r.guard.Reset(r.b.Timeout)
		_, _ = r.body.Read(make([]byte, 1))
		r.hangUp()
	}
	return len(p), nil
}

// dial sends the GET.
func (r *reader) dial() error {
	ctx, cancel := context.WithCancel(r.ctx)
	guard := time.AfterFunc(r.b.Timeout, cancel)
	in := &s3.GetObjectInput{Bucket: &r.b.Bucket, Key: aws.String(r.b.key(r.id))}
	switch {
	case r.end >= 0:
		in.Range = aws.String(fmt.Sprintf("bytes=%d-%d", r.pos, r.end-1))
	case r.pos > 0:
		in.Range = aws.String(fmt.Sprintf("bytes=%d-", r.pos))
	}
	out, err := r.b.s3.GetObject(ctx, in)
	stalled := !guard.Stop()
	if err != nil {
		cancel()
		if stalled && r.ctx.Err() == nil {
			return context.DeadlineExceeded
		}
		return err
	}
	got := aws.ToString(out.ContentRange)
	switch {
	case aws.ToString(out.ETag) == "":
		err = errNotS3
	case r.pos > 0 && !strings.HasPrefix(got, fmt.Sprintf("bytes %d-", r.pos)):
		err = fault.New(fault.Failure, "use a store that does", "%s does not serve byte ranges", r.b.Where())
	}
	if err != nil {
		_ = out.Body.Close()
		cancel()
		return err
	}
	r.body, r.cancel, r.guard = out.Body, cancel, guard
	return nil
}

// hangUp ends the request that is under way.
func (r *reader) hangUp() {
	if r.body == nil {
		return
	}
	r.guard.Stop()
	_ = r.body.Close()
	r.cancel()
	r.body = nil
}

// Close implements io.Closer.
func (r *reader) Close() error {
	if r.closed {
		return nil
	}
	r.hangUp()
	r.closed = true
	r.b.closed(r.id)
	return nil
}

func beyond(err error) bool {
	return statusOf(err) == http.StatusRequestedRangeNotSatisfiable
}

func (r *reader) failure(err error) error {
	if isMissing(err) {
		return fmt.Errorf("blob %s in %s: %w", r.id, r.b.Where(), fs.ErrNotExist)
	}
	return r.b.failure("read a blob", err)
}
