package coordinator

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/artifacts-tui/artifacts-tui/backend/s3/authn"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// PeerInfo is a peer without its token.
type PeerInfo struct {
	ID            string    `json:"id"`
	Name          string    `json:"name"`
	Created       time.Time `json:"created"`
	Rotated       time.Time `json:"rotated,omitzero"`
	PreviousUntil time.Time `json:"previous_until,omitzero"` // end of the grace of its last token; zero: it is over
	LastSeen      time.Time `json:"last_seen,omitzero"`      // zero: not since the coordinator's start
	Bindings      []Binding `json:"bindings"`
	Buckets       []string  `json:"buckets"` // that it made, and is bucket-admin of
}

// NewPeer is a peer with its token: the only time that one is told (SPEC B8).
type NewPeer struct {
	ID    string `json:"id"`
	Token string `json:"token"`
	// PreviousUntil is how long the token before this one stays valid; zero: it does not.
	PreviousUntil time.Time `json:"previous_until,omitzero"`
}

// AddPeer is the body of POST /v1/peers.
type AddPeer struct {
	Name   string        `json:"name"`
	Grants []authn.Grant `json:"grants,omitempty"` // none: bucket-write on all buckets
	// Another lets a second peer have the name of a first.
	Another bool `json:"another,omitempty"`
}

// memberGrants is what a peer may do unless it is said.
var memberGrants = []authn.Grant{{Role: authn.RoleBucketWrite, Bucket: authn.AllBuckets}}

const maxPeerName = 40 // characters

// unprintable is what a terminal would obey, or show as something else.
func unprintable(r rune) bool { return !unicode.IsPrint(r) || r == utf8.RuneError }

var notInPeerID = regexp.MustCompile(`[^a-z0-9]+`)

// AddPeer enrols a peer and returns it with its token (SPEC B8).
func (o *Orchestrator) AddPeer(ctx context.Context, req AddPeer) (NewPeer, error) {
	req.Name = norm.NFC.String(req.Name) // two that look alike are one
	slug := strings.Trim(notInPeerID.ReplaceAllString(strings.ToLower(req.Name), "-"), "-")
	if slug == "" || utf8.RuneCountInString(req.Name) > maxPeerName || strings.TrimSpace(req.Name) != req.Name || strings.ContainsFunc(req.Name, unprintable) {
		return NewPeer{}, fault.New(fault.Usage, "a peer's name is one line with a letter of a-z or a digit in it, 40 characters at most", "%q is not a valid peer name", req.Name)
	}
	if len(req.Grants) == 0 {
		req.Grants = memberGrants
	}
	for i, g := range req.Grants {
		if err := checkGrant(g); err != nil {
			return NewPeer{}, err
		}
		if slices.Contains(req.Grants[:i], g) {
			return NewPeer{}, fault.New(fault.Usage, "give each role once", "the role %s is given twice", g)
		}
	}
	p := Peer{ID: slug + "-" + randomHex(3), Name: req.Name, Token: newToken(), Created: o.stamp()}
	err := o.change(ctx, func(ctx context.Context, c *control) error {
		for _, other := range c.peers {
			if other.ID == req.Name { // a name that finds another peer finds this one never
				return fault.New(fault.Conflict, "choose another name", "%q is the id of a peer", req.Name)
			}
			if other.Name == req.Name && !req.Another {
				return fault.New(fault.Conflict, "choose another name, or `artifacts-tui peer rotate "+other.ID+"` for a new token", "peer %q exists already (%s)", req.Name, other.ID)
			}
		}
		// The bindings first: a peer without them may do nothing, one that is not there less.
		for _, g := range req.Grants {
			if err := c.putBinding(ctx, Binding{ID: randomHex(4), Peer: p.ID, Grant: g, Created: p.Created}); err != nil {
				return err
			}
		}
		return c.putPeer(ctx, p)
	})
	if err != nil {
		return NewPeer{}, err
	}
	return NewPeer{ID: p.ID, Token: p.Token}, nil
}

// tokenPrefix begins every mesh token, so that one is known where it does not belong.
const tokenPrefix = "mesh_"

func newToken() string { return tokenPrefix + randomToken(32) }

// tokenForm is what newToken makes, one that was cut by a few letters too.
var tokenForm = regexp.MustCompile(tokenPrefix + `[A-Za-z0-9_-]{40,}`)

// withoutTokens masks the tokens that somebody put where a name belongs.
func withoutTokens(text string) string { return tokenForm.ReplaceAllString(text, tokenPrefix+"***") }

// Peers lists them by name.
func (o *Orchestrator) Peers() []PeerInfo {
	o.mu.RLock()
	defer o.mu.RUnlock()
	list := make([]PeerInfo, 0, len(o.state.peers))
	for _, p := range o.state.peers {
		list = append(list, o.describe(p))
	}
	slices.SortFunc(list, func(a, b PeerInfo) int { return strings.Compare(a.Name+"\x00"+a.ID, b.Name+"\x00"+b.ID) })
	return list
}

// Peer finds one by id, or by a name that is that of one alone.
func (o *Orchestrator) Peer(idOrName string) (PeerInfo, error) {
	o.mu.RLock()
	defer o.mu.RUnlock()
	p, err := o.state.peer(idOrName)
	if err != nil {
		return PeerInfo{}, err
	}
	return o.describe(p), nil
}

// describe is called with the lock held.
func (o *Orchestrator) describe(p Peer) PeerInfo {
	info := PeerInfo{ID: p.ID, Name: p.Name, Created: p.Created, Rotated: p.Rotated, LastSeen: o.lastSeenOf(p.ID), Bindings: []Binding{}, Buckets: []string{}}
	if c := (credential{previous: p.PreviousToken, rotated: p.Rotated, until: p.PreviousUntil}); c.inGrace(o.now()) {
		info.PreviousUntil = p.PreviousUntil
	}
	for _, b := range o.state.bindings {
		if b.Peer == p.ID {
			info.Bindings = append(info.Bindings, b)
		}
	}
	sortBindings(info.Bindings)
	for _, b := range o.state.buckets {
		if b.Owner == p.ID {
			info.Buckets = append(info.Buckets, b.Name)
		}
	}
	slices.Sort(info.Buckets)
	return info
}

// maxGrace bounds the grace of a replaced token.
const maxGrace = 30 * 24 * time.Hour

// RotatePeer gives a peer another token. The one before stays valid for grace; nil: what the
// coordinator is configured with (SPEC B8).
func (o *Orchestrator) RotatePeer(ctx context.Context, idOrName string, grace *time.Duration) (NewPeer, error) {
	if grace == nil {
		configured := time.Duration(o.Config().Peers.RotationGrace)
		grace = &configured
	}
	if *grace < 0 || *grace > maxGrace {
		return NewPeer{}, fault.New(fault.Usage, "give it as 24h or 30m; 0 ends the old token at once", "the grace of a token is between 0 and %d days", maxGrace/(24*time.Hour))
	}
	var rotated NewPeer
	err := o.change(ctx, func(ctx context.Context, c *control) error {
		p, err := c.peer(idOrName)
		if err != nil {
			return err
		}
		p.PreviousToken, p.Token, p.Rotated = p.Token, newToken(), o.stamp()
		p.PreviousUntil = p.Rotated.Add(*grace)
		if *grace == 0 {
			p.PreviousToken, p.PreviousUntil = "", time.Time{}
		}
		rotated = NewPeer{ID: p.ID, Token: p.Token, PreviousUntil: p.PreviousUntil}
		return c.putPeer(ctx, p)
	})
	if err != nil {
		return NewPeer{}, err
	}
	return rotated, nil
}

// RemovePeer ends a peer, its token, its bindings and the sessions of its mounts at once
// (SPEC B8). Its buckets and workspaces stay.
func (o *Orchestrator) RemovePeer(ctx context.Context, idOrName string) (PeerInfo, error) {
	var removed PeerInfo
	err := o.change(ctx, func(ctx context.Context, c *control) error {
		p, err := c.peer(idOrName)
		if err != nil {
			return err
		}
		removed = o.describe(p)
		if err := c.keepsAnAdmin(func(b Binding) bool { return b.Peer != p.ID }, p.Name); err != nil {
			return err
		}
		// The peer first: what is left of it after a crash opens nothing.
		if err := drop(ctx, c, peersPrefix, p.ID, c.peers); err != nil {
			return err
		}
		return c.dropLeavings(ctx)
	})
	if err == nil {
		o.lastSeen.Delete(removed.ID)
	}
	return removed, err
}

// dropLeavings ends bindings, shares and pairs of peers that are no more, and pairs of shares that
// never were. A peer or a share whose record is damaged may still be brought back.
func (c *control) dropLeavings(ctx context.Context) error {
	damage := c.docs.Damage()
	gone := func(peer string) bool { return peer != "" && isGone(damage, peersPrefix, peer, c.peers) }
	for id, b := range c.bindings {
		if gone(b.Peer) {
			if err := drop(ctx, c, bindingsPrefix, id, c.bindings); err != nil {
				return err
			}
		}
	}
	if err := c.dropShares(ctx, func(s Share) bool { return gone(s.Owner) }); err != nil {
		return err
	}
	return c.dropPairs(ctx, func(p ScopedPair) bool {
		return gone(p.Peer) || p.Share != "" && isGone(damage, sharesPrefix, p.Share, c.shares)
	})
}

// isGone reports whether there is no record, and none that is damaged.
func isGone[R any](damage map[string]string, prefix, id string, all map[string]R) bool {
	_, there := all[id]
	_, damaged := damage[prefix+id+".json"]
	return !there && !damaged
}
