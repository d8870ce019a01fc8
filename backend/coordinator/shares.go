package coordinator

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/artifacts-tui/artifacts-tui/backend/store"
	"github.com/artifacts-tui/artifacts-tui/backend/workspace"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// NewShare is the body of POST /v1/shares: a bucket, or a prefix of one, or a managed workspace.
type NewShare struct {
	Name      string    `json:"name"`
	Bucket    string    `json:"bucket,omitempty"`
	Prefix    string    `json:"prefix,omitempty"`
	Workspace string    `json:"workspace,omitempty"`
	Expires   time.Time `json:"expires,omitzero"` // zero: never
}

// SharePair is a share with the secret of its guests: the only time that it is told.
type SharePair struct {
	Share
	SecretAccessKey string `json:"secret_access_key"`
}

// target is where a share lies: its bucket and prefix.
func (c *control) target(req NewShare) (bucket, prefix string, err error) {
	if req.Workspace == "" {
		if req.Bucket == "" {
			return "", "", fault.New(fault.Usage, "give --bucket or --workspace", "a share needs a bucket or a workspace")
		}
		return req.Bucket, req.Prefix, notReserved(req.Bucket)
	}
	if req.Bucket != "" {
		return "", "", fault.New(fault.Usage, "give one of them", "a share is of a bucket or of a workspace")
	}
	w, ok := c.byName(req.Workspace)
	if !ok {
		return "", "", noWorkspace(req.Workspace)
	}
	if w.Backend == workspace.BYO {
		return "", "", fault.New(fault.Usage, "share it with the tools of its service", "the data of workspace %q is not in the mesh's store", w.Name)
	}
	return w.Bucket, w.Prefix + req.Prefix, nil
}

// shareTarget is target for who does not hold the lock.
func (o *Orchestrator) shareTarget(req NewShare) (bucket, prefix string, err error) {
	o.mu.RLock()
	defer o.mu.RUnlock()
	return o.state.target(req)
}

// CreateShare gives guests a pair that reads bucket/prefix until it expires (SPEC C27).
// owner is a peer: the share opens no more than that peer may read, and ends with it.
func (o *Orchestrator) CreateShare(ctx context.Context, req NewShare, owner string) (SharePair, error) {
	if err := workspace.CheckName(req.Name); err != nil {
		return SharePair{}, fault.New(fault.Usage, fault.As(err).Hint, "%q is not a valid name of a share", req.Name)
	}
	if !req.Expires.IsZero() && !req.Expires.After(o.now()) {
		return SharePair{}, fault.New(fault.Usage, "give a time that is still to come, as --expires 7d", "the share would have expired already")
	}
	if req.Expires.UTC().Year() > 9999 { // JSON has no such time
		return SharePair{}, fault.New(fault.Usage, "leave it out for a share that does not expire", "the share would expire after the year 9999")
	}
	pair := ScopedPair{
		AccessKeyID: "SH" + randomKeyID(), SecretAccessKey: randomToken(30), Share: req.Name, Peer: owner,
		ReadOnly: true, Created: o.stamp(), Expires: req.Expires.UTC(),
	}
	share := Share{Name: req.Name, Owner: owner, AccessKeyID: pair.AccessKeyID, Created: pair.Created, Expires: pair.Expires}
	err := o.change(ctx, func(ctx context.Context, c *control) error {
		bucket, prefix, err := c.target(req)
		if err != nil {
			return err
		}
		if _, err := o.store.Bucket(ctx, bucket); err != nil {
			return withHint(err, store.NoSuchBucket, "`artifacts-tui bucket list` shows those there are")
		}
		pair.Bucket, pair.Prefix, share.Bucket, share.Prefix = bucket, prefix, bucket, prefix
		if _, taken := c.shares[req.Name]; taken {
			return fault.New(fault.Conflict, "choose another name, or revoke that one first", "share %q exists already", req.Name)
		}
		// The pair first: a share without one is of no use, and its name would be taken.
		if err := c.putPair(ctx, pair); err != nil {
			return err
		}
		return c.putShare(ctx, share)
	})
	return SharePair{Share: share, SecretAccessKey: pair.SecretAccessKey}, err
}

// Shares lists them by name, the expired ones too.
func (o *Orchestrator) Shares() []Share {
	o.mu.RLock()
	defer o.mu.RUnlock()
	list := make([]Share, 0, len(o.state.shares))
	for _, s := range o.state.shares {
		list = append(list, s)
	}
	slices.SortFunc(list, func(a, b Share) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// Share finds one by name.
func (o *Orchestrator) Share(name string) (Share, error) {
	o.mu.RLock()
	defer o.mu.RUnlock()
	s, ok := o.state.shares[name]
	if !ok {
		return Share{}, fault.New(fault.NotFound, "`artifacts-tui share list` shows those there are", "no share is named %q", name)
	}
	return s, nil
}

// RevokeShare ends a share at once.
func (o *Orchestrator) RevokeShare(ctx context.Context, name string) (Share, error) {
	s, err := o.Share(name)
	if err != nil {
		return Share{}, err
	}
	return s, o.change(ctx, func(ctx context.Context, c *control) error {
		return c.dropShares(ctx, func(other Share) bool { return other.Name == name })
	})
}

// dropShares ends the shares that match, and the pairs of their guests before them.
func (c *control) dropShares(ctx context.Context, match func(Share) bool) error {
	for name, s := range c.shares {
		if !match(s) {
			continue
		}
		if err := c.dropPairs(ctx, func(p ScopedPair) bool { return p.Share == name }); err != nil {
			return err
		}
		if err := drop(ctx, c, sharesPrefix, name, c.shares); err != nil {
			return err
		}
	}
	return nil
}
