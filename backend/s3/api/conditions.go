package api

import (
	"net/http"
	"strings"
	"time"

	"github.com/artifacts-tui/artifacts-tui/backend/store"
)

// writeCondition reads If-Match and If-None-Match of a request that changes its key:
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html.
func (q *request) writeCondition() (ifMatch string, ifNoneMatch bool, err error) {
	h := q.r.Header
	if v := h.Get("If-None-Match"); v != "" {
		if strings.TrimSpace(v) != "*" {
			return "", false, notImplemented("If-None-Match with a value other than *")
		}
		ifNoneMatch = true
	}
	if v := h.Get("If-Match"); v != "" {
		if ifMatch = unquote(v); ifMatch == "" {
			return "", false, invalid("If-Match is empty")
		}
	}
	return ifMatch, ifNoneMatch, nil
}

func preconditionFailed() error {
	return fail(http.StatusPreconditionFailed, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
}

// matches reports whether one of the header's ETags is etag.
func matches(header, etag string) bool {
	for _, v := range strings.Split(header, ",") {
		if v = strings.TrimSpace(v); v == "*" || unquote(v) == etag {
			return true
		}
	}
	return false
}

// readCondition is RFC 9110 section 13.2.2, for the headers whose names begin with prefix
// ("" or "X-Amz-Copy-Source-"). It returns a 412, or a 304 where plain says that it may.
func readCondition(h http.Header, prefix string, o store.ObjectInfo, plain bool) error {
	modified := o.Modified.Truncate(time.Second)
	unmet := func() error {
		if plain {
			return fail(http.StatusNotModified, "NotModified", "Not Modified")
		}
		return preconditionFailed()
	}
	if v := h.Get(prefix + "If-Match"); v != "" {
		if !matches(v, o.ETag) {
			return preconditionFailed()
		}
	} else if t, ok := date(h, prefix+"If-Unmodified-Since"); ok && modified.After(t) {
		return preconditionFailed()
	}
	if v := h.Get(prefix + "If-None-Match"); v != "" {
		if matches(v, o.ETag) {
			return unmet()
		}
	} else if t, ok := date(h, prefix+"If-Modified-Since"); ok && !modified.After(t) {
		return unmet()
	}
	return nil
}

// date reads a header's date; one that is missing or malformed counts for nothing.
func date(h http.Header, name string) (time.Time, bool) {
	v := h.Get(name)
	if v == "" {
		return time.Time{}, false
	}
	t, err := http.ParseTime(v)
	return t, err == nil
}
