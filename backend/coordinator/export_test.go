package coordinator

import (
	"context"
	"crypto/x509"
	"log/slog"
	"time"

	"github.com/artifacts-tui/artifacts-tui/backend/coordinator/documents"
	"github.com/artifacts-tui/artifacts-tui/backend/s3/authn"
)

// PurgeRecycled does what a coordinator does once a minute.
func PurgeRecycled(ctx context.Context, o *Orchestrator) error { return o.purgeRecycled(ctx) }

// OwnCertificate is what a start on address serves https with.
func OwnCertificate(ctx context.Context, o *Orchestrator, address string) (*x509.Certificate, error) {
	if err := o.ownCertificate(ctx, address, nil, slog.New(slog.DiscardHandler)); err != nil {
		return nil, err
	}
	return o.certificate.Load().Leaf, nil
}

// SetChangeLease bounds how long a coordinator may take to change something, before it serves.
func SetChangeLease(o *Orchestrator, d time.Duration) { o.shared.lease = d }

// DieInAChange makes a change as far as its documents, and never tells of it.
func DieInAChange(ctx context.Context, o *Orchestrator, p Peer) error {
	t, err := o.shared.take(ctx)
	if err != nil {
		return err
	}
	_, err = o.changeOnce(ctx, t, func(ctx context.Context, c *control) error { return c.putPeer(ctx, p) })
	return err
}

// Maintains reports whether o does what one of several coordinators is to do.
func Maintains(ctx context.Context, o *Orchestrator) bool { return o.maintains(ctx) }

// Rests hands that to another one.
func Rests(ctx context.Context, o *Orchestrator) error { return o.rests(ctx) }

// Register is the key of what coordinators agree by.
var Register = registerKey

// Documents are those of the control state.
func Documents(o *Orchestrator) *documents.Bucket { return o.state.docs }

// StorageOf is what `storage status` is told.
func StorageOf(ctx context.Context, o *Orchestrator, dir string) (Storage, error) {
	return o.storage(ctx, dir)
}

// Claimed is the context of a request of a peer.
func Claimed(ctx context.Context, token string, id authn.Identity) context.Context {
	return claimed(ctx, claim{token: token, id: id})
}
