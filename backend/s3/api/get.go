package api

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/artifacts-tui/artifacts-tui/backend/s3/authz"
	"github.com/artifacts-tui/artifacts-tui/backend/s3/checksum"
	"github.com/artifacts-tui/artifacts-tui/backend/store"
)

// overrides are the parameters of a GET that replace headers of its answer.
var overrides = map[string]string{
	"response-content-type": "Content-Type", "response-content-language": "Content-Language",
	"response-expires": "Expires", "response-cache-control": "Cache-Control",
	"response-content-disposition": "Content-Disposition", "response-content-encoding": "Content-Encoding",
}

// getObject is GetObject and, where the method is HEAD, HeadObject.
func (q *request) getObject() error {
	if err := q.allow(authz.Read, q.bucket, q.key); err != nil {
		return err
	}
	if err := q.refuseCustomerKey(); err != nil {
		return err
	}
	if q.r.Method == http.MethodHead {
		o, err := q.store.Head(q.r.Context(), q.bucket, q.key)
		if err != nil {
			return err
		}
		_, err = q.answerObject(o)
		return err
	}
	r, err := q.store.Get(q.r.Context(), q.bucket, q.key)
	if err != nil {
		return err
	}
	defer r.Close()
	piece, err := q.answerObject(r.Info)
	if err != nil || piece.length == 0 {
		return err
	}
	if _, err := r.Seek(piece.offset, 0); err != nil {
		return err
	}
	err = q.patience.copy(r, piece.length, q.stillReads)
	q.w.bytes += piece.length
	if err != nil && q.r.Context().Err() == nil {
		q.log.Warn("s3 get broke off", "request", q.id, "path", q.r.URL.EscapedPath(), "err", err)
	}
	if err != nil {
		panic(http.ErrAbortHandler) // the length was announced: the client must see that it did not get it
	}
	return nil
}

// stillReads ends a download of who may not read any more (SPEC B8). Where nobody can say, it
// goes on: it was allowed, and only what has ended ends it.
func (q *request) stillReads() error {
	err := q.still(authz.Read)
	if e, _ := answer(err); e == nil || e.Status != http.StatusForbidden {
		return nil
	}
	return err
}

// answerObject checks the conditions and sends status and headers.
func (q *request) answerObject(o store.ObjectInfo) (piece, error) {
	h := q.w.Header()
	h.Set("ETag", quote(o.ETag))
	h.Set("Last-Modified", o.Modified.UTC().Format(http.TimeFormat))
	for name, v := range o.Headers {
		h.Set(name, v)
	}
	if err := readCondition(q.r.Header, "", o, true); err != nil {
		return piece{}, err
	}
	p, err := q.piece(o)
	if err != nil {
		return piece{}, err
	}
	h.Set("Accept-Ranges", "bytes")
	h.Set("Content-Type", o.ContentType)
	h.Set("Content-Length", strconv.FormatInt(p.length, 10))
	for name, v := range o.Meta {
		// Written as stored: net/http would change the case of the name.
		h["x-amz-meta-"+name] = []string{encodeMeta(v)}
	}
	if len(o.Tags) > 0 {
		h.Set("X-Amz-Tagging-Count", strconv.Itoa(len(o.Tags)))
	}
	if strings.EqualFold(q.r.Header.Get("X-Amz-Checksum-Mode"), "ENABLED") {
		switch {
		case !p.partial:
			setChecksum(h, o.Checksum)
		case p.part > 0:
			setChecksum(h, partChecksum(o, p.part-1))
		}
	}
	if len(q.query) > 0 {
		for name, header := range overrides {
			if q.query.Has(name) {
				h.Set(header, q.query.Get(name))
			}
		}
	}
	status := http.StatusOK
	if p.partial {
		h.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", p.offset, p.offset+p.length-1, o.Size))
		status = http.StatusPartialContent
	}
	q.w.WriteHeader(status)
	return p, nil
}

func setChecksum(h http.Header, c store.Checksum) {
	if c.Value == "" {
		return
	}
	h.Set(checksum.Header(c.Algorithm), c.Value)
	h.Set("X-Amz-Checksum-Type", c.Type)
}

// piece reads Range or partNumber.
func (q *request) piece(o store.ObjectInfo) (piece, error) {
	whole := piece{length: o.Size}
	if v := q.query.Get("partNumber"); v != "" {
		if q.r.Header.Get("Range") != "" {
			return piece{}, badRequest("Cannot specify both Range header and partNumber query parameter")
		}
		return q.partPiece(o, v)
	}
	header := q.r.Header.Get("Range")
	if header == "" {
		return whole, nil
	}
	if v := q.r.Header.Get("If-Range"); v != "" && !rangeHolds(v, o) {
		return whole, nil
	}
	p, ok := byteRange(header, o.Size)
	if !ok {
		q.w.Header().Set("Content-Range", fmt.Sprintf("bytes */%d", o.Size))
		return piece{}, fail(http.StatusRequestedRangeNotSatisfiable, "InvalidRange", "The requested range is not satisfiable")
	}
	return p, nil
}

// rangeHolds is If-Range: an ETag or a date.
func rangeHolds(v string, o store.ObjectInfo) bool {
	if t, err := http.ParseTime(v); err == nil {
		return o.Modified.Truncate(time.Second).Equal(t)
	}
	return unquote(v) == o.ETag
}

// partPiece is the n-th part of an object that was uploaded in parts; others have one.
func (q *request) partPiece(o store.ObjectInfo, v string) (piece, error) {
	n, err := strconv.Atoi(v)
	if err != nil || n < 1 || n > store.MaxPart {
		return piece{}, invalid("Part number must be an integer between 1 and 10000, inclusive")
	}
	sizes := o.PartSizes
	if sizes == nil {
		sizes = []int64{o.Size}
	} else {
		q.w.Header().Set("X-Amz-Mp-Parts-Count", strconv.Itoa(len(sizes)))
	}
	if n > len(sizes) {
		return piece{}, fail(http.StatusRequestedRangeNotSatisfiable, "InvalidPartNumber", "The requested partnumber is not satisfiable")
	}
	p := piece{length: sizes[n-1], partial: o.Size > 0, part: n}
	for _, s := range sizes[:n-1] {
		p.offset += s
	}
	return p, nil
}
