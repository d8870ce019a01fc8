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
	// Past the recorder: net/http sends a file with sendfile(2) only when it sees the file.
	err = q.patience.copy(q.w.ResponseWriter, r, piece.length)
	q.w.bytes += piece.length
	if err != nil && q.r.Context().Err() == nil {
		q.log.Warn("s3 get broke off", "request", q.id, "path", q.r.URL.EscapedPath(), "err", err)
	}
	if err != nil {
		panic(http.ErrAbortHandler) // the length was announced: the client must see that it did not get it
	}
	return nil
}

// piece is the part of an object that is answered.
type piece struct {
	offset, length int64
	partial        bool
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
		h["x-amz-meta-"+name] = []string{v}
	}
	if !p.partial && q.r.Header.Get("X-Amz-Checksum-Mode") == "ENABLED" {
		setChecksum(h, o.Checksum)
	}
	for name, header := range overrides {
		if q.query.Has(name) {
			h.Set(header, q.query.Get(name))
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
	if c.Algorithm == "" {
		return
	}
	h.Set(checksum.Header(c.Algorithm), c.Value)
	h.Set("X-Amz-Checksum-Type", c.Type)
}

// piece reads Range or partNumber.
func (q *request) piece(o store.ObjectInfo) (piece, error) {
	whole := piece{length: o.Size}
	if v := q.query.Get("partNumber"); v != "" {
		return q.partPiece(o, v)
	}
	spec, ok := strings.CutPrefix(q.r.Header.Get("Range"), "bytes=")
	if !ok || strings.Contains(spec, ",") {
		return whole, nil // S3 answers several ranges, and other units, with the whole object
	}
	if v := q.r.Header.Get("If-Range"); v != "" && !rangeHolds(v, o) {
		return whole, nil
	}
	first, last, ok := strings.Cut(spec, "-")
	if !ok {
		return whole, nil
	}
	from, err1 := strconv.ParseInt(first, 10, 64)
	to, err2 := strconv.ParseInt(last, 10, 64)
	switch {
	case first == "" && err2 == nil: // the last bytes
		from, to = max(o.Size-to, 0), o.Size-1
		if last == "0" {
			from = o.Size
		}
	case err1 == nil && last == "":
		to = o.Size - 1
	case err1 != nil || err2 != nil || to < from:
		return whole, nil
	}
	if from >= o.Size {
		q.w.Header().Set("Content-Range", fmt.Sprintf("bytes */%d", o.Size))
		return piece{}, fail(http.StatusRequestedRangeNotSatisfiable, "InvalidRange", "The requested range is not satisfiable")
	}
	to = min(to, o.Size-1)
	return piece{offset: from, length: to - from + 1, partial: true}, nil
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
	p := piece{length: sizes[n-1], partial: o.Size > 0}
	for _, s := range sizes[:n-1] {
		p.offset += s
	}
	return p, nil
}

// objectAttributes is GetObjectAttributes.
func (q *request) objectAttributes() error {
	if err := q.allow(authz.Read, q.bucket, q.key); err != nil {
		return err
	}
	o, err := q.store.Head(q.r.Context(), q.bucket, q.key)
	if err != nil {
		return err
	}
	if err := readCondition(q.r.Header, "", o, true); err != nil {
		return err
	}
	asked := map[string]bool{}
	for _, v := range q.r.Header.Values("X-Amz-Object-Attributes") {
		for _, name := range strings.Split(v, ",") {
			asked[strings.TrimSpace(name)] = true
		}
	}
	var x xmlWriter
	x.root("GetObjectAttributesResponse")
	if asked["ETag"] {
		x.text("ETag", o.ETag)
	}
	if asked["Checksum"] && o.Checksum.Algorithm != "" {
		x.open("Checksum")
		x.text(checksum.Element(o.Checksum.Algorithm), o.Checksum.Value)
		x.text("ChecksumType", o.Checksum.Type)
		x.close("Checksum")
	}
	if asked["ObjectParts"] && o.PartSizes != nil {
		x.open("ObjectParts")
		x.num("TotalPartsCount", int64(len(o.PartSizes)))
		x.close("ObjectParts")
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
