package api

import (
	"encoding/xml"
	"net/http"
	"strconv"
	"strings"

	"github.com/artifacts-tui/artifacts-tui/backend/s3/authz"
	"github.com/artifacts-tui/artifacts-tui/backend/s3/checksum"
	"github.com/artifacts-tui/artifacts-tui/backend/store"
)

// wantedChecksum reads x-amz-checksum-algorithm.
func (q *request) wantedChecksum() (string, error) {
	v := strings.ToUpper(q.r.Header.Get("X-Amz-Checksum-Algorithm"))
	if v != "" && !checksum.Known(v) {
		return "", notImplemented("checksum algorithm " + v)
	}
	return v, nil
}

func (q *request) createUpload() error {
	if err := q.allow(authz.Write, q.bucket, q.key); err != nil {
		return err
	}
	u := store.UploadInfo{Bucket: q.bucket, Key: q.key, Owner: q.who.ID}
	var err error
	if u.ContentType, u.Headers, u.Meta, err = q.describe(); err != nil {
		return err
	}
	if u.ChecksumAlgorithm, err = q.wantedChecksum(); err != nil {
		return err
	}
	h := q.w.Header()
	if u.ChecksumAlgorithm != "" {
		if u.ChecksumType = q.r.Header.Get("X-Amz-Checksum-Type"); u.ChecksumType == "" {
			u.ChecksumType = checksum.DefaultType(u.ChecksumAlgorithm)
		}
		if !checksum.Allowed(u.ChecksumAlgorithm, u.ChecksumType) {
			return badRequest("The %s checksum type cannot be used with the %s checksum algorithm.", u.ChecksumType, u.ChecksumAlgorithm)
		}
		h.Set("X-Amz-Checksum-Algorithm", u.ChecksumAlgorithm)
		h.Set("X-Amz-Checksum-Type", u.ChecksumType)
	}
	id, err := q.store.CreateUpload(q.r.Context(), u)
	if err != nil {
		return err
	}
	var x xmlWriter
	x.root("InitiateMultipartUploadResult")
	x.text("Bucket", q.bucket)
	x.text("Key", q.key)
	x.text("UploadId", id)
	x.close("InitiateMultipartUploadResult")
	q.xml(http.StatusOK, &x)
	return nil
}

func (q *request) abortUpload() error {
	if err := q.allow(authz.Write, q.bucket, q.key); err != nil {
		return err
	}
	if err := q.store.AbortUpload(q.r.Context(), q.bucket, q.key, q.query.Get("uploadId")); err != nil {
		return err
	}
	q.w.WriteHeader(http.StatusNoContent)
	return nil
}

type completeRequest struct {
	XMLName xml.Name `xml:"CompleteMultipartUpload"`
	Parts   []struct {
		PartNumber        int
		ETag              string
		ChecksumCRC32     string
		ChecksumCRC32C    string
		ChecksumCRC64NVME string
		ChecksumSHA1      string
		ChecksumSHA256    string
	} `xml:"Part"`
}

func (q *request) completeUpload() error {
	if err := q.allow(authz.Write, q.bucket, q.key); err != nil {
		return err
	}
	var o store.CompleteOptions
	var err error
	if o.IfMatch, o.IfNoneMatch, err = q.writeCondition(); err != nil {
		return err
	}
	id := q.query.Get("uploadId")
	raw, err := q.completeBody()
	if err != nil {
		return err
	}
	parts := make([]store.CompletedPart, len(raw.Parts))
	for i, p := range raw.Parts {
		parts[i] = store.CompletedPart{Number: p.PartNumber, ETag: unquote(p.ETag)}
		for _, v := range []string{p.ChecksumCRC32, p.ChecksumCRC32C, p.ChecksumCRC64NVME, p.ChecksumSHA1, p.ChecksumSHA256} {
			if v != "" {
				parts[i].Checksum = v
			}
		}
	}
	o.Finish = q.combine
	info, err := q.store.CompleteUpload(q.r.Context(), q.bucket, q.key, id, parts, o)
	if err != nil {
		return err
	}
	var x xmlWriter
	x.root("CompleteMultipartUploadResult")
	x.text("Location", "http://"+q.r.Host+q.r.URL.EscapedPath())
	x.text("Bucket", q.bucket)
	x.text("Key", q.key)
	x.etag(info.ETag)
	if c := info.Checksum; c.Algorithm != "" {
		x.text(checksum.Element(c.Algorithm), c.Value)
		x.text("ChecksumType", c.Type)
	}
	x.close("CompleteMultipartUploadResult")
	q.xml(http.StatusOK, &x)
	return nil
}

// completeBody parses the list of parts. The x-amz-checksum- headers of this request are of
// the object, not of its body.
func (q *request) completeBody() (in completeRequest, err error) {
	object := http.Header{}
	for name := range q.r.Header {
		if strings.HasPrefix(name, "X-Amz-Checksum-") {
			object[name] = q.r.Header[name]
			delete(q.r.Header, name)
		}
	}
	err = q.parse(&in)
	for name, v := range object {
		q.r.Header[name] = v
	}
	if err == nil && len(in.Parts) == 0 {
		err = malformed()
	}
	return in, err
}

// combine makes the object's checksum of its parts', and compares it and the size with what
// the client says.
func (q *request) combine(u store.UploadInfo, parts []store.PartInfo) (store.Checksum, error) {
	var size int64
	list := make([]checksum.Part, len(parts))
	for i, p := range parts {
		size += p.Size
		list[i] = checksum.Part{Value: p.Checksum, Size: p.Size}
	}
	if v := q.r.Header.Get("X-Amz-Mp-Object-Size"); v != "" && v != strconv.FormatInt(size, 10) {
		return store.Checksum{}, badRequest("The provided 'x-amz-mp-object-size' header value %s does not match what was computed: %d", v, size)
	}
	if u.ChecksumAlgorithm == "" {
		return store.Checksum{}, nil
	}
	value, err := checksum.Combine(u.ChecksumAlgorithm, u.ChecksumType, list)
	if err != nil {
		return store.Checksum{}, badRequest("The parts' checksums cannot be combined: %v", err)
	}
	given := q.r.Header.Get(checksum.Header(u.ChecksumAlgorithm))
	if given != "" && given != value && given+"-"+strconv.Itoa(len(parts)) != value {
		return store.Checksum{}, fail(http.StatusBadRequest, "BadDigest", "The %s you specified did not match the calculated checksum.", u.ChecksumAlgorithm)
	}
	return store.Checksum{Algorithm: u.ChecksumAlgorithm, Type: u.ChecksumType, Value: value}, nil
}

func (q *request) listParts() error {
	if err := q.allow(authz.Read, q.bucket, q.key); err != nil {
		return err
	}
	id := q.query.Get("uploadId")
	u, err := q.store.Upload(q.r.Context(), q.bucket, q.key, id)
	if err != nil {
		return err
	}
	limit, err := q.limit("max-parts")
	if err != nil {
		return err
	}
	marker, err := q.number("part-number-marker")
	if err != nil {
		return err
	}
	encode, _, err := q.encoding()
	if err != nil {
		return err
	}
	parts, err := q.store.Parts(q.r.Context(), q.bucket, q.key, id, marker, limit+1)
	if err != nil {
		return err
	}
	more := len(parts) > limit
	parts = parts[:min(len(parts), limit)]
	var x xmlWriter
	x.root("ListPartsResult")
	x.text("Bucket", q.bucket)
	x.text("Key", encode(q.key))
	x.text("UploadId", id)
	x.owner(u.Owner)
	x.text("StorageClass", "STANDARD")
	if u.ChecksumAlgorithm != "" {
		x.text("ChecksumAlgorithm", u.ChecksumAlgorithm)
		x.text("ChecksumType", u.ChecksumType)
	}
	x.num("PartNumberMarker", int64(marker))
	if more && len(parts) > 0 {
		x.num("NextPartNumberMarker", int64(parts[len(parts)-1].Number))
	}
	x.num("MaxParts", int64(limit))
	x.flag("IsTruncated", more)
	for _, p := range parts {
		x.open("Part")
		x.num("PartNumber", int64(p.Number))
		x.time("LastModified", p.Modified)
		x.etag(p.ETag)
		if p.Checksum != "" {
			x.text(checksum.Element(u.ChecksumAlgorithm), p.Checksum)
		}
		x.num("Size", p.Size)
		x.close("Part")
	}
	x.close("ListPartsResult")
	q.xml(http.StatusOK, &x)
	return nil
}

func (q *request) number(name string) (int, error) {
	v := q.query.Get(name)
	if v == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 0 {
		return 0, invalid("Argument %s must be an integer", name)
	}
	return n, nil
}
