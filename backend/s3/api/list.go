package api

import (
	"net/http"
	"slices"

	"github.com/artifacts-tui/artifacts-tui/backend/s3/authz"
	"github.com/artifacts-tui/artifacts-tui/backend/store"
)

// listing is what the versions of ListObjects have in common.
type listing struct {
	options store.ListOptions
	page    store.Page
	encode  func(string) string
	encoded bool
	owner   string
}

// list reads the common parameters and the page after startAfter.
func (q *request) list(startAfter string) (*listing, error) {
	get := q.query.Get
	l := &listing{options: store.ListOptions{Prefix: get("prefix"), Delimiter: get("delimiter"), StartAfter: startAfter}}
	if err := q.allow(authz.List, q.bucket, l.options.Prefix); err != nil {
		return nil, err
	}
	var err error
	if l.options.Max, err = pageLimit(get("max-keys"), "max-keys"); err != nil {
		return nil, err
	}
	if l.encode, l.encoded, err = q.encoding(); err != nil {
		return nil, err
	}
	b, err := q.store.Bucket(q.r.Context(), q.bucket)
	if err != nil {
		return nil, err
	}
	l.owner = b.Owner
	if l.options.Max > 0 {
		l.page, err = q.store.List(q.r.Context(), q.bucket, l.options)
	}
	return l, err
}

func (q *request) encoding() (func(string) string, bool, error) {
	switch q.query.Get("encoding-type") {
	case "":
		return urlEncoding(false), false, nil
	case "url":
		return urlEncoding(true), true, nil
	}
	return nil, false, invalid("Invalid Encoding Method specified in Request")
}

func (l *listing) begin(x *xmlWriter, bucket string) {
	x.root("ListBucketResult")
	x.text("Name", bucket)
	x.text("Prefix", l.encode(l.options.Prefix))
	if l.options.Delimiter != "" {
		x.text("Delimiter", l.encode(l.options.Delimiter))
	}
	x.num("MaxKeys", int64(l.options.Max))
	if l.encoded {
		x.text("EncodingType", "url")
	}
	x.flag("IsTruncated", l.page.Truncated)
}

func (l *listing) end(x *xmlWriter, owner bool) {
	x.b = slices.Grow(x.b, 400*len(l.page.Objects))
	for i := range l.page.Objects {
		o := &l.page.Objects[i]
		x.open("Contents")
		x.text("Key", l.encode(o.Key))
		x.time("LastModified", o.Modified)
		x.etag(o.ETag)
		if o.Checksum.Algorithm != "" {
			x.text("ChecksumAlgorithm", o.Checksum.Algorithm)
			x.text("ChecksumType", o.Checksum.Type)
		}
		x.num("Size", o.Size)
		x.text("StorageClass", "STANDARD")
		if owner {
			x.owner(l.owner)
		}
		x.close("Contents")
	}
	for _, p := range l.page.Prefixes {
		x.open("CommonPrefixes")
		x.text("Prefix", l.encode(p))
		x.close("CommonPrefixes")
	}
	x.close("ListBucketResult")
}

// listV1 is ListObjects, which s3cmd uses.
func (q *request) listV1() error {
	marker := q.query.Get("marker")
	l, err := q.list(marker)
	if err != nil {
		return err
	}
	x := xmlWriter{b: make([]byte, 0, 4096)}
	l.begin(&x, q.bucket)
	x.text("Marker", l.encode(marker))
	if l.page.Truncated && l.options.Delimiter != "" { // without one the last key is the marker
		x.text("NextMarker", l.encode(l.page.Next))
	}
	l.end(&x, true)
	q.xml(http.StatusOK, &x)
	return nil
}

// listV2 is ListObjectsV2.
func (q *request) listV2() error {
	get := q.query.Get
	after := get("start-after")
	if token := get("continuation-token"); token != "" || q.query.Has("continuation-token") {
		var err error
		if after, err = openToken(token); err != nil {
			return err
		}
	}
	l, err := q.list(after)
	if err != nil {
		return err
	}
	if err := q.tellSpace(q.w.Header(), l.options.Prefix); err != nil {
		return err
	}
	x := xmlWriter{b: make([]byte, 0, 4096)}
	l.begin(&x, q.bucket)
	x.num("KeyCount", int64(len(l.page.Objects)+len(l.page.Prefixes)))
	x.optional("ContinuationToken", get("continuation-token"))
	if l.page.Truncated {
		x.text("NextContinuationToken", sealToken(l.page.Next))
	}
	x.optional("StartAfter", l.encode(get("start-after")))
	l.end(&x, get("fetch-owner") == "true")
	q.xml(http.StatusOK, &x)
	return nil
}

// listVersions is ListObjectVersions of a bucket without versions: each object is its
// own only version, null.
func (q *request) listVersions() error {
	marker := q.query.Get("key-marker")
	if marker == "" && q.query.Get("version-id-marker") != "" {
		return invalid("A version-id marker cannot be specified without a key marker.")
	}
	l, err := q.list(marker)
	if err != nil {
		return err
	}
	var x xmlWriter
	x.root("ListVersionsResult")
	x.text("Name", q.bucket)
	x.text("Prefix", l.encode(l.options.Prefix))
	x.text("KeyMarker", l.encode(marker))
	x.text("VersionIdMarker", q.query.Get("version-id-marker"))
	if l.options.Delimiter != "" {
		x.text("Delimiter", l.encode(l.options.Delimiter))
	}
	x.num("MaxKeys", int64(l.options.Max))
	if l.encoded {
		x.text("EncodingType", "url")
	}
	x.flag("IsTruncated", l.page.Truncated)
	if l.page.Truncated {
		x.text("NextKeyMarker", l.encode(l.page.Next))
		x.text("NextVersionIdMarker", "null")
	}
	for _, o := range l.page.Objects {
		x.open("Version")
		x.text("Key", l.encode(o.Key))
		x.text("VersionId", "null")
		x.flag("IsLatest", true)
		x.time("LastModified", o.Modified)
		x.etag(o.ETag)
		x.num("Size", o.Size)
		x.text("StorageClass", "STANDARD")
		x.owner(l.owner)
		x.close("Version")
	}
	for _, p := range l.page.Prefixes {
		x.open("CommonPrefixes")
		x.text("Prefix", l.encode(p))
		x.close("CommonPrefixes")
	}
	x.close("ListVersionsResult")
	q.xml(http.StatusOK, &x)
	return nil
}
