// Package tlstrust says which certificates a client takes: those that an authority of the
// system or of a bundle has signed, or one that is pinned, whoever signed it. Of this module
// it imports internal/fault alone.
package tlstrust

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"os"
	"strings"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// EnvBundle names a PEM file of extra authorities, as for other S3 clients (SPEC C19).
const EnvBundle = "AWS_CA_BUNDLE"

// Config is that of a client. bundle is a PEM file of extra authorities; pin is the one
// certificate to take, in the form of ParseFingerprint, and leaves authorities and names out
// of it. Both may be empty. Where another certificate is met, connecting fails with Changed.
func Config(bundle, pin string) (*tls.Config, error) {
	if pin != "" {
		return Pinned(func() string { return pin }), nil
	}
	roots, err := authorities(bundle)
	return &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, err
}

// Pinned is Config with a pin that may change: each connection asks for it.
func Pinned(pin func() string) *tls.Config {
	return &tls.Config{
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: true, //nolint:gosec // the pin is stricter, and checked below
		VerifyConnection: func(s tls.ConnectionState) error {
			met, wanted := Fingerprint(s.PeerCertificates[0]), pin()
			if met != wanted {
				return &Changed{Met: met, Pinned: wanted}
			}
			return nil
		},
	}
}

// Changed is the error of meeting another certificate than the one that is pinned.
type Changed struct{ Met, Pinned string }

// Error names both.
func (c *Changed) Error() string {
	return fmt.Sprintf("its certificate has changed: the SHA-256 fingerprint is %s, and %s is pinned", Colons(c.Met), Colons(c.Pinned))
}

// Fingerprint is the SHA-256 of the certificate in DER form, as 64 hex digits.
func Fingerprint(c *x509.Certificate) string {
	sum := sha256.Sum256(c.Raw)
	return hex.EncodeToString(sum[:])
}

// ParseFingerprint reads 64 hex digits of either case, with colons or without, and returns
// them as Fingerprint does.
func ParseFingerprint(text string) (string, error) {
	digits := strings.ToLower(strings.ReplaceAll(text, ":", ""))
	if b, err := hex.DecodeString(digits); err != nil || len(b) != sha256.Size {
		return "", fault.New(fault.Usage, "`openssl x509 -noout -fingerprint -sha256 -in CERTIFICATE` prints it",
			"a certificate's fingerprint is a SHA-256: 64 hex digits, with colons or without")
	}
	return digits, nil
}

// Colons is a fingerprint as openssl prints it.
func Colons(fingerprint string) string {
	var b strings.Builder
	for i, r := range strings.ToUpper(fingerprint) {
		if i > 0 && i%2 == 0 {
			b.WriteByte(':')
		}
		b.WriteRune(r)
	}
	return b.String()
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
