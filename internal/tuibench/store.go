//go:build linux

package main

import (
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// store answers as an S3 store that holds objects of the names object-0000000 and on, with
// as little work as can be.
type store struct {
	objects int
	delay   atomic.Int64 // of each answer, in nanoseconds
	server  *http.Server
	at      net.Listener
}

const (
	page = 1000
	// An object is endless for whoever downloads it: it comes at some 40 MiB a second.
	objectSize = 1 << 40
	chunk      = 256 << 10
	chunkEvery = 6 * time.Millisecond
)

func serve(objects int) (*store, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &store{objects: objects, at: l}
	s.server = &http.Server{Handler: s, ReadHeaderTimeout: time.Minute}
	go func() { _ = s.server.Serve(l) }()
	return s, nil
}

func (s *store) url() string { return "http://" + s.at.Addr().String() }

func (s *store) close() { _ = s.server.Close() }

// ServeHTTP answers listings, looks and reads; all else is refused.
func (s *store) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	time.Sleep(time.Duration(s.delay.Load()))
	_, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	switch {
	case key == "" && r.Method == http.MethodGet:
		s.list(w, r)
	case r.Method == http.MethodHead, r.Method == http.MethodGet && r.Header.Get("Range") != "":
		s.object(w, r)
	case r.Method == http.MethodGet && r.URL.Query().Has("tagging"):
		fmt.Fprint(w, `<?xml version="1.0"?><Tagging><TagSet></TagSet></Tagging>`)
	case r.Method == http.MethodGet:
		s.object(w, r)
	default:
		http.Error(w, "", http.StatusNotImplemented)
	}
}

func (s *store) list(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	from, _ := strconv.Atoi(q.Get("continuation-token"))
	most := page
	if n, err := strconv.Atoi(q.Get("max-keys")); err == nil {
		most = min(n, page)
	}
	to := min(from+most, s.objects)
	var b strings.Builder
	fmt.Fprintf(&b, `<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>million</Name><Prefix></Prefix><KeyCount>%d</KeyCount><MaxKeys>%d</MaxKeys><EncodingType>url</EncodingType>`, to-from, most)
	if q.Get("prefix") != "" {
		to = from
	}
	for i := from; i < to; i++ {
		fmt.Fprintf(&b, `<Contents><Key>object-%07d</Key><LastModified>2026-11-21T09:12:%02d.000Z</LastModified><ETag>&quot;9e107d9d372bb6826bd81d3542a419d6&quot;</ETag><Size>%d</Size><StorageClass>STANDARD</StorageClass></Contents>`, i, i%60, i*7919%100_003)
	}
	if to < s.objects && to > from {
		fmt.Fprintf(&b, `<IsTruncated>true</IsTruncated><NextContinuationToken>%d</NextContinuationToken>`, to)
	} else {
		b.WriteString(`<IsTruncated>false</IsTruncated>`)
	}
	b.WriteString(`</ListBucketResult>`)
	w.Header().Set("Content-Type", "application/xml")
	fmt.Fprint(w, b.String())
}

// object sends the range that is asked for, slowly, or says how large it is.
func (s *store) object(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("ETag", `"9e107d9d372bb6826bd81d3542a419d6"`)
	h.Set("Last-Modified", "Sat, 21 Nov 2026 09:12:00 GMT")
	h.Set("Accept-Ranges", "bytes")
	from, to := int64(0), int64(objectSize-1)
	status := http.StatusOK
	if first, last, ok := strings.Cut(strings.TrimPrefix(r.Header.Get("Range"), "bytes="), "-"); ok {
		from, _ = strconv.ParseInt(first, 10, 64)
		if n, err := strconv.ParseInt(last, 10, 64); err == nil {
			to = min(n, to)
		}
		h.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, to, int64(objectSize)))
		status = http.StatusPartialContent
	}
	h.Set("Content-Length", strconv.FormatInt(to-from+1, 10))
	w.WriteHeader(status)
	if r.Method == http.MethodHead {
		return
	}
	for left, b := to-from+1, make([]byte, chunk); left > 0; {
		n, err := w.Write(b[:min(left, chunk)])
		if err != nil {
			return
		}
		if left -= int64(n); left > 0 {
			time.Sleep(chunkEvery)
		}
	}
}
