package remote

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	smithy "github.com/aws/smithy-go"
	"github.com/aws/smithy-go/encoding/httpbinding"

	"github.com/artifacts-tui/artifacts-tui/mounts/upper"
)

// singleCopy is the largest object that one COPY takes.
const singleCopy = 5 << 30

// Copy copies on the server with metadata and content type, where src still has etag
// (any, for ""). A missing src is upper.ErrNoObject, another ETag upper.ErrChanged.
func (c *Client) Copy(ctx context.Context, src, dst, etag string) (upper.Object, error) {
	if err := ctx.Err(); err != nil {
		return upper.Object{}, err
	}
	call, cancel := committing(ctx, commitTimeout)
	defer cancel()
	out, err := c.s3.CopyObject(call, &s3.CopyObjectInput{
		Bucket: &c.bucket, Key: c.full(dst),
		CopySource: c.copySource(src), CopySourceIfMatch: quoted(etag),
	})
	if err == nil { // what follows a copy is the deletion of its source: be sure
		if out.CopyObjectResult == nil {
			out.CopyObjectResult = &types.CopyObjectResult{}
		}
		err = stored(out.CopyObjectResult.ETag)
	}
	large := tooLarge(err)
	if err = c.outcome(ctx, "copy", src, err); large {
		return c.copyLarge(ctx, src, dst, etag, err)
	}
	if err != nil {
		return upper.Object{}, err
	}
	r := out.CopyObjectResult
	o := object(dst, 0, unquoted(r.ETag))
	o.ModTime = aws.ToTime(r.LastModified)
	return o, nil
}

func (c *Client) copyLarge(ctx context.Context, src, dst, etag string, refused error) (upper.Object, error) {
	call, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	head, err := c.s3.HeadObject(call, &s3.HeadObjectInput{Bucket: &c.bucket, Key: c.full(src), IfMatch: quoted(etag)})
	if err := c.outcome(ctx, "copy", src, err); err != nil {
		return upper.Object{}, err
	}
	if aws.ToInt64(head.ContentLength) <= singleCopy {
		return upper.Object{}, refused // for another reason
	}
	from := object(src, aws.ToInt64(head.ContentLength), unquoted(head.ETag))
	return c.copyParts(ctx, src, dst, from, head.Metadata, head.ContentType)
}

// tooLarge reports whether a COPY was refused because its source is over 5 GiB.
func tooLarge(err error) bool {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return false
	}
	return api.ErrorCode() == "EntityTooLarge" ||
		api.ErrorCode() == "InvalidRequest" && statusOf(err) == 400
}

// copySource is bucket/key, escaped as the header wants it ("/" kept, "+" as %2B).
func (c *Client) copySource(key string) *string {
	return aws.String(httpbinding.EscapePath(c.bucket+"/"+c.prefix+key, false))
}
