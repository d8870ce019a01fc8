package remote

import (
	"context"
	"io"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/artifacts-tui/artifacts-tui/mounts/upper"
)

// Patch makes key's object from parts of base, copied on the server where base still has
// its ETag (upper.ErrChanged or ErrNoObject otherwise), and parts of body. What fails
// before the last request leaves nothing. upper.ErrNoPatch: the store copies no parts.
func (c *Client) Patch(ctx context.Context, key string, base upper.Object, body io.ReaderAt, plan []upper.Part, meta upper.PutMeta) (upper.Object, error) {
	if err := ctx.Err(); err != nil {
		return upper.Object{}, err
	}
	if c.unconditional.Load() {
		meta.IfMatch, meta.IfNoneMatch = "", false
	}
	// Without CRC-32C: stores are known (versitygw) that tell the sum of the whole source for
	// a part that they copied, and refuse it then. What is sent is signed with its SHA-256.
	u, err := c.begin(ctx, key, meta, false)
	if err != nil {
		return upper.Object{}, err
	}
	parts, err := u.run(ctx, len(plan), func(ctx context.Context, number int32) (types.CompletedPart, error) {
		p := plan[number-1]
		if p.Copy {
			return u.copyPart(ctx, number, base, p.Off, p.End-p.Off)
		}
		return u.sendPart(ctx, number, body, p.Off, p.End-p.Off)
	})
	if err != nil {
		u.abort(ctx)
		return upper.Object{}, err
	}
	return u.complete(ctx, parts, plan[len(plan)-1].End, meta)
}

func (u *upload) sendPart(ctx context.Context, number int32, body io.ReaderAt, off, n int64) (part types.CompletedPart, err error) {
	leave, err := u.c.up.enter(ctx)
	if err != nil {
		return part, err
	}
	defer leave()
	call := withPatience(ctx, uploadBound(n))
	defer call.end()
	if u.summed {
		if part.ChecksumCRC32C, err = sum(body, off, n); err != nil {
			return part, err
		}
	}
	out, err := u.c.s3.UploadPart(call, &s3.UploadPartInput{
		Bucket: &u.c.bucket, Key: u.c.full(u.key), UploadId: u.id, PartNumber: &number,
		Body: io.NewSectionReader(body, off, n), ContentLength: &n, ChecksumCRC32C: part.ChecksumCRC32C,
	}, u.c.unsigned(u.summed))
	if err == nil {
		err = stored(out.ETag)
	}
	if err := u.c.outcome(ctx, "upload", u.key, call.verdict(err)); err != nil {
		return part, err
	}
	part.ETag = out.ETag
	return part, nil
}

func (u *upload) copyPart(ctx context.Context, number int32, from upper.Object, off, n int64) (part types.CompletedPart, err error) {
	call, cancel := context.WithTimeout(ctx, commitTimeout)
	defer cancel()
	out, err := u.c.s3.UploadPartCopy(call, &s3.UploadPartCopyInput{
		Bucket: &u.c.bucket, Key: u.c.full(u.key), UploadId: u.id, PartNumber: &number,
		CopySource: u.c.copySource(from.Key), CopySourceIfMatch: quoted(from.ETag), CopySourceRange: byteRange(off, n),
	})
	if err == nil {
		if out.CopyPartResult == nil {
			out.CopyPartResult = &types.CopyPartResult{}
		}
		err = stored(out.CopyPartResult.ETag)
	}
	switch statusOf(err) {
	case http.StatusNotImplemented, http.StatusMethodNotAllowed:
		return part, upper.ErrNoPatch
	}
	if err := u.c.outcome(ctx, "copy", from.Key, err); err != nil {
		return part, err
	}
	part.ETag = out.CopyPartResult.ETag
	return part, nil
}
