package coordinator

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/artifacts-tui/artifacts-tui/backend/store"
	"github.com/artifacts-tui/artifacts-tui/backend/workspace"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// CreateWorkspace is the body of POST /v1/workspaces. It has no field for a key,
// a secret or a token, and unknown fields are refused (SPEC A31, B30).
type CreateWorkspace struct {
	Name     string            `json:"name"`
	Backend  workspace.Backend `json:"backend"`
	Bucket   string            `json:"bucket,omitempty"`
	Endpoint string            `json:"endpoint,omitempty"`
	Region   string            `json:"region,omitempty"`
	Prefix   string            `json:"prefix,omitempty"`
}

// Session is what a mount of a managed workspace signs with (SPEC B28).
type Session struct {
	Workspace       workspace.Workspace `json:"workspace"`
	AccessKeyID     string              `json:"access_key_id"`
	SecretAccessKey string              `json:"secret_access_key"`
	ReadOnly        bool                `json:"read_only"`
}

// Orchestrator owns the control state: workspaces, peers and scoped pairs.
type Orchestrator struct {
	mu       sync.RWMutex
	state    *control
	store    *store.Store
	revision int64
	changed  chan struct{} // closed and replaced at each change
}

// NewOrchestrator loads the control state from the system bucket, which it
// creates where it is missing.
func NewOrchestrator(ctx context.Context, s *store.Store) (*Orchestrator, error) {
	state, err := loadControl(ctx, s)
	if err != nil {
		return nil, err
	}
	o := &Orchestrator{state: state, store: s, revision: 1, changed: make(chan struct{})}
	if state.mesh.ID == "" {
		if err := state.putMesh(ctx, Mesh{ID: randomHex(8), Created: now()}); err != nil {
			return nil, err
		}
	}
	return o, nil
}

// Mesh returns the coordinator's own record.
func (o *Orchestrator) Mesh() Mesh {
	o.mu.RLock()
	defer o.mu.RUnlock()
	return o.state.mesh
}

// SetAddress records where this start listens, so that the next one can listen
// there again.
func (o *Orchestrator) SetAddress(ctx context.Context, address string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	m := o.state.mesh
	if m.Address == address {
		return nil
	}
	m.Address = address
	return o.state.putMesh(ctx, m)
}

// Workspaces lists what is not deleted, by name. Usage is counted for managed
// and mesh workspaces where withUsage is set.
func (o *Orchestrator) Workspaces(ctx context.Context, withUsage bool) (list []workspace.Workspace, err error) {
	o.mu.RLock()
	list = make([]workspace.Workspace, 0, len(o.state.workspaces))
	for _, w := range o.state.workspaces {
		if w.State != workspace.Deleted {
			list = append(list, w)
		}
	}
	o.mu.RUnlock()
	slices.SortFunc(list, func(a, b workspace.Workspace) int { return strings.Compare(a.Name, b.Name) })
	if !withUsage {
		return list, nil
	}
	for i := range list {
		if list[i].Endpoint != "" {
			continue
		}
		if list[i].Usage, err = prefixUsage(ctx, o.store, list[i]); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// Workspace returns one that is not deleted, or fault.NotFound.
func (o *Orchestrator) Workspace(ctx context.Context, name string, withUsage bool) (workspace.Workspace, error) {
	o.mu.RLock()
	w, ok := o.state.byName(name)
	o.mu.RUnlock()
	if !ok {
		return workspace.Workspace{}, noWorkspace(name)
	}
	if withUsage && w.Endpoint == "" {
		var err error
		if w.Usage, err = prefixUsage(ctx, o.store, w); err != nil {
			return workspace.Workspace{}, err
		}
	}
	return w, nil
}

func noWorkspace(name string) error {
	return fault.New(fault.NotFound, "`artifacts-tui workspace list` shows those there are", "no workspace is named %q", name)
}

// Create makes a workspace, or takes up one that an earlier call left in
// pending_format (SPEC B29). A managed or mesh one comes back active. A byo one comes back
// pending_format: its owner checks the bucket, then calls Activate.
func (o *Orchestrator) Create(ctx context.Context, req CreateWorkspace) (workspace.Workspace, error) {
	w, err := plan(req)
	if err != nil {
		return workspace.Workspace{}, err
	}
	if err := o.meshBucketExists(ctx, w); err != nil {
		return workspace.Workspace{}, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if old, exists := o.state.byName(w.Name); exists {
		if old.State != workspace.PendingFormat || !sameRequest(old, w) {
			return workspace.Workspace{}, fault.New(fault.Conflict, "choose another name, or delete that one first",
				"workspace %q exists already (%s, %s)", old.Name, old.Backend, old.State)
		}
		w = old
	} else if err := o.state.putWorkspace(ctx, w); err != nil {
		return workspace.Workspace{}, err
	}
	defer o.touch()
	switch w.Backend {
	case workspace.BYO:
		return w, nil
	case workspace.Mesh:
		return o.setState(ctx, w, workspace.Active)
	}
	if err := ensureBucket(ctx, o.store, w.Bucket); err != nil {
		return workspace.Workspace{}, err
	}
	if _, err := o.pair(ctx, w, false); err != nil {
		return workspace.Workspace{}, err
	}
	return o.setState(ctx, w, workspace.Active)
}

// plan turns a request into a record that is not stored yet.
func plan(req CreateWorkspace) (workspace.Workspace, error) {
	if err := workspace.CheckName(req.Name); err != nil {
		return workspace.Workspace{}, err
	}
	w := workspace.Workspace{
		ID: randomHex(8), Name: req.Name, Backend: req.Backend, State: workspace.PendingFormat,
		Bucket: req.Bucket, Endpoint: req.Endpoint, Region: req.Region, Prefix: req.Prefix, Created: now(),
	}
	switch req.Backend {
	case workspace.Managed:
		w.Bucket, w.Endpoint, w.Region = ManagedBucket, "", ""
		w.Prefix = w.Name + "-" + w.ID[:8] + "/"
	case workspace.BYO:
		if w.Bucket == "" || w.Endpoint == "" {
			return w, fault.New(fault.Usage, "give --bucket and --endpoint", "a byo workspace needs a bucket and an endpoint")
		}
		if _, authority, ok := strings.Cut(w.Endpoint, "://"); !ok || strings.Contains(authority, "@") {
			return w, fault.New(fault.Usage, "an endpoint looks like https://s3.example.com", "the endpoint is not a plain URL")
		}
	case workspace.Mesh:
		if err := planMesh(&w); err != nil {
			return w, err
		}
	default:
		return w, fault.New(fault.Usage, "the backends are managed, byo and mesh", "unknown backend %q", req.Backend)
	}
	if w.Prefix != "" && !strings.HasSuffix(w.Prefix, "/") {
		w.Prefix += "/"
	}
	return w, nil
}

func sameRequest(a, b workspace.Workspace) bool {
	if a.Backend == workspace.Managed && b.Backend == workspace.Managed {
		return true
	}
	return a.Backend == b.Backend && a.Bucket == b.Bucket && a.Endpoint == b.Endpoint && a.Prefix == b.Prefix
}

// Activate ends a create. An active workspace stays as it is.
func (o *Orchestrator) Activate(ctx context.Context, name string) (workspace.Workspace, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	w, ok := o.state.byName(name)
	switch {
	case !ok:
		return w, noWorkspace(name)
	case w.State == workspace.Active:
		return w, nil
	case w.State != workspace.PendingFormat:
		return w, fault.New(fault.Conflict, "wait until it is gone", "workspace %q is %s", name, w.State)
	}
	defer o.touch()
	return o.setState(ctx, w, workspace.Active)
}

// Delete ends a workspace: its pairs stop working at once, its name is free
// again. The objects stay where they are, whoever's bucket it is (SPEC C1).
func (o *Orchestrator) Delete(ctx context.Context, name string) (workspace.Workspace, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	w, ok := o.state.byName(name)
	if !ok {
		return w, noWorkspace(name)
	}
	defer o.touch()
	w, err := o.setState(ctx, w, workspace.Deleting)
	if err != nil {
		return w, err
	}
	if err := o.state.dropPairs(ctx, w.ID); err != nil {
		return w, err
	}
	return o.setState(ctx, w, workspace.Deleted)
}

// OpenSession returns the pair of a managed workspace. A read-only session gets
// a pair that the store refuses writes to (SPEC B28).
func (o *Orchestrator) OpenSession(ctx context.Context, name string, readOnly bool) (Session, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	w, ok := o.state.byName(name)
	switch {
	case !ok:
		return Session{}, noWorkspace(name)
	case w.Backend != workspace.Managed:
		return Session{}, fault.New(fault.Usage, "its credentials are on the hosts that mount it", "workspace %q is %s", name, w.Backend)
	case w.State != workspace.Active:
		return Session{}, fault.New(fault.Conflict, "run the same `workspace create` again to finish it", "workspace %q is %s", name, w.State)
	}
	p, err := o.pair(ctx, w, readOnly)
	if err != nil {
		return Session{}, err
	}
	return Session{Workspace: w, AccessKeyID: p.AccessKeyID, SecretAccessKey: p.SecretAccessKey, ReadOnly: readOnly}, nil
}

// pair returns the workspace's scoped pair of that kind, made on first use.
func (o *Orchestrator) pair(ctx context.Context, w workspace.Workspace, readOnly bool) (ScopedPair, error) {
	for _, p := range o.state.pairs {
		if p.WorkspaceID == w.ID && p.ReadOnly == readOnly {
			return p, nil
		}
	}
	p := ScopedPair{
		AccessKeyID: "WS" + randomKeyID(), SecretAccessKey: randomToken(30), WorkspaceID: w.ID,
		Bucket: w.Bucket, Prefix: w.Prefix, ReadOnly: readOnly, Created: now(),
	}
	return p, o.state.putPair(ctx, p)
}

func (o *Orchestrator) setState(ctx context.Context, w workspace.Workspace, s workspace.State) (workspace.Workspace, error) {
	w.State = s
	return w, o.state.putWorkspace(ctx, w)
}

var notInPeerID = regexp.MustCompile(`[^a-z0-9]+`)

// AddPeer enrols a peer and returns it with its token, the only time it is told
// (SPEC B8).
func (o *Orchestrator) AddPeer(ctx context.Context, name string, roles []string) (Peer, error) {
	slug := strings.Trim(notInPeerID.ReplaceAllString(strings.ToLower(name), "-"), "-")
	if slug == "" || len(slug) > 40 {
		return Peer{}, fault.New(fault.Usage, "a peer's name has letters or digits, 40 at most", "%q is not a valid peer name", name)
	}
	p := Peer{ID: slug + "-" + randomHex(3), Name: name, Token: "mesh_" + randomToken(32), Roles: roles, Created: now()}
	o.mu.Lock()
	defer o.mu.Unlock()
	defer o.touch()
	return p, o.state.putPeer(ctx, p)
}

// Revision counts the changes since this start.
func (o *Orchestrator) Revision() int64 {
	o.mu.RLock()
	defer o.mu.RUnlock()
	return o.revision
}

// Await returns the revision once it is past after, or what it is when ctx ends.
func (o *Orchestrator) Await(ctx context.Context, after int64) int64 {
	for {
		o.mu.RLock()
		revision, changed := o.revision, o.changed
		o.mu.RUnlock()
		if revision != after {
			return revision
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return revision
		}
	}
}

// touch tells those who Await. The caller holds the lock.
func (o *Orchestrator) touch() {
	o.revision++
	close(o.changed)
	o.changed = make(chan struct{})
}

func now() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }

func randomHex(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails: crypto/rand ends the program instead
	return hex.EncodeToString(b)
}

func randomToken(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return base64.RawURLEncoding.EncodeToString(b)
}

// randomKeyID is 18 letters and digits, so that an access key id has S3's 20.
func randomKeyID() string {
	b := make([]byte, 12)
	_, _ = rand.Read(b)
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(b)[:18]
}
