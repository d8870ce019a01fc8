package client

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"

	"github.com/artifacts-tui/artifacts-tui/backend/coordinator"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/internal/tlstrust"
	"github.com/artifacts-tui/artifacts-tui/internal/webproxy"
)

// Met is what an address tells before it is shown a token.
type Met struct {
	Coordinator string // its id
	Address     net.IP // that was connected to; nil where it is not known
}

// Meet asks who answers, and shows no token. Who is not a coordinator is a fault of kind Failure;
// a certificate that is not trusted is one of kind Auth, with Untrusted in it.
func (c *Client) Meet(ctx context.Context) (m Met, err error) {
	ctx, cancel := context.WithTimeout(ctx, c.wait)
	defer cancel()
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(got httptrace.GotConnInfo) {
		if a, ok := got.Conn.RemoteAddr().(*net.TCPAddr); ok {
			m.Address = a.IP
		}
	}})
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+"/v1/whoami", nil)
	if err != nil {
		return m, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return m, c.noAnswer(ctx, err)
	}
	_ = resp.Body.Close()
	m.Coordinator = resp.Header.Get(coordinator.IDHeader)
	if resp.StatusCode != http.StatusUnauthorized || m.Coordinator == "" {
		return m, c.stranger(resp.Status)
	}
	return m, nil
}

// WhoAmI asks whose token the client shows.
func (c *Client) WhoAmI(ctx context.Context) (who coordinator.WhoAmI, err error) {
	ctx, cancel := context.WithTimeout(ctx, c.wait)
	defer cancel()
	return who, c.call(ctx, http.MethodGet, "/v1/whoami", nil, &who)
}

// Untrusted is the cause of a refusal to connect: no known authority has signed the certificate
// whose fingerprint is Met.
type Untrusted struct {
	Met string
	Err error
}

// Error says what is wrong with the certificate.
func (u *Untrusted) Error() string { return u.Err.Error() }

// Unwrap returns the cause.
func (u *Untrusted) Unwrap() error { return u.Err }

// noAnswer is the fault of a request that nobody answered.
func (c *Client) noAnswer(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return ctx.Err()
	}
	var op *url.Error // its text repeats method and URL
	if errors.As(err, &op) {
		err = op.Err
	}
	var (
		changed   *tlstrust.Changed
		untrusted *tls.CertificateVerificationError
	)
	switch {
	case errors.As(err, &changed):
		return fault.Wrap(fault.Auth, changed, "ask its admin; if it was renewed, `artifacts login "+c.where+" --fingerprint "+tlstrust.Colons(changed.Met)+"`",
			"the coordinator at %s is not trusted", c.where)
	case errors.As(err, &untrusted) && len(untrusted.UnverifiedCertificates) > 0:
		met := tlstrust.Fingerprint(untrusted.UnverifiedCertificates[0])
		return fault.Wrap(fault.Auth, &Untrusted{Met: met, Err: untrusted.Err},
			"compare its SHA-256 fingerprint with what its admin says; `artifacts login "+c.where+" --fingerprint "+tlstrust.Colons(met)+"` takes it",
			"the certificate of %s is not trusted", c.where)
	case webproxy.Explain(err) != nil:
		proxy := webproxy.Explain(err)
		return fault.Wrap(proxy.Kind, proxy, proxy.Hint, "the coordinator at %s cannot be reached", c.where)
	case errors.Is(err, http.ErrSchemeMismatch):
		return fault.New(fault.Failure, "is it http://?", "%s does not speak TLS", c.where)
	}
	hint := "check the address and the network"
	if c.wait == localWait {
		hint = "`artifacts-tui coordinator status` tells whether one runs"
	}
	return fault.Wrap(fault.Unreachable, err, hint, "no answer from the coordinator at %s", c.where)
}

// refused is the fault of a token that the coordinator does not know.
func (c *Client) refused() error {
	return fault.New(fault.Auth, "run `artifacts login "+c.where+"` again with the peer's token of now",
		"the coordinator at %s does not know the token: the peer was removed, its token replaced, or it was mistyped", c.where)
}

// stranger is the fault of an answer that no coordinator gives.
func (c *Client) stranger(status string) error {
	return fault.New(fault.Failure, "is that a coordinator's address? It looks like http://coordinator.mesh:8080",
		"%s answered %s, which is not what a coordinator says", c.where, status)
}

// As is the same coordinator, shown a peer's token.
func (c *Client) As(token string) *Client {
	as := *c
	as.token = token
	return &as
}
