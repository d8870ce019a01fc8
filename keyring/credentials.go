package keyring

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
)

// DefaultRegion signs where no region is set anywhere (SPEC A15b).
const DefaultRegion = "us-east-1"

// Credentials are one S3 access key pair with what belongs to it.
type Credentials struct {
	AccessKeyID     string
	SecretAccessKey Secret
	SessionToken    Secret // empty for long-lived keys
	Region          string // empty: unset, signed as DefaultRegion
	// Expires is when the pair ends, for one that a Provider issued; zero: never.
	Expires time.Time
}

// SigningRegion is Region, or DefaultRegion where it is unset.
func (c Credentials) SigningRegion() string {
	if c.Region == "" {
		return DefaultRegion
	}
	return c.Region
}

// Complete reports whether there is a key and a secret to sign with.
func (c Credentials) Complete() bool { return c.AccessKeyID != "" && !c.SecretAccessKey.IsZero() }

// Fingerprint names the pair without showing it: the first 12 hex digits of a
// SHA-256 over key, secret and token. The region takes no part (SPEC A40).
func (c Credentials) Fingerprint() string {
	if !c.Complete() {
		return ""
	}
	h := sha256.New()
	for _, part := range []string{"artifacts-credentials-v1", c.AccessKeyID, c.SecretAccessKey.Reveal(), c.SessionToken.Reveal()} {
		fmt.Fprintf(h, "%d:%s", len(part), part)
	}
	return hex.EncodeToString(h.Sum(nil))[:12]
}

// Validate refuses what cannot be stored or sent: CR, LF and NUL (SPEC A12), and blanks, which
// no such value has.
func (c Credentials) Validate() error {
	for _, f := range []struct{ name, value string }{
		{fieldAccessKeyID, c.AccessKeyID},
		{fieldSecretAccessKey, c.SecretAccessKey.Reveal()},
		{fieldSessionToken, c.SessionToken.Reveal()},
		{fieldRegion, c.Region},
	} {
		if strings.ContainsAny(f.value, "\r\n\x00") {
			return fmt.Errorf("%s holds a line break or NUL", f.name)
		}
		if strings.ContainsFunc(f.value, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }) {
			return fmt.Errorf("%s holds a blank", f.name)
		}
	}
	return nil
}

// ErrNotFound is returned where no source has credentials.
var ErrNotFound = errors.New("no credentials found")
