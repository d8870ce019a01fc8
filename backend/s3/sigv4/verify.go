package sigv4

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net/http"
	"strings"
	"time"
)

// MaxSkew is how far the clocks of client and server may be apart (SPEC B7).
const MaxSkew = 15 * time.Minute

// Key derives the key that signs for one day, region and service.
func Key(secret, date, region, service string) []byte {
	k := mac([]byte("AWS4"+secret), date)
	k = mac(k, region)
	k = mac(k, service)
	return mac(k, "aws4_request")
}

func mac(key []byte, data string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(data))
	return h.Sum(nil)
}

func hexSum(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// Key derives the signing key of this signature's scope.
func (s *Signature) Key(secret string) []byte { return Key(secret, s.Date, s.Region, s.Service) }

// Timely checks the clock: the skew of a signed header, the validity of a presigned URL.
func (s *Signature) Timely(now time.Time) error {
	switch {
	case !s.Presigned && now.Sub(s.Time).Abs() > MaxSkew:
		return refuse("RequestTimeTooSkewed", "The difference between the request time and the server's time is too large.")
	case s.Presigned && s.Time.After(now.Add(MaxSkew)):
		return refuse("AccessDenied", "Request is not valid yet")
	case s.Presigned && now.After(s.Time.Add(s.Expires)):
		return refuse("AccessDenied", "Request has expired")
	}
	return nil
}

// Covers checks that every x-amz- header that the request carries was signed: one that was
// added on the way could name a copy source.
func (s *Signature) Covers(h http.Header) error {
	const prefix = "x-amz-"
	for name, values := range h {
		if len(name) < len(prefix) || !strings.EqualFold(name[:len(prefix)], prefix) {
			continue
		}
		if lower := strings.ToLower(name); !s.Signs(lower) {
			// Where the query or the canonical request holds the value, it is signed there.
			if lower == "x-amz-content-sha256" && values[0] == s.PayloadHash {
				continue
			}
			return refuse("AccessDenied", "There were headers present in the request which were not signed: %s", lower)
		}
	}
	return nil
}

// Verify compares the signature with those that the targets give, each in constant time.
func (s *Signature) Verify(r *http.Request, key []byte, targets []Target) error {
	query, buf := canonicalQuery(r.URL.RawQuery), make([]byte, 0, 1024)
	head := Algorithm + "\n" + s.Time.UTC().Format(timeFormat) + "\n" + s.Scope() + "\n"
	for _, t := range targets {
		buf = appendRequest(buf[:0], r, t, query, s)
		sum := sha256.Sum256(buf)
		text := head + hex.EncodeToString(sum[:])
		want := hex.EncodeToString(mac(key, text))
		if subtle.ConstantTimeCompare([]byte(want), []byte(s.Value)) == 1 {
			return nil
		}
	}
	return refuse("SignatureDoesNotMatch",
		"The request signature we calculated does not match the signature you provided. Check your key and signing method.")
}
