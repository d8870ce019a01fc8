package api

import (
	"encoding/xml"
	"errors"
	"net/http"
	"strings"

	"github.com/artifacts-tui/artifacts-tui/backend/s3/authz"
	"github.com/artifacts-tui/artifacts-tui/backend/store"
)

const bucketsMax = 10000 // of a page, and the default

// listBuckets is GET Service; it shows the buckets that the identity may see (SPEC B14, B28).
func (q *request) listBuckets() error {
	if err := q.allow(authz.ListBuckets, "", ""); err != nil {
		return err
	}
	get := q.query.Get
	limit := bucketsMax
	if v := get("max-buckets"); v != "" {
		n, err := integer(v, "max-buckets")
		if err != nil || n < 1 || n > bucketsMax {
			return invalid("Argument max-buckets must be an integer between 1 and 10000")
		}
		limit = n
	}
	after := ""
	if q.query.Has("continuation-token") {
		var err error
		if after, err = openToken(get("continuation-token")); err != nil {
			return err
		}
	}
	list, err := q.store.Buckets(q.r.Context())
	if err != nil {
		return err
	}
	if r := get("bucket-region"); r != "" && r != q.region {
		list = nil
	}
	var x xmlWriter
	x.root("ListAllMyBucketsResult")
	x.owner(q.who.ID)
	x.open("Buckets")
	n, last, more := 0, "", false
	for _, b := range list {
		if b.Name <= after || !strings.HasPrefix(b.Name, get("prefix")) || !authz.Allowed(q.who, authz.SeeBucket, b.Name, "") {
			continue
		}
		if n == limit {
			more = true
			break
		}
		n, last = n+1, b.Name
		x.open("Bucket")
		x.text("Name", b.Name)
		x.time("CreationDate", b.Created)
		x.text("BucketRegion", q.region)
		x.close("Bucket")
	}
	x.close("Buckets")
	x.optional("Prefix", get("prefix"))
	if more {
		x.text("ContinuationToken", sealToken(last))
	}
	x.close("ListAllMyBucketsResult")
	q.xml(http.StatusOK, &x)
	return nil
}

type createBucketRequest struct {
	XMLName            xml.Name `xml:"CreateBucketConfiguration"`
	LocationConstraint string
	// What directory buckets and bucket tags ask for.
	Location, Bucket, Tags *struct{}
}

// check takes every region, as signatures do, but nothing that could not be one.
func (in createBucketRequest) check() error {
	if in.Location != nil || in.Bucket != nil || in.Tags != nil {
		return notImplemented("directory buckets and tags of buckets")
	}
	if strings.Trim(in.LocationConstraint, "abcdefghijklmnopqrstuvwxyzEU0123456789-") != "" || len(in.LocationConstraint) > 63 {
		return fail(http.StatusBadRequest, "InvalidLocationConstraint", "The specified location-constraint is not valid")
	}
	return nil
}

// createBucket answers 200 for a bucket that the identity has already where the region is
// us-east-1, as S3 does: rclone creates its bucket before each upload.
func (q *request) createBucket() error {
	if err := q.allow(authz.CreateBucket, q.bucket, ""); err != nil {
		return err
	}
	if q.body.Length != 0 {
		var in createBucketRequest
		if err := q.parse(&in, smallXML); err != nil {
			return err
		}
		if err := in.check(); err != nil {
			return err
		}
		if err := q.still(authz.CreateBucket); err != nil {
			return err
		}
	}
	if err := q.refuseHeaders(); err != nil {
		return err
	}
	b, err := q.store.Bucket(q.r.Context(), q.bucket)
	mayCreate := authz.MayCreate(q.who, q.bucket)
	if errors.Is(err, store.ErrNoSuchBucket) && mayCreate {
		err = q.buckets.CreateBucket(q.r.Context(), q.bucket, store.CreateBucketOptions{Owner: q.who.ID})
		if !errors.Is(err, store.ErrBucketAlreadyExists) {
			return q.created(err)
		}
		b, err = q.store.Bucket(q.r.Context(), q.bucket) // somebody was faster, perhaps this peer itself
	}
	switch {
	case !mayCreate && err == nil:
		return q.created(nil)
	case !mayCreate:
		return fail(http.StatusForbidden, "AccessDenied", "Access Denied")
	case err != nil:
		return err
	case b.Owner != q.who.ID:
		return fail(http.StatusConflict, "BucketAlreadyExists", "The requested bucket name is not available: the bucket belongs to another peer.")
	case q.region != defaultRegion:
		return fail(http.StatusConflict, "BucketAlreadyOwnedByYou", "Your previous request to create the named bucket succeeded and you already own it.")
	}
	return q.created(nil)
}

func (q *request) created(err error) error {
	if err != nil {
		return err
	}
	q.w.Header().Set("Location", "/"+q.bucket)
	q.w.WriteHeader(http.StatusOK)
	return nil
}

func (q *request) deleteBucket() error {
	if err := q.allow(authz.DeleteBucket, q.bucket, ""); err != nil {
		return err
	}
	if err := q.buckets.DeleteBucket(q.r.Context(), q.bucket); err != nil {
		return err
	}
	q.w.WriteHeader(http.StatusNoContent)
	return nil
}

func (q *request) headBucket() error {
	if err := q.allow(authz.SeeBucket, q.bucket, ""); err != nil {
		return err
	}
	if _, err := q.store.Bucket(q.r.Context(), q.bucket); err != nil {
		return err
	}
	q.w.Header().Set("X-Amz-Bucket-Region", q.region)
	q.w.WriteHeader(http.StatusOK)
	return nil
}

// bucketLocation is empty for us-east-1, as S3's.
func (q *request) bucketLocation() error {
	if err := q.allow(authz.SeeBucket, q.bucket, ""); err != nil {
		return err
	}
	if _, err := q.store.Bucket(q.r.Context(), q.bucket); err != nil {
		return err
	}
	var x xmlWriter
	x.root("LocationConstraint")
	if q.region != defaultRegion {
		x.escape(q.region)
	}
	x.close("LocationConstraint")
	q.xml(http.StatusOK, &x)
	return nil
}
