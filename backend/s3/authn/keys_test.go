package authn

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/artifacts-tui/artifacts-tui/backend/s3/sigv4"
)

type anybody struct{}

func (anybody) AccessKey(context.Context, string) (Identity, string, error) {
	return Identity{ID: "peer"}, "secret", nil
}

func (anybody) Token(context.Context, string) (Identity, error) { return Identity{}, ErrUnknown }

// The cache is bounded, gives back what was put, and takes nothing from who has no secret. SPEC B7
func TestKeyCache(t *testing.T) {
	var c keyCache
	for i := range 3 * keysMax {
		s := &sigv4.Signature{Date: "20260101", Region: fmt.Sprint("region-", i), Service: "s3"}
		c.put("secret", s, s.Key("secret"))
		if key, known := c.get("secret", s); !known || string(key) != string(s.Key("secret")) {
			t.Fatalf("region %d: %x, %v", i, key, known)
		}
		if _, known := c.get("another", s); known {
			t.Fatal("a key of another secret")
		}
	}
	if len(c.keys) > keysMax {
		t.Errorf("%d keys", len(c.keys))
	}

	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	a := Authenticator{Identities: anybody{}, Now: func() time.Time { return now }}
	for i := range 10 {
		r := &http.Request{Method: http.MethodGet, URL: &url.URL{Path: "/"}, Host: "h", Header: http.Header{
			"X-Amz-Date":           {now.Format("20060102T150405Z")},
			"X-Amz-Content-Sha256": {sigv4.UnsignedPayload},
			"Authorization": {fmt.Sprintf("AWS4-HMAC-SHA256 Credential=peer/20260101/region-%d/s3/aws4_request,"+
				"SignedHeaders=host;x-amz-content-sha256;x-amz-date,Signature=00", i)},
		}}
		if _, _, err := a.Authenticate(r, nil); err == nil {
			t.Fatal("a wrong signature is right")
		}
	}
	if len(a.keys.keys) != 0 {
		t.Errorf("%d keys of requests that nobody signed", len(a.keys.keys))
	}
}
