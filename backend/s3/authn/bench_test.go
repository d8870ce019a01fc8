package authn_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/artifacts-tui/artifacts-tui/backend/s3/authn"
	"github.com/artifacts-tui/artifacts-tui/backend/s3/sigv4"
)

type one struct{}

func (one) AccessKey(context.Context, string) (authn.Identity, string, error) {
	return authn.Identity{ID: "peer"}, "a-mesh-token-0123456789abcdef", nil
}

func (one) Token(context.Context, string) (authn.Identity, error) { return authn.Identity{}, nil }

// BenchmarkSigned is what a signature costs a request.
func BenchmarkSigned(b *testing.B) {
	now := time.Now()
	r := httptest.NewRequest(http.MethodGet, "http://coordinator.mesh:8080/s3/bucket/some/longer/key.tar.gz", nil)
	r.Header.Set("X-Amz-Content-Sha256", sigv4.EmptyPayload)
	signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
	if err := signer.SignHTTP(context.Background(), aws.Credentials{AccessKeyID: "peer", SecretAccessKey: "a-mesh-token-0123456789abcdef"},
		r, sigv4.EmptyPayload, "s3", "us-east-1", now); err != nil {
		b.Fatal(err)
	}
	a := authn.Authenticator{Identities: one{}, BasePath: "/s3", Now: func() time.Time { return now }}
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := a.Authenticate(r, nil); err != nil {
			b.Fatal(err)
		}
	}
}
