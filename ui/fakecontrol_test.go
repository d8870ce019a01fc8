package ui

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/artifacts-tui/artifacts-tui/backend"
	"github.com/artifacts-tui/artifacts-tui/backend/coordinator"
	"github.com/artifacts-tui/artifacts-tui/backend/coordinator/backup"
	"github.com/artifacts-tui/artifacts-tui/backend/s3/authn"
	"github.com/artifacts-tui/artifacts-tui/backend/store"
	"github.com/artifacts-tui/artifacts-tui/backend/workspace"
	"github.com/artifacts-tui/artifacts-tui/mounts"
	"github.com/artifacts-tui/artifacts-tui/ui/control"
)

// meshToken and shareSecret are what the fake tells once.
const (
	meshToken   = "mesh_tokenForTests0123456789abcdefghijkLMNOPQRS4"
	shareSecret = "shareSecretForTests0123456789abcdefghijkLMN5"
)

// fakeControl is what the fake keeps of the control plane; nil: it has none.
type fakeControl struct {
	who      coordinator.WhoAmI
	storage  coordinator.Storage
	peers    []coordinator.PeerInfo
	buckets  []coordinator.Bucket
	shares   []coordinator.Share
	deleted  []workspace.Workspace
	bin      []coordinator.RecycledObject
	contexts []backend.Context
	asked    []string // what was changed, in turn
	logins   []backend.LoginRequest
	err      error // of every change
	loginErr error // of the next login
}

func (f *fake) openControl(context.Context) (control.Client, error) { return fakeClient{f}, nil }

// asked notes a change and answers whether it is to fail.
func (f *fake) asked(method string, args ...any) error {
	if err := f.enter(context.Background(), method); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.plane.asked = append(f.plane.asked, strings.TrimSpace(method+" "+fmt.Sprintln(args...)))
	return f.plane.err
}

type fakeClient struct{ *fake }

func (fakeClient) Close() {}

func (f fakeClient) WhoAmI(ctx context.Context) (coordinator.WhoAmI, error) {
	return f.plane.who, f.enter(ctx, "WhoAmI")
}

func (f fakeClient) Storage(context.Context) (coordinator.Storage, error) {
	return f.plane.storage, nil
}

func (f fakeClient) Status(context.Context) (coordinator.Status, error) {
	return coordinator.Status{URL: "http://127.0.0.1:8080"}, nil
}

func (f fakeClient) Peers(context.Context) ([]coordinator.PeerInfo, error) { return f.plane.peers, nil }

func (f fakeClient) AddPeer(_ context.Context, req coordinator.AddPeer) (coordinator.NewPeer, error) {
	err := f.asked("AddPeer", req.Name, req.Grants)
	return coordinator.NewPeer{ID: req.Name, Token: meshToken}, err
}

func (f fakeClient) RotatePeer(_ context.Context, id string, grace *time.Duration) (coordinator.NewPeer, error) {
	var d time.Duration
	if grace != nil {
		d = *grace
	}
	err := f.asked("RotatePeer", id, d)
	return coordinator.NewPeer{ID: id, Token: meshToken, PreviousUntil: start.Add(d)}, err
}

func (f fakeClient) RemovePeer(_ context.Context, id string) (coordinator.PeerInfo, error) {
	err := f.asked("RemovePeer", id)
	return coordinator.PeerInfo{ID: id}, err
}

func (f fakeClient) Bind(_ context.Context, req coordinator.Bind) (coordinator.Binding, error) {
	err := f.asked("Bind", req.Peer, req.Grant)
	return coordinator.Binding{ID: "b9", Peer: req.Peer, Grant: req.Grant}, err
}

func (f fakeClient) Unbind(_ context.Context, id string) (coordinator.Binding, error) {
	return coordinator.Binding{ID: id}, f.asked("Unbind", id)
}

func (f fakeClient) Buckets(context.Context) ([]coordinator.Bucket, error) {
	return f.plane.buckets, nil
}

func (f fakeClient) CreateBucket(_ context.Context, req coordinator.NewBucket) (coordinator.Bucket, error) {
	if err := f.asked("CreateBucket", req.Name, req.Quota); err != nil {
		return coordinator.Bucket{Name: req.Name}, err
	}
	return f.createBucket(req)
}

func (f fakeClient) DeleteBucket(_ context.Context, name string, recursive bool) (coordinator.Bucket, error) {
	if err := f.asked("DeleteBucket", name, recursive); err != nil {
		return coordinator.Bucket{Name: name}, err
	}
	return f.deleteBucket(name)
}

func (f fakeClient) SetBucketQuota(_ context.Context, name string, q coordinator.Quota) (coordinator.Bucket, error) {
	if err := f.asked("SetBucketQuota", name, q.Bytes); err != nil {
		return coordinator.Bucket{Name: name}, err
	}
	return f.setBucketQuota(name, q)
}

func (f fakeClient) SetRecycle(_ context.Context, name string, keep time.Duration) (coordinator.Bucket, error) {
	return coordinator.Bucket{Name: name}, f.asked("SetRecycle", name, keep)
}

func (f fakeClient) DeletedObjects(context.Context, string, string) ([]coordinator.RecycledObject, error) {
	return f.plane.bin, nil
}

func (f fakeClient) RestoreObject(_ context.Context, bucket string, req coordinator.RestoreObject) (coordinator.RecycledObject, error) {
	return coordinator.RecycledObject{Key: "v1.0/myapp"}, f.asked("RestoreObject", bucket, req.ID)
}

func (f fakeClient) Shares(context.Context) ([]coordinator.Share, error) { return f.plane.shares, nil }

func (f fakeClient) CreateShare(_ context.Context, req coordinator.NewShare) (coordinator.SharePair, error) {
	err := f.asked("CreateShare", req.Name, req.Bucket, req.Prefix)
	return coordinator.SharePair{Share: coordinator.Share{Name: req.Name, Bucket: req.Bucket, Prefix: req.Prefix, AccessKeyID: "ARTS00SHARE1"}, SecretAccessKey: shareSecret}, err
}

func (f fakeClient) RevokeShare(_ context.Context, name string) (coordinator.Share, error) {
	return coordinator.Share{Name: name}, f.asked("RevokeShare", name)
}

func (f fakeClient) DeletedWorkspaces(context.Context) ([]workspace.Workspace, error) {
	return f.plane.deleted, nil
}

func (f fakeClient) RestoreWorkspace(_ context.Context, id string) (workspace.Workspace, error) {
	return workspace.Workspace{ID: id}, f.asked("RestoreWorkspace", id)
}

func (f fakeClient) PurgeWorkspace(_ context.Context, id string) (workspace.Workspace, error) {
	return workspace.Workspace{ID: id}, f.asked("PurgeWorkspace", id)
}

func (f fakeClient) SetWorkspaceQuota(_ context.Context, name string, q coordinator.Quota) (workspace.Workspace, error) {
	return workspace.Workspace{Name: name}, f.asked("SetWorkspaceQuota", name, q.Bytes)
}

func (f *fake) Backup(_ context.Context, path, passphrase string, _ bool) (backup.Manifest, error) {
	err := f.asked("Backup", path, passphrase != "")
	return backup.Manifest{Created: start, Documents: map[string]string{"mesh.json": "", "peers/ada.json": ""}}, err
}

func (f *fake) SetBandwidth(_ context.Context, where string, b mounts.Bandwidth) (mounts.Status, error) {
	return mounts.Status{}, f.asked("SetBandwidth", where, b.Up, b.Down)
}

func (f *fake) Contexts() ([]backend.Context, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]backend.Context(nil), f.plane.contexts...), nil
}

func (f *fake) UseContext(name string) error {
	err := f.asked("UseContext", name)
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range f.plane.contexts {
		f.plane.contexts[i].Active = f.plane.contexts[i].Name == name
	}
	return err
}

func (f *fake) Login(_ context.Context, req backend.LoginRequest) (backend.Context, error) {
	err := f.asked("Login", req.URL, req.Fingerprint)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.plane.logins = append(f.plane.logins, req)
	if f.plane.loginErr != nil {
		err, f.plane.loginErr = f.plane.loginErr, nil
	}
	return backend.Context{Name: "work", URL: req.URL, Peer: "ada"}, err
}

func (f *fake) Logout(names ...string) ([]string, error) { return names, f.asked("Logout", names) }

// withControl is a program with a control plane that has a bit of everything; its user is an admin.
func withControl() *fake {
	f := withCredentials()
	day := 24 * time.Hour
	made := start.Add(-20 * day)
	admin := coordinator.Binding{ID: "b1", Peer: "ada-0001", Grant: authn.Grant{Role: authn.RoleAdmin}}
	f.plane = fakeControl{
		who: coordinator.WhoAmI{Peer: "ada-0001", Name: "ada", Coordinator: "4f1c2d3e4a5b6c7d", Admin: true, Grants: []authn.Grant{admin.Grant}},
		storage: coordinator.Storage{
			Usage: store.Usage{Bytes: 82 << 30, Objects: 418112}, MaxSize: 100 << 30, Buckets: 4, Workspaces: 3, Deleted: 1,
			Disk: coordinator.Disk{Total: 512 << 30, Free: 170 << 30},
			Warnings: []coordinator.Warning{
				{Kind: "quota", Subject: "bucket build-artifacts", Message: "bucket build-artifacts is past 80 % of its quota: 9448928051 of 10737418240 bytes"},
				{Kind: "damage", Subject: "shares/old.json", Message: "document shares/old.json of the system bucket is damaged; its former version is in use"},
			},
		},
		peers: []coordinator.PeerInfo{
			{ID: "ada-0001", Name: "ada", Created: made, LastSeen: start.Add(-time.Minute), Bindings: []coordinator.Binding{admin}, Buckets: []string{"datasets"}},
			{ID: "ci-runner-7f", Name: "ci-runner", Created: made.Add(day), LastSeen: start.Add(-2 * time.Hour), Rotated: start.Add(-day), PreviousUntil: start.Add(3 * time.Hour), Bindings: []coordinator.Binding{
				{ID: "b2", Peer: "ci-runner-7f", Grant: authn.Grant{Role: authn.RoleBucketWrite, Bucket: "build-artifacts"}},
				{ID: "b3", Peer: "ci-runner-7f", Grant: authn.Grant{Role: authn.RoleBucketRead, Bucket: "datasets", Prefix: "2026/"}},
			}},
			{ID: "auditor-31", Name: "auditor", Created: made.Add(2 * day)},
		},
		buckets: []coordinator.Bucket{
			{Name: "build-artifacts", Owner: "ci-runner-7f", OwnerName: "ci-runner", Created: made, Quota: 10 << 30, Used: 9448928051, Objects: 10498, Recycle: 604800},
			{Name: "datasets", Owner: "ada-0001", OwnerName: "ada", Created: made, Quota: 200 << 30, Used: 61 << 30, Objects: 392001},
			{Name: "logs", Owner: "ci-runner-7f", OwnerName: "ci-runner", Created: made, Used: 3 << 30, PartBytes: 8 << 20, Objects: 15203},
			{Name: "scratch", Owner: "gone-12", Created: made, Quota: 1 << 30, Used: 1<<30 - 5, Objects: 410},
		},
		shares: []coordinator.Share{
			{Name: "release", Bucket: "build-artifacts", Prefix: "v1.0/", Owner: "ada-0001", AccessKeyID: "ARTS00SHARE0", Created: made, Expires: start.Add(7 * day)},
		},
		deleted: []workspace.Workspace{
			{ID: "d1d1d1d1d1d1d1d1", Name: "old-notes", Backend: workspace.Managed, State: workspace.Deleted, Bucket: "_managed", Prefix: "old-notes/", Owner: "ada-0001", Deleted: start.Add(-2 * day), PurgeAfter: start.Add(28 * day), Usage: &workspace.Usage{Bytes: 5 << 20, Objects: 12}},
		},
		bin: []coordinator.RecycledObject{{ID: "r1", Key: "v1.0/myapp", Size: 4 << 20, Deleted: start.Add(-time.Hour), Expires: start.Add(6 * day)}},
		contexts: []backend.Context{
			{Name: "local", Active: true, Peer: "ada-0001"},
			{Name: "work", URL: "https://coordinator.mesh:8443", Peer: "ada"},
		},
	}
	f.workspaces[1].Quota, f.workspaces[1].Owner = 4<<20, "ada-0001"
	f.hasPlane = true
	return f
}

// asPeer is withControl for a user who is no admin.
func asPeer() *fake {
	f := withControl()
	f.plane.who.Admin = false
	f.plane.who.Grants = []authn.Grant{{Role: authn.RoleBucketWrite, Bucket: "build-artifacts"}}
	f.plane.buckets, f.plane.shares, f.plane.deleted = f.plane.buckets[:1], nil, nil
	return f
}
