package remote

import (
	"context"
	"fmt"
	"io"
	"mime"
	"net/http"
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
	if c.unconditional.Load() {
		meta.IfMatch, meta.IfNoneMatch = "", false
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
	var crc *string
	if !c.unsummed.Load() {
		if crc, err = sum(body, 0, size); err != nil {
			return upper.Object{}, err
		}
	}
	out, err := c.s3.PutObject(call, &s3.PutObjectInput{
		ChecksumCRC32C: crc,
		Bucket:         &c.bucket,
		Key:            c.full(key),
		Body:           io.NewSectionReader(body, 0, size),
		ContentLength:  &size,
		ContentType:    contentType(key, meta),
		Metadata:       userMetadata(meta),
		IfMatch:        quoted(meta.IfMatch),
		IfNoneMatch:    c.none(meta),
	}, c.unsigned(crc != nil && c.verifies.Load()))
	if err == nil {
		err = stored(out.ETag)
	}
	if err == nil {
		c.verifies.Store(crc != nil && aws.ToString(out.ChecksumCRC32C) == *crc)
	}
	if crc != nil && statusOf(err) == http.StatusNotImplemented {
		c.unsummed.Store(true)
		c.verifies.Store(false)
		leave() // it takes a turn of its own
		return c.Put(ctx, key, body, size, meta)
	}
	if c.refusesConditions(err, &meta) {
		leave() // it takes a turn of its own
		return c.Put(ctx, key, body, size, meta)
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
	out, err := c.s3.DeleteObject(call, &s3.DeleteObjectInput{Bucket: &c.bucket, Key: c.full(key)})
	if err == nil {
		err = deleted(out)
	}
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
	m := map[string]string{}
	if t := meta.ModTime; !t.IsZero() {
		m["mtime"] = fmt.Sprintf("%d.%09d", t.Unix(), t.Nanosecond())
	}
	if meta.Version != "" {
		m[versionKey] = meta.Version
	}
	return m
}

// versionKey is the user metadata by which a mount knows its own uploads again.
const versionKey = "artifacts-version"

func (c *Client) none(meta upper.PutMeta) *string {
	if meta.IfNoneMatch {
		return aws.String("*")
	}
	return nil
}

// refusesConditions reports whether err is that of a store that knows no conditional
// writes. From then on, and in meta, there are none.
func (c *Client) refusesConditions(err error, meta *upper.PutMeta) bool {
	if statusOf(err) != http.StatusNotImplemented || meta.IfMatch == "" && !meta.IfNoneMatch {
		return false
	}
	c.unconditional.Store(true)
	meta.IfMatch, meta.IfNoneMatch = "", false
	return true
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
