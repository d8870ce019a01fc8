package s3blobs

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/artifacts-tui/artifacts-tui/backend/store"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// A blob up to partSize goes by one PUT. A larger one goes in parts, each sent while the next
// is filled. S3 takes 10,000: https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html.
const (
	partSize    = 8 << 20
	partsAtOnce = 4 // of one blob
	maxParts    = 10_000
	maxSize     = int64(maxParts) * partSize // 78 GiB
	// freeSize is the size up to which a blob takes none of Options.Memory: it never waits for
	// large ones.
	freeSize = 256 << 10
	// writeMax is how long a blob may take from Create to Commit. Uploads that are twice as old
	// are nobody's any more.
	writeMax = 24 * time.Hour
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func sum(p []byte) uint32 { return crc32.Checksum(p, castagnoli) }

// header is a CRC-32C as S3's headers have it.
func header(sum uint32) string {
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, sum))
}

// Create implements store.Blobs. It waits for the memory of the part that is being filled,
// which the writer keeps to its end. The parts on their way have memory of their own: it comes
// back by itself, so that no writer waits for one that waits for a third.
func (b *Blobs) Create(ctx context.Context, size int64) (store.BlobWriter, error) {
	if size > maxSize {
		return nil, errTooLarge
	}
	room := int64(partSize)
	if size >= 0 {
		room = min(size, partSize)
	}
	held := room
	if room <= freeSize {
		held = 0
	}
	if err := b.filling.Acquire(ctx, held); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	if size < 0 {
		room = freeSize // more comes as it is needed
	}
	return &writer{b: b, ctx: ctx, cancel: cancel, id: newToken(), begun: time.Now(), buf: make([]byte, 0, room), held: held}, nil
}

var errTooLarge = fault.New(fault.Usage, "send it as a multipart upload", "a single body of more than %d bytes is not kept in an S3 store", maxSize)

// writer is a store.BlobWriter. Its methods are called by one goroutine at a time.
type writer struct {
	b      *Blobs
	ctx    context.Context
	cancel context.CancelFunc
	id     token
	begun  time.Time
	over   bool // committed or aborted
	sent   bool // the blob may be there

	buf    []byte // that is being filled
	held   int64  // bytes of Options.Memory for it
	number int    // of the parts that were begun to be sent
	upload *string
	summed bool
	slots  chan struct{}
	parts  sync.WaitGroup

	mu   sync.Mutex
	done []types.CompletedPart // by number
	err  error                 // the first of a part
}

// Write implements io.Writer.
func (w *writer) Write(p []byte) (n int, err error) {
	for len(p) > 0 {
		if err := w.failed(); err != nil {
			return n, err
		}
		if len(w.buf) == partSize {
			if err := w.send(); err != nil {
				return n, err
			}
		}
		k := min(len(p), partSize-len(w.buf))
		w.buf = append(w.buf, p[:k]...)
		p, n = p[k:], n+k
	}
	return n, nil
}

// send begins to send w.buf as a part.
func (w *writer) send() error {
	if w.number == maxParts {
		return errTooLarge
	}
	if w.upload == nil {
		if err := w.start(); err != nil {
			return err
		}
	}
	select {
	case w.slots <- struct{}{}:
	case <-w.ctx.Done():
		return w.ctx.Err()
	}
	part := w.buf
	if err := w.b.sending.Acquire(w.ctx, int64(len(part))); err != nil {
		<-w.slots
		return err
	}
	w.number++
	number := w.number
	w.buf = make([]byte, 0, partSize)
	w.parts.Go(func() {
		defer func() { <-w.slots }()
		defer w.b.sending.Release(int64(len(part)))
		done, err := w.sendPart(number, part)
		w.mu.Lock()
		defer w.mu.Unlock()
		if err != nil && w.err == nil {
			w.err = err
		}
		for len(w.done) < number {
			w.done = append(w.done, types.CompletedPart{})
		}
		w.done[number-1] = done
	})
	return nil
}

// release gives the memory of w.buf back.
func (w *writer) release() {
	w.b.filling.Release(w.held)
	w.buf, w.held = nil, 0
}

func (w *writer) failed() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

// start begins the upload in parts.
func (w *writer) start() error {
	b, key := w.b, w.b.key(w.id)
	w.summed = !b.learned.unsummed.Load()
	var out *s3.CreateMultipartUploadOutput
	err := b.ask(w.ctx, 0, func(ctx context.Context) (err error) {
		in := &s3.CreateMultipartUploadInput{Bucket: &b.Bucket, Key: &key, ContentType: aws.String("application/octet-stream")}
		if w.summed {
			in.ChecksumAlgorithm = types.ChecksumAlgorithmCrc32c
		}
		out, err = b.s3.CreateMultipartUpload(ctx, in)
		if err == nil && aws.ToString(out.UploadId) == "" {
			err = errNotS3
		}
		return err
	})
	if statusOf(err) == http.StatusNotImplemented && w.summed {
		b.learned.verifies.Store(false)
		b.learned.unsummed.Store(true)
		return w.start()
	}
	if err != nil {
		return b.failure("write a blob", err)
	}
	// A store that says nothing of the algorithm verifies each part all the same, or the
	// signature does, but wants no sums at the end.
	w.upload, w.summed = out.UploadId, out.ChecksumAlgorithm == types.ChecksumAlgorithmCrc32c
	w.slots = make(chan struct{}, partsAtOnce)
	return nil
}

func (w *writer) sendPart(number int, part []byte) (types.CompletedPart, error) {
	b := w.b
	crc := header(sum(part))
	done := types.CompletedPart{PartNumber: aws.Int32(int32(number))}
	err := b.ask(w.ctx, int64(len(part)), func(ctx context.Context) error {
		in := &s3.UploadPartInput{
			Bucket: &b.Bucket, Key: aws.String(b.key(w.id)), UploadId: w.upload, PartNumber: done.PartNumber,
			Body: bytes.NewReader(part), ContentLength: aws.Int64(int64(len(part))),
		}
		if !b.learned.unsummed.Load() {
			in.ChecksumCRC32C = &crc
		}
		out, err := b.s3.UploadPart(ctx, in, b.unsigned)
		switch {
		case err != nil:
			return err
		case aws.ToString(out.ETag) == "":
			return errNotS3
		}
		done.ETag = out.ETag
		return nil
	})
	if w.summed {
		done.ChecksumCRC32C = &crc
	}
	return done, b.failure("write a blob", err)
}

// errOver is a mistake of the caller.
var errOver = errors.New("s3blobs: the blob is empty, or was committed or aborted already")

// Commit implements store.BlobWriter.
func (w *writer) Commit() (id string, err error) {
	if w.over || len(w.buf) == 0 && w.number == 0 {
		return "", errOver
	}
	defer func() {
		if err != nil {
			w.Abort()
			return
		}
		w.over = true
		w.release()
		w.cancel()
	}()
	// By the wall: a machine that slept has let the time pass all the same.
	if age := time.Now().Round(0).Sub(w.begun.Round(0)); age > writeMax {
		return "", store.Refuse(store.Condemned, "the body took longer than %s", writeMax)
	}
	if w.upload == nil {
		part := w.buf
		body := func() io.ReadSeeker { return bytes.NewReader(part) }
		w.sent = true
		if err := w.b.put(w.ctx, w.b.key(w.id), body, int64(len(part)), header(sum(part)), false); err != nil {
			return "", w.b.failure("write a blob", err)
		}
		return w.id.String(), nil
	}
	if len(w.buf) > 0 {
		if err := w.send(); err != nil {
			return "", err
		}
	}
	w.parts.Wait()
	if err := w.failed(); err != nil {
		return "", err
	}
	w.sent = true
	if err := w.complete(); err != nil {
		return "", err
	}
	return w.id.String(), nil
}

// complete may have done its work although its answer was lost: the upload is then gone, and
// the object there.
func (w *writer) complete() error {
	b, key := w.b, w.b.key(w.id)
	err := b.ask(w.ctx, completeBytes, func(ctx context.Context) error {
		out, err := b.s3.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
			Bucket: &b.Bucket, Key: &key, UploadId: w.upload, MultipartUpload: &types.CompletedMultipartUpload{Parts: w.done},
		})
		if err == nil && aws.ToString(out.ETag) == "" {
			err = errNotS3
		}
		return err
	})
	if codeOf(err) == "NoSuchUpload" {
		missing := err
		err = b.ask(w.ctx, 0, func(ctx context.Context) error {
			_, err := b.s3.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &b.Bucket, Key: &key})
			return err
		})
		if isMissing(err) {
			err = missing
		}
	}
	return b.failure("write a blob", err)
}

// completeBytes is the body whose time the store has to put the parts together: 4 minutes.
const completeBytes = 240 * slowest

// Abort implements store.BlobWriter. It does not wait for the store: what it does not get
// rid of, a sweep does.
func (w *writer) Abort() {
	if w.over {
		return
	}
	w.over = true
	w.cancel()
	w.release()
	w.b.mu.Lock()
	defer w.b.mu.Unlock()
	w.b.postpone(func(ctx context.Context) {
		w.parts.Wait()
		b, key := w.b, w.b.key(w.id)
		if w.upload != nil {
			_ = b.ask(ctx, 0, func(ctx context.Context) error {
				_, err := b.s3.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: &b.Bucket, Key: &key, UploadId: w.upload})
				return err
			})
		}
		if w.sent {
			_ = b.remove(ctx, w.id)
		}
	})
}
