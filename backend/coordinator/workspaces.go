package coordinator

import (
	"context"
	"slices"
	"strings"

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
	Quota    int64             `json:"quota,omitempty"` // bytes, of a managed one; 0: unlimited
}

// Workspaces lists those that match, by name. Usage is counted for managed
// and mesh workspaces where withUsage is set.
func (o *Orchestrator) Workspaces(ctx context.Context, match func(workspace.Workspace) bool, withUsage bool) (list []workspace.Workspace, err error) {
	o.mu.RLock()
	list = make([]workspace.Workspace, 0, len(o.state.workspaces))
	for _, w := range o.state.workspaces {
		if match(w) {
			list = append(list, w)
		}
	}
	o.mu.RUnlock()
	slices.SortFunc(list, func(a, b workspace.Workspace) int { return strings.Compare(a.Name+"\x00"+a.ID, b.Name+"\x00"+b.ID) })
	if !withUsage {
		return list, nil
	}
	for i := range list {
		if list[i].Usage, err = o.usage(ctx, list[i]); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// Present matches what is not deleted.
func Present(w workspace.Workspace) bool { return w.State != workspace.Deleted }

// Workspace returns one that is not deleted, or fault.NotFound.
func (o *Orchestrator) Workspace(ctx context.Context, name string, withUsage bool) (workspace.Workspace, error) {
	o.mu.RLock()
	w, ok := o.state.byName(name)
	o.mu.RUnlock()
	if !ok {
		return workspace.Workspace{}, noWorkspace(name)
	}
	if withUsage {
		var err error
		if w.Usage, err = o.usage(ctx, w); err != nil {
			return workspace.Workspace{}, err
		}
	}
	return w, nil
}

// usage is nil for a bucket of somebody else's.
func (o *Orchestrator) usage(ctx context.Context, w workspace.Workspace) (*workspace.Usage, error) {
	if w.Backend == workspace.BYO {
		return nil, nil
	}
	u, err := prefixUsage(ctx, o.store, w.Bucket, w.Prefix)
	return &u, err
}

func noWorkspace(name string) error {
	return fault.New(fault.NotFound, "`artifacts-tui workspace list` shows those there are", "no workspace is named %q", name)
}

// CreateWorkspace makes a workspace that belongs to owner, or takes up one that an earlier
// call left in pending_format (SPEC B29). A managed or mesh one comes back active. A byo one
// comes back pending_format: its owner checks the bucket, then calls Activate.
func (o *Orchestrator) CreateWorkspace(ctx context.Context, req CreateWorkspace, owner string) (workspace.Workspace, error) {
	w, err := o.plan(req, owner)
	if err != nil {
		return workspace.Workspace{}, err
	}
	if err := o.meshBucketExists(ctx, w); err != nil {
		return workspace.Workspace{}, err
	}
	err = o.change(ctx, func(ctx context.Context, c *control) error {
		if old, exists := c.byName(w.Name); exists {
			if old.State != workspace.PendingFormat || !sameRequest(old, w) {
				return fault.New(fault.Conflict, "choose another name, or delete that one first",
					"workspace %q exists already (%s, %s)", old.Name, old.Backend, old.State)
			}
			old.Quota, old.Region = w.Quota, w.Region // as this call has them
			w = old
		}
		if w.Backend != workspace.Mesh { // which has nothing to resume
			if err := c.putWorkspace(ctx, w); err != nil {
				return err
			}
		}
		if w.Backend == workspace.BYO {
			return nil
		}
		if err := o.provision(ctx, w); err != nil {
			return err
		}
		w.State = workspace.Active
		return c.putWorkspace(ctx, w)
	})
	return w, err
}

// provision makes the place of a managed workspace in the store, where it is not there yet,
// and bounds it to its quota. Of a mesh workspace it has what is below its prefix counted.
func (o *Orchestrator) provision(ctx context.Context, w workspace.Workspace) error {
	if w.Backend == workspace.Managed {
		if err := ensureBucket(ctx, o.store, w.Bucket); err != nil {
			return err
		}
	}
	if w.Prefix == "" {
		return nil
	}
	return o.store.SetPrefix(ctx, w.Bucket, w.Prefix, w.Quota)
}

// plan turns a request into a record that is not stored yet.
func (o *Orchestrator) plan(req CreateWorkspace, owner string) (workspace.Workspace, error) {
	if err := workspace.CheckName(req.Name); err != nil {
		return workspace.Workspace{}, err
	}
	w := workspace.Workspace{
		ID: randomHex(8), Name: req.Name, Backend: req.Backend, State: workspace.PendingFormat, Owner: owner, Quota: req.Quota,
		Bucket: req.Bucket, Endpoint: req.Endpoint, Region: req.Region, Prefix: req.Prefix, Created: o.stamp(),
	}
	if err := checkQuota(req.Quota); err != nil {
		return w, err
	}
	if req.Quota != 0 && req.Backend != workspace.Managed {
		return w, fault.New(fault.Usage, "leave the quota out", "a quota bounds managed workspaces alone")
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
	if a.Owner != b.Owner {
		return false
	}
	if a.Backend == workspace.Managed && b.Backend == workspace.Managed {
		return true
	}
	return a.Backend == b.Backend && a.Bucket == b.Bucket && a.Endpoint == b.Endpoint && a.Prefix == b.Prefix
}

// Activate ends a create. An active workspace stays as it is.
func (o *Orchestrator) Activate(ctx context.Context, name string) (w workspace.Workspace, err error) {
	err = o.change(ctx, func(ctx context.Context, c *control) error {
		var ok bool
		w, ok = c.byName(name)
		switch {
		case !ok:
			return noWorkspace(name)
		case w.State == workspace.Active:
			return nil
		case w.State != workspace.PendingFormat:
			return fault.New(fault.Conflict, "wait until it is gone", "workspace %q is %s", name, w.State)
		}
		w.State = workspace.Active
		return c.putWorkspace(ctx, w)
	})
	return w, err
}

// DeleteWorkspace ends a workspace: its pairs and the shares of a managed one stop working
// at once, its name is free again. The objects stay where they are: those of a managed one until it is purged, those
// in somebody's bucket for good (SPEC C1, C22).
func (o *Orchestrator) DeleteWorkspace(ctx context.Context, name string) (w workspace.Workspace, err error) {
	err = o.change(ctx, func(ctx context.Context, c *control) error {
		var ok bool
		if w, ok = c.byName(name); !ok {
			return noWorkspace(name)
		}
		if w.State == workspace.PendingFormat { // there is nothing to bring back
			w.State = workspace.Deleted
			return drop(ctx, c, workspacesPrefix, w.ID, c.workspaces)
		}
		w.State = workspace.Deleting
		if err := c.putWorkspace(ctx, w); err != nil {
			return err
		}
		return o.finishDelete(ctx, c, &w)
	})
	return w, err
}

func (o *Orchestrator) finishDelete(ctx context.Context, c *control, w *workspace.Workspace) error {
	if err := c.dropPairs(ctx, func(p ScopedPair) bool { return p.WorkspaceID == w.ID }); err != nil {
		return err
	}
	if w.Backend == workspace.Managed {
		if err := c.dropShares(ctx, func(s Share) bool { return s.Bucket == w.Bucket && strings.HasPrefix(s.Prefix, w.Prefix) }); err != nil {
			return err
		}
	}
	if err := o.uncount(ctx, c, *w); err != nil {
		return err
	}
	w.State, w.Deleted = workspace.Deleted, o.stamp()
	return c.putWorkspace(ctx, *w)
}

// SetWorkspaceQuota bounds a managed workspace to bytes; 0: unlimited. It refuses a quota
// below what is in use unless force is set; writes that add are then refused (SPEC B25).
func (o *Orchestrator) SetWorkspaceQuota(ctx context.Context, name string, bytes int64, force bool) (w workspace.Workspace, err error) {
	if err := checkQuota(bytes); err != nil {
		return w, err
	}
	err = o.change(ctx, func(ctx context.Context, c *control) error {
		var ok bool
		if w, ok = c.byName(name); !ok {
			return noWorkspace(name)
		}
		if w.Backend != workspace.Managed {
			return fault.New(fault.Usage, "a mesh workspace has its bucket's: `artifacts-tui bucket quota set`", "workspace %q is %s, and a quota bounds managed ones alone", name, w.Backend)
		}
		p, err := o.store.Prefix(ctx, w.Bucket, w.Prefix)
		if err != nil {
			return err
		}
		if err := belowUsage("workspace "+name, bytes, p.Total(), force); err != nil {
			return err
		}
		w.Quota = bytes
		if err := c.putWorkspace(ctx, w); err != nil {
			return err
		}
		used := usageOf(p.Usage)
		w.Usage = &used
		return o.provision(ctx, w)
	})
	return w, err
}

// ForgetWorkspace stops reporting what a backup knew of a workspace and that is not there.
func (o *Orchestrator) ForgetWorkspace(ctx context.Context, name string) (w workspace.Workspace, err error) {
	err = o.change(ctx, func(ctx context.Context, c *control) error {
		var ok bool
		if w, ok = c.byName(name); !ok {
			return noWorkspace(name)
		}
		w.Known = nil
		return c.putWorkspace(ctx, w)
	})
	return w, err
}

// ensureBucket makes a bucket of the coordinator's own where it is missing.
func ensureBucket(ctx context.Context, s *store.Store, name string) error {
	err := s.CreateBucket(ctx, name, store.CreateBucketOptions{Owner: "coordinator"})
	if isCode(err, store.BucketAlreadyExists) {
		return nil
	}
	return err
}
