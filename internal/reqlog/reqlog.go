// Package reqlog tells of HTTP requests, a line each, and of nothing that is secret (SPEC C9, A35):
// what is shown is listed, all else is left out or masked. It imports nothing of this module.
package reqlog

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Log takes a line without its end. It is called by several goroutines at once. Nil takes none.
type Log func(line string)

// Wrap returns a transport that tells of each request when its answer begins.
func (l Log) Wrap(next http.RoundTripper) http.RoundTripper {
	if l == nil {
		return next
	}
	return &transport{next, l}
}

type transport struct {
	next http.RoundTripper
	log  Log
}

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	begin := time.Now()
	res, err := t.next.RoundTrip(req)
	took := time.Since(begin).Round(100 * time.Microsecond)
	line := Request(req)
	if err != nil {
		t.log(fmt.Sprintf("%s -> no answer: %s in %s", line, reason(err), took))
		return res, err
	}
	t.log(fmt.Sprintf("%s -> %s in %s%s", line, res.Status, took, shown(res.Header, res.ContentLength)))
	return res, nil
}

// CloseIdleConnections is what http.Client asks of a transport.
func (t *transport) CloseIdleConnections() {
	if c, ok := t.next.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// Request is a request in one line.
func Request(req *http.Request) string {
	return req.Method + " " + URL(req.URL) + signedBy(req) + shown(req.Header, req.ContentLength)
}

// values of these parameters are shown: names of objects and parts, and how much is asked for.
var shownParameters = []string{
	"after", "continuation-token", "delete", "delimiter", "encoding-type", "key-marker", "list-type", "location", "marker", "max-keys", "max-parts",
	"part-number-marker", "partNumber", "peer", "prefix", "recursive", "start-after", "tagging", "uploads", "uploadId", "usage", "versioning", "versions", "x-id",
}

// URL is a URL whose user, password and unknown parameters are masked. A presigned one keeps
// its path, and no part of its signature.
func URL(u *url.URL) string {
	var b strings.Builder
	if u.Host != "" {
		b.WriteString(u.Scheme + "://" + u.Host)
	}
	b.WriteString(u.EscapedPath())
	for i, pair := range strings.Split(u.RawQuery, "&") {
		if pair == "" {
			continue
		}
		name, value, has := strings.Cut(pair, "=")
		if has && value != "" && !slices.Contains(shownParameters, name) {
			value = "***"
		}
		b.WriteByte("?&"[min(i, 1)])
		b.WriteString(printable(name))
		if has {
			b.WriteString("=" + printable(value))
		}
	}
	return b.String()
}

// signedBy says how a request proves who sends it, not with what.
func signedBy(req *http.Request) string {
	scheme, _, _ := strings.Cut(req.Header.Get("Authorization"), " ")
	switch {
	case scheme == "":
		return ""
	case slices.Contains([]string{"AWS4-HMAC-SHA256", "Bearer", "Basic"}, scheme):
		return " (" + scheme + " ***)"
	}
	return " (***)"
}

// headers are those whose values are shown, of requests and answers.
var headers = []string{
	"Content-Type", "Content-Range", "Etag", "If-Match", "If-None-Match", "Last-Modified", "Location", "Range", "Retry-After", "X-Amz-Copy-Source-Range",
	"X-Amz-Id-2", "X-Amz-Request-Id", "X-Artifacts-Coordinator",
}

func shown(h http.Header, length int64) string {
	var parts []string
	if length > 0 {
		parts = append(parts, strconv.FormatInt(length, 10)+" bytes")
	}
	for _, name := range headers {
		value := h.Get(name)
		if value == "" {
			continue
		}
		if name == "Location" {
			if u, err := url.Parse(value); err == nil {
				value = URL(u)
			} else {
				value = "***"
			}
		}
		parts = append(parts, name+": "+printable(value))
	}
	if len(parts) == 0 {
		return ""
	}
	return " [" + strings.Join(parts, ", ") + "]"
}

// printable quotes what would break the line or move a terminal's cursor.
func printable(s string) string {
	if strings.ContainsFunc(s, func(r rune) bool { return !strconv.IsPrint(r) }) {
		return strconv.Quote(s)
	}
	return s
}

// reason is an error of a transport, without a URL that it may repeat.
func reason(err error) string {
	if u, ok := err.(*url.Error); ok { //nolint:errorlint // the outermost alone repeats the URL
		err = u.Err
	}
	return printable(err.Error())
}
