package remote

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"os"
	"syscall"
	"time"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/internal/unixsock"
)

// connections are kept open to the store: more than the parallel uploads, reads and
// listings of one mount.
const connections = 128

// vanished is how long sent bytes may stay unacknowledged.
const vanished = 30 * time.Second

func httpClient(caBundle, socket string, timeout time.Duration) (*http.Client, error) {
	roots, err := authorities(caBundle)
	if err != nil {
		return nil, err
	}
	client := &http.Client{
		Transport: &http.Transport{
			Proxy:                 http.ProxyFromEnvironment,
			DialContext:           dialer(timeout).DialContext,
			TLSClientConfig:       &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout:   10 * time.Second,
			ExpectContinueTimeout: time.Second,
			MaxIdleConns:          connections,
			MaxIdleConnsPerHost:   connections,
			IdleConnTimeout:       90 * time.Second,
			WriteBufferSize:       64 << 10,
			ReadBufferSize:        64 << 10,
			DisableCompression:    true,
		},
		// A signature is for one host and path; a redirect is answered as an error.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	if socket != "" {
		transport := client.Transport.(*http.Transport)
		transport.Proxy = nil
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) { return unixsock.Dial(ctx, socket) }
	}
	return client, nil
}

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

func authorities(bundle string) (*x509.CertPool, error) {
	if bundle == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(bundle)
	if err != nil {
		return nil, fault.Wrap(fault.Usage, err, "check --ca-bundle and AWS_CA_BUNDLE", "cannot read the CA bundle")
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fault.New(fault.Usage, "it must hold certificates in PEM form", "no certificate in the CA bundle %s", bundle)
	}
	return pool, nil
}
