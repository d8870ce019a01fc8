package coordinator

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/artifacts-tui/artifacts-tui/backend/coordinator/config"
	"github.com/artifacts-tui/artifacts-tui/backend/coordinator/documents"
	"github.com/artifacts-tui/artifacts-tui/backend/store"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// tlsKey is the record of the coordinator's own certificate.
const tlsKey = "tls.json"

// meshName is what a mesh calls its coordinator (SPEC B1).
const meshName = "coordinator.mesh"

const (
	certificateLife  = 10 * 365 * 24 * time.Hour
	certificateRenew = 30 * 24 * time.Hour // before its end a new one is signed at a start
	certificateSkew  = time.Hour           // for clients whose clocks are behind
)

// Certificate is what https is served with.
type Certificate struct {
	PEM         string `json:"pem"`         // the leaf first
	Fingerprint string `json:"fingerprint"` // of the leaf
}

// Fingerprint is the SHA-256 of a certificate's DER as openssl prints it: AB:CD:….
func Fingerprint(der []byte) string {
	sum := sha256.Sum256(der)
	pairs := make([]string, len(sum))
	for i, b := range sum {
		pairs[i] = strings.ToUpper(hex.EncodeToString([]byte{b}))
	}
	return strings.Join(pairs, ":")
}

func describeCertificate(c *tls.Certificate) Certificate {
	var text strings.Builder
	for _, der := range c.Certificate {
		_ = pem.Encode(&text, &pem.Block{Type: "CERTIFICATE", Bytes: der}) // a Builder takes all
	}
	return Certificate{PEM: text.String(), Fingerprint: Fingerprint(c.Certificate[0])}
}

// certificateSource is where https takes its certificate from.
type certificateSource interface {
	current() *tls.Certificate
}

// newCertificates are the files that the configuration names, or the coordinator's own
// certificate for where it listens. It is nil for plain HTTP.
func newCertificates(ctx context.Context, c config.Config, o *Orchestrator, address string, log *slog.Logger) (certificateSource, error) {
	switch {
	case c.TLS.SelfSigned:
		return ownSource{o}, o.ownCertificate(ctx, address, c.S3.Hosts, log)
	case c.TLS.On():
		files := &fileSource{log: log}
		return files, files.set(c.TLS)
	}
	return nil, nil
}

func tlsConfig(source certificateSource) *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return source.current(), nil },
		// One stream a connection: clients open as many as they need, and a large body
		// does not stand in the way of small ones.
		NextProtos: []string{"http/1.1"},
	}
}

// certificateLook is how often, at most, files are looked at.
const certificateLook = time.Second

// fileSource is a certificate in files, which are read again where they have changed. One
// that cannot be used leaves the last good one.
type fileSource struct {
	log    *slog.Logger
	mu     sync.Mutex
	files  config.TLS
	cert   *tls.Certificate
	seen   [2]stamp // of the files when they were last read
	looked time.Time
}

// stamp tells versions of a file apart; its zero value is no file.
type stamp struct {
	changed time.Time
	size    int64
}

// set takes the certificate of other files, or of the same ones as they are now.
func (f *fileSource) set(files config.TLS) error {
	seen := stamps(files)
	cert, err := loadPair(files)
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.files, f.cert, f.seen, f.looked = files, cert, seen, time.Now()
	return nil
}

// current implements certificateSource.
func (f *fileSource) current() *tls.Certificate {
	f.mu.Lock()
	defer f.mu.Unlock()
	if time.Since(f.looked) < certificateLook {
		return f.cert
	}
	f.looked = time.Now()
	seen := stamps(f.files)
	if seen == f.seen {
		return f.cert
	}
	f.seen = seen
	cert, err := loadPair(f.files)
	if err != nil {
		f.log.Warn("the certificate changed and cannot be used; the former one is served", "error", err)
		return f.cert
	}
	f.cert = cert
	f.log.Info("the certificate changed", "fingerprint", Fingerprint(cert.Certificate[0]))
	return cert
}

func stamps(files config.TLS) (s [2]stamp) {
	for i, path := range []string{files.Cert, files.Key} {
		if info, err := os.Stat(path); err == nil {
			s[i] = stamp{info.ModTime(), info.Size()}
		}
	}
	return s
}

func loadPair(files config.TLS) (*tls.Certificate, error) {
	cert, err := tls.LoadX509KeyPair(files.Cert, files.Key)
	if err != nil {
		return nil, fault.Wrap(fault.Usage, err, "tls.cert is a PEM certificate and tls.key its private key, readable for this user",
			"cannot use the certificate %s with the key %s", files.Cert, files.Key)
	}
	return &cert, nil
}

// CheckTLS proves that the configured certificate can be served. The warning says that it is
// not valid at now, or nearly over; empty: it is well.
func CheckTLS(c config.TLS, now time.Time) (warning string, err error) {
	if c.Cert == "" {
		return "", nil
	}
	cert, err := loadPair(c)
	if err != nil {
		return "", err
	}
	return outOfDate(cert.Leaf, now), nil
}

// outOfDate says so where a certificate is not valid yet, not any more, or has a tenth of its
// life left; clients refuse it, or soon will.
func outOfDate(c *x509.Certificate, now time.Time) string {
	const format = "2006-01-02 15:04 MST"
	switch life := c.NotAfter.Sub(c.NotBefore); {
	case now.After(c.NotAfter):
		return "the certificate ended at " + c.NotAfter.UTC().Format(format) + ": clients refuse it"
	case now.Before(c.NotBefore):
		return "the certificate begins at " + c.NotBefore.UTC().Format(format) + ": clients refuse it until then"
	case c.NotAfter.Sub(now) < life/10:
		return "the certificate ends at " + c.NotAfter.UTC().Format(format) + "; renew it"
	}
	return ""
}

// ownSource is the coordinator's own certificate: that of the control state, which another
// coordinator may have signed anew for where it listens.
type ownSource struct{ o *Orchestrator }

func (s ownSource) current() *tls.Certificate { return s.o.certificate.Load() }

// ownRecord is tls.json.
type ownRecord struct {
	Certificate string `json:"certificate"` // PEM
	Key         string `json:"key"`         // PEM, PKCS #8
}

// ownCertificate sees to the self-signed certificate of the system bucket, made on first use.
// It stays the same, for clients hold on to its fingerprint: only where it does not cover the
// address or a host, or is about to end, the same key signs another.
func (o *Orchestrator) ownCertificate(ctx context.Context, address string, hosts []string, log *slog.Logger) error {
	must := neededNames(address, hosts)
	return o.change(ctx, func(ctx context.Context, c *control) error {
		old, key, err := c.certificate(ctx)
		switch {
		case err != nil:
			return err
		case old != nil && covers(old.Leaf, must) && old.Leaf.NotAfter.Sub(o.now()) > certificateRenew:
			o.certificate.Store(old)
			return nil
		case old == nil:
			if key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
				return err
			}
		}
		names := append(slices.Clone(must), meshName)
		if host, err := os.Hostname(); err == nil && hostName.MatchString(host) {
			names = append(names, strings.ToLower(host))
		}
		if old != nil { // what was asked for once goes on working
			names = append(names, namesOf(old.Leaf)...)
		}
		record, err := sign(key, c.mesh.ID, names, o.now())
		if err != nil {
			return err
		}
		made, _, err := record.parse()
		if err != nil {
			return err
		}
		if err := c.write(ctx, tlsKey, record); err != nil {
			return err
		}
		c.own = record
		o.certificate.Store(made)
		said := "made a certificate"
		if old != nil {
			said = "signed the certificate anew with the same key: it did not cover where this coordinator listens, or was about to end"
		}
		log.Info(said, "names", strings.Join(namesOf(made.Leaf), " "), "fingerprint", Fingerprint(made.Leaf.Raw))
		return nil
	})
}

// certificate is what tls.json says; nil where there is none.
func (c *control) certificate(ctx context.Context) (*tls.Certificate, *ecdsa.PrivateKey, error) {
	var record ownRecord
	err := c.read(ctx, tlsKey, &record)
	if errors.Is(err, store.ErrNoSuchKey) {
		return nil, nil, nil
	}
	if errors.Is(err, documents.ErrDamaged) {
		return nil, nil, fault.Wrap(fault.Failure, err, mendHint, "the coordinator's own certificate cannot be read")
	}
	if err != nil {
		return nil, nil, err
	}
	cert, key, err := record.parse()
	if err != nil {
		return nil, nil, fault.Wrap(fault.Failure, err, mendHint, "the coordinator's own certificate is damaged")
	}
	c.own = record
	return cert, key, nil
}

// followCertificate serves what another coordinator signed. It is called with the lock held.
func (o *Orchestrator) followCertificate(ctx context.Context) {
	if o.certificate.Load() == nil {
		return // plain HTTP, or files
	}
	cert, _, err := o.state.certificate(ctx)
	if err != nil || cert == nil {
		o.log.Warn("the certificate in the system bucket cannot be read; the former one is served", "error", err)
		return
	}
	o.certificate.Store(cert)
}

var hostName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$`)

// neededNames are those a certificate cannot do without. A machine's own name is no such:
// in containers it changes at each start.
func neededNames(address string, hosts []string) (names []string) {
	if host, _, err := net.SplitHostPort(address); err == nil {
		host, _, _ = strings.Cut(host, "%")
		if ip := net.ParseIP(host); ip != nil && !ip.IsUnspecified() {
			names = append(names, ip.String())
			if ip.IsLoopback() {
				names = append(names, "localhost")
			}
		}
	}
	for _, h := range hosts {
		names = append(names, strings.ToLower(h), "*."+strings.ToLower(h)) // bucket.HOST
	}
	return names
}

// namesOf are a certificate's addresses and host names.
func namesOf(c *x509.Certificate) []string {
	names := slices.Clone(c.DNSNames)
	for _, ip := range c.IPAddresses {
		names = append(names, ip.String())
	}
	return names
}

func covers(c *x509.Certificate, names []string) bool {
	has := namesOf(c)
	return !slices.ContainsFunc(names, func(n string) bool { return !slices.Contains(has, n) })
}

// sign makes a certificate that is its own authority, so that a client can be given it as
// the bundle to trust (AWS_CA_BUNDLE).
func sign(key *ecdsa.PrivateKey, meshID string, names []string, now time.Time) (ownRecord, error) {
	template := &x509.Certificate{
		Subject:   pkix.Name{CommonName: "artifacts coordinator " + meshID},
		NotBefore: now.Add(-certificateSkew), NotAfter: now.Add(certificateLife),
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		IsCA:        true, BasicConstraintsValid: true, MaxPathLenZero: true,
	}
	slices.Sort(names)
	for _, n := range slices.Compact(names) {
		if ip := net.ParseIP(n); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, n)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return ownRecord{}, fmt.Errorf("cannot sign a certificate: %w", err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return ownRecord{}, err
	}
	return ownRecord{
		Certificate: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		Key:         string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})),
	}, nil
}

func (r ownRecord) parse() (*tls.Certificate, *ecdsa.PrivateKey, error) {
	cert, err := tls.X509KeyPair([]byte(r.Certificate), bytes.TrimSpace([]byte(r.Key)))
	if err != nil {
		return nil, nil, err
	}
	key, ok := cert.PrivateKey.(*ecdsa.PrivateKey)
	if !ok {
		return nil, nil, errors.New("its key is of another kind")
	}
	return &cert, key, nil
}
