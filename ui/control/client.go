package control

import (
	"context"
	"time"

	"github.com/artifacts-tui/artifacts-tui/backend"
	"github.com/artifacts-tui/artifacts-tui/backend/coordinator"
	"github.com/artifacts-tui/artifacts-tui/backend/coordinator/backup"
	"github.com/artifacts-tui/artifacts-tui/backend/s3/authn"
	"github.com/artifacts-tui/artifacts-tui/backend/workspace"
	"github.com/artifacts-tui/artifacts-tui/mounts"
)

// Client is an open control plane; *client.Client is the real one. Its errors are for people
// (internal/fault).
type Client interface {
	Close()
	WhoAmI(ctx context.Context) (coordinator.WhoAmI, error)
	Storage(ctx context.Context) (coordinator.Storage, error)
	Status(ctx context.Context) (coordinator.Status, error)

	Peers(ctx context.Context) ([]coordinator.PeerInfo, error)
	AddPeer(ctx context.Context, req coordinator.AddPeer) (coordinator.NewPeer, error)
	RotatePeer(ctx context.Context, idOrName string, grace *time.Duration) (coordinator.NewPeer, error)
	RemovePeer(ctx context.Context, idOrName string) (coordinator.PeerInfo, error)
	Bind(ctx context.Context, req coordinator.Bind) (coordinator.Binding, error)
	Unbind(ctx context.Context, id string) (coordinator.Binding, error)

	Buckets(ctx context.Context) ([]coordinator.Bucket, error)
	CreateBucket(ctx context.Context, req coordinator.NewBucket) (coordinator.Bucket, error)
	DeleteBucket(ctx context.Context, name string, recursive bool) (coordinator.Bucket, error)
	SetBucketQuota(ctx context.Context, name string, q coordinator.Quota) (coordinator.Bucket, error)
	SetRecycle(ctx context.Context, name string, keep time.Duration) (coordinator.Bucket, error)
	DeletedObjects(ctx context.Context, bucket, prefix string) ([]coordinator.RecycledObject, error)
	RestoreObject(ctx context.Context, bucket string, req coordinator.RestoreObject) (coordinator.RecycledObject, error)

	Shares(ctx context.Context) ([]coordinator.Share, error)
	CreateShare(ctx context.Context, req coordinator.NewShare) (coordinator.SharePair, error)
	RevokeShare(ctx context.Context, name string) (coordinator.Share, error)

	DeletedWorkspaces(ctx context.Context) ([]workspace.Workspace, error)
	RestoreWorkspace(ctx context.Context, idOrName string) (workspace.Workspace, error)
	PurgeWorkspace(ctx context.Context, idOrName string) (workspace.Workspace, error)
	SetWorkspaceQuota(ctx context.Context, name string, q coordinator.Quota) (workspace.Workspace, error)
}

// App is what changes need of the program besides a Client; *backend.App is the real one.
type App interface {
	// Backup refuses a path that exists, unless overwrite is set.
	Backup(ctx context.Context, path, passphrase string, overwrite bool) (backup.Manifest, error)
	SetBandwidth(ctx context.Context, where string, b mounts.Bandwidth) (mounts.Status, error)
	// Contexts reads a small file; nobody is asked.
	Contexts() ([]backend.Context, error)
	UseContext(name string) error
	// Login changes nothing where it fails.
	Login(ctx context.Context, req backend.LoginRequest) (backend.Context, error)
	Logout(names ...string) ([]string, error)
}

// Program is all that a change may use.
type Program struct {
	App  App
	Open func(ctx context.Context) (Client, error) // of the coordinator in use
}

// State is what the control plane tells this user.
type State struct {
	Who     coordinator.WhoAmI
	Storage *coordinator.Storage   // nil: this user is no admin
	Peers   []coordinator.PeerInfo // none where this user is no admin
	Buckets []coordinator.Bucket   // that this user may see
	Shares  []coordinator.Share    // this user's; all of them to an admin
	Deleted []workspace.Workspace  // that this user may restore
}

// Read asks for all that this user is told.
func Read(ctx context.Context, p Program) (State, error) {
	var s State
	c, err := p.Open(ctx)
	if err != nil {
		return s, err
	}
	defer c.Close()
	if s.Who, err = c.WhoAmI(ctx); err != nil {
		return s, err
	}
	if s.Who.Admin {
		storage, err := c.Storage(ctx)
		if err != nil {
			return s, err
		}
		s.Storage = &storage
		if s.Peers, err = c.Peers(ctx); err != nil {
			return s, err
		}
	}
	if s.Buckets, err = c.Buckets(ctx); err != nil {
		return s, err
	}
	if s.Shares, err = c.Shares(ctx); err != nil {
		return s, err
	}
	s.Deleted, err = c.DeletedWorkspaces(ctx)
	return s, err
}

// MayCreateBuckets reports whether this user may make buckets.
func (s State) MayCreateBuckets() bool {
	for _, g := range s.Who.Grants {
		if g.Bucket == authn.AllBuckets && (g.Role == authn.RoleBucketWrite || g.Role == authn.RoleBucketAdmin) {
			return true
		}
	}
	return s.Who.Admin
}

// MayManage reports whether this user may delete a bucket and give it a recycle bin.
func (s State) MayManage(bucket string) bool {
	for _, g := range s.Who.Grants {
		if g.Role == authn.RoleBucketAdmin && g.Prefix == "" && (g.Bucket == bucket || g.Bucket == authn.AllBuckets) {
			return true
		}
	}
	return s.Who.Admin
}

// MayBound reports whether this user may set a bucket's quota. Who made a bucket manages it, but
// must not lift what bounds it; that the coordinator alone tells apart from a binding.
func (s State) MayBound(b coordinator.Bucket) bool {
	return s.Who.Admin || s.MayManage(b.Name) && b.Owner != s.Who.Peer
}
