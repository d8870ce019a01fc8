package sigv4

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Algorithm names a Version 4 signature in a request.
const Algorithm = "AWS4-HMAC-SHA256"

// Payload hashes that are not a hash:
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-auth-using-authorization-header.html.
const (
	UnsignedPayload          = "UNSIGNED-PAYLOAD"
	StreamingSigned          = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
	StreamingSignedTrailer   = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
	StreamingUnsignedTrailer = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
	// EmptyPayload is the SHA-256 of nothing.
	EmptyPayload = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
)

const (
	timeFormat = "20060102T150405Z"
	dateFormat = "20060102"
	// MaxExpires bounds a presigned URL's life.
	MaxExpires = 7 * 24 * time.Hour
)

// Signature is what a request says about how it was signed.
type Signature struct {
	AccessKeyID   string
	Date          string // of the scope: YYYYMMDD
	Region        string
	Service       string
	SignedHeaders []string // lower-case, as sent
	Value         string   // hex
	Time          time.Time
	Presigned     bool
	Expires       time.Duration // of a presigned URL, from Time
	SessionToken  bool          // a presigned URL carries X-Amz-Security-Token
	PayloadHash   string        // what the canonical request ends in
}

// Scope is the credential scope without the access key.
func (s *Signature) Scope() string {
	return s.Date + "/" + s.Region + "/" + s.Service + "/aws4_request"
}

// InHeader reports whether the request carries a Version 4 Authorization header.
func InHeader(r *http.Request) bool {
	return strings.HasPrefix(r.Header.Get("Authorization"), Algorithm)
}

// InQuery reports whether the request is presigned with Version 4.
func InQuery(q url.Values) bool { return q.Has("X-Amz-Algorithm") || q.Has("X-Amz-Signature") }

// ParseHeader reads "AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…".
func ParseHeader(r *http.Request) (*Signature, error) {
	malformed := func(format string, args ...any) error {
		return refuse("AuthorizationHeaderMalformed", "The authorization header is malformed; "+format+".", args...)
	}
	rest, ok := strings.CutPrefix(r.Header.Get("Authorization"), Algorithm)
	if !ok || (rest != "" && rest[0] != ' ') {
		return nil, malformed("the algorithm is not %s", Algorithm)
	}
	var credential, signed, value string
	for _, f := range strings.Split(rest, ",") {
		name, v, _ := strings.Cut(strings.TrimSpace(f), "=")
		var at *string
		switch name {
		case "Credential":
			at = &credential
		case "SignedHeaders":
			at = &signed
		case "Signature":
			at = &value
		default:
			continue
		}
		if *at != "" {
			return nil, malformed("%s is there twice", name)
		}
		*at = v
	}
	s := &Signature{Value: value, PayloadHash: r.Header.Get("X-Amz-Content-Sha256")}
	if err := s.credential(credential); err != "" {
		return nil, malformed("%s", err)
	}
	if err := s.headers(signed); err != "" {
		return nil, malformed("%s", err)
	}
	if s.Value == "" {
		return nil, malformed("the Signature is missing")
	}
	if err := s.when(r.Header); err != nil {
		return nil, err
	}
	if s.Time.Format(dateFormat) != s.Date {
		return nil, malformed("the date in the credential scope is not that of the request")
	}
	return s, nil
}

// ParseQuery reads the X-Amz-… parameters of a presigned URL.
func ParseQuery(q url.Values) (*Signature, error) {
	malformed := func(format string, args ...any) error {
		return refuse("AuthorizationQueryParametersError", format+".", args...)
	}
	if q.Get("X-Amz-Algorithm") != Algorithm {
		return nil, malformed("X-Amz-Algorithm only supports %q", Algorithm)
	}
	s := &Signature{Value: q.Get("X-Amz-Signature"), Presigned: true, PayloadHash: UnsignedPayload, SessionToken: q.Has("X-Amz-Security-Token")}
	if h := q.Get("X-Amz-Content-Sha256"); h != "" {
		s.PayloadHash = h
	}
	if err := s.credential(q.Get("X-Amz-Credential")); err != "" {
		return nil, malformed("%s", err)
	}
	if err := s.headers(q.Get("X-Amz-SignedHeaders")); err != "" {
		return nil, malformed("%s", err)
	}
	if s.Value == "" {
		return nil, malformed("X-Amz-Signature is missing")
	}
	t, err := time.Parse(timeFormat, q.Get("X-Amz-Date"))
	if err != nil {
		return nil, malformed("X-Amz-Date must be in the ISO8601 long format %q", "yyyyMMdd'T'HHmmss'Z'")
	}
	s.Time = t
	if t.Format(dateFormat) != s.Date {
		return nil, malformed("the date in X-Amz-Credential is not that of X-Amz-Date")
	}
	seconds, err := strconv.Atoi(q.Get("X-Amz-Expires"))
	switch {
	case err != nil:
		return nil, malformed("X-Amz-Expires should be a number")
	case seconds < 1:
		return nil, malformed("X-Amz-Expires must be positive")
	case seconds > int(MaxExpires/time.Second):
		return nil, malformed("X-Amz-Expires must be less than a week (in seconds); that is, 604800")
	}
	s.Expires = time.Duration(seconds) * time.Second
	return s, nil
}

// credential reads "key/date/region/service/aws4_request"; the key may hold slashes.
func (s *Signature) credential(v string) (problem string) {
	parts := strings.Split(v, "/")
	n := len(parts)
	if n < 5 || parts[n-1] != "aws4_request" || parts[n-2] != "s3" {
		return `the Credential is mal-formed; expecting "<access key>/YYYYMMDD/<region>/s3/aws4_request"`
	}
	s.AccessKeyID = strings.Join(parts[:n-4], "/")
	s.Date, s.Region, s.Service = parts[n-4], parts[n-3], parts[n-2]
	if s.AccessKeyID == "" || s.Region == "" {
		return "the Credential has no access key or no region"
	}
	return ""
}

const signedMax = 100 // signed headers

func (s *Signature) headers(v string) (problem string) {
	if s.SignedHeaders = strings.Split(v, ";"); len(s.SignedHeaders) > signedMax {
		return "there are too many signed headers"
	}
	for _, h := range s.SignedHeaders {
		if h == "host" {
			return ""
		}
	}
	return "the host header is not among the signed headers"
}

// Signs reports whether a header, by its lower-case name, is among the signed ones.
func (s *Signature) Signs(header string) bool { return slices.Contains(s.SignedHeaders, header) }

// when reads X-Amz-Date, or Date where there is none.
func (s *Signature) when(h http.Header) error {
	v := h.Get("X-Amz-Date")
	if v == "" {
		v = h.Get("Date")
	}
	for _, layout := range []string{timeFormat, http.TimeFormat, time.RFC1123Z, time.RFC850, time.ANSIC} {
		if t, err := time.Parse(layout, v); err == nil {
			s.Time = t.UTC()
			return nil
		}
	}
	return refuse("AccessDenied", "AWS authentication requires a valid Date or x-amz-date header")
}
