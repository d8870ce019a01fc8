package sigv4

import (
	"net/http"
	"net/url"
	"sort"
	"strconv"
	"strings"
)

const unreserved = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"

var plain = func() (t [256]bool) {
	for i := range len(unreserved) {
		t[unreserved[i]] = true
	}
	return t
}()

// Escape is AWS's UriEncode; slashes stay where keepSlash.
func Escape(s string, keepSlash bool) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	b.Grow(len(s) + 16)
	for i := range len(s) {
		c := s[i]
		if plain[c] || (c == '/' && keepSlash) {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(hex[c>>4])
		b.WriteByte(hex[c&15])
	}
	return b.String()
}

// Target is what a client may have signed as the place of a request.
type Target struct {
	HostSuffix string // after the Host header's value
	Path       string // canonical URI
}

// Targets are what clients in use sign for a path: S3's own canonical URI, encoded anew,
// and the bytes on the wire. s3cmd with a path in host_base signs that path as part of the
// host and leaves it out of the URI, with a path in host_bucket the bucket too (measured on
// 2.3); s3fs with a path in url signs without it (measured on 1.90).
func Targets(escaped, base string) []Target {
	list := both(nil, "", escaped)
	rest, ok := strings.CutPrefix(escaped, base)
	if !ok || base == "" || (rest != "" && rest[0] != '/') {
		return list
	}
	list = both(both(list, base, rest), "", rest)
	if bucket, key, ok := strings.Cut(strings.TrimPrefix(rest, "/"), "/"); ok {
		list = both(list, base+"/"+bucket, "/"+key)
	}
	return list
}

func both(list []Target, host, path string) []Target {
	if path == "" {
		path = "/"
	}
	if decoded, err := url.PathUnescape(path); err == nil {
		if canonical := Escape(decoded, true); canonical != path {
			list = append(list, Target{host, canonical})
		}
	}
	return append(list, Target{host, path})
}

// canonicalQuery encodes every parameter anew and sorts; a presigned URL's own signature is left out.
func canonicalQuery(raw string) string {
	if raw == "" {
		return ""
	}
	var list []string
	for _, part := range strings.Split(raw, "&") {
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		n, err1 := url.QueryUnescape(name)
		v, err2 := url.QueryUnescape(value)
		if err1 != nil || err2 != nil {
			n, v = name, value
		}
		if n == "X-Amz-Signature" {
			continue
		}
		list = append(list, Escape(n, false)+"="+Escape(v, false))
	}
	// By name and then value: "=" sorts below every character that an escaped name can hold but "-", "." and "%".
	sort.Slice(list, func(i, j int) bool {
		a, b, _ := strings.Cut(list[i], "=")
		c, d, _ := strings.Cut(list[j], "=")
		if a != c {
			return a < c
		}
		return b < d
	})
	return strings.Join(list, "&")
}

// appendHeaders appends the signed headers with their values, one a line.
func appendHeaders(b []byte, r *http.Request, signed []string, hostSuffix string) []byte {
	for _, name := range signed {
		b = append(b, name...)
		b = append(b, ':')
		for i, v := range headerValues(r, name) {
			if i > 0 {
				b = append(b, ',')
			}
			if strings.Contains(v, "  ") || strings.ContainsAny(v, "\t") {
				v = strings.Join(strings.Fields(v), " ")
			}
			b = append(b, strings.TrimSpace(v)...)
		}
		if name == "host" {
			b = append(b, hostSuffix...)
		}
		b = append(b, '\n')
	}
	return b
}

// headerValues gives back what net/http takes out of the header map.
func headerValues(r *http.Request, name string) []string {
	if v := r.Header.Values(name); len(v) > 0 && name != "host" {
		return v
	}
	switch name {
	case "host":
		return []string{r.Host}
	case "content-length":
		return []string{strconv.FormatInt(r.ContentLength, 10)}
	case "transfer-encoding":
		return []string{strings.Join(r.TransferEncoding, ",")}
	case "expect":
		return []string{"100-continue"}
	}
	return nil
}

// appendRequest appends the canonical request; query is canonical already.
func appendRequest(b []byte, r *http.Request, t Target, query string, s *Signature) []byte {
	b = append(b, r.Method...)
	b = append(b, '\n')
	b = append(b, t.Path...)
	b = append(b, '\n')
	b = append(b, query...)
	b = append(b, '\n')
	b = appendHeaders(b, r, s.SignedHeaders, t.HostSuffix)
	b = append(b, '\n')
	for i, name := range s.SignedHeaders {
		if i > 0 {
			b = append(b, ';')
		}
		b = append(b, name...)
	}
	b = append(b, '\n')
	return append(b, s.PayloadHash...)
}
