package s3blobs

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	smithy "github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/internal/tlstrust"
	"github.com/artifacts-tui/artifacts-tui/internal/webproxy"
)

const (
	defaultRegion = "us-east-1"
	connections   = 256       // kept open to the store
	slowest       = 128 << 10 // bytes a second below which a body is given up
	patience      = 3         // times Options.Timeout: how long a request is tried again
	firstPause    = 50 * time.Millisecond
	longestPause  = 3 * time.Second
)

// learned is what the store's answers tell of it.
type learned struct {
	verifies atomic.Bool // it verifies CRC-32C in headers
	unsummed atomic.Bool // it refuses checksums
}

func (b *Blobs) connect() error {
	trust, err := tlstrust.Config(b.CABundle, "")
	if err != nil {
		return err
	}
	o := s3.Options{
		Region: b.Region, Credentials: b.Credentials, Retryer: aws.NopRetryer{},
		// Bodies are summed here.
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenRequired,
		ResponseChecksumValidation: aws.ResponseChecksumValidationWhenRequired,
	}
	if o.Region == "" {
		o.Region = defaultRegion
	}
	b.private = true
	if b.Endpoint != "" {
		u, err := url.Parse(b.Endpoint)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil {
			// The text is left out: it may hold a secret.
			return fault.New(fault.Usage, "give it as https://host[:port]", "the blobs' endpoint is not an http or https URL without credentials")
		}
		o.BaseEndpoint = aws.String(strings.TrimSuffix(b.Endpoint, "/"))
		// Amazon wants the bucket in the host name.
		o.UsePathStyle = !strings.HasSuffix(u.Hostname(), ".amazonaws.com") && !strings.HasSuffix(u.Hostname(), ".amazonaws.com.cn")
		ip := net.ParseIP(u.Hostname())
		b.private = u.Scheme == "https" || ip != nil && ip.IsLoopback()
	}
	transport := &http.Transport{
		Proxy: webproxy.FromEnvironment().Func(), OnProxyConnectResponse: webproxy.Refused,
		DialContext: (&net.Dialer{
			Timeout:         min(5*time.Second, b.Timeout),
			KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 10 * time.Second, Interval: 5 * time.Second, Count: 3},
		}).DialContext,
		TLSClientConfig: trust, TLSHandshakeTimeout: min(10*time.Second, b.Timeout), ExpectContinueTimeout: time.Second,
		MaxIdleConns: connections, MaxIdleConnsPerHost: connections, IdleConnTimeout: 90 * time.Second,
		WriteBufferSize: 64 << 10, ReadBufferSize: 64 << 10, DisableCompression: true,
	}
	web := &http.Client{
		Transport: transport,
		// A signature is for one host and path; a redirect is answered as an error.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	o.HTTPClient, b.web = web, web
	b.s3 = s3.New(o)
	return nil
}

// unsigned leaves a body out of the signature where its CRC-32C is proof enough: the store
// verifies it, and nobody on the way could change body and header.
func (b *Blobs) unsigned(o *s3.Options) {
	if b.private && b.learned.verifies.Load() {
		o.APIOptions = append(o.APIOptions, v4.SwapComputePayloadSHA256ForUnsignedPayloadMiddleware)
	}
}

// ask sends a request with a body of n bytes until it is answered, or refused, or patience
// is over. Each time it has Timeout, and as long as the slowest network needs for the body.
func (b *Blobs) ask(ctx context.Context, n int64, send func(ctx context.Context) error) error {
	bound := b.Timeout + time.Duration(n/slowest)*time.Second
	until := time.Now().Add(patience * bound)
	for try := 0; ; try++ {
		call, cancel := context.WithTimeout(ctx, bound)
		err := send(call)
		cancel()
		if err == nil || ctx.Err() != nil || !passing(err) {
			return err
		}
		if !wait(ctx, try, until) {
			return err
		}
	}
}

// wait is the pause before another try, with jitter. It reports whether there is to be one.
func wait(ctx context.Context, try int, until time.Time) bool {
	pause := min(firstPause<<min(try, 10), longestPause)
	pause = pause/2 + rand.N(pause/2)
	if time.Now().Add(pause).After(until) {
		return false
	}
	select {
	case <-time.After(pause):
		return true
	case <-ctx.Done():
		return false
	}
}

// passing reports whether the same request may succeed later: there was no answer, none that
// makes sense, or one that the store is overloaded or broken, or got other bytes than were sent.
func passing(err error) bool {
	var known *fault.Error
	if errors.As(err, &known) {
		return false
	}
	status := statusOf(err)
	overloaded := status == http.StatusRequestTimeout || status == http.StatusTooManyRequests || status >= 500 && status != http.StatusNotImplemented
	switch codeOf(err) {
	case "":
		// No object of S3's is missing without its code.
		return overloaded || status < 300 || status == http.StatusNotFound
	case "SlowDown", "SlowDownRead", "SlowDownWrite", "TooManyRequests", "ServiceUnavailable", "InternalError", "OperationAborted",
		"RequestTimeout", "BadDigest", "XAmzContentSHA256Mismatch", "XAmzContentChecksumMismatch", "IncompleteBody":
		return true
	}
	return overloaded
}

func statusOf(err error) int {
	var response *smithyhttp.ResponseError
	if errors.As(err, &response) && response.Response != nil {
		return response.HTTPStatusCode()
	}
	return 0
}

// codeOf is S3's code of a refusal; empty: there is none.
func codeOf(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

// isMissing reports whether err says that there is no such object.
func isMissing(err error) bool {
	code := codeOf(err)
	return code == "NoSuchKey" || code == "NotFound"
}

// failure turns an error of the SDK into a fault. Only the S3 code and message are kept: a raw
// error could carry a URL or headers.
func (b *Blobs) failure(op string, err error) error {
	if err == nil {
		return nil
	}
	where := b.Where()
	var known *fault.Error
	if errors.As(err, &known) {
		return err
	}
	var api smithy.APIError
	status := statusOf(err)
	if !errors.As(err, &api) {
		if errors.Is(err, context.Canceled) {
			return context.Canceled
		}
		reason := "its answer is not that of an S3 store"
		if status == 0 {
			reason = "it does not answer"
			if cause := reachError(err); cause != nil {
				reason += ": " + cause.Error()
			}
		}
		return fault.New(fault.Unreachable, "check the endpoint of storage.blobs and the network", "%s in %s: %s", op, where, reason)
	}
	reason := api.ErrorCode()
	if text := api.ErrorMessage(); text != "" && text != reason {
		reason += ": " + text
	}
	kind, hint := fault.Failure, ""
	switch {
	case api.ErrorCode() == "NoSuchBucket":
		kind, hint = fault.NotFound, "make the bucket, or correct storage.blobs"
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		kind, hint = fault.Auth, "check the credentials of storage.blobs, and what they may do in this bucket"
	case status >= 300 && status < 400, api.ErrorCode() == "AuthorizationHeaderMalformed":
		kind, hint = fault.Usage, "check the region and the endpoint of storage.blobs"
	case passing(err):
		kind, hint = fault.Unreachable, "the store is overloaded or broken; send it again"
	}
	return fault.New(kind, hint, "%s in %s: %s", op, where, reason)
}

// reachError is the part of a transport's error that holds no URL; nil: there is none.
func reachError(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return errors.New("timed out")
	}
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	var op *net.OpError
	if errors.As(err, &op) {
		return op
	}
	return nil
}

// put writes a small object of n bytes. crc is its CRC-32C as the header has it.
func (b *Blobs) put(ctx context.Context, key string, body func() io.ReadSeeker, n int64, crc string, fresh bool) error {
	err := b.ask(ctx, n, func(ctx context.Context) error {
		in := &s3.PutObjectInput{Bucket: &b.Bucket, Key: &key, Body: body(), ContentLength: &n, ContentType: aws.String("application/octet-stream")}
		if !b.learned.unsummed.Load() {
			in.ChecksumCRC32C = &crc
		}
		if fresh {
			in.IfNoneMatch = aws.String("*")
		}
		out, err := b.s3.PutObject(ctx, in, b.unsigned)
		switch {
		case err != nil:
			return err
		case aws.ToString(out.ETag) == "":
			return errNotS3
		case in.ChecksumCRC32C != nil:
			b.learned.verifies.Store(aws.ToString(out.ChecksumCRC32C) == crc)
		}
		return nil
	})
	if statusOf(err) == http.StatusNotImplemented && !fresh && !b.learned.unsummed.Load() {
		b.learned.verifies.Store(false)
		b.learned.unsummed.Store(true)
		return b.put(ctx, key, body, n, crc, fresh)
	}
	return err
}

// get reads a small object.
func (b *Blobs) get(ctx context.Context, key string) (content []byte, err error) {
	err = b.ask(ctx, 0, func(ctx context.Context) error {
		out, err := b.s3.GetObject(ctx, &s3.GetObjectInput{Bucket: &b.Bucket, Key: &key})
		if err != nil {
			return err
		}
		defer out.Body.Close()
		if aws.ToString(out.ETag) == "" {
			return errNotS3
		}
		content, err = io.ReadAll(io.LimitReader(out.Body, 64<<10))
		return err
	})
	return content, err
}

// errNotS3 is a success that no S3 store says in this way, as a captive portal does.
var errNotS3 = errors.New("the answer is not that of an S3 store")

// Ping implements store.Pinger.
func (b *Blobs) Ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, b.Timeout)
	defer cancel()
	out, err := b.s3.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &b.Bucket, Key: aws.String(b.at("store"))})
	if err == nil && aws.ToString(out.ETag) == "" {
		err = errNotS3
	}
	if isMissing(err) {
		return nil // the store has spoken
	}
	return b.failure("look", err)
}

// ID is the id of this place, by which an index knows its blobs. It is given with the first call.
func (b *Blobs) ID(ctx context.Context) (id string, err error) {
	key := b.at("store")
	for range 3 {
		text, err := b.get(ctx, key)
		if err == nil {
			if _, err := parse(string(text)); err != nil {
				return "", fault.New(fault.Failure, "give storage.blobs another prefix", "%s/store is not what this program wrote", b.Where())
			}
			return string(text), nil
		}
		if !isMissing(err) {
			return "", b.failure("read the id", err)
		}
		text = []byte(newToken().String())
		err = b.write(ctx, key, text, true)
		if statusOf(err) == http.StatusNotImplemented { // it knows no conditional writes
			err = b.write(ctx, key, text, false)
		}
		if code := codeOf(err); err != nil && code != "PreconditionFailed" && code != "ConditionalRequestConflict" {
			return "", b.failure("write the id", err)
		}
	}
	return "", fault.New(fault.Failure, "look for what deletes it", "the id of %s does not stay", b.Where())
}

// write is put of a few bytes.
func (b *Blobs) write(ctx context.Context, key string, text []byte, fresh bool) error {
	return b.put(ctx, key, func() io.ReadSeeker { return bytes.NewReader(text) }, int64(len(text)), header(sum(text)), fresh)
}
