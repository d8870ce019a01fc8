package remote

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/artifacts-tui/artifacts-tui/keyring"
)

// Keys are the credentials that requests are signed with. Swap takes effect at the next
// request, each part of a running multipart upload included (SPEC A40b).
type Keys struct {
	current atomic.Pointer[versioned]
}

// versioned are credentials and how many were there before them.
type versioned struct {
	keyring.Credentials
	version int
}

// NewKeys returns Keys that hold c.
func NewKeys(c keyring.Credentials) *Keys {
	k := &Keys{}
	k.Swap(c)
	return k
}

// Swap replaces the credentials.
func (k *Keys) Swap(c keyring.Credentials) {
	for {
		old := k.current.Load()
		next := &versioned{Credentials: c}
		if old != nil {
			next.version = old.version + 1
		}
		if k.current.CompareAndSwap(old, next) {
			return
		}
	}
}

// Fingerprint names the credentials in use without showing them (SPEC A40).
func (k *Keys) Fingerprint() string { return k.current.Load().Fingerprint() }

// Expires is when the credentials in use end; zero: never.
func (k *Keys) Expires() time.Time { return k.current.Load().Expires }

// signature tells which credentials a request is signed with: the access key that it names, and
// the version that was in use when it was sent. Only the version tells a new secret of the same key.
type signature struct {
	accessKey string // empty: it is not signed
	version   int
}

func (k *Keys) signatureOf(req *http.Request) signature {
	return signature{accessKey(req), k.current.Load().version}
}

// former reports whether s is of credentials that were replaced.
func (k *Keys) former(s signature) bool {
	now := k.current.Load()
	return s.accessKey != "" && (s.accessKey != now.AccessKeyID || s.version < now.version)
}

// signer is the SDK's, made anew for each pair: that remembers the signing keys it derived by the
// access key alone, and would go on with those of a former secret.
type signer struct {
	mu   sync.Mutex
	pair aws.Credentials
	v4   *v4.Signer
}

var _ s3.HTTPSignerV4 = (*signer)(nil)

// SignHTTP implements s3.HTTPSignerV4.
func (s *signer) SignHTTP(ctx context.Context, pair aws.Credentials, r *http.Request, hash, service, region string, at time.Time, opts ...func(*v4.SignerOptions)) error {
	s.mu.Lock()
	if s.v4 == nil || s.pair.AccessKeyID != pair.AccessKeyID || s.pair.SecretAccessKey != pair.SecretAccessKey {
		s.pair = pair
		s.v4 = v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true }) // as S3 wants it
	}
	now := s.v4
	s.mu.Unlock()
	return now.SignHTTP(ctx, pair, r, hash, service, region, at, opts...)
}

// sentAs is where a request's context has its signature.
type sentAs struct{}

// Retrieve implements aws.CredentialsProvider.
func (k *Keys) Retrieve(context.Context) (aws.Credentials, error) {
	c := k.current.Load()
	return aws.Credentials{
		AccessKeyID:     c.AccessKeyID,
		SecretAccessKey: c.SecretAccessKey.Reveal(),
		SessionToken:    c.SessionToken.Reveal(),
		Source:          "artifacts",
	}, nil
}

// resigner has a request sent once more, and signed anew, that was refused although its key
// had been replaced meanwhile: who revokes the former key right after a swap breaks nothing.
// Everything else is tried again, if at all, by who asked.
type resigner struct{ keys *Keys }

var _ aws.Retryer = resigner{}

// IsErrorRetryable implements aws.Retryer.
func (r resigner) IsErrorRetryable(err error) bool {
	var response *smithyhttp.ResponseError
	if !errors.As(err, &response) || response.Response == nil || response.Response.Response == nil {
		return false
	}
	res := response.Response.Response
	switch res.StatusCode {
	case http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound: // versitygw: 404 XAdminUserNotFound
	default:
		return false
	}
	if res.Request == nil {
		return false
	}
	s, _ := res.Request.Context().Value(sentAs{}).(signature)
	return r.keys.former(s)
}

// MaxAttempts implements aws.Retryer.
func (resigner) MaxAttempts() int { return 2 }

// RetryDelay implements aws.Retryer.
func (resigner) RetryDelay(int, error) (time.Duration, error) { return 0, nil }

// GetRetryToken implements aws.Retryer.
func (resigner) GetRetryToken(context.Context, error) (func(error) error, error) { return noToken, nil }

// GetInitialToken implements aws.Retryer.
func (resigner) GetInitialToken() func(error) error { return noToken }

func noToken(error) error { return nil }

// accessKey is the one that a request is signed with:
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-auth-using-authorization-header.html
func accessKey(req *http.Request) string {
	_, rest, found := strings.Cut(req.Header.Get("Authorization"), "Credential=")
	if !found {
		return ""
	}
	key, _, _ := strings.Cut(rest, "/")
	return key
}

// signed counts the requests under way by what they are signed with, until their
// answers' bodies are closed.
type signed struct {
	keys *Keys
	mu   sync.Mutex
	by   map[signature]int
}

func (s *signed) add(by signature, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.by[by] += n; s.by[by] <= 0 {
		delete(s.by, by)
	}
}

// FormerRequests is how many requests under way are signed with other credentials than those
// in use: their store must know these until they end.
func (c *Client) FormerRequests() (n int) {
	c.signed.mu.Lock()
	defer c.signed.mu.Unlock()
	for by, count := range c.signed.by {
		if c.signed.keys.former(by) {
			n += count
		}
	}
	return n
}
