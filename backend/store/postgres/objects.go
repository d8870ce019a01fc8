package postgres

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/artifacts-tui/artifacts-tui/backend/store"
	"github.com/artifacts-tui/artifacts-tui/backend/store/record"
)

//go:embed sql/put.sql
var putSQL string

// row is an object as the table has it; seq nil: there is none.
type row struct {
	seq, size    *int64
	info, detail []byte
}

func (r *row) columns() []any { return []any{&r.seq, &r.size, &r.info, &r.detail} }

// object is nil where there is none.
func (r *row) object(bucket, key string) (*store.Object, error) {
	if r.seq == nil {
		return nil, nil
	}
	return decode(bucket, key, *r.seq, *r.size, r.info, r.detail)
}

func decode(bucket, key string, seq, size int64, info, detail []byte) (*store.Object, error) {
	o, err := record.DecodeObject(bucket, key, info, true)
	if err != nil {
		return nil, err
	}
	d, err := record.DecodeObject(bucket, key, detail, true)
	if err != nil {
		return nil, err
	}
	o.Tags, o.PartSizes, o.PartChecksums, o.UploadID, o.Segments = d.Tags, d.PartSizes, d.PartChecksums, d.UploadID, d.Segments
	o.Seq, o.Size = uint64(seq), size
	return &o, nil
}

// encode splits an object into what a list shows and the rest.
func encode(o store.Object) (info, detail []byte) {
	d := store.Object{ObjectInfo: store.ObjectInfo{Tags: o.Tags, PartSizes: o.PartSizes, PartChecksums: o.PartChecksums}, UploadID: o.UploadID, Segments: o.Segments}
	o.Tags, o.PartSizes, o.PartChecksums, o.UploadID, o.Segments = nil, nil, nil, "", nil
	return record.EncodeObject(o), record.EncodeObject(d)
}

// Object implements store.Index, in one round trip.
func (x *Index) Object(ctx context.Context, bucket, key string) (store.Object, error) {
	var r row
	err := x.reading(ctx, func() error {
		r = row{}
		return x.pool.QueryRow(ctx, `SELECT o.seq, o.size, o.info, o.detail
			FROM buckets b LEFT JOIN objects o ON o.bucket = b.id AND o.key = $2 WHERE b.name = $1`,
			[]byte(bucket), []byte(key)).Scan(r.columns()...)
	})
	if errors.Is(err, pgx.ErrNoRows) {
		err = noBucket(bucket)
	}
	if err != nil {
		return store.Object{}, err
	}
	o, err := r.object(bucket, key)
	if err != nil {
		return store.Object{}, err
	}
	if o == nil {
		return store.Object{}, noObject(bucket, key)
	}
	return *o, nil
}

// readObject queues a read of what is at a key once the transaction has its stripe.
func (t *txn) readObject(bucket, key string) *row {
	r := &row{}
	t.get(nil, r.columns(), `SELECT o.seq, o.size, o.info, o.detail
		FROM buckets b JOIN objects o ON o.bucket = b.id WHERE b.name = $1 AND o.key = $2`, []byte(bucket), []byte(key))
	return r
}

func check(c store.Condition, old *store.Object) error {
	if old == nil {
		return c.Check(nil)
	}
	return c.Check(&old.ObjectInfo)
}

// adds is how many bytes more there are where o takes the place of old.
func adds(o store.Object, old *store.Object) int64 {
	if old == nil {
		return o.Size
	}
	return o.Size - old.Size
}

func segmentsOf(o *store.Object) []store.Segment {
	if o == nil {
		return nil
	}
	return o.Segments
}

// Put implements store.Index. Where it was begun and nothing has come between it is one round trip.
func (x *Index) Put(ctx context.Context, p store.PutEntry) (freed store.Freed, err error) {
	o, r, done := p.Object, x.mine(p.Space, p.Object.Bucket, p.Object.Key), false
	if p.Source == nil && r.seen && check(p.Cond, r.old) == nil && r.covers(adds(o, r.old)) {
		freed, done, err = x.putAsSeen(ctx, o, r)
	}
	if !done && err == nil {
		freed, err = x.put(ctx, p, r)
	}
	if err != nil {
		return store.Freed{}, condemned(err)
	}
	r.spent()
	x.feed.hurry()
	return freed, nil
}

// putAsSeen writes o if the bucket and the object are what they were when r was made, and else
// does nothing.
func (x *Index) putAsSeen(ctx context.Context, o store.Object, r *reservation) (freed store.Freed, done bool, err error) {
	err = x.update(ctx, func(t *txn) error {
		b := &bucket{id: r.view.bucketID, version: r.view.version}
		t.queue(`SELECT 1 FROM usage WHERE bucket = $1 AND prefix = ''::bytea AND stripe = $2 FOR UPDATE`, b.id, stripe(o.Key))
		t.lockReservation(r) // so that nobody takes this process for dead in between
		t.write(b, o, r.old, r.spend(r.row), o.Segments, &freed, &done)
		return nil
	})
	return freed, done, err
}

// put is Put with a look at what is there.
func (x *Index) put(ctx context.Context, p store.PutEntry, r *reservation) (freed store.Freed, err error) {
	o, done := p.Object, false
	err = x.update(ctx, func(t *txn) error {
		s := t.look(o.Bucket, o.Key, p.Source, o.Segments)
		there := t.lockReservation(r)
		if err := t.send(); err != nil {
			return err
		}
		old, err := s.old()
		if err != nil {
			return err
		}
		if err := check(p.Cond, old); err != nil {
			return err
		}
		if err := t.charge(s.bucket, r, *there, adds(o, old)); err != nil {
			return err
		}
		fresh := o.Segments
		if p.Source != nil {
			fresh = nil
			t.retain(o.Segments)
		}
		t.write(s.bucket.whatever(), o, old, r.spend(*there), fresh, &freed, &done)
		return nil
	})
	if err == nil && !done {
		err = fmt.Errorf("the index did not take %s/%s", o.Bucket, o.Key)
	}
	return freed, err
}

// write queues put.sql, and the end of what old refers to. done tells whether it was written.
func (t *txn) write(b *bucket, o store.Object, old *store.Object, spent int64, fresh []store.Segment, freed *store.Freed, done *bool) {
	seq, was, more := newID(), int64(0), store.Usage{Bytes: o.Size, Objects: 1}
	if old != nil {
		was, more = int64(old.Seq), store.Usage{Bytes: o.Size - old.Size}
	}
	*freed = store.Freed{Seq: uint64(seq)}
	info, detail := encode(o)
	r := references(fresh)
	t.queue(putSQL, b.id, b.version, []byte(o.Key), was, spent, seq, o.Size, info, detail, r.blobs, r.counts,
		stripe(o.Key), covering(o.Key), more.Bytes, more.Objects, []byte(o.ETag), o.Modified.UnixNano()).
		QueryRow(func(row pgx.Row) error {
			var n int
			err := row.Scan(&n)
			*done = n == 1
			return err
		})
	t.release(segmentsOf(old), freed, mark{b.id, o.Key, seq})
}

// Delete implements store.Index.
func (x *Index) Delete(ctx context.Context, bucket, key string, c store.Condition) (freed store.Freed, err error) {
	err = x.update(ctx, func(t *txn) error {
		s := t.look(bucket, key, nil, nil)
		if err := t.send(); err != nil {
			return err
		}
		old, err := s.old()
		if err != nil {
			return err
		}
		if err := check(c, old); err != nil {
			return err
		}
		if old == nil {
			return noObject(bucket, key)
		}
		freed = store.Freed{Seq: uint64(newID())}
		t.queue(`DELETE FROM objects WHERE bucket = $1 AND key = $2`, s.bucket.id, []byte(key))
		t.count(s.bucket, key, store.Usage{Bytes: -old.Size, Objects: -1})
		t.release(old.Segments, &freed, mark{})
		t.tell(store.Change{Kind: store.ChangeDelete, Bucket: bucket, Key: key})
		return nil
	})
	if err != nil {
		return store.Freed{}, err
	}
	x.feed.hurry()
	return freed, nil
}

// SetTags implements store.Index.
func (x *Index) SetTags(ctx context.Context, bucket, key string, tags map[string]string) error {
	return x.update(ctx, func(t *txn) error {
		s := t.look(bucket, key, nil, nil)
		if err := t.send(); err != nil {
			return err
		}
		o, err := s.old()
		if err != nil {
			return err
		}
		if o == nil {
			return noObject(bucket, key)
		}
		o.Tags = tags
		_, detail := encode(*o)
		// Another seq: a copy that is under way must not carry the old tags.
		t.queue(`UPDATE objects SET seq = $3, detail = $4 WHERE bucket = $1 AND key = $2`, s.bucket.id, []byte(key), newID(), detail)
		return nil
	})
}

// Walk implements store.Index.
func (x *Index) Walk(ctx context.Context, bucket, after string, limit int) (list []store.Object, err error) {
	from := []byte(after + "\x00")
	if after == "" {
		from = []byte{}
	}
	for {
		var last []byte
		found := false
		list = nil
		err := x.reading(ctx, func() error {
			list, last, found = nil, nil, false
			b := &pgx.Batch{}
			b.Queue(readBucket, []byte(bucket)).Query(exists(&found))
			b.Queue(`SELECT o.key, o.seq, o.size, o.info, o.detail FROM objects o
				WHERE o.bucket = (SELECT id FROM buckets WHERE name = $1) AND o.key >= $2 ORDER BY o.key LIMIT $3`, []byte(bucket), from, limit).
				Query(func(rows pgx.Rows) error {
					return eachRow(rows, func(one pgx.Rows) error {
						var seq, size int64
						var info, detail []byte
						if err := one.Scan(&last, &seq, &size, &info, &detail); err != nil {
							return err
						}
						if o, err := decode(bucket, string(last), seq, size, info, detail); err == nil {
							list = append(list, *o)
						}
						return nil
					})
				})
			return x.pool.SendBatch(ctx, b).Close()
		})
		switch {
		case err != nil:
			return nil, err
		case !found:
			return nil, noBucket(bucket)
		case len(list) > 0 || last == nil:
			return list, nil
		}
		from = append(last, 0) // nothing on the page can be read: the next may have something
	}
}

// Move implements store.Index.
func (x *Index) Move(ctx context.Context, o store.Object, segments []store.Segment) (freed store.Freed, err error) {
	err = x.update(ctx, func(t *txn) error {
		s := t.look(o.Bucket, o.Key, nil, nil)
		if err := t.send(); err != nil {
			return err
		}
		now, err := s.old()
		if err != nil {
			return err
		}
		if now == nil || now.Seq != o.Seq || !slices.Equal(now.Segments, o.Segments) {
			return store.Refuse(store.NoSuchKey, "the object has changed")
		}
		// Another seq: a put or a copy that was begun before must not go by the segments that it has seen.
		seq := newID()
		freed = store.Freed{Seq: uint64(seq)}
		var left, fresh []store.Segment
		for i, g := range o.Segments {
			if g != segments[i] {
				left, fresh = append(left, g), append(fresh, segments[i])
			}
		}
		now.Segments = segments
		_, detail := encode(*now)
		t.queue(`UPDATE objects SET seq = $3, detail = $4 WHERE bucket = $1 AND key = $2`, s.bucket.id, []byte(o.Key), seq, detail)
		t.refer(fresh)
		t.release(left, &freed, mark{})
		return nil
	})
	if err != nil {
		return store.Freed{}, condemned(err)
	}
	return freed, nil
}
