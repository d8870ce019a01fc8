package api

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/artifacts-tui/artifacts-tui/backend/s3/authz"
	"github.com/artifacts-tui/artifacts-tui/backend/s3/checksum"
	"github.com/artifacts-tui/artifacts-tui/backend/store"
)

var attributeNames = []string{"ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"}

// objectAttributes is GetObjectAttributes:
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectAttributes.html.
func (q *request) objectAttributes() error {
	if err := q.allow(authz.Read, q.bucket, q.key); err != nil {
		return err
	}
	if err := q.refuseCustomerKey(); err != nil {
		return err
	}
	asked, err := q.askedAttributes()
	if err != nil {
		return err
	}
	limit, err := pageLimit(q.r.Header.Get("X-Amz-Max-Parts"), "max-parts")
	if err != nil {
		return err
	}
	marker, err := integer(q.r.Header.Get("X-Amz-Part-Number-Marker"), "part-number-marker")
	if err != nil {
		return err
	}
	o, err := q.store.Head(q.r.Context(), q.bucket, q.key)
	if err != nil {
		return err
	}
	if err := readCondition(q.r.Header, "", o, true); err != nil {
		return err
	}
	var x xmlWriter
	x.root("GetObjectAttributesResponse")
	if asked["ETag"] {
		x.text("ETag", o.ETag) // without quotes here
	}
	if asked["Checksum"] && o.Checksum.Algorithm != "" {
		x.open("Checksum")
		x.text(checksum.Element(o.Checksum.Algorithm), o.Checksum.Value)
		x.text("ChecksumType", o.Checksum.Type)
		x.close("Checksum")
	}
	if asked["ObjectParts"] && o.PartSizes != nil {
		x.objectParts(o, marker, limit)
	}
	if asked["StorageClass"] {
		x.text("StorageClass", "STANDARD")
	}
	if asked["ObjectSize"] {
		x.num("ObjectSize", o.Size)
	}
	x.close("GetObjectAttributesResponse")
	q.w.Header().Set("Last-Modified", o.Modified.UTC().Format(http.TimeFormat))
	q.xml(http.StatusOK, &x)
	return nil
}

// askedAttributes reads x-amz-object-attributes, one list or several.
func (q *request) askedAttributes() (map[string]bool, error) {
	asked := map[string]bool{}
	for _, v := range q.r.Header.Values("X-Amz-Object-Attributes") {
		for _, name := range strings.Split(v, ",") {
			if name = strings.TrimSpace(name); name == "" {
				continue
			}
			if !slices.Contains(attributeNames, name) {
				return nil, invalid("Invalid attribute name specified.")
			}
			asked[name] = true
		}
	}
	if len(asked) == 0 {
		return nil, badRequest("The x-amz-object-attributes header specifying the attributes to be retrieved is either missing or empty")
	}
	return asked, nil
}

// objectParts is a page of the parts. Those of an object without an additional checksum are
// counted and not listed, as S3 has it.
func (x *xmlWriter) objectParts(o store.ObjectInfo, marker, limit int) {
	n := len(o.PartSizes)
	x.open("ObjectParts")
	x.num("PartsCount", int64(n))
	if o.PartChecksums != nil {
		last := min(marker+limit, n)
		more := limit > 0 && last < n
		x.num("PartNumberMarker", int64(marker))
		if more {
			x.num("NextPartNumberMarker", int64(last))
		}
		x.num("MaxParts", int64(limit))
		x.flag("IsTruncated", more)
		for i := marker; i < last; i++ {
			x.open("Part")
			x.num("PartNumber", int64(i+1))
			x.num("Size", o.PartSizes[i])
			if c := partChecksum(o, i); c.Value != "" {
				x.text(checksum.Element(c.Algorithm), c.Value)
			}
			x.close("Part")
		}
	}
	x.close("ObjectParts")
}

// partChecksum is that of part i, from 0; its Value is empty where there is none.
func partChecksum(o store.ObjectInfo, i int) store.Checksum {
	c := store.Checksum{Algorithm: o.Checksum.Algorithm, Type: o.Checksum.Type}
	if i < len(o.PartChecksums) {
		c.Value = o.PartChecksums[i]
	}
	return c
}

// integer reads a parameter; 0 where it is not there.
func integer(v, name string) (int, error) {
	if v == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(v, 10, 32)
	if err != nil || n < 0 {
		return 0, invalid("Argument %s must be an integer between 0 and 2147483647", name)
	}
	return int(n), nil
}

// pageLimit reads a page size; 1000 is the default and the most, 0 asks for an empty page.
func pageLimit(v, name string) (int, error) {
	if v == "" {
		return store.MaxPage, nil
	}
	n, err := integer(v, name)
	return min(n, store.MaxPage), err
}
