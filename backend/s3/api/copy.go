package api

import (
	"net/http"
	"net/url"
	"strconv"
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
	return bucket, key, q.allow(authz.Read, bucket, key)
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
		first, last, ok := strings.Cut(strings.TrimPrefix(v, "bytes="), "-")
		from, err1 := strconv.ParseInt(first, 10, 64)
		to, err2 := strconv.ParseInt(last, 10, 64)
		if !ok || !strings.HasPrefix(v, "bytes=") || err1 != nil || err2 != nil || to < from {
			return invalid("The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy")
		}
		o.Offset, o.Length = from, to-from+1
	}
	part, err := q.store.CopyPart(q.r.Context(), bucket, key, q.bucket, q.key, id, number, o)
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
