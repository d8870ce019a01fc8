package remote

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"golang.org/x/sync/errgroup"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/mounts/upper"
)

// Of multipart uploads. S3 allows 10,000 parts of 5 MiB to 5 GiB:
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
const (
	partSize      = 16 << 20
	maxParts      = 10_000
	partsAFile    = 8
	partsInFlight = 24 // of all files together
)

// upload is one multipart upload under way.
type upload struct {
	c   *Client
	key string
	id  *string
	// summed: the store verifies the parts' CRC-32C, and wants them told when it is done.
	summed bool
}

// begin starts an upload whose parts the store is asked to verify by CRC-32C, where summed.
func (c *Client) begin(ctx context.Context, key string, meta upper.PutMeta, summed bool) (*upload, error) {
	call, cancel := committing(ctx, deleteTimeout)
	defer cancel()
	in := &s3.CreateMultipartUploadInput{
		Bucket:      &c.bucket,
		Key:         c.full(key),
		ContentType: contentType(key, meta),
		Metadata:    userMetadata(meta),
	}
	if summed && !c.unsummed.Load() {
		in.ChecksumAlgorithm = types.ChecksumAlgorithmCrc32c
	}
	out, err := c.s3.CreateMultipartUpload(call, in)
	if statusOf(err) == http.StatusNotImplemented && in.ChecksumAlgorithm != "" {
		c.unsummed.Store(true)
		return c.begin(ctx, key, meta, summed)
	}
	if err == nil && aws.ToString(out.UploadId) == "" {
		err = errNotS3
	}
	if err := c.outcome(ctx, "upload", key, err); err != nil {
		return nil, err
	}
	return &upload{c: c, key: key, id: out.UploadId, summed: out.ChecksumAlgorithm == types.ChecksumAlgorithmCrc32c}, nil
}

// putParts streams body in parallel parts. Whatever fails before the last request
// aborts the upload, so that no part stays and is billed.
func (c *Client) putParts(ctx context.Context, key string, body io.ReaderAt, size int64, meta upper.PutMeta) (upper.Object, error) {
	u, err := c.begin(ctx, key, meta, true)
	if err != nil {
		return upper.Object{}, err
	}
	parts, err := u.each(ctx, size, partSize, func(ctx context.Context, number int32, off, n int64) (types.CompletedPart, error) {
		return u.sendPart(ctx, number, body, off, n)
	})
	if err != nil {
		u.abort(ctx)
		return upper.Object{}, err
	}
	return u.complete(ctx, parts, size, meta)
}

// each runs send for every part of size bytes, in parallel, and returns the parts in order.
func (u *upload) each(ctx context.Context, size, least int64,
	send func(ctx context.Context, number int32, off, n int64) (types.CompletedPart, error),
) ([]types.CompletedPart, error) {
	length := partLength(size, least)
	return u.run(ctx, int((size+length-1)/length), func(ctx context.Context, number int32) (types.CompletedPart, error) {
		off := int64(number-1) * length
		return send(ctx, number, off, min(length, size-off))
	})
}

// run runs send for the parts 1 to count.
func (u *upload) run(ctx context.Context, count int, send func(ctx context.Context, number int32) (types.CompletedPart, error)) ([]types.CompletedPart, error) {
	parts := make([]types.CompletedPart, count)
	group, inner := errgroup.WithContext(ctx)
	group.SetLimit(partsAFile)
	for i := range parts {
		if inner.Err() != nil {
			break
		}
		group.Go(func() error {
			select {
			case u.c.parts <- struct{}{}:
				defer func() { <-u.c.parts }()
			case <-inner.Done():
				return inner.Err()
			}
			number := int32(i + 1)
			part, err := send(inner, number)
			part.PartNumber = &number
			parts[i] = part
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return parts, ctx.Err()
}

// partLength is the part size in bytes, whole MiB, so that size fits in 10,000 parts.
func partLength(size, least int64) int64 {
	need := (size + maxParts - 1) / maxParts
	const mib = 1 << 20
	return max(least, (need+mib-1)/mib*mib)
}

func (u *upload) complete(ctx context.Context, parts []types.CompletedPart, size int64, meta upper.PutMeta) (upper.Object, error) {
	call, cancel := committing(ctx, commitTimeout)
	defer cancel()
	out, err := u.c.s3.CompleteMultipartUpload(call, &s3.CompleteMultipartUploadInput{
		Bucket:          &u.c.bucket,
		Key:             u.c.full(u.key),
		UploadId:        u.id,
		MultipartUpload: &types.CompletedMultipartUpload{Parts: parts},
		IfMatch:         quoted(meta.IfMatch),
		IfNoneMatch:     u.c.none(meta),
	})
	if err == nil {
		err = stored(out.ETag)
	}
	if u.c.refusesConditions(err, &meta) {
		return u.complete(ctx, parts, size, meta)
	}
	if err := u.c.outcome(ctx, "upload", u.key, err); err != nil {
		// Where no answer came it may have committed, and may still do so: leave it.
		if !fault.Is(err, fault.Unreachable) {
			u.abort(ctx)
		}
		return upper.Object{}, err
	}
	return object(u.key, size, unquoted(out.ETag)), nil
}

// abort frees the parts. It is best effort: stores expire what is left over.
func (u *upload) abort(ctx context.Context) {
	call, cancel := committing(ctx, 10*time.Second)
	defer cancel()
	_, _ = u.c.s3.AbortMultipartUpload(call, &s3.AbortMultipartUploadInput{
		Bucket: &u.c.bucket, Key: u.c.full(u.key), UploadId: u.id,
	})
}

func isMissing(err error) bool { return errors.Is(err, upper.ErrNoObject) }

// copyParts copies an object of more than 5 GiB, which one COPY refuses.
func (c *Client) copyParts(ctx context.Context, src, dst string, from upper.Object, meta map[string]string, kind *string) (upper.Object, error) {
	call, cancel := committing(ctx, deleteTimeout)
	out, err := c.s3.CreateMultipartUpload(call, &s3.CreateMultipartUploadInput{
		Bucket: &c.bucket, Key: c.full(dst), ContentType: kind, Metadata: meta,
	})
	cancel()
	if err == nil && aws.ToString(out.UploadId) == "" {
		err = errNotS3
	}
	if err := c.outcome(ctx, "copy", dst, err); err != nil {
		return upper.Object{}, err
	}
	u := &upload{c: c, key: dst, id: out.UploadId}
	const copyPart = 512 << 20
	parts, err := u.each(ctx, from.Size, copyPart, func(ctx context.Context, number int32, off, n int64) (types.CompletedPart, error) {
		return u.copyPart(ctx, number, from, off, n)
	})
	if err != nil {
		u.abort(ctx)
		return upper.Object{}, err
	}
	return u.complete(ctx, parts, from.Size, upper.PutMeta{})
}
