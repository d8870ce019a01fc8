//go:build linux

package cmd_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// forwardProxy is an HTTP proxy as companies have them: it wants a user and a password, and alone knows how to
// reach some hosts. Those that it reaches by https show certificates of an authority of its own.
type forwardProxy struct {
	auth    string              // what Proxy-Authorization has to be
	tunnels map[string]string   // where CONNECT host:port leads
	plain   map[string]*url.URL // where requests for http://host:port lead
	mu      sync.Mutex
	log     io.Writer // a line a request
}

// webProxyCommand starts a forward proxy that reaches each origin (scheme://host[:port]) at a URL of this machine, and sets
// NAME_PROXY, its URL with user and password, NAME_PASSWORD, and NAME_CA, a file with its authority. What passes is in
// $WORK/NAME.log. Usage: webproxy NAME ORIGIN=URL...
func webProxyCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: webproxy NAME ORIGIN=URL...")
	}
	name := args[0]
	file, err := os.Create(ts.MkAbs(name + ".log"))
	ts.Check(err)
	ts.Defer(func() { _ = file.Close() })
	password := "hush-" + rand.Text()
	p := &forwardProxy{
		auth:    "Basic " + base64.StdEncoding.EncodeToString([]byte("joe:"+password)),
		tunnels: map[string]string{}, plain: map[string]*url.URL{}, log: file,
	}
	ca := newAuthority(ts)
	for _, arg := range args[1:] {
		origin, to, ok := strings.Cut(arg, "=")
		from, err := url.Parse(origin)
		ts.Check(err)
		at, err := url.Parse(to)
		ts.Check(err)
		switch {
		case !ok || at.Host == "":
			ts.Fatalf("%s is not ORIGIN=URL", arg)
		case from.Scheme == "http":
			p.plain[from.Host] = at
		default:
			port := from.Port()
			if port == "" {
				port = "443"
			}
			p.tunnels[net.JoinHostPort(from.Hostname(), port)] = serveOrigin(ts, ca, from.Hostname(), at)
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	server := &http.Server{Handler: p, ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(l) }()
	ts.Defer(func() { _ = server.Close() })
	ts.Check(os.WriteFile(ts.MkAbs(name+"-ca.pem"), ca.pem, 0o600))
	ts.Setenv(name+"_PASSWORD", password)
	ts.Setenv(name+"_PROXY", "http://joe:"+password+"@"+l.Addr().String())
	ts.Setenv(name+"_ADDRESS", l.Addr().String())
	ts.Setenv(name+"_CA", ts.MkAbs(name+"-ca.pem"))
}

// ServeHTTP implements http.Handler.
func (p *forwardProxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.note(r)
	if r.Header.Get("Proxy-Authorization") != p.auth {
		w.Header().Set("Proxy-Authenticate", "Basic")
		w.WriteHeader(http.StatusProxyAuthRequired)
		return
	}
	if r.Method != http.MethodConnect {
		to := p.plain[r.URL.Host]
		if to == nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		toURL(to).ServeHTTP(w, r)
		return
	}
	to, known := p.tunnels[r.Host]
	if !known {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	there, err := net.Dial("tcp", to)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer there.Close()
	w.WriteHeader(http.StatusOK)
	here, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer here.Close()
	go func() {
		_, _ = io.Copy(there, buffered)
		_ = there.(*net.TCPConn).CloseWrite()
	}()
	_, _ = io.Copy(here, there)
}

func (p *forwardProxy) note(r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	at := r.Host
	if r.Method != http.MethodConnect {
		at = r.URL.String()
	}
	fmt.Fprintln(p.log, r.Method, at)
}

// serveOrigin listens with a certificate for host and hands what is asked on.
func serveOrigin(ts *testscript.TestScript, ca authority, host string, to *url.URL) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	server := &http.Server{
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{ca.issue(ts, host)}},
		Handler:   toURL(to), ReadHeaderTimeout: time.Minute, ErrorLog: log.New(io.Discard, "", 0),
	}
	go func() { _ = server.ServeTLS(l, "", "") }()
	ts.Defer(func() { _ = server.Close() })
	return l.Addr().String()
}

// toURL hands requests on, with the host that was asked for: signatures are of that.
func toURL(to *url.URL) http.Handler {
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.Header.Del("Proxy-Authorization")
			r.SetURL(to)
			r.Out.Host = r.In.Host
		},
		ErrorLog: log.New(io.Discard, "", 0),
	}
}

// authority signs certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  []byte
}

func newAuthority(ts *testscript.TestScript) authority {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ts.Check(err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "A company"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(24 * time.Hour), BasicConstraintsValid: true, IsCA: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	ts.Check(err)
	cert, err := x509.ParseCertificate(der)
	ts.Check(err)
	return authority{cert, key, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})}
}

func (a authority) issue(ts *testscript.TestScript, host string) tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ts.Check(err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: host}, DNSNames: []string{host},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	ts.Check(err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}
