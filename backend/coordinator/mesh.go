package coordinator

import (
	"context"
	"errors"

	"github.com/artifacts-tui/artifacts-tui/backend/store"
	"github.com/artifacts-tui/artifacts-tui/backend/workspace"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// CheckMeshBucket refuses a bucket that is the coordinator's own as a mesh workspace (SPEC A5b, B14).
func CheckMeshBucket(bucket string) error {
	if store.Reserved(bucket) {
		return fault.New(fault.Usage, "choose a bucket of yours", "bucket %q is the coordinator's own", bucket)
	}
	return nil
}

// planMesh completes the record of a mesh workspace: a bucket of this store, which each peer
// mounts with its own credentials (SPEC A5b).
func planMesh(w *workspace.Workspace) error {
	if w.Bucket == "" {
		return fault.New(fault.Usage, "give --bucket", "a mesh workspace needs a bucket")
	}
	if w.Endpoint != "" || w.Region != "" {
		return fault.New(fault.Usage, "leave them out", "a mesh workspace has no endpoint and no region but the coordinator's")
	}
	return CheckMeshBucket(w.Bucket)
}

// countMesh has what is below the prefix of a mesh workspace counted, where it is not and the bucket
// is there: who asks how much it is must not wait for a listing.
func (o *Orchestrator) countMesh(ctx context.Context, w workspace.Workspace) error {
	_, err := o.store.Prefix(ctx, w.Bucket, w.Prefix)
	if isCode(err, store.NoSuchPrefix) {
		err = o.provision(ctx, w)
	}
	if isCode(err, store.NoSuchBucket) {
		return nil
	}
	return err
}

// uncount ends the counting of what is below the prefix of a mesh workspace, unless another one has
// the same place.
func (o *Orchestrator) uncount(ctx context.Context, c *control, w workspace.Workspace) error {
	if w.Backend != workspace.Mesh || w.Prefix == "" {
		return nil
	}
	for _, other := range c.workspaces {
		if other.ID != w.ID && other.State == workspace.Active && other.Bucket == w.Bucket && other.Prefix == w.Prefix && other.Backend == workspace.Mesh {
			return nil
		}
	}
	err := o.store.DropPrefix(ctx, w.Bucket, w.Prefix)
	if isCode(err, store.NoSuchBucket) {
		return nil
	}
	return err
}

// meshBucketExists is fault.NotFound where w is a mesh workspace without its bucket.
func (o *Orchestrator) meshBucketExists(ctx context.Context, w workspace.Workspace) error {
	if w.Backend != workspace.Mesh {
		return nil
	}
	_, err := o.store.Bucket(ctx, w.Bucket)
	if errors.Is(err, store.ErrNoSuchBucket) {
		return fault.New(fault.NotFound, "make it first: `artifacts-tui bucket create "+w.Bucket+"`", "the store has no bucket %q", w.Bucket)
	}
	return err
}
