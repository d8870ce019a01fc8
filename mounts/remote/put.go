package remote

import (
	"context"
	"fmt"
	"io"
	"mime"
	"path"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/artifacts-tui/artifacts-tui/mounts/upper"
)

// singlePut is the largest body sent in one request; above it goes a multipart upload.
const singlePut = 16 << 20

// Put stores size bytes of body under key, which ends in "/" for a directory marker.
// The result's ModTime is zero: the store does not tell it. Once the request has
// started, cancelling ctx no longer stops it; a multipart upload can be cancelled until
// its last request, and then leaves nothing.
func (c *Client) Put(ctx context.Context, key string, body io.ReaderAt, size int64, meta upper.PutMeta) (upper.Object, error) {
	if err := ctx.Err(); err != nil {
		return upper.Object{}, err
	}
	if size > singlePut {
		return c.putParts(ctx, key, body, size, meta)
	}
	leave, err := c.up.enter(ctx)
	if err != nil {
		return upper.Object{}, err
	}
	defer leave()
	call := withPatience(context.WithoutCancel(ctx), uploadBound(size))
	defer call.end()
	out, err := c.s3.PutObject(call, &s3.PutObjectInput{
		Bucket:        &c.bucket,
		Key:           c.full(key),
		Body:          io.NewSectionReader(body, 0, size),
		ContentLength: &size,
		ContentType:   contentType(key, meta),
		Metadata:      userMetadata(meta),
	})
	if err == nil {
		err = stored(out.ETag)
	}
	if err := c.outcome(ctx, "upload", key, call.verdict(err)); err != nil {
		return upper.Object{}, err
	}
	return object(key, size, unquoted(out.ETag)), nil
}

// Delete removes key; a missing key is no error.
func (c *Client) Delete(ctx context.Context, key string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	call, cancel := committing(ctx, deleteTimeout)
	defer cancel()
	_, err := c.s3.DeleteObject(call, &s3.DeleteObjectInput{Bucket: &c.bucket, Key: c.full(key)})
	err = c.outcome(ctx, "delete", key, err)
	if isMissing(err) {
		return nil
	}
	return err
}

func object(key string, size int64, etag string) upper.Object {
	o := upper.Object{Key: key, Size: size, ETag: etag}
	if strings.HasSuffix(key, "/") {
		o.Kind = upper.Dir
	}
	return o
}

func uploadBound(size int64) time.Duration {
	return uploadOverheads + time.Duration(size/slowestUpload)*time.Second
}

// userMetadata carries the modification time as rclone does: seconds with nine decimals
// under "mtime", so that other tools see it.
func userMetadata(meta upper.PutMeta) map[string]string {
	if meta.ModTime.IsZero() {
		return nil
	}
	t := meta.ModTime
	return map[string]string{"mtime": fmt.Sprintf("%d.%09d", t.Unix(), t.Nanosecond())}
}

func contentType(key string, meta upper.PutMeta) *string {
	switch {
	case meta.ContentType != "":
		return &meta.ContentType
	case strings.HasSuffix(key, "/"):
		return aws.String("application/x-directory")
	case strings.HasSuffix(key, upper.SymlinkSuffix):
		return aws.String("text/plain; charset=utf-8")
	}
	if t := mime.TypeByExtension(path.Ext(key)); t != "" {
		return &t
	}
	return aws.String("application/octet-stream")
}
