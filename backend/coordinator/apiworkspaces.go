package coordinator

import (
	"net/http"

	"github.com/artifacts-tui/artifacts-tui/backend/s3/authn"
	"github.com/artifacts-tui/artifacts-tui/backend/s3/authz"
	"github.com/artifacts-tui/artifacts-tui/backend/workspace"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// May by do a with a workspace? Its owner and admins may do everything; others what their
// grants on its bucket and prefix say, where a grant on all buckets covers managed
// workspaces too. The record of a byo one holds nothing but where it is: all may see it.
func may(by caller, a authz.Action, w workspace.Workspace) bool {
	if by.admin() || (w.Owner != "" && w.Owner == by.id.ID) {
		return true
	}
	if w.Backend == workspace.BYO {
		return a == authz.Read
	}
	return authz.Granted(by.id, a, w.Bucket, w.Prefix)
}

// owns reports whether by may delete a workspace and what goes with that.
func owns(by caller, w workspace.Workspace) bool {
	return by.admin() || (w.Owner != "" && w.Owner == by.id.ID)
}

func notYours(w workspace.Workspace) error {
	return fault.New(fault.Auth, "its owner and the admins of the mesh may", "workspace %q is another peer's", w.Name)
}

func wantsUsage(r *http.Request) bool { return r.URL.Query().Get("usage") == "true" }

func (a *orchestratorAPI) listWorkspaces(r *http.Request, by caller) (any, error) {
	match := func(w workspace.Workspace) bool { return Present(w) && may(by, authz.Read, w) }
	if r.URL.Query().Get("deleted") == "true" {
		match = func(w workspace.Workspace) bool { return !Present(w) && owns(by, w) }
	}
	list, err := a.o.Workspaces(r.Context(), match, wantsUsage(r))
	if err != nil {
		return nil, err
	}
	for i := range list {
		if list[i].State == workspace.Deleted {
			list[i].PurgeAfter = a.o.purgeAfter(list[i])
		}
	}
	return list, nil
}

// named is a workspace that by may do a with. One that by may not even see does not exist.
func (a *orchestratorAPI) named(r *http.Request, by caller, action authz.Action) (workspace.Workspace, error) {
	w, err := a.o.Workspace(r.Context(), r.PathValue("name"), wantsUsage(r))
	switch {
	case err != nil:
		return w, err
	case !may(by, authz.Read, w):
		return w, noWorkspace(w.Name)
	case !may(by, action, w):
		return w, fault.New(fault.Auth, "mount it with --read-only, or ask an admin for bucket-write on it", "you may only read workspace %q", w.Name)
	}
	return w, nil
}

// owned is a workspace that by may delete.
func (a *orchestratorAPI) owned(r *http.Request, by caller) (workspace.Workspace, error) {
	w, err := a.named(r, by, authz.Read)
	if err == nil && !owns(by, w) {
		err = notYours(w)
	}
	return w, err
}

func (a *orchestratorAPI) getWorkspace(r *http.Request, by caller) (any, error) {
	return a.named(r, by, authz.Read)
}

func (a *orchestratorAPI) createWorkspace(r *http.Request, by caller) (any, error) {
	var req CreateWorkspace
	if err := decode(r, &req); err != nil {
		return nil, err
	}
	everywhere := authz.Granted(by.id, authz.Write, authn.AllBuckets, "")
	switch {
	case by.admin():
	case req.Quota != 0:
		return nil, notAdmin("set quotas")
	case req.Backend == workspace.Mesh:
		if !authz.Allowed(by.id, authz.Read, req.Bucket, req.Prefix) {
			return nil, fault.New(fault.Auth, "ask its owner, or an admin of the mesh", "you may not read bucket %q", req.Bucket)
		}
	case !everywhere:
		return nil, fault.New(fault.Auth, "ask an admin of the mesh for bucket-write on all buckets", "you may not create workspaces")
	}
	return a.o.CreateWorkspace(r.Context(), req, by.id.ID)
}

func (a *orchestratorAPI) activateWorkspace(r *http.Request, by caller) (any, error) {
	w, err := a.owned(r, by)
	if err != nil {
		return nil, err
	}
	return a.o.Activate(r.Context(), w.Name)
}

func (a *orchestratorAPI) deleteWorkspace(r *http.Request, by caller) (any, error) {
	w, err := a.owned(r, by)
	if err != nil {
		return nil, err
	}
	return a.o.DeleteWorkspace(r.Context(), w.Name)
}

func (a *orchestratorAPI) openSession(r *http.Request, by caller) (any, error) {
	var req struct {
		ReadOnly bool `json:"read_only"`
	}
	if err := decode(r, &req); err != nil {
		return nil, err
	}
	action := authz.Write
	if req.ReadOnly {
		action = authz.Read
	}
	w, err := a.named(r, by, action)
	if err != nil {
		return nil, err
	}
	peer := by.id.ID
	if by.local {
		peer = "" // the sessions of this machine's own admin end with the workspace alone
	}
	return a.o.OpenSession(r.Context(), w.Name, peer, req.ReadOnly)
}

func (a *orchestratorAPI) revokeSessions(r *http.Request, by caller) (any, error) {
	w, err := a.owned(r, by)
	if err != nil {
		return nil, err
	}
	n, err := a.o.RevokeSessions(r.Context(), w.Name, r.URL.Query().Get("peer"))
	return map[string]int{"revoked": n}, err
}

// deleted is a deleted workspace that was by's. Others' do not exist, and do not make a name ambiguous.
func (a *orchestratorAPI) deleted(r *http.Request, by caller) (workspace.Workspace, error) {
	return a.o.DeletedWorkspace(r.PathValue("name"), func(w workspace.Workspace) bool { return owns(by, w) })
}

func (a *orchestratorAPI) restoreWorkspace(r *http.Request, by caller) (any, error) {
	w, err := a.deleted(r, by)
	if err != nil {
		return nil, err
	}
	return a.o.RestoreWorkspace(r.Context(), w.ID)
}

func (a *orchestratorAPI) purgeWorkspace(r *http.Request, by caller) (any, error) {
	w, err := a.deleted(r, by)
	if err != nil {
		return nil, err
	}
	return a.o.PurgeWorkspace(r.Context(), w.ID)
}

func (a *orchestratorAPI) forgetWorkspace(r *http.Request, by caller) (any, error) {
	w, err := a.owned(r, by)
	if err != nil {
		return nil, err
	}
	return a.o.ForgetWorkspace(r.Context(), w.Name)
}

func (a *orchestratorAPI) setWorkspaceQuota(r *http.Request, by caller) (any, error) {
	req, err := decodeQuota(r)
	if err != nil {
		return nil, err
	}
	if !by.admin() {
		return nil, notAdmin("set quotas")
	}
	return a.o.SetWorkspaceQuota(r.Context(), r.PathValue("name"), req.Bytes, req.Force)
}
