package coordinator

import (
	"context"
	"time"

	"github.com/artifacts-tui/artifacts-tui/backend/store"
	"github.com/artifacts-tui/artifacts-tui/backend/workspace"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// deleted finds a deleted workspace among those that match, by id, or by a name that is that of one alone.
func (c *control) deleted(idOrName string, match func(workspace.Workspace) bool) (workspace.Workspace, error) {
	var found []workspace.Workspace
	for _, w := range c.workspaces {
		if w.State != workspace.Deleted || !match(w) {
			continue
		}
		if w.ID == idOrName {
			return w, nil
		}
		if w.Name == idOrName {
			found = append(found, w)
		}
	}
	switch {
	case len(found) == 0:
		return workspace.Workspace{}, fault.New(fault.NotFound, "`artifacts-tui workspace list --deleted` shows those there are", "no deleted workspace is named %q", idOrName)
	case len(found) > 1:
		return workspace.Workspace{}, fault.New(fault.Conflict, "give its id, which `artifacts-tui workspace list --deleted` shows", "%d deleted workspaces are named %q", len(found), idOrName)
	}
	return found[0], nil
}

// DeletedWorkspace finds one by id or name among those that match.
func (o *Orchestrator) DeletedWorkspace(idOrName string, match func(workspace.Workspace) bool) (workspace.Workspace, error) {
	o.mu.RLock()
	defer o.mu.RUnlock()
	return o.state.deleted(idOrName, match)
}

func anyWorkspace(workspace.Workspace) bool { return true }

// RestoreWorkspace brings a deleted workspace back, with new pairs (SPEC C22).
func (o *Orchestrator) RestoreWorkspace(ctx context.Context, idOrName string) (w workspace.Workspace, err error) {
	err = o.change(ctx, func(ctx context.Context, c *control) error {
		if w, err = c.deleted(idOrName, anyWorkspace); err != nil {
			return err
		}
		if w.Purging {
			return fault.New(fault.NotFound, "", "workspace %q is being purged", w.Name)
		}
		if other, taken := c.byName(w.Name); taken {
			return fault.New(fault.Conflict, "delete that one first", "another workspace is named %q by now (%s)", w.Name, other.ID)
		}
		if w.Backend == workspace.Mesh {
			if err := o.countMesh(ctx, w); err != nil {
				return err
			}
		}
		w.State, w.Deleted = workspace.Active, time.Time{}
		return c.putWorkspace(ctx, w)
	})
	return w, err
}

// purgeAfter is when a deleted workspace is removed for good.
func (o *Orchestrator) purgeAfter(w workspace.Workspace) time.Time {
	return w.Deleted.Add(time.Duration(o.Config().Workspaces.Retention))
}

// PurgeWorkspace removes a deleted workspace for good, and the objects of a managed one. A
// purge that was cut off goes on by itself.
func (o *Orchestrator) PurgeWorkspace(ctx context.Context, idOrName string) (w workspace.Workspace, err error) {
	err = o.change(ctx, func(ctx context.Context, c *control) error {
		if w, err = c.deleted(idOrName, anyWorkspace); err != nil || w.Purging {
			return err
		}
		w.Purging = true
		return c.putWorkspace(ctx, w)
	})
	if err != nil {
		return w, err
	}
	return w, o.purge(ctx, w)
}

// purge removes what is left of a workspace whose record says so.
func (o *Orchestrator) purge(ctx context.Context, w workspace.Workspace) error {
	o.purging.Lock() // one at a time: it is no hurry, and the store has others to serve
	defer o.purging.Unlock()
	if w.Backend == workspace.Managed {
		if err := empty(ctx, o.store, w.Bucket, w.Prefix); err != nil {
			return err
		}
		if err := o.store.DropPrefix(ctx, w.Bucket, w.Prefix); err != nil && !isCode(err, store.NoSuchBucket) {
			return err
		}
	}
	return o.change(ctx, func(ctx context.Context, c *control) error {
		for id, b := range c.bindings {
			if w.Backend == workspace.Managed && b.Bucket == w.Bucket && b.Prefix == w.Prefix {
				if err := drop(ctx, c, bindingsPrefix, id, c.bindings); err != nil {
					return err
				}
			}
		}
		return drop(ctx, c, workspacesPrefix, w.ID, c.workspaces)
	})
}

// PurgeExpired removes the workspaces whose retention is over, and ends the purges that were
// cut off. It returns how many there were. One whose record is damaged is left alone: what
// stands in for it may be from before somebody brought the workspace back.
func (o *Orchestrator) PurgeExpired(ctx context.Context) (purged int, err error) {
	o.mu.RLock()
	var due []workspace.Workspace
	damage := o.state.docs.Damage()
	for _, w := range o.state.workspaces {
		_, damaged := damage[workspacesPrefix+w.ID+".json"]
		if w.State == workspace.Deleted && !damaged && (w.Purging || !o.now().Before(o.purgeAfter(w))) {
			due = append(due, w)
		}
	}
	o.mu.RUnlock()
	for _, w := range due {
		if _, err := o.PurgeWorkspace(ctx, w.ID); err != nil && !fault.Is(err, fault.NotFound) {
			return purged, err
		}
		purged++
		o.log.Info("a deleted workspace was purged", "workspace", w.Name, "id", w.ID, "deleted", w.Deleted)
	}
	return purged, nil
}
