package coordinator_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/artifacts-tui/artifacts-tui/backend/coordinator"
	"github.com/artifacts-tui/artifacts-tui/backend/coordinator/config"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// leaf reads the certificate of a PEM text.
func leaf(t *testing.T, text string) *x509.Certificate {
	t.Helper()
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		t.Fatalf("no PEM: %q", text)
	}
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func selfSigned(dir, address string, hosts ...string) config.Config {
	c := config.Default()
	c.S3.DataDir, c.S3.Hosts, c.Listen.Address, c.TLS.SelfSigned = dir, hosts, address, true
	return c
}

// SPEC B1, B2: https with a certificate of the coordinator's own, which is its own authority,
// says its fingerprint as openssl does, and is the same after a restart on another port.
func TestSelfSigned(t *testing.T) {
	dir := t.TempDir()
	r := serveWith(t, coordinator.ServeOptions{Config: selfSigned(dir, "127.0.0.1:0", "s3.mesh")})
	if !strings.HasPrefix(r.status.URL, "https://127.0.0.1:") {
		t.Errorf("URL %s", r.status.URL)
	}
	cert, err := r.admin.Certificate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c := leaf(t, cert.PEM)
	if !c.IsCA || c.PublicKeyAlgorithm != x509.ECDSA || c.NotAfter.Before(time.Now().AddDate(9, 11, 0)) {
		t.Errorf("CA %v, %s, until %s", c.IsCA, c.PublicKeyAlgorithm, c.NotAfter)
	}
	for _, name := range []string{"127.0.0.1", "localhost", "coordinator.mesh", "s3.mesh", "bucket.s3.mesh"} {
		if err := c.VerifyHostname(name); err != nil {
			t.Error(err)
		}
	}
	openssl := exec.Command("openssl", "x509", "-noout", "-fingerprint", "-sha256")
	openssl.Stdin = strings.NewReader(cert.PEM)
	said, err := openssl.Output()
	if _, print, _ := strings.Cut(strings.TrimSpace(string(said)), "="); err != nil || print != cert.Fingerprint || print != r.status.Fingerprint {
		t.Errorf("openssl says %s, %v; status %s; certificate %s", said, err, r.status.Fingerprint, cert.Fingerprint)
	}
	roots := x509.NewCertPool()
	roots.AddCert(c)
	trusting := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true}}
	defer trusting.CloseIdleConnections()
	resp, err := trusting.Get(r.status.URL + "/v1/status")
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusUnauthorized || resp.Proto != "HTTP/1.1" || resp.TLS.Version < tls.VersionTLS12 {
		t.Errorf("%s, %s, TLS %x", resp.Status, resp.Proto, resp.TLS.Version)
	}
	old := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MaxVersion: tls.VersionTLS11}}} //nolint:gosec // refused is what is tested
	if _, err := old.Get(r.status.URL); err == nil {
		t.Error("TLS 1.1 is taken")
	}
	resp, err = http.Get("http" + strings.TrimPrefix(r.status.URL, "https"))
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusBadRequest || !strings.Contains(string(body), "HTTP request to an HTTPS server") {
		t.Errorf("plain HTTP is told %s, %s", resp.Status, body)
	}
	r.stop()
	if log := r.log.String(); !strings.Contains(log, "made a certificate") || strings.Contains(log, "PRIVATE") {
		t.Errorf("log: %s", log)
	}

	r = serveWith(t, coordinator.ServeOptions{Config: selfSigned(dir, "127.0.0.1:0", "s3.mesh")})
	if r.status.Fingerprint != cert.Fingerprint {
		t.Error("another certificate after a restart")
	}
	r.stop()

	// On an address that it does not cover, the same key signs another, which covers both.
	r = serveWith(t, coordinator.ServeOptions{Config: selfSigned(dir, "127.0.0.2:0")})
	again, err := r.admin.Certificate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	moved := leaf(t, again.PEM)
	if again.Fingerprint == cert.Fingerprint || !bytes.Equal(moved.RawSubjectPublicKeyInfo, c.RawSubjectPublicKeyInfo) {
		t.Error("it is the same certificate, or of another key")
	}
	for _, name := range []string{"127.0.0.1", "127.0.0.2", "bucket.s3.mesh"} {
		if err := moved.VerifyHostname(name); err != nil {
			t.Error(err)
		}
	}
	r.stop()
	if !strings.Contains(r.log.String(), "signed the certificate anew with the same key") {
		t.Errorf("log: %s", r.log.String())
	}
	r = serveWith(t, coordinator.ServeOptions{Config: selfSigned(dir, "127.0.0.1:0", "s3.mesh")})
	if r.status.Fingerprint != again.Fingerprint {
		t.Error("back on an address that it covers, there is another certificate")
	}
	r.stop()

	// Without TLS there is none to tell of.
	c2 := selfSigned(dir, "127.0.0.1:0")
	c2.TLS.SelfSigned = false
	r = serveWith(t, coordinator.ServeOptions{Config: c2})
	if _, err := r.admin.Certificate(t.Context()); !fault.Is(err, fault.NotFound) || r.status.Fingerprint != "" || !strings.HasPrefix(r.status.URL, "http://") {
		t.Errorf("%v, %+v", err, r.status)
	}
}

// pair writes a certificate and its key by openssl, whose common name is name.
func pair(t *testing.T, cert, key, name string) {
	t.Helper()
	said, err := exec.Command("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
		"-subj", "/CN="+name, "-addext", "subjectAltName=IP:127.0.0.1", "-out", cert, "-keyout", key).CombinedOutput()
	if err != nil {
		t.Fatalf("openssl: %v\n%s", err, said)
	}
}

// served is the common name of what https is served with.
func served(t *testing.T, url string) string {
	t.Helper()
	c, err := tls.Dial("tcp", strings.TrimPrefix(url, "https://"), &tls.Config{InsecureSkipVerify: true}) //nolint:gosec // its name is what is asked for
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return c.ConnectionState().PeerCertificates[0].Subject.CommonName
}

// SPEC B2: a start in the last month of the coordinator's own certificate signs another, with the same key.
func TestSelfSignedIsRenewed(t *testing.T) {
	s := openStore(t, t.TempDir())
	defer s.Close()
	clock := time.Now()
	o, err := coordinator.NewOrchestrator(t.Context(), s, coordinator.Options{Now: func() time.Time { return clock }})
	if err != nil {
		t.Fatal(err)
	}
	start := func(at time.Time) *x509.Certificate {
		clock = at
		c, err := coordinator.OwnCertificate(t.Context(), o, "127.0.0.1:1")
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	first := start(clock)
	if again := start(first.NotAfter.AddDate(0, 0, -31)); !again.Equal(first) {
		t.Error("another certificate, 31 days before the end of the first")
	}
	next := start(first.NotAfter.AddDate(0, 0, -29))
	if next.Equal(first) || !next.NotAfter.After(first.NotAfter) || !bytes.Equal(next.RawSubjectPublicKeyInfo, first.RawSubjectPublicKeyInfo) {
		t.Errorf("29 days before the end of the first, which is %s, it ends at %s", first.NotAfter, next.NotAfter)
	}
}

// SPEC B2: a certificate that is over, or nearly, is said before clients find out.
func TestCertificateIsOver(t *testing.T) {
	files := config.TLS{Cert: filepath.Join(t.TempDir(), "cert.pem"), Key: filepath.Join(t.TempDir(), "key.pem")}
	pair(t, files.Cert, files.Key, "two days")
	for after, want := range map[time.Duration]string{
		-24 * time.Hour: "the certificate begins at ", time.Hour: "", 40 * time.Hour: "", 47 * time.Hour: "the certificate ends at ", 49 * time.Hour: "the certificate ended at ",
	} {
		got, err := coordinator.CheckTLS(files, time.Now().Add(after))
		if err != nil || !strings.HasPrefix(got, want) || want == "" && got != "" {
			t.Errorf("after %v: %q, %v", after, got, err)
		}
	}
}

// SPEC B2: a certificate in files is renewed while the coordinator runs; a broken one leaves the former.
func TestCertificateFiles(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	pair(t, cert, key, "first")
	c := config.Default()
	c.S3.DataDir, c.Listen.Address = filepath.Join(dir, "data"), "127.0.0.1:0"
	c.TLS = config.TLS{Cert: cert, Key: key}
	var next config.Config
	r := serveWith(t, coordinator.ServeOptions{Config: c, Reload: func() (config.Config, error) { return next, nil }})
	if got := served(t, r.status.URL); got != "first" {
		t.Errorf("served %q", got)
	}
	until := func(name string) {
		t.Helper()
		for deadline := time.Now().Add(20 * time.Second); served(t, r.status.URL) != name; {
			if time.Now().After(deadline) {
				t.Fatalf("%s is not served", name)
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
	pair(t, cert, key, "second")
	until("second")
	// The certificate changes before its key does; then both are there.
	newKey := filepath.Join(dir, "next.pem")
	pair(t, cert, newKey, "third")
	next = c
	if _, err := r.admin.Reload(t.Context()); !fault.Is(err, fault.Usage) || !strings.Contains(err.Error(), cert) {
		t.Errorf("a certificate of another key: %v", err)
	}
	// It is looked at at most once a second: every handshake until that was said, and the next, has the former.
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		said := strings.Contains(r.log.String(), "the certificate changed and cannot be used")
		if got := served(t, r.status.URL); got != "second" {
			t.Fatalf("with a broken pair %q is served", got)
		}
		if said {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("a broken pair is not told of")
		}
	}
	if err := os.Rename(newKey, key); err != nil {
		t.Fatal(err)
	}
	until("third")
	// Other files, by a reload: at once.
	otherCert, otherKey := filepath.Join(dir, "other.pem"), filepath.Join(dir, "otherkey.pem")
	pair(t, otherCert, otherKey, "fourth")
	next.TLS = config.TLS{Cert: otherCert, Key: otherKey}
	changes, err := r.admin.Reload(t.Context())
	if err != nil || len(changes.Changed) != 2 || len(changes.Restart) != 0 || served(t, r.status.URL) != "fourth" {
		t.Errorf("%+v, %v", changes, err)
	}
	// To turn https off takes a restart, and says so every time.
	next.TLS = config.TLS{}
	for range 2 {
		if changes, err = r.admin.Reload(t.Context()); err != nil || len(changes.Changed) != 0 || len(changes.Restart) != 2 || served(t, r.status.URL) != "fourth" {
			t.Errorf("%+v, %v", changes, err)
		}
	}
	status, err := r.admin.Status(t.Context())
	text, _ := os.ReadFile(otherCert)
	if err != nil || status.Fingerprint != coordinator.Fingerprint(leaf(t, string(text)).Raw) {
		t.Errorf("fingerprint %s, %v", status.Fingerprint, err)
	}
	r.stop()

	for name, files := range map[string]config.TLS{"no file": {Cert: filepath.Join(dir, "none"), Key: key}, "not its key": {Cert: cert, Key: otherKey}} {
		c.TLS = files
		if err := coordinator.Serve(t.Context(), coordinator.ServeOptions{Config: c, Socket: filepath.Join(t.TempDir(), "s"), Log: r.logger()}); !fault.Is(err, fault.Usage) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
