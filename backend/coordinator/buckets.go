package coordinator

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/artifacts-tui/artifacts-tui/backend/store"
	"github.com/artifacts-tui/artifacts-tui/backend/workspace"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// Bucket is a bucket and what it holds.
type Bucket struct {
	Name      string           `json:"name"`
	Owner     string           `json:"owner"`
	OwnerName string           `json:"owner_name,omitempty"` // of the peer; empty: it is no more
	Created   time.Time        `json:"created"`
	Quota     int64            `json:"quota"`      // bytes; 0: unlimited
	Used      int64            `json:"used"`       // bytes that count against the quota: objects, and parts of uploads in flight
	PartBytes int64            `json:"part_bytes"` // of Used
	Objects   int64            `json:"objects"`
	Recycle   int64            `json:"recycle_seconds"`   // how long deleted objects are kept; 0: they are not
	Missing   *workspace.Usage `json:"missing,omitempty"` // known to the backup that it was restored from, and not there
	KnownAt   time.Time        `json:"known_at,omitzero"` // of that backup
}

// NewBucket is the body of POST /v1/buckets.
type NewBucket struct {
	Name  string `json:"name"`
	Quota int64  `json:"quota,omitempty"` // bytes; 0: unlimited
}

// Quota is the body of PUT …/quota.
type Quota struct {
	Bytes int64 `json:"bytes"` // 0: unlimited
	Force bool  `json:"force,omitempty"`
}

func checkQuota(bytes int64) error {
	if bytes < 0 {
		return fault.New(fault.Usage, "give it as 500MB, 10GB or a number of bytes; 0 is unlimited", "a quota cannot be negative")
	}
	return nil
}

// belowUsage refuses a quota that is less than what is in use.
func belowUsage(what string, quota, used int64, force bool) error {
	if quota == 0 || used <= quota || force {
		return nil
	}
	return fault.New(fault.Conflict, "delete something first, or add --force: nothing more can then be written to it",
		"%s holds %d bytes, more than a quota of %d", what, used, quota)
}

func notReserved(bucket string) error {
	if store.Reserved(bucket) {
		return fault.New(fault.Auth, "choose a name that does not begin with _", "bucket %s is the coordinator's own", bucket)
	}
	return nil
}

// CreateBucket implements api.Buckets: the store's bucket first, then its record, which a
// start makes where a crash came between.
func (o *Orchestrator) CreateBucket(ctx context.Context, name string, opt store.CreateBucketOptions) error {
	return o.change(ctx, func(ctx context.Context, c *control) error {
		if err := o.store.CreateBucket(ctx, name, opt); err != nil {
			return err
		}
		err := c.putBucket(ctx, BucketRecord{Name: name, Owner: opt.Owner, Quota: opt.Quota, Created: o.stamp()})
		if err != nil {
			err = errors.Join(err, o.store.DeleteBucket(context.WithoutCancel(ctx), name))
		}
		return err
	})
}

// DeleteBucket implements api.Buckets. The record goes first: a crash between the two leaves
// a bucket that the next start knows again. Its shares and its recycle bin go with it: who makes
// a bucket of the name after that has neither guests nor objects of the one before.
func (o *Orchestrator) DeleteBucket(ctx context.Context, name string) error {
	err := o.change(ctx, func(ctx context.Context, c *control) error {
		if b, err := o.store.Bucket(ctx, name); err != nil || b.Objects > 0 {
			return o.store.DeleteBucket(ctx, name) // which says why not
		}
		record, known := c.buckets[name]
		if known {
			if err := drop(ctx, c, bucketsPrefix, name, c.buckets); err != nil {
				return err
			}
		}
		err := o.store.DeleteBucket(ctx, name)
		if err != nil && known {
			return errors.Join(err, c.putBucket(context.WithoutCancel(ctx), record))
		}
		if err != nil {
			return err
		}
		return c.dropShares(ctx, func(s Share) bool { return s.Bucket == name })
	})
	if err != nil {
		return err
	}
	return o.dropBin(ctx, name)
}

// NewBucket makes a bucket that belongs to owner, a peer's id.
func (o *Orchestrator) NewBucket(ctx context.Context, req NewBucket, owner string) (Bucket, error) {
	if err := notReserved(req.Name); err != nil {
		return Bucket{}, err
	}
	if err := checkQuota(req.Quota); err != nil {
		return Bucket{}, err
	}
	if err := o.CreateBucket(ctx, req.Name, store.CreateBucketOptions{Owner: owner, Quota: req.Quota}); err != nil {
		return Bucket{}, withHint(err, store.BucketAlreadyExists, "choose another name")
	}
	return o.Bucket(ctx, req.Name)
}

// Buckets lists them by name, the coordinator's own too.
func (o *Orchestrator) Buckets(ctx context.Context) ([]Bucket, error) {
	all, err := o.store.Buckets(ctx)
	if err != nil {
		return nil, err
	}
	list := make([]Bucket, len(all))
	o.mu.RLock()
	defer o.mu.RUnlock()
	for i, b := range all {
		list[i] = o.describeBucket(b)
	}
	slices.SortFunc(list, func(a, b Bucket) int { return strings.Compare(a.Name, b.Name) })
	return list, nil
}

// Bucket returns one by name.
func (o *Orchestrator) Bucket(ctx context.Context, name string) (Bucket, error) {
	b, err := o.store.Bucket(ctx, name)
	if err != nil {
		return Bucket{}, withHint(err, store.NoSuchBucket, "`artifacts-tui bucket list` shows those there are")
	}
	o.mu.RLock()
	defer o.mu.RUnlock()
	return o.describeBucket(b), nil
}

// describeBucket is called with the lock held.
func (o *Orchestrator) describeBucket(b store.BucketInfo) Bucket {
	d := Bucket{
		Name: b.Name, Owner: b.Owner, OwnerName: o.state.peers[b.Owner].Name, Created: b.Created, Quota: b.Quota,
		Used: b.Total(), PartBytes: b.PartBytes, Objects: b.Objects,
	}
	record := o.state.buckets[b.Name]
	d.Recycle = record.RecycleSeconds
	if !record.Created.IsZero() {
		d.Created = record.Created
	}
	if missing := record.Known.Missing(workspace.Usage{Bytes: b.Bytes, Objects: b.Objects}); missing.Objects > 0 {
		d.Missing, d.KnownAt = &missing, record.Known.At
	}
	return d
}

// SetBucketQuota bounds a bucket to bytes; 0: unlimited. It refuses a quota below what is
// in use unless force is set; writes that add are then refused (SPEC B25).
func (o *Orchestrator) SetBucketQuota(ctx context.Context, name string, q Quota) (Bucket, error) {
	if err := notReserved(name); err != nil {
		return Bucket{}, err
	}
	if err := checkQuota(q.Bytes); err != nil {
		return Bucket{}, err
	}
	err := o.change(ctx, func(ctx context.Context, c *control) error {
		b, err := o.store.Bucket(ctx, name)
		if err != nil {
			return withHint(err, store.NoSuchBucket, "`artifacts-tui bucket list` shows those there are")
		}
		if err := belowUsage("bucket "+name, q.Bytes, b.Total(), q.Force); err != nil {
			return err
		}
		// The record first: where the two differ, a start goes by it.
		record, ok := c.buckets[name]
		if !ok {
			record = BucketRecord{Name: name, Owner: b.Owner, Created: b.Created}
		}
		record.Quota = q.Bytes
		if err := c.putBucket(ctx, record); err != nil {
			return err
		}
		if err := o.store.SetQuota(ctx, name, q.Bytes); err != nil {
			return err
		}
		return o.boundBin(ctx, record)
	})
	if err != nil {
		return Bucket{}, err
	}
	return o.Bucket(ctx, name)
}

// EmptyBucket removes a bucket with everything in it.
func (o *Orchestrator) EmptyBucket(ctx context.Context, name string) error {
	if err := notReserved(name); err != nil {
		return err
	}
	if err := empty(ctx, o.store, name, ""); err != nil {
		return err
	}
	return o.DeleteBucket(ctx, name)
}

// Forget stops reporting what a backup knew of a bucket and that is not there.
func (o *Orchestrator) Forget(ctx context.Context, bucket string) error {
	return o.change(ctx, func(ctx context.Context, c *control) error {
		record, ok := c.buckets[bucket]
		if !ok {
			return fault.New(fault.NotFound, "`artifacts-tui bucket list` shows those there are", "there is no bucket %q", bucket)
		}
		record.Known = nil
		return c.putBucket(ctx, record)
	})
}

// reconcile makes records and store agree after a crash or a restore, and names a new mesh.
func (o *Orchestrator) reconcile(ctx context.Context) error {
	return o.change(ctx, func(ctx context.Context, c *control) error {
		if c.mesh.ID == "" {
			if err := c.putMesh(ctx, Mesh{ID: randomHex(8), Created: o.stamp()}); err != nil {
				return err
			}
		}
		present, err := o.store.Buckets(ctx)
		if err != nil {
			return err
		}
		for _, b := range present {
			record, known := c.buckets[b.Name]
			switch {
			case store.Reserved(b.Name):
			case !known:
				err = c.putBucket(ctx, BucketRecord{Name: b.Name, Owner: b.Owner, Quota: b.Quota, Created: b.Created})
			case record.Quota != b.Quota:
				err = o.store.SetQuota(ctx, b.Name, record.Quota)
			}
			if err != nil {
				return err
			}
		}
		for name, record := range c.buckets {
			if err := o.boundBin(ctx, record); err != nil {
				return err
			}
			if slices.ContainsFunc(present, func(b store.BucketInfo) bool { return b.Name == name }) {
				continue
			}
			if err := o.store.CreateBucket(ctx, name, store.CreateBucketOptions{Owner: record.Owner, Quota: record.Quota}); err != nil {
				return err
			}
		}
		return o.reconcileWorkspaces(ctx, c)
	})
}

func (o *Orchestrator) reconcileWorkspaces(ctx context.Context, c *control) error {
	counted, err := o.counted(ctx)
	if err != nil {
		return err
	}
	damage := c.docs.Damage()
	for _, w := range c.workspaces {
		quota, known := counted[w.Prefix]
		_, damaged := damage[workspacesPrefix+w.ID+".json"]
		switch {
		case w.State == workspace.Deleting:
			if err := o.finishDelete(ctx, c, &w); err != nil {
				return err
			}
		case w.State == workspace.PendingFormat && damaged && known:
			// What stands in for the damaged record is from before its place was made.
			w.State, w.Quota = workspace.Active, quota
			if err := c.putWorkspace(ctx, w); err != nil {
				return err
			}
		}
		if w.Backend == workspace.Managed && w.State != workspace.PendingFormat && (!known || quota != w.Quota) {
			if err := o.provision(ctx, w); err != nil {
				return err
			}
		}
		if w.Backend == workspace.Mesh && w.State == workspace.Active {
			if err := o.countMesh(ctx, w); err != nil {
				return err
			}
		}
	}
	return c.dropLeavings(ctx)
}

// counted are the quotas of the prefixes of managed workspaces that the store counts.
func (o *Orchestrator) counted(ctx context.Context) (map[string]int64, error) {
	quotas := map[string]int64{}
	list, err := o.store.Prefixes(ctx, ManagedBucket)
	if isCode(err, store.NoSuchBucket) {
		return quotas, nil
	}
	for _, p := range list {
		quotas[p.Prefix] = p.Quota
	}
	return quotas, err
}

// prefixUsage counts what is below a prefix.
func prefixUsage(ctx context.Context, s *store.Store, bucket, prefix string) (workspace.Usage, error) {
	u, err := s.PrefixUsage(ctx, bucket, prefix)
	if isCode(err, store.NoSuchBucket) {
		return workspace.Usage{}, nil
	}
	return usageOf(u), err
}

func usageOf(u store.Usage) workspace.Usage {
	return workspace.Usage{Bytes: u.Bytes, Objects: u.Objects, PartBytes: u.PartBytes}
}

// emptyParallel is how many deletions are on their way, so that one transaction takes many.
const emptyParallel = 64

// empty removes the objects, and the uploads in flight, whose keys begin with prefix.
func empty(ctx context.Context, s *store.Store, bucket, prefix string) error {
	for {
		page, err := s.List(ctx, bucket, store.ListOptions{Prefix: prefix})
		if isCode(err, store.NoSuchBucket) {
			return nil
		}
		if err != nil {
			return err
		}
		g, ctx := errgroup.WithContext(ctx)
		g.SetLimit(emptyParallel)
		for _, obj := range page.Objects {
			g.Go(func() error { return s.Delete(ctx, bucket, obj.Key) })
		}
		if err := g.Wait(); err != nil {
			return err
		}
		if !page.Truncated {
			break
		}
	}
	uploads, err := s.Uploads(ctx, bucket, prefix, "", "", 0)
	if err != nil {
		return err
	}
	for _, u := range uploads {
		if err := s.AbortUpload(ctx, bucket, u.Key, u.ID); err != nil && !isCode(err, store.NoSuchUpload) {
			return err
		}
	}
	return nil
}

func isCode(err error, code store.Code) bool { return errors.Is(err, &store.Error{Code: code}) }

// withHint says what to do next about a refusal of the store.
func withHint(err error, code store.Code, hint string) error {
	if !isCode(err, code) {
		return err
	}
	e := fault.As(err)
	return &fault.Error{Kind: e.Kind, Message: e.Message, Hint: hint, Err: err}
}
