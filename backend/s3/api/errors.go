package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"syscall"
	"time"

	"github.com/artifacts-tui/artifacts-tui/backend/s3/authn"
	"github.com/artifacts-tui/artifacts-tui/backend/store"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// Error is an answer that is not what was asked for:
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html.
type Error struct {
	Status  int
	Code    string
	Message string
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

func fail(status int, code, format string, args ...any) error {
	return &Error{Status: status, Code: code, Message: fmt.Sprintf(format, args...)}
}

func invalid(format string, args ...any) error {
	return fail(http.StatusBadRequest, "InvalidArgument", format, args...)
}

func badRequest(format string, args ...any) error {
	return fail(http.StatusBadRequest, "InvalidRequest", format, args...)
}

func notImplemented(what string) error {
	return fail(http.StatusNotImplemented, "NotImplemented", "A header or operation you provided implies functionality that is not implemented: %s.", what)
}

// statuses are those of the store's codes.
var statuses = map[store.Code]int{
	store.NoSuchBucket: 404, store.NoSuchKey: 404, store.NoSuchUpload: 404,
	store.BucketAlreadyExists: 409, store.BucketNotEmpty: 409,
	store.InvalidBucketName: 400, store.InvalidKey: 400, store.KeyTooLong: 400, store.InvalidPart: 400, store.InvalidPartOrder: 400,
	store.EntityTooSmall: 400, store.IncompleteBody: 400,
	store.PreconditionFailed: 412, store.InvalidRange: 416,
	// Not a 5xx: clients retry those (SPEC B24).
	store.QuotaExceeded: 403,
	store.Condemned:     503,
	store.TooFast:       503,
}

// answer turns any error into one of S3's.
func answer(err error) (e *Error, challenge bool) {
	var auth *authn.Error
	var refusal *store.Error
	switch {
	case errors.As(err, &e):
		return e, false
	case errors.As(err, &auth):
		return &Error{Status: auth.Status, Code: auth.Code, Message: auth.Message}, auth.Challenge
	case errors.As(err, &refusal):
		code := string(refusal.Code)
		if refusal.Code == store.InvalidKey {
			code = "InvalidArgument"
		}
		return &Error{Status: statuses[refusal.Code], Code: code, Message: refusal.Error()}, false
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, context.Canceled):
		return &Error{
			Status: http.StatusBadRequest, Code: "IncompleteBody",
			Message: "You did not provide the number of bytes specified by the Content-Length HTTP header.",
		}, false
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return &Error{Status: http.StatusInsufficientStorage, Code: "InsufficientStorage", Message: "The store's disk is full."}, false
	case fault.Is(err, fault.Unreachable): // an engine of the store
		return &Error{Status: http.StatusServiceUnavailable, Code: "ServiceUnavailable", Message: "The store does not answer. Please try again."}, false
	}
	return nil, false
}

const (
	drainMax  = 32 << 20 // bytes of a refused body that are read so that the client sees why
	drainTime = 10 * time.Second
)

// fail answers with an error.
func (q *request) fail(err error) {
	e, challenge := answer(err)
	if e != nil && e.Status == http.StatusServiceUnavailable {
		q.log.Warn("an engine of the store does not answer", "request", q.id, "method", q.r.Method, "path", q.r.URL.EscapedPath(), "err", err)
	}
	if e == nil {
		q.log.Error("s3 request failed", "request", q.id, "method", q.r.Method, "path", q.r.URL.EscapedPath(), "err", err)
		e = &Error{Status: http.StatusInternalServerError, Code: "InternalError", Message: "We encountered an internal error. Please try again."}
	}
	if q.w.status != 0 {
		// The answer has begun; all that is left is to break it off so that it is not taken for whole.
		panic(http.ErrAbortHandler)
	}
	h := q.w.Header()
	if challenge {
		h.Add("WWW-Authenticate", `Basic realm="artifacts", charset="UTF-8"`)
		h.Add("WWW-Authenticate", `Bearer realm="artifacts"`)
	}
	for _, name := range []string{"Content-Length", "Content-Encoding", "Cache-Control", "Content-Disposition", "ETag", "Last-Modified"} {
		if e.Status != http.StatusNotModified || (name != "ETag" && name != "Last-Modified" && name != "Cache-Control") {
			h.Del(name)
		}
	}
	if e.Status == http.StatusNotModified || q.r.Method == http.MethodHead {
		q.w.WriteHeader(e.Status)
		return
	}
	var x xmlWriter
	x.head()
	x.open("Error")
	x.text("Code", e.Code)
	x.text("Message", e.Message)
	if q.bucket != "" {
		x.text("BucketName", q.bucket)
	}
	if q.key != "" {
		x.text("Key", q.key)
	}
	x.text("Resource", q.r.URL.Path)
	x.text("RequestId", q.id)
	if q.hostID != "" {
		x.text("HostId", q.hostID)
	}
	x.close("Error")
	q.xml(e.Status, &x)
	q.drain()
}

// drain lets a client that is still sending its body come to the point where it reads
// the answer. One that waits for 100-continue has sent none.
func (q *request) drain() {
	if q.r.ContentLength == 0 || q.r.Header.Get("Expect") != "" {
		return
	}
	c := http.NewResponseController(q.w)
	if c.Flush() != nil || c.SetReadDeadline(time.Now().Add(drainTime)) != nil {
		return
	}
	_, _ = io.CopyN(io.Discard, q.r.Body, drainMax)
}
