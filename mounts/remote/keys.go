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
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/artifacts-tui/artifacts-tui/keyring"
)

// Keys are the credentials that requests are signed with. Swap takes effect at the next
// request, each part of a running multipart upload included (SPEC A40b).
type Keys struct {
	current atomic.Pointer[keyring.Credentials]
}

// NewKeys returns Keys that hold c.
func NewKeys(c keyring.Credentials) *Keys {
	k := &Keys{}
	k.Swap(c)
	return k
}

// Swap replaces the credentials.
func (k *Keys) Swap(c keyring.Credentials) { k.current.Store(&c) }

// Fingerprint names the credentials in use without showing them (SPEC A40).
func (k *Keys) Fingerprint() string { return k.current.Load().Fingerprint() }

// Expires is when the credentials in use end; zero: never.
func (k *Keys) Expires() time.Time { return k.current.Load().Expires }

func (k *Keys) accessKey() string { return k.current.Load().AccessKeyID }

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
	key := accessKey(res.Request)
	return key != "" && key != r.keys.accessKey()
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

// signed counts the requests under way by the access key they are signed with, until their
// answers' bodies are closed.
type signed struct {
	mu    sync.Mutex
	byKey map[string]int
}

func (s *signed) add(key string, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byKey == nil {
		s.byKey = map[string]int{}
	}
	if s.byKey[key] += n; s.byKey[key] <= 0 {
		delete(s.byKey, key)
	}
}

// FormerRequests is how many requests under way are signed with another access key than the
// one in use: their store must know that key until they end.
func (c *Client) FormerRequests() (n int) {
	now := c.opt.Keys.accessKey()
	c.signed.mu.Lock()
	defer c.signed.mu.Unlock()
	for key, count := range c.signed.byKey {
		if key != now && key != "" {
			n += count
		}
	}
	return n
}
