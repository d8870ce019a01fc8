package api

import (
	"encoding/xml"
	"net/http"

	"github.com/artifacts-tui/artifacts-tui/backend/s3/authz"
	"github.com/artifacts-tui/artifacts-tui/backend/store"
)

// listBuckets is GET Service; it shows the buckets that the identity may see (SPEC B14, B28).
func (q *request) listBuckets() error {
	if err := q.allow(authz.ListBuckets, "", ""); err != nil {
		return err
	}
	list, err := q.store.Buckets(q.r.Context())
	if err != nil {
		return err
	}
	var x xmlWriter
	x.root("ListAllMyBucketsResult")
	x.owner(q.who.ID)
	x.open("Buckets")
	for _, b := range list {
		if !authz.Allowed(q.who, authz.SeeBucket, b.Name, "") {
			continue
		}
		x.open("Bucket")
		x.text("Name", b.Name)
		x.time("CreationDate", b.Created)
		x.text("BucketRegion", q.region)
		x.close("Bucket")
	}
	x.close("Buckets")
	x.close("ListAllMyBucketsResult")
	q.xml(http.StatusOK, &x)
	return nil
}

// createBucket answers 200 for a bucket that the identity has already, as us-east-1
// does: rclone creates its bucket before each upload.
func (q *request) createBucket() error {
	if err := q.allow(authz.CreateBucket, q.bucket, ""); err != nil {
		return err
	}
	if q.body.Length != 0 {
		var location struct {
			XMLName            xml.Name `xml:"CreateBucketConfiguration"`
			LocationConstraint string
		}
		if err := q.parse(&location); err != nil {
			return err
		}
	}
	if err := q.refuseHeaders(); err != nil {
		return err
	}
	b, err := q.store.Bucket(q.r.Context(), q.bucket)
	scoped := q.who.Scope != nil
	switch {
	case err == nil && (scoped || b.Owner == q.who.ID):
	case err == nil:
		return fail(http.StatusConflict, "BucketAlreadyExists", "The requested bucket name is not available: the bucket belongs to another peer.")
	case scoped:
		return fail(http.StatusForbidden, "AccessDenied", "Access Denied")
	default:
		if err := q.store.CreateBucket(q.r.Context(), q.bucket, store.CreateBucketOptions{Owner: q.who.ID}); err != nil {
			return err
		}
	}
	q.w.Header().Set("Location", "/"+q.bucket)
	q.w.WriteHeader(http.StatusOK)
	return nil
}

func (q *request) deleteBucket() error {
	if err := q.allow(authz.DeleteBucket, q.bucket, ""); err != nil {
		return err
	}
	if err := q.store.DeleteBucket(q.r.Context(), q.bucket); err != nil {
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
	if q.region != "us-east-1" {
		x.escape(q.region)
	}
	x.close("LocationConstraint")
	q.xml(http.StatusOK, &x)
	return nil
}
