package coordinator

import (
	"net/http"
	"slices"
	"time"

	"github.com/artifacts-tui/artifacts-tui/backend/s3/authn"
	"github.com/artifacts-tui/artifacts-tui/backend/s3/authz"
	"github.com/artifacts-tui/artifacts-tui/backend/store"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// maySee reports whether by may know of a bucket. Admins see the coordinator's own here,
// to know what they take; what is in them is another matter.
func maySee(by caller, bucket string) bool {
	return by.admin() || authz.Allowed(by.id, authz.SeeBucket, bucket, "")
}

func (a *orchestratorAPI) listBuckets(r *http.Request, by caller) (any, error) {
	list, err := a.o.Buckets(r.Context())
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(list, func(b Bucket) bool { return !maySee(by, b.Name) }), nil
}

func (a *orchestratorAPI) getBucket(r *http.Request, by caller) (any, error) {
	name := r.PathValue("name")
	if !maySee(by, name) {
		return nil, fault.New(fault.Auth, "ask its owner, or an admin of the mesh", "you may not see bucket %q", name)
	}
	return a.o.Bucket(r.Context(), name)
}

func (a *orchestratorAPI) createBucket(r *http.Request, by caller) (any, error) {
	var req NewBucket
	if err := decode(r, &req); err != nil {
		return nil, err
	}
	switch {
	case by.admin():
	case req.Quota != 0:
		return nil, notAdmin("set quotas")
	case notReserved(req.Name) != nil:
		return nil, notReserved(req.Name)
	case !authz.MayCreate(by.id, req.Name):
		return nil, fault.New(fault.Auth, "ask an admin of the mesh for bucket-write on all buckets", "you may not create bucket %q", req.Name)
	}
	return a.o.NewBucket(r.Context(), req, by.id.ID)
}

func (a *orchestratorAPI) deleteBucket(r *http.Request, by caller) (any, error) {
	name := r.PathValue("name")
	if err := notReserved(name); err != nil {
		return nil, err
	}
	if !by.admin() && !authz.Allowed(by.id, authz.DeleteBucket, name, "") {
		return nil, fault.New(fault.Auth, "its owner, its bucket-admins and the admins of the mesh may", "you may not delete bucket %q", name)
	}
	b, err := a.o.Bucket(r.Context(), name)
	if err != nil {
		return nil, err
	}
	if r.URL.Query().Get("recursive") == "true" {
		return b, a.o.EmptyBucket(r.Context(), name)
	}
	return b, withHint(a.o.DeleteBucket(r.Context(), name), store.BucketNotEmpty, "delete its objects first, or with it: `artifacts-tui bucket delete "+name+" --recursive --yes`")
}

// setBucketQuota is for admins, and for who was bound to the bucket as its admin. Whoever
// made it is its bucket-admin too, but must not lift what bounds it.
func (a *orchestratorAPI) setBucketQuota(r *http.Request, by caller) (any, error) {
	req, err := decodeQuota(r)
	if err != nil {
		return nil, err
	}
	name := r.PathValue("name")
	bound := slices.ContainsFunc(a.o.Bindings(), func(b Binding) bool {
		return b.Peer == by.id.ID && b.Role == authn.RoleBucketAdmin && b.Prefix == "" && (b.Bucket == name || b.Bucket == authn.AllBuckets)
	})
	if !by.admin() && !bound {
		return nil, fault.New(fault.Auth, "ask an admin of the mesh", "only an admin, or a peer bound to %q as bucket-admin, sets its quota", name)
	}
	return a.o.SetBucketQuota(r.Context(), name, req)
}

// decodeQuota refuses a body without bytes, which must not lift a quota.
func decodeQuota(r *http.Request) (Quota, error) {
	var req struct {
		Bytes *int64 `json:"bytes"`
		Force bool   `json:"force"`
	}
	if err := decode(r, &req); err != nil {
		return Quota{}, err
	}
	if req.Bytes == nil {
		return Quota{}, fault.New(fault.Usage, "0 is unlimited", "the request does not say how many bytes")
	}
	return Quota{Bytes: *req.Bytes, Force: req.Force}, nil
}

func (a *orchestratorAPI) forgetBucket(r *http.Request, by caller) (any, error) {
	if !by.admin() {
		return nil, notAdmin("accept a loss")
	}
	name := r.PathValue("name")
	if err := a.o.Forget(r.Context(), name); err != nil {
		return nil, err
	}
	return a.o.Bucket(r.Context(), name)
}

func (a *orchestratorAPI) setRecycle(r *http.Request, by caller) (any, error) {
	var req Recycle
	if err := decode(r, &req); err != nil {
		return nil, err
	}
	name := r.PathValue("name")
	if !by.admin() && !authz.Allowed(by.id, authz.DeleteBucket, name, "") {
		return nil, fault.New(fault.Auth, "its owner, its bucket-admins and the admins of the mesh may", "you may not give bucket %q a recycle bin", name)
	}
	return a.o.SetRecycle(r.Context(), name, req)
}

// recycledMax is how many deleted objects one answer lists.
const recycledMax = 10000

func (a *orchestratorAPI) listRecycled(r *http.Request, by caller) (any, error) {
	name, prefix := r.PathValue("name"), r.URL.Query().Get("prefix")
	if err := notReserved(name); err != nil {
		return nil, err
	}
	if !by.admin() && !authz.Allowed(by.id, authz.List, name, prefix) {
		return nil, fault.New(fault.Auth, "ask its owner, or an admin of the mesh", "you may not list bucket %q", name)
	}
	return a.o.Recycled(r.Context(), name, prefix, recycledMax)
}

func (a *orchestratorAPI) purgeRecycled(r *http.Request, by caller) (any, error) {
	name := r.PathValue("name")
	if err := notReserved(name); err != nil {
		return nil, err
	}
	if !by.admin() && !authz.Allowed(by.id, authz.DeleteBucket, name, "") {
		return nil, fault.New(fault.Auth, "its owner, its bucket-admins and the admins of the mesh may", "you may not purge the recycle bin of bucket %q", name)
	}
	return a.o.PurgeBin(r.Context(), name, r.URL.Query().Get("dry_run") == "true")
}

func (a *orchestratorAPI) restoreObject(r *http.Request, by caller) (any, error) {
	var req RestoreObject
	if err := decode(r, &req); err != nil {
		return nil, err
	}
	name := r.PathValue("name")
	if err := notReserved(name); err != nil {
		return nil, err
	}
	found, err := a.o.deletedObject(r.Context(), name, req)
	if err != nil && !by.admin() && !authz.Allowed(by.id, authz.Write, name, req.Key) || err == nil && !by.admin() && !authz.Allowed(by.id, authz.Write, name, found.Key) {
		return nil, fault.New(fault.Auth, "ask its owner, or an admin of the mesh", "you may not write to bucket %q", name)
	}
	if err != nil {
		return nil, err
	}
	req.ID, req.Key = found.ID, ""
	return a.o.RestoreObject(r.Context(), name, req)
}

func (a *orchestratorAPI) listPeers(_ *http.Request, by caller) (any, error) {
	if !by.admin() {
		return nil, notAdmin("see the peers")
	}
	return a.o.Peers(), nil
}

func (a *orchestratorAPI) addPeer(r *http.Request, by caller) (any, error) {
	var req AddPeer
	if err := decode(r, &req); err != nil {
		return nil, err
	}
	if !by.admin() {
		return nil, notAdmin("enrol peers")
	}
	return a.o.AddPeer(r.Context(), req)
}

// mine reports whether a path names the caller itself, by id or by name.
func (a *orchestratorAPI) mine(r *http.Request, by caller) bool {
	p, err := a.o.Peer(r.PathValue("id"))
	return err == nil && p.ID == by.id.ID
}

func (a *orchestratorAPI) getPeer(r *http.Request, by caller) (any, error) {
	if !by.admin() && !a.mine(r, by) {
		return nil, notAdmin("see other peers")
	}
	return a.o.Peer(r.PathValue("id"))
}

func (a *orchestratorAPI) removePeer(r *http.Request, by caller) (any, error) {
	if !by.admin() {
		return nil, notAdmin("remove peers")
	}
	return a.o.RemovePeer(r.Context(), r.PathValue("id"))
}

// rotatePeer is open to each peer for itself.
func (a *orchestratorAPI) rotatePeer(r *http.Request, by caller) (any, error) {
	var req RotatePeer
	if err := decode(r, &req); err != nil {
		return nil, err
	}
	if !by.admin() && !a.mine(r, by) {
		return nil, notAdmin("rotate the tokens of other peers")
	}
	var grace *time.Duration
	if req.GraceSeconds != nil {
		// Within bounds that RotatePeer refuses: seconds must not overflow to a grace that it takes.
		d := time.Duration(max(min(*req.GraceSeconds, int64(maxGrace/time.Second)+1), -1)) * time.Second
		grace = &d
	}
	return a.o.RotatePeer(r.Context(), r.PathValue("id"), grace)
}

// RotatePeer is the body of POST /v1/peers/{id}/rotate.
type RotatePeer struct {
	GraceSeconds *int64 `json:"grace_seconds,omitempty"` // nil: as the coordinator is configured
}

func (a *orchestratorAPI) listBindings(_ *http.Request, by caller) (any, error) {
	if !by.admin() {
		return nil, notAdmin("see the roles of others")
	}
	return a.o.Bindings(), nil
}

func (a *orchestratorAPI) bind(r *http.Request, by caller) (any, error) {
	var req Bind
	if err := decode(r, &req); err != nil {
		return nil, err
	}
	if !by.admin() {
		return nil, notAdmin("give roles")
	}
	return a.o.Bind(r.Context(), req)
}

func (a *orchestratorAPI) unbind(r *http.Request, by caller) (any, error) {
	if !by.admin() {
		return nil, notAdmin("take roles away")
	}
	return a.o.Unbind(r.Context(), r.PathValue("id"))
}

// listShares shows a peer its own.
func (a *orchestratorAPI) listShares(_ *http.Request, by caller) (any, error) {
	return slices.DeleteFunc(a.o.Shares(), func(s Share) bool { return !by.admin() && s.Owner != by.id.ID }), nil
}

// createShare lets a peer share what it may read.
func (a *orchestratorAPI) createShare(r *http.Request, by caller) (any, error) {
	var req NewShare
	if err := decode(r, &req); err != nil {
		return nil, err
	}
	bucket, prefix, err := a.o.shareTarget(req)
	if err != nil {
		return nil, err
	}
	granted := authz.Granted(by.id, authz.Read, bucket, prefix)
	switch {
	case granted || by.local:
	case req.Workspace != "" && !a.sees(r, by, req.Workspace):
		return nil, noWorkspace(req.Workspace)
	default:
		return nil, fault.New(fault.Auth, "share what you may read", "you may not read %s/%s", bucket, prefix)
	}
	owner := by.id.ID
	if !granted {
		owner = ""
	}
	return a.o.CreateShare(r.Context(), req, owner)
}

// sees reports whether by may know of a workspace.
func (a *orchestratorAPI) sees(r *http.Request, by caller, name string) bool {
	w, err := a.o.Workspace(r.Context(), name, false)
	return err == nil && may(by, authz.Read, w)
}

func (a *orchestratorAPI) revokeShare(r *http.Request, by caller) (any, error) {
	s, err := a.o.Share(r.PathValue("name"))
	if err != nil {
		return nil, err
	}
	if !by.admin() && s.Owner != by.id.ID {
		return nil, fault.New(fault.Auth, "its owner and the admins of the mesh may", "share %q is another peer's", s.Name)
	}
	return a.o.RevokeShare(r.Context(), s.Name)
}
