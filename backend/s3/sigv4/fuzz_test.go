package sigv4_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/artifacts-tui/artifacts-tui/backend/s3/sigv4"
)

// sound checks what every parsed signature promises, and that no other key than the signer's
// makes it true.
func sound(t *testing.T, r *http.Request, s *sigv4.Signature) {
	t.Helper()
	if s.AccessKeyID == "" || s.Region == "" || s.Value == "" || s.Service != "s3" || s.Time.Format("20060102") != s.Date || !s.Signs("host") {
		t.Errorf("%+v", s)
	}
	if err := s.Verify(r, s.Key("secret"), sigv4.Targets(r.URL.EscapedPath(), "/s3")); err == nil {
		t.Errorf("a signature that nobody made is true: %+v", s)
	}
	_ = s.Covers(r.Header)
}

// SPEC B6, B7
func FuzzParseHeader(f *testing.F) {
	f.Fuzz(func(t *testing.T, authorization, date string) {
		r := &http.Request{
			Method: http.MethodGet, Host: "h", URL: &url.URL{Path: "/s3/b/k"},
			Header: http.Header{"Authorization": {authorization}, "X-Amz-Date": {date}, "X-Amz-Meta-A": {"1"}},
		}
		if s, err := sigv4.ParseHeader(r); err == nil {
			sound(t, r, s)
		} else if code(err) == "" {
			t.Errorf("an error without a code: %v", err)
		}
	})
}

// SPEC B6, B7
func FuzzParseQuery(f *testing.F) {
	f.Fuzz(func(t *testing.T, path, query string) {
		q, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		r := &http.Request{Method: http.MethodGet, Host: "h", URL: &url.URL{Path: path, RawQuery: query}, Header: http.Header{}}
		s, err := sigv4.ParseQuery(q)
		if err != nil {
			if code(err) == "" {
				t.Errorf("an error without a code: %v", err)
			}
			return
		}
		if s.Expires <= 0 || s.Expires > sigv4.MaxExpires {
			t.Errorf("valid for %v", s.Expires)
		}
		sound(t, r, s)
	})
}

// Whatever comes, nothing is invented: what is read is in the body, in its order. SPEC B6
func FuzzChunkReader(f *testing.F) {
	f.Fuzz(func(t *testing.T, body string, signed, trailers bool) {
		var s *sigv4.Signature
		if signed {
			s = seed(strings.Repeat("0", 64))
		}
		r := sigv4.NewChunkReader(strings.NewReader(body), int64(len(body)), s, []byte("key"), trailers)
		got, err := io.ReadAll(r)
		if len(got) > len(body) {
			t.Errorf("%d bytes of %d", len(got), len(body))
		}
		if signed && err == nil {
			t.Error("a signature that nobody made is true")
		}
		if err != nil && code(err) == "" && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("an error without a code: %v", err)
		}
		if n, again := r.Read(make([]byte, 1)); n != 0 || again == nil {
			t.Error("more after the end")
		}
		// The body as data, in chunks of seven bytes, is the body again.
		var b strings.Builder
		for rest := body; ; rest = rest[min(7, len(rest)):] {
			chunk := rest[:min(7, len(rest))]
			fmt.Fprintf(&b, "%x\r\n%s\r\n", len(chunk), chunk)
			if chunk == "" {
				break
			}
		}
		whole, err := io.ReadAll(sigv4.NewChunkReader(strings.NewReader(b.String()), -1, nil, nil, true))
		if err != nil || string(whole) != body {
			t.Errorf("%q, %v, want %q", whole, err, body)
		}
	})
}
