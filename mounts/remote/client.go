package remote

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/internal/reqlog"
	"github.com/artifacts-tui/artifacts-tui/internal/webproxy"
	"github.com/artifacts-tui/artifacts-tui/keyring"
	"github.com/artifacts-tui/artifacts-tui/mounts/upper"
)

var _ upper.Remote = (*Client)(nil)

// DefaultTimeout is how long a listing, a look-up or a read waits for a store that says
// nothing.
const DefaultTimeout = 30 * time.Second

// Bounds of one request that may commit. They are generous, and nobody's to change: giving
// up on one does not undo it. A peer that vanished is noticed by the transport (see dialer).
const (
	deleteTimeout   = 30 * time.Second // DELETE, and the begin of a multipart upload
	commitTimeout   = 10 * time.Minute // COPY and Complete work on the server before they answer
	slowestUpload   = 64 << 10         // bytes a second below which an upload is given up
	uploadOverheads = 2 * time.Minute
)

// Options say which part of which bucket a Client speaks for.
type Options struct {
	Endpoint string // URL of the S3 service; a path such as /s3 is kept
	Socket   string // unix socket to reach it through; empty: the endpoint's host and port
	Bucket   string
	Prefix   string // ends in "/" where not empty; put before every key
	Region   string // for signing; empty: keyring.DefaultRegion
	Keys     *Keys
	CABundle string // PEM file of extra certificate authorities; empty: the system's alone
	// CertificatePin is the SHA-256 of the one certificate to take, in hex; empty: whichever an
	// authority has signed.
	CertificatePin string
	// Timeout bounds the silence of listings, look-ups and reads; 0: DefaultTimeout.
	Timeout time.Duration
	// Bandwidth is what SetBandwidth would set.
	Bandwidth Bandwidth
	// Proxy is which proxies to go through, Trace what is told of each request.
	Proxy webproxy.Settings
	Trace reqlog.Log
	// Hints of its errors; nil: those of a mount.
	Hints *Hints
}

// Client is one bucket prefix. It is safe for concurrent use.
type Client struct {
	s3            *s3.Client
	web           *http.Client
	transport     http.RoundTripper // web's, without the observer
	region        string            // for signing
	pin           *pin
	bucket        string
	prefix        string
	timeout       time.Duration
	hints         Hints
	signed        *signed
	health        *health
	abandon       context.CancelFunc
	up            throttle
	down          throttle
	traffic       traffic
	skew          *skew         // of the store's clock
	unconditional atomic.Bool   // the store refuses conditional writes
	private       bool          // nobody is on the way to the store
	verifies      atomic.Bool   // the store verifies CRC-32C in headers
	unsummed      atomic.Bool   // the store refuses checksums
	parts         chan struct{} // bounds the parts of multipart uploads in flight
}

// New returns a Client; it sends nothing. A malformed endpoint or an unreadable CA
// bundle is a fault of kind Usage.
func New(opt Options) (*Client, error) {
	endpoint, err := parseEndpoint(opt.Endpoint)
	if err != nil {
		return nil, err
	}
	if opt.Timeout <= 0 {
		opt.Timeout = DefaultTimeout
	}
	certificate := &pin{}
	certificate.Store(&opt.CertificatePin)
	trust, err := certificate.trust(opt.CABundle)
	if err != nil {
		return nil, err
	}
	web := httpClient(trust, opt)
	life, abandon := context.WithCancel(context.Background())
	health := newHealth()
	clock := &skew{}
	region := opt.Region
	if region == "" {
		region = keyring.DefaultRegion
	}
	c := &Client{
		web: web, transport: web.Transport, region: region, pin: certificate, bucket: opt.Bucket, prefix: opt.Prefix, timeout: opt.Timeout, signed: &signed{keys: opt.Keys, by: map[signature]int{}},
		health: health, abandon: abandon, skew: clock, private: private(endpoint, opt.Socket), parts: make(chan struct{}, partsInFlight),
		up: throttle{life: life}, down: throttle{life: life}, hints: mountHints,
	}
	if opt.Hints != nil {
		c.hints = *opt.Hints
	}
	c.SetBandwidth(opt.Bandwidth)
	web.Transport = &observer{next: web.Transport, health: health, life: life, up: &c.up, skew: clock, traffic: &c.traffic, signed: c.signed}
	c.s3 = s3.New(s3.Options{
		BaseEndpoint: aws.String(endpoint.String()),
		Region:       region,
		UsePathStyle: !isAWS(endpoint.Hostname()),
		Credentials:  opt.Keys,
		HTTPClient:   web,
		HTTPSignerV4: &signer{},
		Retryer:      resigner{opt.Keys},
		// Bodies are summed here: see checksum.go.
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenRequired,
		ResponseChecksumValidation: aws.ResponseChecksumValidationWhenRequired,
	})
	return c, nil
}

func parseEndpoint(raw string) (*url.URL, error) {
	const hint = "give it as https://host[:port]"
	if raw != "" && !strings.Contains(raw, "://") {
		raw = "https://" + raw
	}
	u, err := url.Parse(raw)
	switch {
	case err != nil, u.Host == "", u.Scheme != "http" && u.Scheme != "https":
		// The text itself is left out: it may be a URL with a secret in it.
		return nil, fault.New(fault.Usage, hint, "the endpoint is not an http or https URL")
	case u.User != nil:
		return nil, fault.New(fault.Usage, hint, "the endpoint must not hold credentials") // SPEC A15c
	}
	u.Path = strings.TrimSuffix(u.Path, "/")
	u.RawQuery, u.Fragment = "", ""
	return u, nil
}

// isAWS reports whether host is Amazon's own, which wants the bucket in the host name.
func isAWS(host string) bool {
	return strings.HasSuffix(host, ".amazonaws.com") || strings.HasSuffix(host, ".amazonaws.com.cn")
}

// full is the bucket's key for a key of the workspace.
func (c *Client) full(key string) *string { return aws.String(c.prefix + key) }

// committing returns a context that the caller's cancellation does not reach: a request
// that was sent may commit whether or not anyone waits for the answer.
func committing(ctx context.Context, bound time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), bound)
}

func quoted(etag string) *string {
	if etag == "" {
		return nil
	}
	return aws.String(`"` + etag + `"`)
}

func unquoted(etag *string) string { return strings.Trim(aws.ToString(etag), `"`) }

// Close drops the idle connections.
func (c *Client) Close() { c.web.CloseIdleConnections() }

// Abandon cuts off every request, those that may commit included: for a process that ends
// and keeps on disk what it was sending.
func (c *Client) Abandon() { c.abandon() }
