package coordinator

import (
	"context"

	"github.com/artifacts-tui/artifacts-tui/backend/workspace"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// Session is what a mount of a managed workspace signs with (SPEC B28).
type Session struct {
	Workspace       workspace.Workspace `json:"workspace"`
	AccessKeyID     string              `json:"access_key_id"`
	SecretAccessKey string              `json:"secret_access_key"`
	ReadOnly        bool                `json:"read_only"`
}

// OpenSession returns the pair with which one peer's mounts of a managed workspace sign;
// peer is empty for the local admin's. A read-only session gets a pair that the store
// refuses writes to (SPEC B28).
func (o *Orchestrator) OpenSession(ctx context.Context, name, peer string, readOnly bool) (Session, error) {
	var s Session
	open := func(c *control) error {
		w, ok := c.byName(name)
		switch {
		case !ok:
			return noWorkspace(name)
		case w.Backend != workspace.Managed:
			return fault.New(fault.Usage, "its credentials are on the hosts that mount it", "workspace %q is %s", name, w.Backend)
		case w.State != workspace.Active:
			return fault.New(fault.Conflict, "run the same `workspace create` again to finish it", "workspace %q is %s", name, w.State)
		}
		for _, p := range c.pairs {
			if p.WorkspaceID == w.ID && p.Peer == peer && p.ReadOnly == readOnly {
				s = Session{Workspace: w, AccessKeyID: p.AccessKeyID, SecretAccessKey: p.SecretAccessKey, ReadOnly: readOnly}
				return nil
			}
		}
		return errNoPair
	}
	o.mu.RLock()
	err := open(o.state)
	o.mu.RUnlock()
	if err != errNoPair { //nolint:errorlint // it is this very one
		return s, err
	}
	err = o.change(ctx, func(ctx context.Context, c *control) error {
		if err := open(c); err != errNoPair { //nolint:errorlint // it is this very one
			return err
		}
		w, _ := c.byName(name)
		err := c.putPair(ctx, ScopedPair{
			AccessKeyID: "WS" + randomKeyID(), SecretAccessKey: randomToken(30), WorkspaceID: w.ID, Peer: peer,
			Bucket: w.Bucket, Prefix: w.Prefix, ReadOnly: readOnly, Created: o.stamp(),
		})
		if err != nil {
			return err
		}
		return open(c)
	})
	return s, err
}

var errNoPair = fault.New(fault.Failure, "", "no pair")

// RevokeSessions ends the pairs of a workspace, or those of one peer's sessions of it:
// mounts that use them are refused until they are mounted again. It returns how many there were.
func (o *Orchestrator) RevokeSessions(ctx context.Context, name, peer string) (revoked int, err error) {
	err = o.change(ctx, func(ctx context.Context, c *control) error {
		w, ok := c.byName(name)
		if !ok {
			return noWorkspace(name)
		}
		if peer != "" {
			p, err := c.peer(peer)
			if err != nil {
				return err
			}
			peer = p.ID
		}
		return c.dropPairs(ctx, func(p ScopedPair) bool {
			ends := p.WorkspaceID == w.ID && (peer == "" || p.Peer == peer)
			if ends {
				revoked++
			}
			return ends
		})
	})
	return revoked, err
}
