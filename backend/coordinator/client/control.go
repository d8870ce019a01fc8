package client

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/artifacts-tui/artifacts-tui/backend/coordinator"
	"github.com/artifacts-tui/artifacts-tui/backend/workspace"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// at is a path with one name in it. A name of dots is escaped too: as they are, the path would be
// another one.
func at(before, name, after string) string {
	escaped := url.PathEscape(name)
	if name == "." || name == ".." {
		escaped = strings.Repeat("%2E", len(name))
	}
	return before + escaped + after
}

// Storage tells what the store holds as a whole; admins alone may ask.
func (c *Client) Storage(ctx context.Context) (s coordinator.Storage, err error) {
	return s, c.call(ctx, http.MethodGet, "/v1/storage", nil, &s)
}

// DeletedWorkspaces lists those that can be restored.
func (c *Client) DeletedWorkspaces(ctx context.Context) (list []workspace.Workspace, err error) {
	return list, c.call(ctx, http.MethodGet, "/v1/workspaces?deleted=true&usage=true", nil, &list)
}

// DeletedWorkspace returns one that can be restored, by id or name; fault.NotFound where there is none, fault.Conflict
// where a name is that of several.
func (c *Client) DeletedWorkspace(ctx context.Context, idOrName string) (found workspace.Workspace, err error) {
	list, err := c.DeletedWorkspaces(ctx)
	if err != nil {
		return found, err
	}
	n := 0
	for _, w := range list {
		if w.ID == idOrName {
			return w, nil
		}
		if w.Name == idOrName {
			found, n = w, n+1
		}
	}
	const hint = "`workspace list --deleted` shows them"
	switch n {
	case 0:
		return found, fault.New(fault.NotFound, hint, "there is no deleted workspace %q", idOrName)
	case 1:
		return found, nil
	}
	return found, fault.New(fault.Conflict, hint+"; give the id", "%d deleted workspaces are named %q", n, idOrName)
}

// RestoreWorkspace brings a deleted one back, by id or name.
func (c *Client) RestoreWorkspace(ctx context.Context, idOrName string) (w workspace.Workspace, err error) {
	return w, c.call(ctx, http.MethodPost, at("/v1/workspaces/", idOrName, "/restore"), nil, &w)
}

// PurgeWorkspace removes a deleted one for good, by id or name.
func (c *Client) PurgeWorkspace(ctx context.Context, idOrName string) (w workspace.Workspace, err error) {
	return w, c.call(ctx, http.MethodPost, at("/v1/workspaces/", idOrName, "/purge"), nil, &w)
}

// RevokeSessions ends the pairs of a managed workspace, or those of one peer's mounts.
func (c *Client) RevokeSessions(ctx context.Context, name, peer string) (revoked int, err error) {
	var answer struct{ Revoked int }
	err = c.call(ctx, http.MethodDelete, at("/v1/workspaces/", name, "/sessions?peer="+url.QueryEscape(peer)), nil, &answer)
	return answer.Revoked, err
}

// SetWorkspaceQuota bounds a managed workspace.
func (c *Client) SetWorkspaceQuota(ctx context.Context, name string, q coordinator.Quota) (w workspace.Workspace, err error) {
	return w, c.call(ctx, http.MethodPut, at("/v1/workspaces/", name, "/quota"), q, &w)
}

// Buckets lists what this client may see.
func (c *Client) Buckets(ctx context.Context) (list []coordinator.Bucket, err error) {
	return list, c.call(ctx, http.MethodGet, "/v1/buckets", nil, &list)
}

// Bucket returns one by name.
func (c *Client) Bucket(ctx context.Context, name string) (b coordinator.Bucket, err error) {
	return b, c.call(ctx, http.MethodGet, at("/v1/buckets/", name, ""), nil, &b)
}

// CreateBucket makes a bucket.
func (c *Client) CreateBucket(ctx context.Context, req coordinator.NewBucket) (b coordinator.Bucket, err error) {
	return b, c.call(ctx, http.MethodPost, "/v1/buckets", req, &b)
}

// DeleteBucket removes a bucket, with everything in it where recursive is set.
func (c *Client) DeleteBucket(ctx context.Context, name string, recursive bool) (b coordinator.Bucket, err error) {
	query := ""
	if recursive {
		query = "?recursive=true"
	}
	return b, c.call(ctx, http.MethodDelete, at("/v1/buckets/", name, query), nil, &b)
}

// SetBucketQuota bounds a bucket.
func (c *Client) SetBucketQuota(ctx context.Context, name string, q coordinator.Quota) (b coordinator.Bucket, err error) {
	return b, c.call(ctx, http.MethodPut, at("/v1/buckets/", name, "/quota"), q, &b)
}

// ForgetMissing accepts that a bucket lacks what a backup knew of.
func (c *Client) ForgetMissing(ctx context.Context, name string) (b coordinator.Bucket, err error) {
	return b, c.call(ctx, http.MethodDelete, at("/v1/buckets/", name, "/known"), nil, &b)
}

// ForgetMissingOf accepts that a workspace lacks what a backup knew of.
func (c *Client) ForgetMissingOf(ctx context.Context, workspaceName string) (w workspace.Workspace, err error) {
	return w, c.call(ctx, http.MethodDelete, at("/v1/workspaces/", workspaceName, "/known"), nil, &w)
}

// SetRecycle gives a bucket a recycle bin, or takes it away.
func (c *Client) SetRecycle(ctx context.Context, name string, keep time.Duration) (b coordinator.Bucket, err error) {
	return b, c.call(ctx, http.MethodPut, at("/v1/buckets/", name, "/recycle"), coordinator.Recycle{Seconds: int64(keep / time.Second)}, &b)
}

// DeletedObjects lists what can be restored, those deleted last first.
func (c *Client) DeletedObjects(ctx context.Context, bucket, prefix string) (list []coordinator.RecycledObject, err error) {
	return list, c.call(ctx, http.MethodGet, at("/v1/buckets/", bucket, "/deleted?prefix="+url.QueryEscape(prefix)), nil, &list)
}

// PurgeBin removes the deleted objects of a bucket for good, and returns what they held. With
// dryRun it does not.
func (c *Client) PurgeBin(ctx context.Context, bucket string, dryRun bool) (held workspace.Usage, err error) {
	path := "/deleted"
	if dryRun {
		path += "?dry_run=true"
	}
	return held, c.call(ctx, http.MethodDelete, at("/v1/buckets/", bucket, path), nil, &held)
}

// RestoreObject brings a deleted object back.
func (c *Client) RestoreObject(ctx context.Context, bucket string, req coordinator.RestoreObject) (r coordinator.RecycledObject, err error) {
	return r, c.call(ctx, http.MethodPost, at("/v1/buckets/", bucket, "/restore"), req, &r)
}

// Peers lists them; admins alone may ask.
func (c *Client) Peers(ctx context.Context) (list []coordinator.PeerInfo, err error) {
	return list, c.call(ctx, http.MethodGet, "/v1/peers", nil, &list)
}

// Peer returns one by id or name.
func (c *Client) Peer(ctx context.Context, idOrName string) (p coordinator.PeerInfo, err error) {
	return p, c.call(ctx, http.MethodGet, at("/v1/peers/", idOrName, ""), nil, &p)
}

// AddPeer enrols a peer and returns its token.
func (c *Client) AddPeer(ctx context.Context, req coordinator.AddPeer) (p coordinator.NewPeer, err error) {
	return p, c.call(ctx, http.MethodPost, "/v1/peers", req, &p)
}

// RotatePeer gives a peer another token; grace nil is the coordinator's own.
func (c *Client) RotatePeer(ctx context.Context, idOrName string, grace *time.Duration) (p coordinator.NewPeer, err error) {
	var req coordinator.RotatePeer
	if grace != nil {
		seconds := int64(grace.Seconds())
		req.GraceSeconds = &seconds
	}
	err = c.call(ctx, http.MethodPost, at("/v1/peers/", idOrName, "/rotate"), req, &p)
	if err == nil && c.rotated != nil {
		c.rotated(p)
	}
	return p, err
}

// RemovePeer ends a peer.
func (c *Client) RemovePeer(ctx context.Context, idOrName string) (p coordinator.PeerInfo, err error) {
	return p, c.call(ctx, http.MethodDelete, at("/v1/peers/", idOrName, ""), nil, &p)
}

// Bindings lists who has which role.
func (c *Client) Bindings(ctx context.Context) (list []coordinator.Binding, err error) {
	return list, c.call(ctx, http.MethodGet, "/v1/bindings", nil, &list)
}

// Bind gives a role.
func (c *Client) Bind(ctx context.Context, req coordinator.Bind) (b coordinator.Binding, err error) {
	return b, c.call(ctx, http.MethodPost, "/v1/bindings", req, &b)
}

// Unbind takes a role away.
func (c *Client) Unbind(ctx context.Context, id string) (b coordinator.Binding, err error) {
	return b, c.call(ctx, http.MethodDelete, at("/v1/bindings/", id, ""), nil, &b)
}

// Shares lists this client's, or all of them to an admin.
func (c *Client) Shares(ctx context.Context) (list []coordinator.Share, err error) {
	return list, c.call(ctx, http.MethodGet, "/v1/shares", nil, &list)
}

// CreateShare makes a share and returns the pair of its guests.
func (c *Client) CreateShare(ctx context.Context, req coordinator.NewShare) (s coordinator.SharePair, err error) {
	return s, c.call(ctx, http.MethodPost, "/v1/shares", req, &s)
}

// RevokeShare ends a share.
func (c *Client) RevokeShare(ctx context.Context, name string) (s coordinator.Share, err error) {
	return s, c.call(ctx, http.MethodDelete, at("/v1/shares/", name, ""), nil, &s)
}

// Backup fetches the archive of the control state. It holds every token of the mesh.
func (c *Client) Backup(ctx context.Context) ([]byte, error) {
	resp, err := c.send(ctx, http.MethodGet, "/v1/backup", nil)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	archive, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, cutOff(err)
	}
	return archive, nil
}
