package coordinator

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/artifacts-tui/artifacts-tui/backend/store"
	"github.com/artifacts-tui/artifacts-tui/backend/workspace"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// RecycledBucket keeps deleted objects of buckets that have a recycle bin (SPEC C22). A key
// in it is the bucket, then the end of its time and a random number, so that those whose
// time is over come first.
const RecycledBucket = "_recycled"

// What the user metadata of a recycled object says beside the object's own.
const (
	metaKey     = "artifacts-recycled-key" // escaped as in a URL
	metaDeleted = "artifacts-recycled-at"  // RFC 3339
)

// maxRecycle bounds how long objects are kept.
const maxRecycle = 365 * 24 * time.Hour

// Recycle is the body of PUT /v1/buckets/{name}/recycle.
type Recycle struct {
	Seconds int64 `json:"seconds"` // how long deleted objects are kept; 0: there is no recycle bin
}

// RecycledObject is a deleted object that can be restored.
type RecycledObject struct {
	ID      string    `json:"id"`
	Key     string    `json:"key"`
	Size    int64     `json:"size"` // bytes; they count against s3.max_size, not against the bucket's quota
	Deleted time.Time `json:"deleted"`
	Expires time.Time `json:"expires"` // when it is removed for good
}

// RestoreObject is the body of POST /v1/buckets/{name}/restore: the object deleted last at a
// key, or a certain one by its id.
type RestoreObject struct {
	Key string `json:"key,omitempty"`
	ID  string `json:"id,omitempty"`
	// Overwrite replaces an object that has the key by now.
	Overwrite bool `json:"overwrite,omitempty"`
}

// SetRecycle gives a bucket a recycle bin, or takes it away; what is in it stays until its time is over.
func (o *Orchestrator) SetRecycle(ctx context.Context, name string, r Recycle) (Bucket, error) {
	if err := notReserved(name); err != nil {
		return Bucket{}, err
	}
	if r.Seconds < 0 || r.Seconds > int64(maxRecycle/time.Second) {
		return Bucket{}, fault.New(fault.Usage, "give it as 7d or 24h; 0 is no recycle bin", "deleted objects are kept for %d days at most", maxRecycle/(24*time.Hour))
	}
	err := o.change(ctx, func(ctx context.Context, c *control) error {
		b, err := o.store.Bucket(ctx, name)
		if err != nil {
			return withHint(err, store.NoSuchBucket, "`artifacts-tui bucket list` shows those there are")
		}
		record, ok := c.buckets[name]
		if !ok {
			record = BucketRecord{Name: name, Owner: b.Owner, Quota: b.Quota, Created: b.Created}
		}
		record.RecycleSeconds = r.Seconds
		if err := c.putBucket(ctx, record); err != nil {
			return err
		}
		return o.boundBin(ctx, record)
	})
	if err != nil {
		return Bucket{}, err
	}
	return o.Bucket(ctx, name)
}

// boundBin lets the recycle bin of a bucket hold as much as the bucket itself may: who writes
// and deletes in turn must not get past the quota.
func (o *Orchestrator) boundBin(ctx context.Context, b BucketRecord) error {
	if b.RecycleSeconds == 0 {
		return nil
	}
	if err := ensureBucket(ctx, o.store, RecycledBucket); err != nil {
		return err
	}
	if p, err := o.store.Prefix(ctx, RecycledBucket, b.Name+"/"); err == nil && p.Quota == b.Quota {
		return nil
	}
	return o.store.SetPrefix(ctx, RecycledBucket, b.Name+"/", b.Quota)
}

// dropBin removes the recycle bin of a bucket that is no more.
func (o *Orchestrator) dropBin(ctx context.Context, bucket string) error {
	if err := empty(ctx, o.store, RecycledBucket, bucket+"/"); err != nil {
		return err
	}
	err := o.store.DropPrefix(ctx, RecycledBucket, bucket+"/")
	if isCode(err, store.NoSuchBucket) {
		return nil
	}
	return err
}

// DeleteIf implements api.Buckets: an object of a bucket with a recycle bin moves there. Where
// the bin or the store is too full for that it is deleted for good: deleting must always be possible.
func (o *Orchestrator) DeleteIf(ctx context.Context, bucket, key string, c store.Condition) error {
	keep := o.identities.Load().recycle[bucket] // no lock: a deletion waits for no change of the control state
	if keep == 0 {
		return o.store.DeleteIf(ctx, bucket, key, c)
	}
	for {
		old, err := o.store.Head(ctx, bucket, key)
		if err == nil {
			err = c.Check(&old)
		}
		if err != nil {
			return o.store.DeleteIf(ctx, bucket, key, c) // which says why not, or has nothing to do
		}
		id, err := o.recycle(ctx, old, keep)
		if err != nil {
			return err
		}
		err = o.store.DeleteIf(ctx, bucket, key, store.Condition{IfMatch: old.ETag})
		if !isCode(err, store.PreconditionFailed) && !isCode(err, store.NoSuchKey) {
			return err
		}
		// Somebody wrote or deleted it meanwhile: what was copied is not what is deleted.
		if id != "" {
			if err := o.store.Delete(ctx, RecycledBucket, id); err != nil {
				return err
			}
		}
	}
}

// recycle copies an object to the recycle bin and returns its key there, empty where there is no room.
func (o *Orchestrator) recycle(ctx context.Context, old store.ObjectInfo, keep time.Duration) (string, error) {
	now := o.now().UTC()
	id := fmt.Sprintf("%s/%016x-%s", old.Bucket, now.Add(keep).Unix(), randomHex(4))
	meta := maps.Clone(old.Meta)
	if meta == nil {
		meta = map[string]string{}
	}
	meta[metaKey], meta[metaDeleted] = url.QueryEscape(old.Key), now.Format(time.RFC3339Nano)
	_, err := o.store.Copy(ctx, old.Bucket, old.Key, RecycledBucket, id, store.CopyOptions{
		Replace: true, ContentType: old.ContentType, Headers: old.Headers, Meta: meta,
		Source: func(src store.ObjectInfo) error { return store.Condition{IfMatch: old.ETag}.Check(&src) },
	})
	switch {
	case isCode(err, store.QuotaExceeded):
		o.log.Warn("the recycle bin or the store is too full: an object is deleted for good", "bucket", old.Bucket, "key", old.Key)
		return "", nil
	case isCode(err, store.PreconditionFailed), isCode(err, store.NoSuchKey): // the deletion sees it too
		return "", nil
	}
	return id, err
}

// Recycled lists the deleted objects of a bucket whose keys begin with prefix, those deleted
// last first; limit bounds how many.
func (o *Orchestrator) Recycled(ctx context.Context, bucket, prefix string, limit int) ([]RecycledObject, error) {
	list := []RecycledObject{}
	since := o.bucketSince(bucket)
	err := o.eachRecycled(ctx, bucket, func(r RecycledObject) bool {
		if strings.HasPrefix(r.Key, prefix) && !r.Deleted.Before(since) {
			list = append(list, r)
		}
		return true
	})
	slices.SortStableFunc(list, func(a, b RecycledObject) int { return b.Deleted.Compare(a.Deleted) })
	return list[:min(len(list), limit)], err
}

// bucketSince is when a bucket was made: what was deleted before was another's of the same name.
func (o *Orchestrator) bucketSince(bucket string) time.Time {
	o.mu.RLock()
	defer o.mu.RUnlock()
	return o.state.buckets[bucket].Created
}

// eachRecycled calls f with those of a bucket, or of all where that is empty, until it returns false.
func (o *Orchestrator) eachRecycled(ctx context.Context, bucket string, f func(RecycledObject) bool) error {
	opt := store.ListOptions{}
	if bucket != "" {
		opt.Prefix = bucket + "/"
	}
	for {
		page, err := o.store.List(ctx, RecycledBucket, opt)
		if isCode(err, store.NoSuchBucket) {
			return nil
		}
		if err != nil {
			return err
		}
		for _, obj := range page.Objects {
			if !f(recycled(obj)) {
				return nil
			}
		}
		if !page.Truncated {
			return nil
		}
		opt.StartAfter = page.Next
	}
}

func recycled(obj store.ObjectInfo) RecycledObject {
	r := RecycledObject{ID: obj.Key, Size: obj.Size}
	r.Key, _ = url.QueryUnescape(obj.Meta[metaKey])
	r.Deleted, _ = time.Parse(time.RFC3339, obj.Meta[metaDeleted])
	r.Expires = endOf(obj.Key)
	return r
}

// endOf is when the time of a recycled object is over.
func endOf(id string) time.Time {
	var seconds int64
	name := id[strings.LastIndexByte(id, '/')+1:]
	if _, err := fmt.Sscanf(name, "%016x-", &seconds); err != nil {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}

// RestoreObject brings a deleted object back to its key.
func (o *Orchestrator) RestoreObject(ctx context.Context, bucket string, req RestoreObject) (RecycledObject, error) {
	found, err := o.deletedObject(ctx, bucket, req)
	if err != nil {
		return found, err
	}
	old, err := o.store.Head(ctx, RecycledBucket, found.ID)
	if err != nil {
		return found, err
	}
	meta := maps.Clone(old.Meta)
	delete(meta, metaKey)
	delete(meta, metaDeleted)
	_, err = o.store.Copy(ctx, RecycledBucket, found.ID, bucket, found.Key, store.CopyOptions{
		Replace: true, ContentType: old.ContentType, Headers: old.Headers, Meta: meta, IfNoneMatch: !req.Overwrite,
	})
	if isCode(err, store.PreconditionFailed) {
		return found, fault.New(fault.Conflict, "add --overwrite to replace it", "there is an object %q in bucket %s by now", found.Key, bucket)
	}
	if err != nil {
		return found, err
	}
	return found, o.store.Delete(ctx, RecycledBucket, found.ID)
}

func (o *Orchestrator) deletedObject(ctx context.Context, bucket string, req RestoreObject) (found RecycledObject, err error) {
	none := fault.New(fault.NotFound, "`artifacts-tui bucket deleted "+bucket+"` shows those there are", "bucket %s has no such deleted object", bucket)
	if (req.ID == "") == (req.Key == "") {
		return found, fault.New(fault.Usage, "give one of them", "a deleted object is named by its key or by its id")
	}
	since := o.bucketSince(bucket)
	if req.ID != "" {
		obj, err := o.store.Head(ctx, RecycledBucket, req.ID)
		if err != nil || !strings.HasPrefix(req.ID, bucket+"/") || recycled(obj).Deleted.Before(since) {
			return found, none
		}
		return recycled(obj), nil
	}
	err = o.eachRecycled(ctx, bucket, func(r RecycledObject) bool {
		if r.Key == req.Key && !r.Deleted.Before(found.Deleted) && !r.Deleted.Before(since) {
			found = r
		}
		return true
	})
	if err == nil && found.ID == "" {
		err = none
	}
	return found, err
}

// PurgeBin removes the deleted objects of a bucket for good, and returns what they held.
// With dryRun it does not.
func (o *Orchestrator) PurgeBin(ctx context.Context, bucket string, dryRun bool) (workspace.Usage, error) {
	if _, err := o.Bucket(ctx, bucket); err != nil {
		return workspace.Usage{}, err
	}
	held, err := prefixUsage(ctx, o.store, RecycledBucket, bucket+"/")
	if err != nil || dryRun {
		return held, err
	}
	return held, empty(ctx, o.store, RecycledBucket, bucket+"/")
}

// purgeRecycled removes the deleted objects whose time is over. Buckets are taken one by
// one: within each, those come first.
func (o *Orchestrator) purgeRecycled(ctx context.Context) error {
	opt := store.ListOptions{Delimiter: "/"}
	for {
		page, err := o.store.List(ctx, RecycledBucket, opt)
		if isCode(err, store.NoSuchBucket) {
			return nil
		}
		if err != nil {
			return err
		}
		for _, prefix := range page.Prefixes {
			if err := o.purgeBin(ctx, strings.TrimSuffix(prefix, "/")); err != nil {
				return err
			}
		}
		if !page.Truncated {
			return nil
		}
		opt.StartAfter = page.Next
	}
}

func (o *Orchestrator) purgeBin(ctx context.Context, bucket string) error {
	var due []string
	err := o.eachRecycled(ctx, bucket, func(r RecycledObject) bool {
		over := !o.now().Before(r.Expires)
		if over {
			due = append(due, r.ID)
		}
		return over
	})
	for _, id := range due {
		if err := o.store.Delete(ctx, RecycledBucket, id); err != nil {
			return err
		}
	}
	return err
}
