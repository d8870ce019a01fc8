package api

import (
	"net/http"
	"strings"
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
			v := strings.Join(values, ",")
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

// refuseHeaders refuses what is not kept rather than keep silent about it.
func (q *request) refuseHeaders() error {
	for name, values := range q.r.Header {
		if !strings.HasPrefix(name, "X-Amz-") {
			continue
		}
		switch {
		case name == "X-Amz-Acl":
			switch values[0] {
			case "", "private", "bucket-owner-full-control", "bucket-owner-read":
			default:
				return fail(http.StatusBadRequest, "AccessControlListNotSupported", "The bucket does not allow ACLs")
			}
		case strings.HasPrefix(name, "X-Amz-Grant-"),
			strings.HasPrefix(name, "X-Amz-Server-Side-Encryption"),
			strings.HasPrefix(name, "X-Amz-Object-Lock-"),
			strings.HasPrefix(name, "X-Amz-Bucket-Object-Lock-") && !strings.EqualFold(values[0], "false"),
			name == "X-Amz-Tagging" && values[0] != "",
			name == "X-Amz-Website-Redirect-Location",
			name == "X-Amz-Write-Offset-Bytes":
			return notImplemented(strings.ToLower(name))
		}
	}
	return nil
}

func quote(etag string) string { return `"` + etag + `"` }

// unquote takes an ETag as clients send it: with quotes, without, or weak.
func unquote(v string) string {
	v = strings.TrimPrefix(strings.TrimSpace(v), "W/")
	return strings.TrimSuffix(strings.TrimPrefix(v, `"`), `"`)
}
