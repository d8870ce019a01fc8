package api

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/artifacts-tui/artifacts-tui/backend/s3/authz"
	"github.com/artifacts-tui/artifacts-tui/backend/s3/checksum"
	"github.com/artifacts-tui/artifacts-tui/backend/store"
)

// length is the payload's, which must be announced: quotas are reserved by it (SPEC B24).
func (q *request) length() (int64, error) {
	switch n := q.body.Length; {
	case n < 0:
		return 0, fail(http.StatusLengthRequired, "MissingContentLength", "You must provide the Content-Length HTTP header.")
	case n > store.MaxPutSize:
		return 0, fail(http.StatusBadRequest, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed object size.")
	default:
		return n, nil
	}
}

func (q *request) putObject() error {
	if err := q.allow(authz.Write, q.bucket, q.key); err != nil {
		return err
	}
	size, err := q.length()
	if err != nil {
		return err
	}
	o := store.PutOptions{Size: size}
	if o.IfMatch, o.IfNoneMatch, err = q.writeCondition(); err != nil {
		return err
	}
	if o.ContentType, o.Headers, o.Meta, err = q.describe(); err != nil {
		return err
	}
	if o.Tags, err = taggingHeader(q.r.Header.Get("X-Amz-Tagging")); err != nil {
		return err
	}
	d, err := q.digests()
	if err != nil {
		return err
	}
	o.Finish = func(md5 string) (store.Checksum, error) {
		value, err := d.finish(md5)
		if err == nil {
			err = q.still(authz.Write)
		}
		if value == "" || err != nil {
			return store.Checksum{}, err
		}
		return store.Checksum{Algorithm: d.algorithm, Type: checksum.FullObject, Value: value}, nil
	}
	info, err := q.store.Put(q.r.Context(), q.bucket, q.key, d, o)
	if err != nil {
		return err
	}
	h := q.w.Header()
	h.Set("ETag", quote(info.ETag))
	setChecksum(h, info.Checksum)
	q.w.WriteHeader(http.StatusOK)
	return nil
}

func (q *request) deleteObject() error {
	if err := q.allow(authz.Write, q.bucket, q.key); err != nil {
		return err
	}
	h := q.r.Header
	for _, name := range []string{"If-None-Match", "X-Amz-If-Match-Last-Modified-Time", "X-Amz-If-Match-Size"} {
		if h.Get(name) != "" {
			return notImplemented(strings.ToLower(name) + " of a deletion")
		}
	}
	match, _, err := q.writeCondition()
	if err != nil {
		return err
	}
	if err := q.buckets.DeleteIf(q.r.Context(), q.bucket, q.key, store.Condition{IfMatch: match}); err != nil {
		return err
	}
	q.w.WriteHeader(http.StatusNoContent)
	return nil
}

// partNumber reads the part's number and the upload's id.
func (q *request) partNumber() (number int, id string, err error) {
	n, err := strconv.Atoi(q.query.Get("partNumber"))
	if err != nil || n < 1 || n > store.MaxPart {
		return 0, "", invalid("Part number must be an integer between 1 and 10000, inclusive")
	}
	return n, q.query.Get("uploadId"), nil
}

func (q *request) putPart() error {
	if err := q.allow(authz.Write, q.bucket, q.key); err != nil {
		return err
	}
	if err := q.refuseHeaders(); err != nil {
		return err
	}
	number, id, err := q.partNumber()
	if err != nil {
		return err
	}
	size, err := q.length()
	if err != nil {
		return err
	}
	d, err := q.digests()
	if err != nil {
		return err
	}
	algorithm, value := "", "" // the upload's
	part, err := q.store.PutPart(q.r.Context(), q.bucket, q.key, id, number, d, store.PartOptions{
		Size: size,
		Begin: func(u store.UploadInfo) error {
			algorithm = u.ChecksumAlgorithm
			if d.algorithm == "" {
				d.algorithm = algorithm
				if err := d.begin(); err != nil {
					return err
				}
			}
			if algorithm != "" && d.algorithm != algorithm {
				return badRequest("Checksum Type mismatch occurred, expected checksum Type: %s, actual checksum Type: %s", algorithm, d.algorithm)
			}
			return nil
		},
		Finish: func(md5 string) (string, error) {
			v, err := d.finish(md5)
			if err == nil {
				err = q.still(authz.Write)
			}
			value = v
			if algorithm == "" {
				return "", err
			}
			return v, err
		},
	})
	if err != nil {
		return err
	}
	h := q.w.Header()
	h.Set("ETag", quote(part.ETag))
	if value != "" {
		h.Set(checksum.Header(d.algorithm), value)
	}
	q.w.WriteHeader(http.StatusOK)
	return nil
}
