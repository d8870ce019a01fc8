package api

import (
	"mime"
	"net/http"
	"strings"
	"unicode/utf8"
)

// kept are the headers of a PUT that come back with GET.
var kept = []string{"Cache-Control", "Content-Disposition", "Content-Encoding", "Content-Language", "Expires"}

const (
	metaPrefix  = "X-Amz-Meta-"
	metaMax     = 2 << 10 // bytes of names and values: S3's limit
	defaultType = "binary/octet-stream"
)

// describe reads content type, headers and user metadata of a new object.
func (q *request) describe() (contentType string, headers, meta map[string]string, err error) {
	h := q.r.Header
	if contentType = h.Get("Content-Type"); contentType == "" {
		contentType = defaultType
	}
	set := func(m *map[string]string, name, value string) {
		if *m == nil {
			*m = map[string]string{}
		}
		(*m)[name] = value
	}
	for _, name := range kept {
		v := h.Get(name)
		if name == "Content-Encoding" {
			v = withoutChunked(v)
		}
		if v != "" {
			set(&headers, name, v)
		}
	}
	size := 0
	for name, values := range h {
		if rest, ok := strings.CutPrefix(name, metaPrefix); ok && rest != "" {
			v := decodeMeta(strings.Join(values, ","))
			size += len(rest) + len(v)
			// Header names have no case; S3 gives them back in lower case.
			set(&meta, strings.ToLower(rest), v)
		}
	}
	if size > metaMax {
		return "", nil, nil, fail(http.StatusBadRequest, "MetadataTooLarge", "Your metadata headers exceed the maximum allowed metadata size.")
	}
	return contentType, headers, meta, q.refuseHeaders()
}

// withoutChunked drops aws-chunked: it is how the body was sent, not what it is.
func withoutChunked(v string) string {
	var list []string
	for _, e := range strings.Split(v, ",") {
		if e = strings.TrimSpace(e); e != "" && !strings.EqualFold(e, "aws-chunked") {
			list = append(list, e)
		}
	}
	return strings.Join(list, ",")
}

// decodeMeta reads a value of user metadata. S3 keeps text: RFC 2047's encoded words are
// decoded, and what is not UTF-8 is Latin-1, as RFC 9110 section 5.5 has it:
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html.
func decodeMeta(v string) string {
	if strings.Contains(v, "=?") {
		if text, err := new(mime.WordDecoder).DecodeHeader(v); err == nil {
			return text
		}
	}
	if utf8.ValidString(v) {
		return v
	}
	var b strings.Builder
	for i := range len(v) {
		b.WriteRune(rune(v[i]))
	}
	return b.String()
}

// encodeMeta makes a value fit for a header again: what is not printable ASCII becomes
// encoded words of RFC 2047.
func encodeMeta(v string) string {
	for i := range len(v) {
		if v[i] < ' ' || v[i] > '~' {
			return mime.BEncoding.Encode("UTF-8", v)
		}
	}
	return v
}

func quote(etag string) string { return `"` + etag + `"` }

// unquote takes an ETag as clients send it: with quotes, without, or weak.
func unquote(v string) string {
	v = strings.TrimPrefix(strings.TrimSpace(v), "W/")
	return strings.TrimSuffix(strings.TrimPrefix(v, `"`), `"`)
}
