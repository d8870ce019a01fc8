package cmd_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/artifacts-tui/artifacts-tui/internal/tlstrust"
)

// tlsProxies is where a script's values have its proxies by name.
type tlsProxies struct{}

type tlsProxy struct {
	address string
	server  *http.Server
}

// tlsProxyCommand listens with TLS and a certificate of its own before a URL, and sets NAME_URL,
// NAME_PIN, the certificate's fingerprint in hex. Of a name that is taken it takes the address over, with
// another certificate.
// Usage: tlsproxy NAME URL
func tlsProxyCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: tlsproxy NAME URL")
	}
	name := args[0]
	to, err := url.Parse(args[1])
	ts.Check(err)
	proxies := ts.Value(tlsProxies{}).(map[string]*tlsProxy)
	address := "127.0.0.1:0"
	if former := proxies[name]; former != nil {
		address = former.address
		ts.Check(former.server.Close())
	}
	certificate, pin := selfSigned(ts)
	l, err := net.Listen("tcp", address)
	ts.Check(err)
	server := &http.Server{
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{certificate}},
		// The signature is of the name that was asked for.
		Handler: &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(to)
			r.Out.Host = r.In.Host
		}},
		ReadHeaderTimeout: time.Minute,
	}
	go func() { _ = server.ServeTLS(l, "", "") }()
	ts.Defer(func() { _ = server.Close() })
	proxies[name] = &tlsProxy{address: l.Addr().String(), server: server}
	ts.Setenv(name+"_URL", "https://"+l.Addr().String())
	ts.Setenv(name+"_PIN", pin)
	ts.Setenv(name+"_COLONS", tlstrust.Colons(pin))
	ts.Check(os.WriteFile(ts.MkAbs(name+".pem"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Certificate[0]}), 0o600))
}

func selfSigned(ts *testscript.TestScript) (tls.Certificate, string) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ts.Check(err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		BasicConstraintsValid: true, IsCA: true, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	ts.Check(err)
	sum := sha256.Sum256(der)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, hex.EncodeToString(sum[:])
}
