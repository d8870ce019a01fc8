package migrate

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/artifacts-tui/artifacts-tui/backend/store"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// copyAll makes the target's buckets, objects and uploads those of the source. Quotas come
// last: a bucket may hold more than its own.
func (r *run) copyAll(ctx context.Context) error {
	buckets, err := store.BucketsOf(ctx, r.from.Index)
	if err != nil {
		return err
	}
	if err := r.makeBuckets(ctx, buckets); err != nil {
		return err
	}
	for _, b := range buckets {
		r.tell(func(p *Progress) { p.Bucket = b.Name })
		if err := r.copyObjects(ctx, b.Name); err != nil {
			return err
		}
		if err := r.copyUploads(ctx, b.Name); err != nil {
			return err
		}
		if err := r.copyPrefixes(ctx, b.Name); err != nil {
			return err
		}
		if err := r.to.Index.SetQuota(ctx, b.Name, b.Quota); err != nil {
			return err
		}
	}
	return nil
}

// makeBuckets makes those that are missing, without their quotas, and empties those that the
// source has not, or has made anew since a run before.
func (r *run) makeBuckets(ctx context.Context, buckets []store.BucketInfo) error {
	wanted := map[string]store.BucketInfo{}
	for _, b := range buckets {
		wanted[b.Name] = b
	}
	have, err := store.BucketsOf(ctx, r.to.Index)
	if err != nil {
		return err
	}
	for _, b := range have {
		w, ok := wanted[b.Name]
		if ok && w.Created.Equal(b.Created) && w.Owner == b.Owner {
			delete(wanted, b.Name)
			if err := r.to.Index.SetQuota(ctx, b.Name, 0); err != nil {
				return err
			}
			if err := r.dropPrefixes(ctx, b.Name, nil); err != nil {
				return err
			}
			continue
		}
		if err := r.dropBucket(ctx, b.Name); err != nil {
			return err
		}
	}
	for _, b := range wanted {
		if err := r.to.Index.CreateBucket(ctx, store.BucketInfo{Name: b.Name, Owner: b.Owner, Created: b.Created}); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) dropBucket(ctx context.Context, name string) error {
	for {
		page, err := r.to.Index.Walk(ctx, name, "", store.MaxPage)
		if err != nil {
			return err
		}
		if len(page) == 0 {
			break
		}
		for _, o := range page {
			if err := r.drop(ctx, o); err != nil {
				return err
			}
		}
	}
	freed, err := r.to.Index.DeleteBucket(ctx, name)
	if err != nil {
		return err
	}
	return r.free(ctx, freed)
}

func (r *run) drop(ctx context.Context, o store.Object) error {
	freed, err := r.to.Index.Delete(ctx, o.Bucket, o.Key, store.Condition{})
	if err != nil && !errors.Is(err, store.ErrNoSuchKey) {
		return err
	}
	return r.free(ctx, freed)
}

func (r *run) free(ctx context.Context, f store.Freed) error {
	for _, id := range f.Blobs {
		if err := r.to.Blobs.Delete(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

// walker goes through a bucket by key.
type walker struct {
	ctx    context.Context
	index  store.Index
	bucket string
	page   []store.Object
	last   string
	ended  bool
}

// head is the next object; nil at the end.
func (w *walker) head() (*store.Object, error) {
	if len(w.page) == 0 && !w.ended {
		var err error
		if w.page, err = w.index.Walk(w.ctx, w.bucket, w.last, store.MaxPage); err != nil {
			return nil, err
		}
		w.ended = len(w.page) == 0
	}
	if w.ended {
		return nil, nil
	}
	return &w.page[0], nil
}

func (w *walker) next() { w.last, w.page = w.page[0].Key, w.page[1:] }

// copyObjects goes through both buckets side by side: what is the same is left alone, what
// differs is copied, what the source has not goes.
func (r *run) copyObjects(ctx context.Context, bucket string) error {
	group, inner := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	from := &walker{ctx: inner, index: r.from.Index, bucket: bucket}
	to := &walker{ctx: inner, index: r.to.Index, bucket: bucket}
	step := func() (more bool, err error) {
		a, err := from.head()
		if err != nil {
			return false, err
		}
		b, err := to.head()
		if err != nil {
			return false, err
		}
		switch {
		case a == nil && b == nil:
			return false, nil
		case a == nil || b != nil && b.Key < a.Key:
			defer to.next()
			// One that was copied a moment ago is behind a in its bucket, but not beyond it.
			if _, err := r.from.Index.Object(inner, bucket, b.Key); errors.Is(err, store.ErrNoSuchKey) {
				return true, r.drop(inner, *b)
			} else if err != nil {
				return false, err
			}
		case b != nil && b.Key == a.Key && sameObject(*a, *b):
			r.did(a.Size, 1, false)
			from.next()
			to.next()
		default:
			if b != nil && b.Key == a.Key {
				to.next()
			}
			o := *a
			from.next()
			group.Go(func() error { return r.copyObject(inner, o) })
		}
		return true, nil
	}
	for more := true; more && inner.Err() == nil; {
		var err error
		if more, err = step(); err != nil {
			group.Go(func() error { return err })
			break
		}
	}
	return errors.Join(group.Wait(), ctx.Err())
}

func (r *run) did(bytes, objects int64, copied bool) {
	r.tell(func(p *Progress) {
		p.Objects += objects
		p.Bytes += bytes
		if copied {
			r.report.Copied++
			r.report.CopiedBytes += bytes
		}
	})
}

func (r *run) copyObject(ctx context.Context, o store.Object) error {
	segments, err := r.copySegments(ctx, o.Segments)
	if err != nil {
		return fmt.Errorf("%s/%s: %w", o.Bucket, o.Key, err)
	}
	size := o.Size
	o.Segments = segments
	freed, err := r.to.Index.Put(ctx, store.PutEntry{Object: o})
	if err != nil {
		return fmt.Errorf("%s/%s: %w", o.Bucket, o.Key, err)
	}
	r.did(size, 1, true)
	return r.free(ctx, freed)
}

func (r *run) copySegments(ctx context.Context, list []store.Segment) ([]store.Segment, error) {
	fresh := make([]store.Segment, 0, len(list))
	for _, g := range list {
		s, err := r.copySegment(ctx, g)
		if err != nil {
			return nil, err
		}
		fresh = append(fresh, s)
	}
	return fresh, nil
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// copySegment makes a blob of a segment whose bytes are what was stored.
func (r *run) copySegment(ctx context.Context, g store.Segment) (store.Segment, error) {
	from, err := r.from.Blobs.Open(ctx, g.Blob)
	if err != nil {
		return g, lost(err)
	}
	defer from.Close()
	if _, err := from.Seek(g.Offset, io.SeekStart); err != nil {
		return g, lost(err)
	}
	if e, ok := from.(store.Expecter); ok {
		e.Expect(g.Length, g.Sum)
	}
	to, err := r.to.Blobs.Create(ctx, g.Length)
	if err != nil {
		return g, err
	}
	defer to.Abort()
	sum := crc32.New(castagnoli)
	w := &target{to: to}
	if _, err := io.CopyBuffer(struct{ io.Writer }{io.MultiWriter(w, sum)}, struct{ io.Reader }{io.LimitReader(from, g.Length)}, make([]byte, max(1, min(g.Length, 128<<10)))); err != nil {
		if w.err != nil {
			return g, w.err
		}
		return g, lost(err)
	}
	if w.n != g.Length {
		return g, lost(io.ErrUnexpectedEOF)
	}
	if g.Sum != 0 && g.Sum != sum.Sum32() {
		return g, lost(store.ErrDamaged)
	}
	id, err := to.Commit()
	if err != nil {
		return g, err
	}
	return store.Segment{Blob: id, Length: g.Length, Sum: sum.Sum32()}, nil
}

// target tells an error of the target from one of the source.
type target struct {
	to  io.Writer
	n   int64
	err error
}

func (t *target) Write(p []byte) (int, error) {
	n, err := t.to.Write(p)
	t.n += int64(n)
	t.err = err
	return n, err
}

// lost is about bytes that the source has not.
func lost(err error) error {
	if errors.Is(err, context.Canceled) || fault.Is(err, fault.Unreachable) {
		return err
	}
	return fault.Wrap(fault.Failure, err, "`coordinator fsck` lists all that is lost; delete it or restore it, then run the migration again", "its bytes in the source are not what was stored")
}

// copyUploads makes the uploads in flight those of the source, with their ids.
func (r *run) copyUploads(ctx context.Context, bucket string) error {
	uploads, err := r.from.Index.Uploads(ctx, bucket, "", "", "", 0)
	if err != nil {
		return err
	}
	wanted := map[string]store.UploadInfo{}
	for _, u := range uploads {
		wanted[u.Key+"\x00"+u.ID] = u
	}
	have, err := r.to.Index.Uploads(ctx, bucket, "", "", "", 0)
	if err != nil {
		return err
	}
	for _, u := range have {
		w, ok := wanted[u.Key+"\x00"+u.ID]
		if ok {
			ok, err = r.within(ctx, w)
		}
		if err != nil {
			return err
		}
		if ok {
			delete(wanted, u.Key+"\x00"+u.ID)
			continue
		}
		freed, err := r.to.Index.AbortUpload(ctx, bucket, u.Key, u.ID)
		if err != nil {
			return err
		}
		if err := r.free(ctx, freed); err != nil {
			return err
		}
	}
	for _, u := range uploads {
		if _, missing := wanted[u.Key+"\x00"+u.ID]; missing {
			if err := r.to.Index.CreateUpload(ctx, u); err != nil {
				return err
			}
		}
		if err := r.copyParts(ctx, u); err != nil {
			return err
		}
	}
	return nil
}

// within reports whether all parts that the target has of an upload are the source's.
func (r *run) within(ctx context.Context, u store.UploadInfo) (bool, error) {
	have, err := r.to.Index.Parts(ctx, u.Bucket, u.Key, u.ID, 0, 0)
	if err != nil {
		return false, err
	}
	wanted, err := r.parts(ctx, u)
	if err != nil {
		return false, err
	}
	for _, p := range have {
		if _, ok := wanted[p.Number]; !ok {
			return false, nil
		}
	}
	return true, nil
}

func (r *run) parts(ctx context.Context, u store.UploadInfo) (map[int]store.Part, error) {
	list, err := r.from.Index.Parts(ctx, u.Bucket, u.Key, u.ID, 0, 0)
	byNumber := map[int]store.Part{}
	for _, p := range list {
		byNumber[p.Number] = p
	}
	return byNumber, err
}

func (r *run) copyParts(ctx context.Context, u store.UploadInfo) error {
	wanted, err := r.parts(ctx, u)
	if err != nil {
		return err
	}
	have, err := r.to.Index.Parts(ctx, u.Bucket, u.Key, u.ID, 0, 0)
	if err != nil {
		return err
	}
	for _, p := range have {
		if samePart(wanted[p.Number], p) {
			delete(wanted, p.Number)
			r.did(p.Size, 0, false)
		}
	}
	group, inner := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for _, number := range slices.Sorted(maps.Keys(wanted)) {
		p := wanted[number]
		group.Go(func() error {
			segments, err := r.copySegments(inner, p.Segments)
			if err != nil {
				return fmt.Errorf("part %d of an upload of %s/%s: %w", p.Number, u.Bucket, u.Key, err)
			}
			p.Segments = segments
			freed, err := r.to.Index.PutPart(inner, store.PartEntry{Bucket: u.Bucket, Key: u.Key, UploadID: u.ID, Part: p})
			if err != nil {
				return err
			}
			r.did(p.Size, 0, true)
			return r.free(inner, freed)
		})
	}
	return group.Wait()
}

// copyPrefixes counts what the source counts, with its quotas.
func (r *run) copyPrefixes(ctx context.Context, bucket string) error {
	list, err := r.from.Index.Prefixes(ctx, bucket)
	if err != nil {
		return err
	}
	if err := r.dropPrefixes(ctx, bucket, list); err != nil {
		return err
	}
	for _, p := range list {
		if err := r.to.Index.SetPrefix(ctx, bucket, p.Prefix, p.Quota); err != nil {
			return err
		}
	}
	return nil
}

// dropPrefixes ends the counting of those that are not to be kept.
func (r *run) dropPrefixes(ctx context.Context, bucket string, keep []store.PrefixInfo) error {
	have, err := r.to.Index.Prefixes(ctx, bucket)
	if err != nil {
		return err
	}
	for _, p := range have {
		if !slices.ContainsFunc(keep, func(k store.PrefixInfo) bool { return k.Prefix == p.Prefix }) {
			if err := r.to.Index.DropPrefix(ctx, bucket, p.Prefix); err != nil {
				return err
			}
		}
	}
	return nil
}
