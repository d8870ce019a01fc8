package bolt

import (
	"bytes"
	"context"
	"slices"

	"go.etcd.io/bbolt"

	"github.com/artifacts-tui/artifacts-tui/backend/store"
	"github.com/artifacts-tui/artifacts-tui/backend/store/record"
)

// References implements store.Index. It reads all of them, whatever the span: they are kept
// with what refers to them. Its view of the file is one point in time. It commits first: a
// transaction whose commit failed may be on the disk all the same, with blobs that this view
// does not have, until another one is after it.
func (x *Index) References(ctx context.Context, of store.Span, fn func(blob string)) error {
	some := func(blob string) {
		if of.Has(blob) {
			fn(blob)
		}
	}
	if err := x.update(func(*txn) error { return nil }); err != nil {
		return err
	}
	return x.db.View(func(tx *bbolt.Tx) error {
		for _, table := range [][]byte{tableObjects, tableParts} {
			c := tx.Bucket(table).Cursor()
			for k, v := c.First(); k != nil; k, v = c.Next() {
				if ctx.Err() != nil {
					return ctx.Err()
				}
				if err := record.EachBlob(v, some); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// Walk implements store.Index.
func (x *Index) Walk(_ context.Context, bucket, after string, limit int) (list []store.Object, err error) {
	base := objectKey(bucket, "")
	err = x.db.View(func(tx *bbolt.Tx) error {
		if tx.Bucket(tableBuckets).Get([]byte(bucket)) == nil {
			return noBucket(bucket)
		}
		from := base
		if after != "" {
			from = append(objectKey(bucket, after), 0)
		}
		c := tx.Bucket(tableObjects).Cursor()
		for k, v := c.Seek(from); k != nil && bytes.HasPrefix(k, base) && len(list) < limit; k, v = c.Next() {
			if o, err := record.DecodeObject(bucket, string(k[len(base):]), v, true); err == nil {
				list = append(list, o)
			}
		}
		return nil
	})
	return list, err
}

// Move implements store.Index.
func (x *Index) Move(_ context.Context, o store.Object, segments []store.Segment) (store.Freed, error) {
	var freed store.Freed
	err := x.update(func(t *txn) error {
		now, err := t.old(o.Bucket, o.Key)
		if err != nil {
			return err
		}
		if now == nil || now.Seq != o.Seq || !slices.Equal(now.Segments, o.Segments) {
			return store.Refuse(store.NoSuchKey, "the object has changed")
		}
		now.Segments = segments
		if err := t.objects.Put(objectKey(o.Bucket, o.Key), record.EncodeObject(*now)); err != nil {
			return err
		}
		var left []store.Segment
		for i, g := range o.Segments {
			if g != segments[i] {
				left = append(left, g)
			}
		}
		freed.Seq = now.Seq
		freed.Blobs, err = t.release(left)
		return err
	})
	return freed, err
}
