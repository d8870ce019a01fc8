package coordinator

import (
	"context"
	"time"

	"github.com/artifacts-tui/artifacts-tui/backend/coordinator/documents"
	"github.com/artifacts-tui/artifacts-tui/backend/s3/authn"
)

// PurgeRecycled does what a coordinator does once a minute.
func PurgeRecycled(ctx context.Context, o *Orchestrator) error { return o.purgeRecycled(ctx) }

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

// Claimed is the context of a request of a peer.
func Claimed(ctx context.Context, token string, id authn.Identity) context.Context {
	return claimed(ctx, claim{token: token, id: id})
}
