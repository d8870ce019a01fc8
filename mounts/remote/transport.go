package remote

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/artifacts-tui/artifacts-tui/internal/tlstrust"
	"github.com/artifacts-tui/artifacts-tui/internal/unixsock"
	"github.com/artifacts-tui/artifacts-tui/internal/webproxy"
)

// connections are kept open to the store: more than the parallel uploads, reads and
// listings of one mount.
const connections = 128

// vanished is how long sent bytes may stay unacknowledged.
const vanished = 30 * time.Second

func httpClient(trust *tls.Config, opt Options) *http.Client {
	transport := &http.Transport{
		Proxy:                  opt.Proxy.Func(),
		OnProxyConnectResponse: webproxy.Refused,
		DialContext:            dialer(opt.Timeout).DialContext,
		TLSClientConfig:        trust,
		TLSHandshakeTimeout:    10 * time.Second,
		ExpectContinueTimeout:  time.Second,
		MaxIdleConns:           connections,
		MaxIdleConnsPerHost:    connections,
		IdleConnTimeout:        90 * time.Second,
		WriteBufferSize:        64 << 10,
		ReadBufferSize:         64 << 10,
		DisableCompression:     true,
	}
	if opt.Socket != "" {
		transport.Proxy = nil
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) { return unixsock.Dial(ctx, opt.Socket) }
	}
	return &http.Client{
		Transport: opt.Trace.Wrap(transport),
		// A signature is for one host and path; a redirect is answered as an error.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// pin is the certificate to take, in the form of tlstrust.Fingerprint; empty: one that an authority has
// signed.
type pin struct{ atomic.Pointer[string] }

func (p *pin) get() string { return *p.Load() }

// trust is what connections are made with.
func (p *pin) trust(caBundle string) (*tls.Config, error) {
	if p.get() != "" {
		return tlstrust.Pinned(p.get), nil
	}
	return tlstrust.Config(caBundle, "")
}

// CertificatePin is the one in use.
func (c *Client) CertificatePin() string { return c.pin.get() }

// Repin has connections take another certificate than the one that was pinned from now on.
func (c *Client) Repin(certificate string) { c.pin.Store(&certificate) }

// dialer notices a peer that vanished within half a minute, by keep-alives where the
// connection is quiet and by giveUp where sent bytes stay
// unacknowledged, so that requests themselves can have generous bounds.
func dialer(timeout time.Duration) *net.Dialer {
	return &net.Dialer{
		Timeout:         min(5*time.Second, timeout),
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 10 * time.Second, Interval: 5 * time.Second, Count: 4},
		Control: func(network, _ string, raw syscall.RawConn) error {
			if network != "tcp4" && network != "tcp6" {
				return nil
			}
			return raw.Control(func(fd uintptr) {
				// Not being able to set it costs only time to notice.
				_ = giveUp(int(fd), vanished)
			})
		},
	}
}
