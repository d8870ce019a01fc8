package coordinator

import (
	"context"
	"crypto/sha256"
	"net/http"
	"slices"
	"time"

	"github.com/artifacts-tui/artifacts-tui/backend/s3/authn"
	"github.com/artifacts-tui/artifacts-tui/backend/s3/authz"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// identities is who may sign what, drawn from the control state at each change of it, so
// that requests wait for no lock.
type identities struct {
	keys   map[string]credential // by access key id: peers and scoped pairs
	tokens map[[sha256.Size]byte]string
	// recycle is how long buckets keep what is deleted; those that keep nothing are not in it.
	recycle map[string]time.Duration
}

// credential is what one access key goes with.
type credential struct {
	id       authn.Identity
	secret   string
	previous string // valid from rotated until its end
	rotated  time.Time
	until    time.Time
	expires  time.Time // zero: never
}

// draw makes identities of the control state. Peers without a binding are known, and may
// do nothing. Whoever made a bucket is its bucket-admin.
func draw(c *control) *identities {
	ids := &identities{keys: make(map[string]credential, len(c.peers)+len(c.pairs)), tokens: make(map[[sha256.Size]byte]string, len(c.peers)), recycle: map[string]time.Duration{}}
	grants := map[string][]authn.Grant{}
	for _, b := range c.bindings {
		grants[b.Peer] = append(grants[b.Peer], b.Grant)
	}
	for _, b := range c.buckets {
		if b.RecycleSeconds > 0 {
			ids.recycle[b.Name] = time.Duration(b.RecycleSeconds) * time.Second
		}
		if _, ok := c.peers[b.Owner]; ok {
			grants[b.Owner] = append(grants[b.Owner], authn.Grant{Role: authn.RoleBucketAdmin, Bucket: b.Name})
		}
	}
	for _, p := range c.peers {
		ids.keys[p.ID] = credential{
			id:     authn.Identity{ID: p.ID, AccessKeyID: p.ID, Grants: grants[p.ID]},
			secret: p.Token, previous: p.PreviousToken, rotated: p.Rotated, until: p.PreviousUntil,
		}
		ids.tokens[sha256.Sum256([]byte(p.Token))] = p.ID
		if p.PreviousToken != "" {
			ids.tokens[sha256.Sum256([]byte(p.PreviousToken))] = p.ID
		}
	}
	for _, p := range c.pairs {
		if scope, ok := scopeOf(p, c, ids); ok {
			ids.keys[p.AccessKeyID] = credential{
				id: authn.Identity{ID: owner(p), AccessKeyID: p.AccessKeyID, Scope: scope}, secret: p.SecretAccessKey, expires: p.Expires,
			}
		}
	}
	return ids
}

func owner(p ScopedPair) string {
	if p.Share != "" {
		return "share:" + p.Share
	}
	return "workspace:" + p.WorkspaceID
}

// scopeOf is what a pair opens. One that was issued to a peer opens no more than that peer
// may do now: what its grants say, and everything with a workspace that is its own.
func scopeOf(p ScopedPair, c *control, ids *identities) (scope *authn.Scope, ok bool) {
	scope = &authn.Scope{Bucket: p.Bucket, Prefix: p.Prefix, ReadOnly: p.ReadOnly}
	if p.Peer == "" {
		return scope, true
	}
	peer, known := ids.keys[p.Peer]
	if w, ok := c.workspaces[p.WorkspaceID]; ok && known && w.Owner == p.Peer {
		return scope, true
	}
	if !known || !authz.Granted(peer.id, authz.Read, p.Bucket, p.Prefix) {
		return nil, false
	}
	scope.ReadOnly = p.ReadOnly || !authz.Granted(peer.id, authz.Write, p.Bucket, p.Prefix)
	return scope, true
}

// unconfirmed is the refusal of a request that came when nobody could say who may do what
// (SPEC B8). Clients try again.
var unconfirmed = &authn.Error{
	Status: http.StatusServiceUnavailable, Code: "ServiceUnavailable", Message: "Who may do what cannot be confirmed at present. Please try again.",
}

// AccessKey returns who an access key id is, and the secret it signs with: a
// peer's id goes with its mesh token, a scoped pair with its own (SPEC B6, B28).
func (o *Orchestrator) AccessKey(ctx context.Context, id string) (authn.Identity, string, error) {
	if o.Confirm(ctx) != nil {
		return authn.Identity{}, "", unconfirmed
	}
	c, ok := o.identities.Load().keys[id]
	if !ok || (!c.expires.IsZero() && !o.now().Before(c.expires)) {
		return authn.Identity{}, "", authn.ErrUnknown
	}
	return c.id, c.secret, nil
}

// PreviousSecret is the token that a rotation replaced, while its grace lasts (SPEC B8).
func (o *Orchestrator) PreviousSecret(_ context.Context, id string) (string, error) {
	if c := o.identities.Load().keys[id]; c.inGrace(o.now()) {
		return c.previous, nil
	}
	return "", nil
}

// inGrace also ends where the clock says that the rotation is still to come: a clock that
// was put back must not revive a token.
func (c credential) inGrace(now time.Time) bool {
	return c.previous != "" && now.Before(c.until) && now.After(c.rotated.Add(-clockSkew))
}

// clockSkew is what SigV4 allows clocks to differ by.
const clockSkew = 15 * time.Minute

// Token returns which peer shows a mesh token. Tokens are looked up by their hash, so that
// how long it takes says nothing about them.
func (o *Orchestrator) Token(ctx context.Context, token string) (authn.Identity, error) {
	if o.Confirm(ctx) != nil {
		return authn.Identity{}, unconfirmed
	}
	who, ok := o.identities.Load().of(token, o.now())
	if !ok {
		return authn.Identity{}, authn.ErrUnknown
	}
	o.seen(who.ID)
	return who, nil
}

// of is the peer whose token that is at a time.
func (ids *identities) of(token string, now time.Time) (authn.Identity, bool) {
	sum := sha256.Sum256([]byte(token))
	id, ok := ids.tokens[sum]
	c := ids.keys[id]
	if !ok || sha256.Sum256([]byte(c.secret)) != sum && !c.inGrace(now) {
		return authn.Identity{}, false
	}
	return c.id, true
}

// claim is who asks for a change, as that was when it was allowed.
type claim struct {
	token string
	id    authn.Identity
}

type claimKey struct{}

// claimed holds the changes that are made with the context to a claim: a request that waits for its
// turn while its peer is removed, or loses a role, changes nothing (SPEC B8).
func claimed(ctx context.Context, c claim) context.Context {
	return context.WithValue(ctx, claimKey{}, c)
}

// holds refuses where a claim does not hold any more. It is called with the lock held.
func (o *Orchestrator) holds(ctx context.Context) error {
	was, ok := ctx.Value(claimKey{}).(claim)
	if !ok {
		return nil
	}
	now, known := o.identities.Load().of(was.token, o.now())
	for _, g := range was.id.Grants {
		_, there := o.state.buckets[g.Bucket] // what a peer may with its own bucket goes with that
		own := g.Role == authn.RoleBucketAdmin && g.Bucket != authn.AllBuckets && g.Prefix == "" && !there
		known = known && (own || slices.Contains(now.Grants, g))
	}
	if !known {
		return fault.New(fault.Auth, "do it again if you still may", "your token or your roles were changed meanwhile")
	}
	return nil
}

// seen notes that a peer was here, and proved who it is.
func (o *Orchestrator) seen(id string) {
	now := o.now().Unix()
	if last, ok := o.lastSeen.Load(id); ok && last.(int64) == now {
		return
	}
	o.lastSeen.Store(id, now)
}

// lastSeenOf is zero where a peer was not seen since this start.
func (o *Orchestrator) lastSeenOf(id string) time.Time {
	if last, ok := o.lastSeen.Load(id); ok {
		return time.Unix(last.(int64), 0).UTC()
	}
	return time.Time{}
}
