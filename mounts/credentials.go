package mounts

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/keyring"
)

// CredentialsRequest gives a mount process another pair, in clear over its 0600 socket: a
// process of the same user (SPEC A40b).
type CredentialsRequest struct {
	AccessKeyID     string            `json:"access_key_id"`
	SecretAccessKey string            `json:"secret_access_key"`
	SessionToken    string            `json:"session_token,omitempty"`
	Expires         time.Time         `json:"expires"`
	Source          string            `json:"source,omitempty"` // as in Spec
	Profile         string            `json:"profile,omitempty"`
	Provider        *keyring.Provider `json:"provider,omitempty"`
	// CertificatePin is the certificate to take from now on; empty: as it was.
	CertificatePin string `json:"certificate_pin,omitempty"`
}

// Credentials is the pair.
func (q CredentialsRequest) Credentials() keyring.Credentials {
	return keyring.Credentials{
		AccessKeyID: q.AccessKeyID, SecretAccessKey: keyring.NewSecret(q.SecretAccessKey),
		SessionToken: keyring.NewSecret(q.SessionToken), Expires: q.Expires,
	}
}

// CredentialsAnswer tells which pair a mount signs with.
type CredentialsAnswer struct {
	Fingerprint string `json:"fingerprint"`
	// FormerRequests are under way and signed with a former pair: that must not be revoked
	// before they end.
	FormerRequests int        `json:"former_requests"`
	Error          *WireError `json:"error,omitempty"` // the pair was refused; nothing changed
}

// proveTimeout bounds the proof that another pair serves; a little more than a mount process takes.
const proveTimeout = 25 * time.Second

// awaitFormer is how often RefreshCredentials looks whether requests of the former pair are left.
const awaitFormer = 50 * time.Millisecond

// RefreshCredentials has a running mount sign with another pair, after the mount has proven that
// it lists the mount's bucket and prefix and may write there (SPEC A40b); files stay
// open. spec's Credential fields and Provider say where the pair is from, and its CertificatePin, where
// it is set, takes the place of the mount's. Then it waits, for
// wait at most, until no request under way is signed with the former pair. A pair that
// is refused changes nothing; the error is a fault.
func (m *Manager) RefreshCredentials(ctx context.Context, mountpointOrWorkspace string, spec Spec, creds keyring.Credentials, wait time.Duration) (Status, CredentialsAnswer, error) {
	var a CredentialsAnswer
	s, err := m.Find(ctx, mountpointOrWorkspace)
	if err != nil {
		return s, a, err
	}
	control := dialControl(SocketPath(m.roots, s.ID))
	a, err = control.credentials(ctx, CredentialsRequest{
		AccessKeyID: creds.AccessKeyID, SecretAccessKey: creds.SecretAccessKey.Reveal(), SessionToken: creds.SessionToken.Reveal(), Expires: creds.Expires,
		Source: spec.CredentialSource, Profile: spec.CredentialProfile, Provider: spec.Provider,
		CertificatePin: spec.CertificatePin,
	})
	if err != nil {
		return s, a, m.noAnswer(err, s)
	}
	if err := a.Error.Fault(); err != nil {
		return s, a, err
	}
	s.Fingerprint, s.CredentialSource, s.CredentialProfile = a.Fingerprint, spec.CredentialSource, spec.CredentialProfile
	deadline := time.Now().Add(wait)
	for a.FormerRequests > 0 && time.Now().Before(deadline) {
		select {
		case <-time.After(awaitFormer):
		case <-ctx.Done():
			return s, a, nil // the pair is in use; who asked does not want to wait
		}
		if err := control.get(ctx, "credentials", &a); err != nil {
			return s, a, m.noAnswer(err, s)
		}
	}
	return s, a, nil
}

func (c control) credentials(ctx context.Context, q CredentialsRequest) (a CredentialsAnswer, err error) {
	ctx, cancel := context.WithTimeout(ctx, proveTimeout)
	defer cancel()
	body, err := json.Marshal(q)
	if err != nil {
		return a, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://mount/v1/credentials", bytes.NewReader(body))
	if err != nil {
		return a, err
	}
	res, err := c.http.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			err = fault.New(fault.Unreachable, "`artifacts mount list --format json` tells which fingerprint is in use; then run it again", "the store did not say in time whether it takes the new credentials")
		}
		return a, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return a, unknown("credentials", res)
	}
	return a, json.NewDecoder(res.Body).Decode(&a)
}
