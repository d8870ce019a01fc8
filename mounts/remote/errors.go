package remote

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"

	smithy "github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/internal/tlstrust"
	"github.com/artifacts-tui/artifacts-tui/internal/webproxy"
	"github.com/artifacts-tui/artifacts-tui/mounts/upper"
)

// Hints say what a person can do about a failure, by what failed.
type Hints struct {
	Keys        string // the pair, or what it may do
	Region      string
	Bucket      string // there is none
	Reach       string // no answer
	Certificate string // another one than is pinned
	Quota       string
}

// MountReach is the hint of a mount whose store does not answer.
const MountReach = "check the endpoint and the network; what was written is kept and uploaded when the store answers again"

// mountHints are those of a mount.
var mountHints = Hints{
	Keys:        "check the access key and the secret, and what they may do in this bucket; 'artifacts mount refresh-credentials' gives a mount new ones",
	Region:      "set the bucket's region with --region or ARTIFACTS_S3_REGION",
	Bucket:      "check the bucket's name and endpoint with 'artifacts workspace show'",
	Reach:       MountReach,
	Certificate: "if the coordinator's admin has renewed it, 'artifacts login URL --fingerprint NEW' and 'artifacts mount refresh-credentials' take it; what was written is kept",
	Quota:       "free space in the bucket or raise its quota; what was written is kept and tried again",
}

// outcome is failure, noted for Health.
func (c *Client) outcome(ctx context.Context, op, key string, err error) error {
	err = c.failure(ctx, op, key, err)
	c.health.note(err)
	return err
}

// failure turns an error of the SDK into one of ours: upper.ErrNoObject, upper.ErrChanged,
// the caller's own cancellation, or a fault whose kind says what to do. Only the S3 error
// code and message are kept: a raw SDK error could carry a URL or headers.
// Codes: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
func (c *Client) failure(ctx context.Context, op, key string, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return ctx.Err()
	}
	what, hints := op, c.hints
	if key != "" {
		what += " " + key
	}
	var changed *tlstrust.Changed
	if errors.As(err, &changed) {
		return fault.Wrap(fault.Auth, changed, hints.Certificate, "%s: the store is not trusted", what)
	}
	var api smithy.APIError
	status := statusOf(err)
	if cutOff(err, status) {
		return fault.New(fault.Unreachable, hints.Reach, "%s: the answer was cut off or is not that of an S3 store", what)
	}
	if !errors.As(err, &api) && status == 0 {
		var untrusted *tls.CertificateVerificationError
		if errors.As(err, &untrusted) {
			return fault.Wrap(fault.Unreachable, untrusted.Err, "give the authority that signed it: --ca-bundle FILE or "+tlstrust.EnvBundle,
				"%s: the store's certificate is not trusted", what)
		}
		if proxy := webproxy.Explain(err); proxy != nil {
			return fault.Wrap(proxy.Kind, proxy, proxy.Hint, "%s", what)
		}
		return fault.Wrap(fault.Unreachable, reachError(err), hints.Reach, "%s: no answer from the store", what)
	}
	code, text := fmt.Sprintf("HTTP %d", status), ""
	if api != nil {
		code, text = api.ErrorCode(), api.ErrorMessage()
	}
	reason := code
	if text != "" && text != code {
		reason += ": " + text
	}
	say := func(kind fault.Kind, hint, why string) error {
		return fault.New(kind, hint, "%s: %s (%s)", what, why, reason)
	}
	switch code {
	case "NoSuchBucket":
		return say(fault.NotFound, hints.Bucket, "the bucket does not exist")
	case "NoSuchKey", "NotFound":
		return fmt.Errorf("%s: %w", what, upper.ErrNoObject)
	case "PreconditionFailed":
		return fmt.Errorf("%s: %w", what, upper.ErrChanged)
	case "InvalidRange": // the object is shorter than the one that was asked for
		return fmt.Errorf("%s: %w", what, upper.ErrChanged)
	case "QuotaExceeded", "XMinioStorageFull", "XMinioAdminBucketQuotaExceeded", "InsufficientStorage":
		return say(fault.Quota, hints.Quota, "the store's quota is used up")
	case "AuthorizationHeaderMalformed", "PermanentRedirect", "IllegalLocationConstraintException":
		return say(fault.Usage, hints.Region, "the store wants another region or endpoint")
	case "RequestTimeTooSkewed":
		return say(fault.Auth, "set this computer's clock", "the clock is wrong")
	case "ExpiredToken", "TokenRefreshRequired":
		return say(fault.Auth, hints.Keys, "the session token has expired")
	case "InvalidAccessKeyId", "XAdminUserNotFound": // the latter is versitygw's, with status 404
		return say(fault.Auth, hints.Keys, "the store does not know the access key")
	case "SignatureDoesNotMatch":
		return say(fault.Auth, hints.Keys, "the secret does not match the access key")
	case "SlowDown", "SlowDownRead", "SlowDownWrite", "TooManyRequests":
		err := fault.New(fault.Unreachable, hints.Reach, "%s: the store is overloaded (%s)", what, reason)
		err.Err = upper.ErrSlowDown
		return err
	case "RequestTimeout", "ServiceUnavailable", "InternalError":
		return say(fault.Unreachable, hints.Reach, "the store is overloaded or broken")
	}
	switch {
	case status == http.StatusProxyAuthRequired:
		proxy := fault.As(webproxy.Answered(status, "the proxy"))
		return fault.Wrap(proxy.Kind, proxy, proxy.Hint, "%s", what)
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return say(fault.Auth, hints.Keys, "the store refused")
	case status == http.StatusPreconditionFailed || status == http.StatusRequestedRangeNotSatisfiable:
		return fmt.Errorf("%s: %w", what, upper.ErrChanged)
	case status == http.StatusInsufficientStorage:
		return say(fault.Quota, hints.Quota, "the store is full")
	case status == http.StatusTooManyRequests || status >= 500:
		return say(fault.Unreachable, hints.Reach, "the store is overloaded or broken")
	case status >= 300 && status < 400:
		return say(fault.Usage, hints.Region, "the store wants another region or endpoint")
	}
	return say(fault.Failure, "", "the store refused")
}

// timedOut is in what failed because the store said nothing for Options.Timeout.
type timedOut struct{}

func (timedOut) Error() string { return "timed out" }
func (timedOut) Unwrap() error { return context.DeadlineExceeded }

func statusOf(err error) int {
	var response *smithyhttp.ResponseError
	if errors.As(err, &response) && response.Response != nil {
		return response.HTTPStatusCode()
	}
	return 0
}

// reachError is the part of a transport error that a person can use.
func reachError(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return timedOut{}
	}
	var send *smithyhttp.RequestSendError
	if errors.As(err, &send) {
		err = send.Err
	}
	for {
		var op *smithy.OperationError
		if !errors.As(err, &op) {
			break
		}
		err = op.Err
	}
	var u interface{ Unwrap() error }
	if errors.As(err, &u) && fmt.Sprintf("%T", err) == "*url.Error" {
		return u.Unwrap()
	}
	return err
}
