package page

import (
	"cmp"

	"github.com/artifacts-tui/artifacts-tui/backend/coordinator"
	"github.com/artifacts-tui/artifacts-tui/backend/workspace"
	"github.com/artifacts-tui/artifacts-tui/mounts"
	"github.com/artifacts-tui/artifacts-tui/ui/action"
	"github.com/artifacts-tui/artifacts-tui/ui/component"
	"github.com/artifacts-tui/artifacts-tui/ui/control"
	"github.com/artifacts-tui/artifacts-tui/ui/keymap"
	"github.com/artifacts-tui/artifacts-tui/ui/session"
)

// Detail tells all there is to know of a workspace.
func (p *Workspaces) Detail(i, width int) [][]string {
	w, t := p.s.Workspaces[i], p.theme
	d := newSheet(w.Name, width, t)
	st := workspaceState(p.s, w, t)
	d.say(st.style, st.String())
	d.gap()
	d.pair("Backend", string(w.Backend))
	d.pair("Bucket", w.Bucket)
	d.pair("Prefix", w.Prefix)
	if w.Endpoint != "" {
		d.pair("Endpoint", w.Endpoint)
	} else {
		d.styled("Endpoint", "the coordinator's store", t.Dim)
	}
	switch {
	case w.Region != "":
		d.pair("Region", w.Region)
	case w.Backend == workspace.BYO:
		d.styled("Region", "(unset)", t.Dim) // SPEC A15b
	}
	if w.Owner != "" {
		d.pair("Owner", ownerName(p.s, w.Owner))
	}
	if w.Usage != nil {
		if w.Quota > 0 {
			d.quota(w.Usage.Total(), w.Quota)
		} else {
			d.pair("Size", component.Bytes(w.Usage.Total()))
		}
		d.pair("Objects", component.Count(w.Usage.Objects))
	}
	if bucket := bucketOf(p.s, w); bucket != nil && bucket.Quota > 0 {
		d.styled("Quota", share(bucket.Used, bucket.Quota)+" of its bucket's "+component.Bytes(bucket.Quota), fullness(bucket.Used, bucket.Quota, t))
	}
	if !w.Created.IsZero() {
		d.pair("Created", w.Created.Local().Format("2 Jan 2006 15:04"))
	}
	if m := p.s.MountOf(w); m != nil {
		d.section()
		d.pair("Mounted at", component.Home(m.Mountpoint, p.s.Home))
		if since := component.Clock(m.Since, p.s.Now); since != "" {
			d.pair("Since", since)
		}
		d.mount(p.s, m)
	}
	return d.sections()
}

// Disabled says why a key cannot work on the workspace under the cursor.
func (p *Workspaces) Disabled(a keymap.Action) string {
	switch a {
	case keymap.New, keymap.Bring, keymap.Mesh:
		return p.coordinatorMissing()
	case keymap.WorkspaceQuota:
		w, ok := p.current()
		if !ok {
			return "no workspace is selected"
		}
		return quotaDisabled(p.s, w)
	case keymap.Mount, keymap.Unmount, keymap.Delete:
	default:
		return p.list.Disabled(a)
	}
	w, ok := p.current()
	if !ok {
		return "no workspace is selected"
	}
	m := p.s.MountOf(w)
	op := p.s.Op(w.Name)
	if a == keymap.Unmount {
		return p.unmountDisabled(w, m, op)
	}
	at := ""
	if m != nil {
		at = component.Home(m.Mountpoint, p.s.Home)
	}
	switch {
	case op != nil:
		return w.Name + " is busy: " + opState(op, p.s.Now, p.theme).words
	case a == keymap.Mount && m != nil && m.Health == mounts.Stale:
		return w.Name + " has a stale mount at " + at + "; u clears it"
	case a == keymap.Mount && m != nil:
		return w.Name + " is mounted at " + at + " already"
	case a == keymap.Delete && m != nil:
		return w.Name + " is mounted at " + at + "; unmount it first (u)"
	case a == keymap.Mount && w.State == workspace.PendingFormat:
		return w.Name + " is unfinished; create it again to finish it"
	default:
		return p.coordinatorMissing()
	}
}

func (p *Workspaces) unmountDisabled(w workspace.Workspace, m *mounts.Status, op *session.Op) string {
	switch {
	case op != nil && op.Kind == session.Unmounting:
		return "" // opens its progress again
	case op != nil:
		return w.Name + " is busy: " + opState(op, p.s.Now, p.theme).words
	case m == nil:
		return w.Name + " is not mounted"
	default:
		return ""
	}
}

func (p *Workspaces) coordinatorMissing() string {
	switch p.s.Coordinator {
	case session.Starting:
		return "the coordinator is still starting"
	case session.Down:
		return "the coordinator has not answered since " + component.Clock(p.s.CoordinatorSince, p.s.Now) + "; R tries again"
	default:
		return ""
	}
}

// ownerName is a peer's name, where it is told to this user.
func ownerName(s *session.Session, id string) string {
	for _, peer := range plane(s).Peers {
		if peer.ID == id && peer.Name != id {
			return peer.Name + " (" + id + ")"
		}
	}
	if plane(s).Who.Peer == id {
		return id + " (you)"
	}
	return id
}

// quotaDisabled says why this user cannot set the quota of a workspace; "" where that can be done.
func quotaDisabled(s *session.Session, w workspace.Workspace) string {
	switch w.Backend {
	case workspace.BYO:
		return "the store of your own bucket bounds it, not the coordinator"
	case workspace.Mesh:
		if b := bucketOf(s, w); b != nil && plane(s).MayBound(*b) {
			return ""
		}
	}
	return adminOnly(s)
}

// bucketOf is the bucket of a mesh workspace, where this user is told of it.
func bucketOf(s *session.Session, w workspace.Workspace) *coordinator.Bucket {
	for _, b := range plane(s).Buckets {
		if b.Name == w.Bucket && w.Backend == workspace.Mesh {
			return &b
		}
	}
	return nil
}

// openQuota asks for the quota of a workspace; what bounds a mesh workspace is its bucket's.
func openQuota(w workspace.Workspace) action.Action {
	if w.Backend == workspace.Mesh {
		return action.OpenControl{Name: keymap.BucketQuota, ID: w.Bucket}
	}
	return action.OpenControl{Name: keymap.WorkspaceQuota, ID: w.Name}
}

// quotaLine is the command line of that.
func quotaLine(w workspace.Workspace) string {
	if w.Backend == workspace.Mesh {
		return control.BucketQuota(w.Bucket, "SIZE").Line
	}
	return control.WorkspaceQuota(cmp.Or(w.Name, "NAME"), "SIZE").Line
}
