package api

import (
	"net/http"
	"strings"
)

type operation func(*request) error

// route chooses the operation by method, path and the parameters that name subresources.
func (q *request) route() (operation, error) {
	switch {
	case q.bucket == "":
		if q.r.Method == http.MethodGet || q.r.Method == http.MethodHead {
			return (*request).listBuckets, nil
		}
	case q.key == "":
		if op := q.routeBucket(); op != nil {
			return op, nil
		}
	default:
		if op := q.routeObject(); op != nil {
			return op, nil
		}
	}
	return nil, fail(http.StatusMethodNotAllowed, "MethodNotAllowed", "The specified method is not allowed against this resource.")
}

func (q *request) routeBucket() operation {
	has := q.query.Has
	if op := q.subresource(bucketAnswers); op != nil {
		return op
	}
	switch q.r.Method {
	case http.MethodGet:
		switch {
		case has("location"):
			return (*request).bucketLocation
		case has("uploads"):
			return (*request).listUploads
		case has("versions"):
			return (*request).listVersions
		case q.query.Get("list-type") == "2":
			return (*request).listV2
		case q.query.Get("list-type") != "":
			return refuseWith(invalid("Invalid List Type specified in Request"))
		}
		return (*request).listV1
	case http.MethodHead:
		return (*request).headBucket
	case http.MethodPut:
		return (*request).createBucket
	case http.MethodDelete:
		return (*request).deleteBucket
	case http.MethodPost:
		if has("delete") {
			return (*request).deleteObjects
		}
		if strings.HasPrefix(q.r.Header.Get("Content-Type"), "multipart/form-data") {
			return refuseWith(notImplemented("uploads by HTML forms"))
		}
	}
	return nil
}

func (q *request) routeObject() operation {
	has := q.query.Has
	switch v := q.query.Get("versionId"); {
	case v == "" && has("versionId"):
		return refuseWith(invalid("Version id cannot be the empty string"))
	case v != "" && v != "null":
		return refuseWith(fail(http.StatusNotFound, "NoSuchVersion", "The bucket has no versions."))
	}
	if op := q.subresource(objectAnswers); op != nil {
		return op
	}
	switch q.r.Method {
	case http.MethodGet:
		switch {
		case has("uploadId"):
			return (*request).listParts
		case has("attributes"):
			return (*request).objectAttributes
		case has("tagging"):
			return (*request).getTagging
		}
		return (*request).getObject
	case http.MethodHead:
		return (*request).getObject
	case http.MethodPut:
		copies := q.r.Header.Get("X-Amz-Copy-Source") != ""
		switch {
		case has("uploadId") && copies:
			return (*request).copyPart
		case has("uploadId"):
			return (*request).putPart
		case has("tagging"):
			return (*request).putTagging
		case copies:
			return (*request).copyObject
		}
		return (*request).putObject
	case http.MethodDelete:
		if has("uploadId") {
			return (*request).abortUpload
		}
		if has("tagging") {
			return (*request).deleteTagging
		}
		return (*request).deleteObject
	case http.MethodPost:
		switch {
		case has("uploads"):
			return (*request).createUpload
		case has("uploadId"):
			return (*request).completeUpload
		}
	}
	return nil
}

func refuseWith(err error) operation { return func(*request) error { return err } }
