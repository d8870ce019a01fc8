package coordinator

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/text/unicode/norm"

	"github.com/artifacts-tui/artifacts-tui/backend/coordinator/documents"
	"github.com/artifacts-tui/artifacts-tui/backend/s3/authn"
	"github.com/artifacts-tui/artifacts-tui/backend/store"
	"github.com/artifacts-tui/artifacts-tui/backend/workspace"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// SystemBucket holds all control state and no client ever writes it (SPEC B14, B15).
const SystemBucket = store.SystemBucket

// ManagedBucket holds the data of managed workspaces, each under a prefix of its own.
// Its name is a reserved one: the scoped pairs that the coordinator issues open their
// prefixes, and no other peer reads, writes or takes the bucket (SPEC B28).
const ManagedBucket = "_managed"

// The documents of the system bucket.
const (
	meshKey           = "mesh.json"    // who this coordinator is, and where it listens
	peersPrefix       = "peers/"       // <peer id>.json
	bindingsPrefix    = "bindings/"    // <binding id>.json
	bucketsPrefix     = "buckets/"     // <name>.json
	workspacesPrefix  = "workspaces/"  // <workspace id>.json
	credentialsPrefix = "credentials/" // <access key id>.json
	sharesPrefix      = "shares/"      // <name>.json
)

// Mesh is the coordinator's own record.
type Mesh struct {
	ID       string    `json:"id"`
	Created  time.Time `json:"created"`
	Address  string    `json:"address,omitempty"` // host:port of the last start
	Restored time.Time `json:"restored,omitzero"` // from a backup; zero: never
}

// Peer is one user or machine of the mesh. Token is its mesh token: SigV4 needs
// the value itself, which is why only the system role reads this bucket.
type Peer struct {
	ID            string    `json:"id"` // the access key of the store (SPEC B6)
	Name          string    `json:"name"`
	Token         string    `json:"token"`
	PreviousToken string    `json:"previous_token,omitempty"` // valid until PreviousUntil (SPEC B8)
	PreviousUntil time.Time `json:"previous_until,omitzero"`
	Rotated       time.Time `json:"rotated,omitzero"`
	Created       time.Time `json:"created"`
}

// Binding gives a peer a role (SPEC C23).
type Binding struct {
	ID   string `json:"id"`
	Peer string `json:"peer"` // id
	authn.Grant
	Created time.Time `json:"created"`
}

// BucketRecord is what the control state knows of a bucket; how much it holds is the store's to say.
type BucketRecord struct {
	Name    string    `json:"name"`
	Owner   string    `json:"owner"`
	Quota   int64     `json:"quota,omitempty"` // bytes; 0: unlimited
	Created time.Time `json:"created"`
	// RecycleSeconds is how long deleted objects are kept; 0: they are not.
	RecycleSeconds int64 `json:"recycle_seconds,omitempty"`
	// Known is what a backup knew to be in a bucket that was restored from it.
	Known *workspace.Known `json:"known,omitempty"`
}

// ScopedPair is a credential pair that opens one prefix of one bucket: of a workspace
// (SPEC B28), for one peer's sessions or the local admin's, or of a share (SPEC C27).
type ScopedPair struct {
	AccessKeyID     string    `json:"access_key_id"`
	SecretAccessKey string    `json:"secret_access_key"`
	WorkspaceID     string    `json:"workspace_id,omitempty"`
	Peer            string    `json:"peer,omitempty"` // whose sessions it signs; the pair ends with the peer
	Share           string    `json:"share,omitempty"`
	Bucket          string    `json:"bucket"`
	Prefix          string    `json:"prefix"`
	ReadOnly        bool      `json:"read_only"`
	Created         time.Time `json:"created"`
	Expires         time.Time `json:"expires,omitzero"` // zero: never
}

// Share lets somebody without a token read a bucket, or a prefix of one (SPEC C27).
type Share struct {
	Name        string    `json:"name"`
	Bucket      string    `json:"bucket"`
	Prefix      string    `json:"prefix,omitempty"`
	Owner       string    `json:"owner"` // peer id; empty: the local admin
	AccessKeyID string    `json:"access_key_id"`
	Created     time.Time `json:"created"`
	Expires     time.Time `json:"expires,omitzero"` // zero: never
}

// control is the control state: every record in memory, written through to the
// system bucket before it is believed. Its caller holds the lock.
type control struct {
	docs       *documents.Bucket
	touched    []string   // documents that were written or removed since it was emptied
	reading    sync.Mutex // of documents that are read side by side
	mesh       Mesh
	own        ownRecord // as it was last read or written; empty where there is none
	peers      map[string]Peer
	bindings   map[string]Binding
	buckets    map[string]BucketRecord
	workspaces map[string]workspace.Workspace
	pairs      map[string]ScopedPair
	shares     map[string]Share
}

func emptyControl(docs *documents.Bucket) *control {
	return &control{
		docs: docs, peers: map[string]Peer{}, bindings: map[string]Binding{}, buckets: map[string]BucketRecord{},
		workspaces: map[string]workspace.Workspace{}, pairs: map[string]ScopedPair{}, shares: map[string]Share{},
	}
}

// loadAtOnce is how many documents are read side by side.
const loadAtOnce = 16

// mendHint is for what a coordinator does not start without.
const mendHint = "`artifacts-tui coordinator restore FILE --damaged` brings back what a backup has of it"

// loadControl reads every document. One that is damaged beyond its former version is left
// out, and reported by Damage; the coordinator's own is the exception, as nothing that
// clients know would fit a new one.
func loadControl(ctx context.Context, docs *documents.Bucket) (*control, error) {
	c := emptyControl(docs)
	keys, err := docs.Keys(ctx, "")
	if err != nil {
		return nil, err
	}
	reading, ctx := errgroup.WithContext(ctx)
	reading.SetLimit(loadAtOnce)
	for _, key := range keys {
		reading.Go(func() error { return c.reload(ctx, key) })
	}
	if err := reading.Wait(); err != nil {
		return nil, fault.Wrap(fault.Failure, err, mendHint, "the control state cannot be read")
	}
	return c, nil
}

// reload reads a document again; of one that is gone, or damaged, nothing stays.
func (c *control) reload(ctx context.Context, key string) error {
	err := c.load(ctx, key)
	if errors.Is(err, store.ErrNoSuchKey) || errors.Is(err, documents.ErrDamaged) && key != meshKey {
		c.forget(key)
		return nil
	}
	return err
}

// forget removes what was read of a document.
func (c *control) forget(key string) {
	c.reading.Lock()
	defer c.reading.Unlock()
	kind, name, _ := strings.Cut(key, "/")
	id := strings.TrimSuffix(name, ".json")
	switch kind + "/" {
	case peersPrefix:
		delete(c.peers, id)
	case bindingsPrefix:
		delete(c.bindings, id)
	case bucketsPrefix:
		delete(c.buckets, id)
	case workspacesPrefix:
		delete(c.workspaces, id)
	case credentialsPrefix:
		delete(c.pairs, id)
	case sharesPrefix:
		delete(c.shares, id)
	}
}

func (c *control) load(ctx context.Context, key string) error {
	kind, _, _ := strings.Cut(key, "/")
	switch kind + "/" {
	case peersPrefix:
		return into(ctx, c, key, c.peers, func(p Peer) string { return p.ID })
	case bindingsPrefix:
		return into(ctx, c, key, c.bindings, func(b Binding) string { return b.ID })
	case bucketsPrefix:
		return into(ctx, c, key, c.buckets, func(b BucketRecord) string { return b.Name })
	case workspacesPrefix:
		return into(ctx, c, key, c.workspaces, func(w workspace.Workspace) string { return w.ID })
	case credentialsPrefix:
		return into(ctx, c, key, c.pairs, func(p ScopedPair) string { return p.AccessKeyID })
	case sharesPrefix:
		return into(ctx, c, key, c.shares, func(s Share) string { return s.Name })
	}
	if key == meshKey {
		return c.docs.Read(ctx, key, &c.mesh)
	}
	return nil
}

// into reads one record into the map of its kind.
func into[R any](ctx context.Context, c *control, key string, all map[string]R, id func(R) string) error {
	var r R
	if err := c.docs.Read(ctx, key, &r); err != nil {
		return err
	}
	c.reading.Lock()
	defer c.reading.Unlock()
	all[id(r)] = r
	return nil
}

func (c *control) read(ctx context.Context, key string, into any) error {
	return c.docs.Read(ctx, key, into)
}

func (c *control) write(ctx context.Context, key string, record any) error {
	c.touched = append(c.touched, key)
	return c.docs.Write(ctx, key, record)
}

func (c *control) putMesh(ctx context.Context, m Mesh) error {
	if err := c.write(ctx, meshKey, m); err != nil {
		return err
	}
	c.mesh = m
	return nil
}

func (c *control) putPeer(ctx context.Context, p Peer) error {
	return put(ctx, c, peersPrefix, p.ID, p, c.peers)
}

func (c *control) putBinding(ctx context.Context, b Binding) error {
	return put(ctx, c, bindingsPrefix, b.ID, b, c.bindings)
}

func (c *control) putBucket(ctx context.Context, b BucketRecord) error {
	return put(ctx, c, bucketsPrefix, b.Name, b, c.buckets)
}

func (c *control) putWorkspace(ctx context.Context, w workspace.Workspace) error {
	return put(ctx, c, workspacesPrefix, w.ID, w, c.workspaces)
}

func (c *control) putPair(ctx context.Context, p ScopedPair) error {
	return put(ctx, c, credentialsPrefix, p.AccessKeyID, p, c.pairs)
}

func (c *control) putShare(ctx context.Context, s Share) error {
	return put(ctx, c, sharesPrefix, s.Name, s, c.shares)
}

// rewrite writes a document of which memory has the record, and reports whether it has.
func (c *control) rewrite(ctx context.Context, key string) (known bool, err error) {
	kind, name, _ := strings.Cut(key, "/")
	id := strings.TrimSuffix(name, ".json")
	switch kind + "/" {
	case peersPrefix:
		return again(ctx, c, key, c.peers, id)
	case bindingsPrefix:
		return again(ctx, c, key, c.bindings, id)
	case bucketsPrefix:
		return again(ctx, c, key, c.buckets, id)
	case workspacesPrefix:
		return again(ctx, c, key, c.workspaces, id)
	case credentialsPrefix:
		return again(ctx, c, key, c.pairs, id)
	case sharesPrefix:
		return again(ctx, c, key, c.shares, id)
	}
	switch {
	case key == meshKey:
		return true, c.putMesh(ctx, c.mesh)
	case key == tlsKey && c.own.Key != "":
		return true, c.write(ctx, key, c.own)
	}
	return false, nil
}

func again[R any](ctx context.Context, c *control, key string, all map[string]R, id string) (bool, error) {
	r, ok := all[id]
	if !ok {
		return false, nil
	}
	return true, c.write(ctx, key, r)
}

// put writes a record and then believes it.
func put[R any](ctx context.Context, c *control, prefix, id string, r R, all map[string]R) error {
	if err := c.write(ctx, prefix+id+".json", r); err != nil {
		return err
	}
	all[id] = r
	return nil
}

// drop ends a record.
func drop[R any](ctx context.Context, c *control, prefix, id string, all map[string]R) error {
	c.touched = append(c.touched, prefix+id+".json")
	if err := c.docs.Remove(ctx, prefix+id+".json"); err != nil {
		return err
	}
	delete(all, id)
	return nil
}

// dropPairs ends the pairs that match.
func (c *control) dropPairs(ctx context.Context, match func(ScopedPair) bool) error {
	for id, p := range c.pairs {
		if match(p) {
			if err := drop(ctx, c, credentialsPrefix, id, c.pairs); err != nil {
				return err
			}
		}
	}
	return nil
}

// byName finds a workspace that is not deleted.
func (c *control) byName(name string) (workspace.Workspace, bool) {
	for _, w := range c.workspaces {
		if w.Name == name && w.State != workspace.Deleted {
			return w, true
		}
	}
	return workspace.Workspace{}, false
}

// peer finds one by id, or by a name that is that of one alone.
func (c *control) peer(idOrName string) (Peer, error) {
	if p, ok := c.peers[idOrName]; ok {
		return p, nil
	}
	var found []Peer
	name := norm.NFC.String(idOrName) // as AddPeer keeps it
	for _, p := range c.peers {
		if p.Name == name {
			found = append(found, p)
		}
	}
	switch len(found) {
	case 0:
		return Peer{}, fault.New(fault.NotFound, "`artifacts-tui peer list` shows those there are", "no peer is named %q", withoutTokens(idOrName))
	case 1:
		return found[0], nil
	}
	return Peer{}, fault.New(fault.Conflict, "give its id, which `artifacts-tui peer list` shows", "%d peers are named %q", len(found), idOrName)
}
