package api

import (
	"net/http"
	"strings"

	"github.com/artifacts-tui/artifacts-tui/backend/s3/authz"
	"github.com/artifacts-tui/artifacts-tui/backend/store"
)

// listUploads is ListMultipartUploads. Uploads in flight are few: a delimiter rolls them
// up here, after a list of the whole prefix.
func (q *request) listUploads() error {
	get := q.query.Get
	prefix, delimiter := get("prefix"), get("delimiter")
	if err := q.allow(authz.List, q.bucket, prefix); err != nil {
		return err
	}
	limit, err := pageLimit(get("max-uploads"), "max-uploads")
	if err != nil {
		return err
	}
	encode, encoded, err := q.encoding()
	if err != nil {
		return err
	}
	fetch := 0
	if delimiter == "" {
		fetch = limit + 1
	}
	list, err := q.store.Uploads(q.r.Context(), q.bucket, prefix, get("key-marker"), get("upload-id-marker"), fetch)
	if err != nil {
		return err
	}
	shown, prefixes, more := rollUpUploads(list, prefix, delimiter, get("key-marker"), limit)
	var x xmlWriter
	x.root("ListMultipartUploadsResult")
	x.text("Bucket", q.bucket)
	x.text("KeyMarker", encode(get("key-marker")))
	x.text("UploadIdMarker", get("upload-id-marker"))
	x.text("Prefix", encode(prefix))
	x.optional("Delimiter", encode(delimiter))
	if encoded {
		x.text("EncodingType", "url")
	}
	x.num("MaxUploads", int64(limit))
	x.flag("IsTruncated", more)
	if more {
		var key, id string
		if n := len(shown); n > 0 {
			key, id = shown[n-1].Key, shown[n-1].ID
		}
		if n := len(prefixes); n > 0 && prefixes[n-1] > key {
			key, id = prefixes[n-1], ""
		}
		x.text("NextKeyMarker", encode(key))
		x.text("NextUploadIdMarker", id)
	}
	for _, u := range shown {
		x.open("Upload")
		x.text("Key", encode(u.Key))
		x.text("UploadId", u.ID)
		x.person("Initiator", u.Owner)
		x.owner(u.Owner)
		x.text("StorageClass", "STANDARD")
		x.time("Initiated", u.Created)
		if u.ChecksumAlgorithm != "" {
			x.text("ChecksumAlgorithm", u.ChecksumAlgorithm)
			x.text("ChecksumType", u.ChecksumType)
		}
		x.close("Upload")
	}
	for _, p := range prefixes {
		x.open("CommonPrefixes")
		x.text("Prefix", encode(p))
		x.close("CommonPrefixes")
	}
	x.close("ListMultipartUploadsResult")
	q.xml(http.StatusOK, &x)
	return nil
}

func rollUpUploads(list []store.UploadInfo, prefix, delimiter, marker string, limit int) (shown []store.UploadInfo, prefixes []string, more bool) {
	if limit == 0 {
		return nil, nil, false // an empty page has no place to go on from
	}
	for _, u := range list {
		common := ""
		if delimiter != "" {
			if i := strings.Index(u.Key[len(prefix):], delimiter); i >= 0 {
				common = u.Key[:len(prefix)+i+len(delimiter)]
			}
		}
		if common != "" && (common == marker || (len(prefixes) > 0 && prefixes[len(prefixes)-1] == common)) {
			continue
		}
		if len(shown)+len(prefixes) == limit {
			return shown, prefixes, true
		}
		if common != "" {
			prefixes = append(prefixes, common)
		} else {
			shown = append(shown, u)
		}
	}
	return shown, prefixes, false
}
