package mounts

import (
	"context"
	"os"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/internal/tlstrust"
	"github.com/artifacts-tui/artifacts-tui/keyring"
	"github.com/artifacts-tui/artifacts-tui/mounts/remote"
)

// Check asks the store of spec (Endpoint, Bucket, Prefix, Region) for one key, so that
// wrong keys, a missing bucket or an unreachable endpoint are known before anything is
// created or mounted. The error is a fault of kind Auth, NotFound, Unreachable or Usage.
func Check(ctx context.Context, spec Spec, creds keyring.Credentials) error {
	c, err := NewRemote(spec, remote.NewKeys(creds))
	if err != nil {
		return err
	}
	defer c.Close()
	err = c.Check(ctx)
	if fault.Is(err, fault.Unreachable) && fault.As(err).Hint == remote.MountReach {
		// Nothing was written yet, so that nothing can have been kept.
		return &fault.Error{Kind: fault.Unreachable, Message: err.Error(), Hint: "check the endpoint and the network", Err: err}
	}
	return err
}

// NewRemote is the client of spec's bucket that signs with keys. AWS_CA_BUNDLE names
// extra certificate authorities, as for other clients (SPEC C19).
func NewRemote(spec Spec, keys *remote.Keys) (*remote.Client, error) {
	return remote.New(remote.Options{
		Endpoint: spec.Endpoint, Socket: spec.Socket, Bucket: spec.Bucket, Prefix: spec.Prefix, Region: spec.Region,
		Keys: keys, CABundle: os.Getenv(tlstrust.EnvBundle), CertificatePin: spec.CertificatePin, Timeout: spec.Options.StoreTimeout,
		Bandwidth: spec.Options.Bandwidth, Proxy: spec.Web.Proxy, Trace: spec.Web.Trace,
	})
}

// Prove shows that creds list the bucket and prefix of spec and, where write is asked for, may
// write there; nothing is left in the bucket. Errors are as Check's.
func Prove(ctx context.Context, spec Spec, creds keyring.Credentials, write bool) error {
	c, err := NewRemote(spec, remote.NewKeys(creds))
	if err != nil {
		return err
	}
	defer c.Close()
	return c.Prove(ctx, write)
}
