package api

import (
	"cmp"
	"encoding/xml"
	"errors"
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
	if u.Tags, err = taggingHeader(q.r.Header.Get("X-Amz-Tagging")); err != nil {
		return err
	}
	if u.ChecksumAlgorithm, err = q.wantedChecksum(); err != nil {
		return err
	}
	if u.ChecksumAlgorithm == "" && q.r.Header.Get("X-Amz-Checksum-Type") != "" {
		return badRequest("The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.")
	}
	h := q.w.Header()
	if u.ChecksumAlgorithm != "" {
		if u.ChecksumType = strings.ToUpper(q.r.Header.Get("X-Amz-Checksum-Type")); u.ChecksumType == "" {
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

// parts are those that are named, each with its checksum in the upload's algorithm.
func (in completeRequest) parts(u store.UploadInfo) ([]store.CompletedPart, error) {
	if len(in.Parts) == 0 || len(in.Parts) > store.MaxPart {
		return nil, malformed()
	}
	parts := make([]store.CompletedPart, len(in.Parts))
	for i, p := range in.Parts {
		given := map[string]string{
			checksum.CRC32: p.ChecksumCRC32, checksum.CRC32C: p.ChecksumCRC32C, checksum.CRC64NVME: p.ChecksumCRC64NVME,
			checksum.SHA1: p.ChecksumSHA1, checksum.SHA256: p.ChecksumSHA256,
		}[u.ChecksumAlgorithm]
		if given == "" && u.ChecksumType == checksum.Composite {
			return nil, badRequest("The upload was created using a %s checksum. The complete request must include the checksum for each part. "+
				"It was missing for part %d in the request.", strings.ToLower(u.ChecksumAlgorithm), p.PartNumber)
		}
		parts[i] = store.CompletedPart{Number: p.PartNumber, ETag: unquote(p.ETag), Checksum: given}
	}
	return parts, nil
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
	u, err := q.store.Upload(q.r.Context(), q.bucket, q.key, id)
	if err != nil && !errors.Is(err, store.ErrNoSuchUpload) { // a complete that is sent again finds its upload gone
		return err
	}
	// The x-amz-checksum- headers are the object's here, not the document's.
	d, err := q.contentMD5()
	if err != nil {
		return err
	}
	var in completeRequest
	if err := d.parse(&in, completeXML); err != nil {
		return err
	}
	if err := q.still(authz.Write); err != nil {
		return err
	}
	parts, err := in.parts(u)
	if err != nil {
		return err
	}
	o.Finish = q.combine
	info, err := q.store.CompleteUpload(q.r.Context(), q.bucket, q.key, id, parts, o)
	if err != nil {
		return err
	}
	scheme := "http"
	if q.r.TLS != nil {
		scheme = "https"
	}
	var x xmlWriter
	x.root("CompleteMultipartUploadResult")
	x.text("Location", scheme+"://"+q.r.Host+q.r.URL.EscapedPath())
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
	if t := q.r.Header.Get("X-Amz-Checksum-Type"); t != "" && !strings.EqualFold(t, u.ChecksumType) {
		return store.Checksum{}, badRequest("The upload was created using the %s checksum mode. The complete request must use the same checksum mode.", u.ChecksumType)
	}
	for _, a := range checksum.Algorithms {
		if a != u.ChecksumAlgorithm && q.r.Header.Get(checksum.Header(a)) != "" {
			return store.Checksum{}, badRequest("Checksum Type mismatch occurred, expected checksum Type: %s, actual checksum Type: %s",
				cmp.Or(strings.ToLower(u.ChecksumAlgorithm), "null"), strings.ToLower(a))
		}
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
	limit, err := pageLimit(q.query.Get("max-parts"), "max-parts")
	if err != nil {
		return err
	}
	marker, err := integer(q.query.Get("part-number-marker"), "part-number-marker")
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
	more := limit > 0 && len(parts) > limit
	parts = parts[:min(len(parts), limit)]
	var x xmlWriter
	x.root("ListPartsResult")
	x.text("Bucket", q.bucket)
	x.text("Key", encode(q.key))
	x.text("UploadId", id)
	x.person("Initiator", u.Owner)
	x.owner(u.Owner)
	x.text("StorageClass", "STANDARD")
	if u.ChecksumAlgorithm != "" {
		x.text("ChecksumAlgorithm", u.ChecksumAlgorithm)
		x.text("ChecksumType", u.ChecksumType)
	}
	x.num("PartNumberMarker", int64(marker))
	if more {
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
