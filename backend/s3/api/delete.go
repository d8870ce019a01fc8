package api

import (
	"encoding/xml"
	"net/http"
	"sync"

	"github.com/artifacts-tui/artifacts-tui/backend/s3/authz"
	"github.com/artifacts-tui/artifacts-tui/backend/store"
)

const (
	deleteMax      = 1000 // keys of one request
	deleteParallel = 64   // so that one transaction of the index takes many
)

type deleteRequest struct {
	XMLName xml.Name `xml:"Delete"`
	Quiet   bool
	Objects []struct {
		Key       string
		VersionID string `xml:"VersionId"`
		ETag      string
		// Conditions of directory buckets.
		LastModifiedTime *string
		Size             *string
	} `xml:"Object"`
}

// deleteObjects answers for each key by itself.
func (q *request) deleteObjects() error {
	// A bucket that is not there, or not the identity's, is one answer and not a thousand.
	if err := q.allow(authz.SeeBucket, q.bucket, ""); err != nil {
		return err
	}
	if _, err := q.store.Bucket(q.r.Context(), q.bucket); err != nil {
		return err
	}
	d, err := q.digests()
	if err != nil {
		return err
	}
	if d.md5 == nil && d.sum == nil {
		return badRequest("Missing required header for this request: Content-MD5 OR x-amz-checksum-*")
	}
	var in deleteRequest
	if err := d.parse(&in, deleteXML); err != nil {
		return err
	}
	if err := q.still(authz.SeeBucket); err != nil {
		return err
	}
	if len(in.Objects) == 0 || len(in.Objects) > deleteMax {
		return malformed()
	}
	results := make([]error, len(in.Objects))
	slots := make(chan struct{}, deleteParallel)
	var done sync.WaitGroup
	for i, o := range in.Objects {
		if results[i] = q.allow(authz.Write, q.bucket, o.Key); results[i] != nil {
			continue
		}
		if o.VersionID != "" && o.VersionID != "null" {
			results[i] = fail(http.StatusNotFound, "NoSuchVersion", "The bucket has no versions.")
			continue
		}
		if o.LastModifiedTime != nil || o.Size != nil {
			results[i] = notImplemented("deletion by size or time")
			continue
		}
		slots <- struct{}{}
		done.Go(func() {
			results[i] = q.buckets.DeleteIf(q.r.Context(), q.bucket, o.Key, store.Condition{IfMatch: unquote(o.ETag)})
			<-slots
		})
	}
	done.Wait()
	var x xmlWriter
	x.root("DeleteResult")
	for i, o := range in.Objects {
		if err := results[i]; err != nil {
			e, _ := answer(err)
			if e == nil {
				q.log.Error("s3 delete failed", "request", q.id, "err", err)
				e = &Error{Code: "InternalError", Message: "We encountered an internal error. Please try again."}
			}
			x.open("Error")
			x.text("Key", o.Key)
			x.text("Code", e.Code)
			x.text("Message", e.Message)
			x.close("Error")
		} else if !in.Quiet {
			x.open("Deleted")
			x.text("Key", o.Key)
			x.close("Deleted")
		}
	}
	x.close("DeleteResult")
	q.xml(http.StatusOK, &x)
	return nil
}
