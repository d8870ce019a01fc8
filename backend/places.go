package backend

import (
	"context"
	"os"
	"path/filepath"
	"sync"

	"github.com/artifacts-tui/artifacts-tui/backend/coordinator"
	"github.com/artifacts-tui/artifacts-tui/backend/objects"
	"github.com/artifacts-tui/artifacts-tui/backend/workspace"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/internal/tlstrust"
	"github.com/artifacts-tui/artifacts-tui/keyring"
	"github.com/artifacts-tui/artifacts-tui/mounts"
	"github.com/artifacts-tui/artifacts-tui/mounts/remote"
)

// Places opens buckets and workspaces for package objects, each with the keys that a mount of
// it has: the peer's own for a bucket of the mesh, the scoped pair for a managed workspace, what
// the credential chain finds for a bucket of one's own. It keeps what it opened. Its methods may
// be called side by side.
type Places struct {
	a   *App
	opt PlaceOptions

	mu     sync.Mutex
	link   *coordinatorLink
	stores map[string]*objects.Store
}

// PlaceOptions are for all that a Places opens.
type PlaceOptions struct {
	CredentialProfile string // for workspaces in buckets of one's own; empty: as a mount has it
	Bandwidth         mounts.Bandwidth
}

// Places opens nothing yet. The caller closes it.
func (a *App) Places(opt PlaceOptions) *Places {
	return &Places{a: a, opt: opt, stores: map[string]*objects.Store{}}
}

// ResumeDir is where uploads in parts are kept account of.
func (a *App) ResumeDir() string { return filepath.Join(a.opt.Roots.State, "uploads") }

// Open opens a place; write tells whether it is to be changed.
func (p *Places) Open(ctx context.Context, name objects.Name, write bool) (objects.Place, error) {
	place := objects.Place{Name: name}
	if !name.Remote() {
		return place, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	id := string(name.Kind) + ":" + name.In
	for _, known := range []string{id + "+write", id} {
		if s := p.stores[known]; s != nil && (!write || known != id) {
			place.Store = s
			return place, nil
		}
	}
	s, err := p.open(ctx, name, write)
	if err != nil {
		return place, err
	}
	if write {
		id += "+write"
	}
	p.stores[id] = s
	place.Store = s
	return place, nil
}

// Buckets are those of the mesh that the user may see.
func (p *Places) Buckets(ctx context.Context) ([]coordinator.Bucket, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.connect(ctx); err != nil {
		return nil, err
	}
	return p.link.Buckets(ctx)
}

// Close drops the connections.
func (p *Places) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.stores {
		s.Close()
	}
	if p.link != nil {
		p.link.Close()
	}
	p.link, p.stores = nil, map[string]*objects.Store{}
}

func (p *Places) connect(ctx context.Context) error {
	if p.link != nil {
		return nil
	}
	link, err := p.a.connect(ctx)
	if err == nil {
		p.link = &link
	}
	return err
}

func (p *Places) open(ctx context.Context, name objects.Name, write bool) (*objects.Store, error) {
	if err := p.connect(ctx); err != nil {
		return nil, err
	}
	if name.Kind == objects.Bucket {
		found, err := p.link.peerCredentials(ctx)
		if err != nil {
			return nil, err
		}
		spec := mounts.Spec{Bucket: name.In}
		p.link.reach(&spec)
		return p.store(name, spec, found, nil)
	}
	w, err := p.link.Workspace(ctx, name.In)
	if err != nil {
		return nil, err
	}
	if err := usable(w); err != nil {
		return nil, err
	}
	spec := mounts.Spec{Endpoint: w.Endpoint, Bucket: w.Bucket, Prefix: w.Prefix}
	if w.Backend != workspace.BYO {
		found, err := coordinatorCredentials(ctx, *p.link, w, !write)
		if err != nil {
			return nil, err
		}
		p.link.reach(&spec)
		return p.store(name, spec, found, nil)
	}
	chain, err := p.a.credentialChain(p.opt.CredentialProfile, w.ID, w.Region)
	if err != nil {
		return nil, err
	}
	found, err := p.a.resolve(ctx, chain)
	if err != nil {
		return nil, err
	}
	return p.store(name, spec, found, chain.Resolve)
}

func (p *Places) store(name objects.Name, spec mounts.Spec, found keyring.Resolved, again func(context.Context) (keyring.Resolved, error)) (*objects.Store, error) {
	creds, web := found.Credentials, p.a.web()
	client, err := remote.New(remote.Options{
		Endpoint: spec.Endpoint, Socket: spec.Socket, Bucket: spec.Bucket, Region: creds.SigningRegion(), Keys: remote.NewKeys(creds),
		CABundle: os.Getenv(tlstrust.EnvBundle), CertificatePin: spec.CertificatePin, Bandwidth: p.opt.Bandwidth, Hints: &objects.Hints,
		Proxy: web.Proxy, Trace: web.Trace,
	})
	if err != nil {
		return nil, err
	}
	opt := objects.Options{
		Client: client, Name: objects.Name{Kind: name.Kind, In: name.In}, Bucket: spec.Bucket, Prefix: spec.Prefix,
		Location: spec.Endpoint, Account: spec.Endpoint + "\x00" + creds.Fingerprint(), Conditional: again == nil,
	}
	if again != nil && !creds.Expires.IsZero() {
		var renewing sync.Mutex
		opt.Renew = func(ctx context.Context) error {
			renewing.Lock()
			defer renewing.Unlock()
			if end := client.Expires(); end.IsZero() || !objects.Ending(end) {
				return nil // somebody was quicker
			}
			next, err := again(ctx)
			if err != nil {
				return fault.Wrap(fault.Auth, err, "'artifacts storage explain' tells where they come from", "the credentials end, and there are no others")
			}
			client.Renew(next.Credentials)
			return nil
		}
	}
	return objects.NewStore(opt), nil
}
