package bolt

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"

	"go.etcd.io/bbolt"

	"github.com/artifacts-tui/artifacts-tui/backend/store"
	"github.com/artifacts-tui/artifacts-tui/backend/store/record"
)

func readObject(table *bbolt.Bucket, bucket, key string) (store.Object, error) {
	v := table.Get(objectKey(bucket, key))
	if v == nil {
		return store.Object{}, store.Refuse(store.NoSuchKey, "there is no object %q in bucket %s", key, bucket)
	}
	return record.DecodeObject(bucket, key, v, true)
}

// Object implements store.Index.
func (x *Index) Object(_ context.Context, bucket, key string) (o store.Object, err error) {
	err = x.db.View(func(tx *bbolt.Tx) error {
		o, err = readObject(tx.Bucket(tableObjects), bucket, key)
		if err != nil && tx.Bucket(tableBuckets).Get([]byte(bucket)) == nil {
			return noBucket(bucket) // looked for last: most objects that are asked for are there
		}
		return err
	})
	return o, err
}

// old is the object at key, or nil.
func (t *txn) old(bucket, key string) (*store.Object, error) {
	v := t.objects.Get(objectKey(bucket, key))
	if v == nil {
		return nil, nil
	}
	o, err := record.DecodeObject(bucket, key, v, true)
	return &o, err
}

func check(c store.Condition, old *store.Object) error {
	if old == nil {
		return c.Check(nil)
	}
	return c.Check(&old.ObjectInfo)
}

// same refuses where source is not what it was when segments, all or some of its own, were read.
func (t *txn) same(source *store.ObjectInfo, segments []store.Segment) error {
	if source == nil {
		return nil
	}
	now, err := t.old(source.Bucket, source.Key)
	if err != nil {
		return err
	}
	if now == nil || now.Seq != source.Seq || !includes(now.Segments, segments) {
		return store.Refuse(store.NoSuchKey, "the source of the copy has changed")
	}
	return nil
}

// includes reports whether some are of all, in their order.
func includes(all, some []store.Segment) bool {
	for _, g := range all {
		if len(some) > 0 && g == some[0] {
			some = some[1:]
		}
	}
	return len(some) == 0
}

// Begin implements store.Index.
func (x *Index) Begin(ctx context.Context, bucket, key string, size int64, c store.Condition) (store.Reservation, error) {
	var old *store.ObjectInfo
	switch o, err := x.Object(ctx, bucket, key); {
	case err == nil:
		old = &o.ObjectInfo
	case !errors.Is(err, store.ErrNoSuchKey):
		return nil, err
	}
	if err := c.Check(old); err != nil {
		return nil, err
	}
	if old != nil {
		size -= old.Size
	}
	return x.reserve(bucket, key, size)
}

// Put implements store.Index.
func (x *Index) Put(_ context.Context, p store.PutEntry) (store.Freed, error) {
	var freed store.Freed
	err := x.update(func(t *txn) error {
		o := p.Object
		if _, err := t.bucket(o.Bucket); err != nil {
			return err
		}
		old, err := t.old(o.Bucket, o.Key)
		if err != nil {
			return err
		}
		if err := check(p.Cond, old); err != nil {
			return err
		}
		if err := t.same(p.Source, o.Segments); err != nil {
			return err
		}
		delta := o.Size
		if old != nil {
			delta -= old.Size
		}
		if err := t.charge(o.Bucket, o.Key, p.Space, delta); err != nil {
			return err
		}
		if p.Source != nil {
			if err := t.retain(o.Segments); err != nil {
				return err
			}
		}
		freed, err = t.write(o, old)
		return err
	})
	return freed, err
}

// write replaces old by o; everything that could refuse has been asked.
func (t *txn) write(o store.Object, old *store.Object) (freed store.Freed, err error) {
	o.Seq = t.next()
	if err := t.objects.Put(objectKey(o.Bucket, o.Key), record.EncodeObject(o)); err != nil {
		return freed, err
	}
	more := store.Usage{Bytes: o.Size, Objects: 1}
	if old != nil {
		more = store.Usage{Bytes: o.Size - old.Size}
		if freed.Blobs, err = t.release(old.Segments); err != nil {
			return freed, err
		}
	}
	freed.Seq = o.Seq
	t.tell(store.PutChange(o.ObjectInfo))
	return freed, t.count(o.Bucket, o.Key, more)
}

// Delete implements store.Index.
func (x *Index) Delete(_ context.Context, bucket, key string, c store.Condition) (store.Freed, error) {
	var freed store.Freed
	err := x.update(func(t *txn) error {
		if _, err := t.bucket(bucket); err != nil {
			return err
		}
		old, err := t.old(bucket, key)
		if err != nil {
			return err
		}
		if err := check(c, old); err != nil {
			return err
		}
		if old == nil {
			return store.Refuse(store.NoSuchKey, "there is no object %q in bucket %s", key, bucket)
		}
		if err := t.objects.Delete(objectKey(bucket, key)); err != nil {
			return err
		}
		if err := t.count(bucket, key, store.Usage{Bytes: -old.Size, Objects: -1}); err != nil {
			return err
		}
		freed.Seq = t.next()
		t.tell(store.Change{Kind: store.ChangeDelete, Bucket: bucket, Key: key})
		freed.Blobs, err = t.release(old.Segments)
		return err
	})
	return freed, err
}

// List implements store.Index. With a delimiter it seeks past each rolled-up prefix,
// so that a page costs what it shows and not what lies beneath.
func (x *Index) List(ctx context.Context, bucket string, o store.ListOptions) (page store.Page, err error) {
	if o.Max <= 0 {
		o.Max = store.MaxPage
	}
	err = x.db.View(func(tx *bbolt.Tx) error {
		if tx.Bucket(tableBuckets).Get([]byte(bucket)) == nil {
			return noBucket(bucket)
		}
		return listObjects(ctx, tx.Bucket(tableObjects).Cursor(), bucket, o, &page)
	})
	return page, err
}

func listObjects(ctx context.Context, c *bbolt.Cursor, bucket string, o store.ListOptions, page *store.Page) error {
	base := objectKey(bucket, "")
	k, v := seekAfter(c, bucket, o)
	last := ""
	for n := 0; k != nil && bytes.HasPrefix(k, base); n++ {
		key := string(k[len(base):])
		if !strings.HasPrefix(key, o.Prefix) {
			return nil
		}
		if n == o.Max {
			page.Truncated, page.Next = true, last
			return nil
		}
		if n%1024 == 1023 && ctx.Err() != nil {
			return ctx.Err()
		}
		if common, ok := rollUp(key, o); ok {
			page.Prefixes = append(page.Prefixes, common)
			last = common
			k, v = seek(c, after(objectKey(bucket, common)))
			continue
		}
		obj, err := record.DecodeObject(bucket, key, v, false)
		if err != nil {
			return err
		}
		if len(page.Objects) == 32 { // more than a few: a full page is likely
			page.Objects = slices.Grow(page.Objects, min(o.Max, store.MaxPage))
		}
		page.Objects = append(page.Objects, obj.ObjectInfo)
		last = key
		k, v = c.Next()
	}
	return nil
}

func rollUp(key string, o store.ListOptions) (string, bool) {
	if o.Delimiter == "" {
		return "", false
	}
	rest := key[len(o.Prefix):]
	i := strings.Index(rest, o.Delimiter)
	if i < 0 {
		return "", false
	}
	return key[:len(o.Prefix)+i+len(o.Delimiter)], true
}

func seek(c *bbolt.Cursor, to []byte) (k, v []byte) {
	if to == nil {
		return nil, nil
	}
	return c.Seek(to)
}

// seekAfter goes to the first entry of the page.
func seekAfter(c *bbolt.Cursor, bucket string, o store.ListOptions) (k, v []byte) {
	if o.StartAfter < o.Prefix || o.StartAfter == "" {
		return c.Seek(objectKey(bucket, o.Prefix))
	}
	if strings.HasPrefix(o.StartAfter, o.Prefix) {
		if common, ok := rollUp(o.StartAfter, o); ok && common == o.StartAfter {
			return seek(c, after(objectKey(bucket, common)))
		}
	}
	return c.Seek(append(objectKey(bucket, o.StartAfter), 0))
}
