package api

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/artifacts-tui/artifacts-tui/backend/s3/authz"
	"github.com/artifacts-tui/artifacts-tui/backend/s3/checksum"
	"github.com/artifacts-tui/artifacts-tui/backend/store"
)

// source reads x-amz-copy-source, "[/]bucket/key[?versionId=…]" URL-encoded, and asks
// whether the identity may read it.
func (q *request) source() (bucket, key string, err error) {
	v, version, _ := strings.Cut(q.r.Header.Get("X-Amz-Copy-Source"), "?versionId=")
	if version != "" && version != "null" {
		return "", "", fail(http.StatusNotFound, "NoSuchVersion", "The bucket has no versions.")
	}
	bucket, key, _ = strings.Cut(strings.TrimPrefix(v, "/"), "/")
	var err1, err2 error
	if strings.Contains(strings.ToUpper(bucket), "%2F") {
		// Some clients escape the slash between bucket and key too.
		var all string
		all, err1 = url.PathUnescape(strings.TrimPrefix(v, "/"))
		bucket, key, _ = strings.Cut(strings.TrimPrefix(all, "/"), "/")
	} else {
		bucket, err1 = url.PathUnescape(bucket)
		key, err2 = url.PathUnescape(key)
	}
	if err1 != nil || err2 != nil || bucket == "" || key == "" {
		return "", "", invalid("Copy Source must mention the source bucket and key: sourcebucket/sourcekey")
	}
	if err := q.allow(authz.Read, bucket, key); err != nil {
		return "", "", err
	}
	return bucket, key, q.expectedOwner("X-Amz-Source-Expected-Bucket-Owner", bucket)
}

func (q *request) copyObject() error {
	if err := q.allow(authz.Write, q.bucket, q.key); err != nil {
		return err
	}
	bucket, key, err := q.source()
	if err != nil {
		return err
	}
	o := store.CopyOptions{Source: func(src store.ObjectInfo) error {
		return readCondition(q.r.Header, "X-Amz-Copy-Source-", src, false)
	}}
	if o.IfMatch, o.IfNoneMatch, err = q.writeCondition(); err != nil {
		return err
	}
	if o.ContentType, o.Headers, o.Meta, err = q.describe(); err != nil {
		return err
	}
	switch q.r.Header.Get("X-Amz-Metadata-Directive") {
	case "", "COPY":
		if bucket == q.bucket && key == q.key {
			return badRequest("This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata.")
		}
	case "REPLACE":
		o.Replace = true
	default:
		return invalid("Unknown metadata directive.")
	}
	switch q.r.Header.Get("X-Amz-Tagging-Directive") {
	case "", "COPY":
	case "REPLACE":
		o.ReplaceTags = true
		if o.Tags, err = taggingHeader(q.r.Header.Get("X-Amz-Tagging")); err != nil {
			return err
		}
	default:
		return invalid("Unknown tagging directive.")
	}
	wanted, err := q.wantedChecksum()
	if err != nil {
		return err
	}
	if wanted != "" {
		o.Checksum = func(r *store.Reader) (store.Checksum, error) {
			if r.Info.Checksum.Algorithm == wanted {
				return r.Info.Checksum, nil
			}
			value, err := section(wanted)(r)
			return store.Checksum{Algorithm: wanted, Type: checksum.FullObject, Value: value}, err
		}
	}
	info, err := q.store.Copy(q.r.Context(), bucket, key, q.bucket, q.key, o)
	if err != nil {
		return err
	}
	var x xmlWriter
	x.root("CopyObjectResult")
	x.time("LastModified", info.Modified)
	x.etag(info.ETag)
	if info.Checksum.Algorithm != "" {
		x.text(checksum.Element(info.Checksum.Algorithm), info.Checksum.Value)
		x.text("ChecksumType", info.Checksum.Type)
	}
	x.close("CopyObjectResult")
	q.xml(http.StatusOK, &x)
	return nil
}

func (q *request) copyPart() error {
	if err := q.allow(authz.Write, q.bucket, q.key); err != nil {
		return err
	}
	bucket, key, err := q.source()
	if err != nil {
		return err
	}
	if err := q.refuseHeaders(); err != nil {
		return err
	}
	number, id, err := q.partNumber()
	if err != nil {
		return err
	}
	u, err := q.store.Upload(q.r.Context(), q.bucket, q.key, id)
	if err != nil {
		return err
	}
	o := store.CopyPartOptions{
		Length: -1,
		Source: func(src store.ObjectInfo) error {
			return readCondition(q.r.Header, "X-Amz-Copy-Source-", src, false)
		},
		Checksum: section(u.ChecksumAlgorithm),
	}
	if v := q.r.Header.Get("X-Amz-Copy-Source-Range"); v != "" {
		if o.Offset, o.Length, err = copyRange(v); err != nil {
			return err
		}
	}
	part, err := q.store.CopyPart(q.r.Context(), bucket, key, q.bucket, q.key, id, number, o)
	if errors.Is(err, store.ErrInvalidRange) {
		return invalid("Range specified is not valid for source object: %v", err)
	}
	if err != nil {
		return err
	}
	var x xmlWriter
	x.root("CopyPartResult")
	x.time("LastModified", part.Modified)
	x.etag(part.ETag)
	if part.Checksum != "" {
		x.text(checksum.Element(u.ChecksumAlgorithm), part.Checksum)
	}
	x.close("CopyPartResult")
	q.xml(http.StatusOK, &x)
	return nil
}

// copyRange reads x-amz-copy-source-range, "bytes=first-last", both there.
func copyRange(v string) (offset, length int64, err error) {
	spec, ok1 := strings.CutPrefix(v, "bytes=")
	first, last, ok2 := strings.Cut(spec, "-")
	from, ok3 := decimal(first)
	to, ok4 := decimal(last)
	if !ok1 || !ok2 || !ok3 || !ok4 || to < from || to == 1<<63-1 {
		return 0, 0, invalid("The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy")
	}
	return from, to - from + 1, nil
}
