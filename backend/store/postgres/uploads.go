package postgres

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/artifacts-tui/artifacts-tui/backend/store"
	"github.com/artifacts-tui/artifacts-tui/backend/store/record"
)

func noUpload(id string) error {
	return store.Refuse(store.NoSuchUpload, "there is no multipart upload %q: it was completed, aborted or has expired", id)
}

// lookUpload queues whether an upload is there.
func (t *txn) lookUpload(bucket, key, id string) *bool {
	found := new(bool)
	t.get(found, []any{nil}, `SELECT u.id FROM buckets b JOIN uploads u ON u.bucket = b.id
		WHERE b.name = $1 AND u.key = $2 AND u.id = $3`, []byte(bucket), []byte(key), []byte(id))
	return found
}

// CreateUpload implements store.Index.
func (x *Index) CreateUpload(ctx context.Context, u store.UploadInfo) error {
	info, err := json.Marshal(u)
	if err != nil {
		return err
	}
	return x.update(ctx, func(t *txn) error {
		b := t.lock(at{u.Bucket, u.Key})
		if err := t.send(); err != nil {
			return err
		}
		if !b.found {
			return noBucket(u.Bucket)
		}
		t.queue(`INSERT INTO uploads (bucket, key, id, info) VALUES ($1, $2, $3, $4)
			ON CONFLICT (bucket, key, id) DO UPDATE SET info = excluded.info`, b.id, []byte(u.Key), []byte(u.ID), info)
		return nil
	})
}

// Upload implements store.Index.
func (x *Index) Upload(ctx context.Context, bucket, key, id string) (u store.UploadInfo, err error) {
	var info []byte
	err = x.reading(ctx, func() error {
		return x.pool.QueryRow(ctx, `SELECT u.info FROM buckets b LEFT JOIN uploads u ON u.bucket = b.id AND u.key = $2 AND u.id = $3
			WHERE b.name = $1`, []byte(bucket), []byte(key), []byte(id)).Scan(&info)
	})
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return u, noBucket(bucket)
	case err != nil:
		return u, err
	case info == nil:
		return u, noUpload(id)
	}
	return u, json.Unmarshal(info, &u)
}

// Uploads implements store.Index.
func (x *Index) Uploads(ctx context.Context, bucket, prefix, afterKey, afterID string, limit int) (list []store.UploadInfo, err error) {
	from := max(prefix, afterKey)
	err = x.reading(ctx, func() error {
		list = nil
		found := false
		b := &pgx.Batch{}
		b.Queue(readBucket, []byte(bucket)).Query(exists(&found))
		b.Queue(`SELECT info FROM uploads
			WHERE bucket = (SELECT id FROM buckets WHERE name = $1) AND key >= $2 AND key < $3
				AND NOT (key = $4 AND (id <= $5 OR $5 = ''::bytea))
			ORDER BY key, id LIMIT $6`, []byte(bucket), []byte(from), above(prefix), []byte(afterKey), []byte(afterID), unless(limit)).
			Query(func(rows pgx.Rows) error {
				return eachRow(rows, func(row pgx.Rows) error {
					var info []byte
					var u store.UploadInfo
					if err := row.Scan(&info); err != nil {
						return err
					}
					err := json.Unmarshal(info, &u)
					list = append(list, u)
					return err
				})
			})
		if err := x.pool.SendBatch(ctx, b).Close(); err != nil {
			return err
		}
		if !found {
			return noBucket(bucket)
		}
		return nil
	})
	return list, err
}

// unless is a LIMIT: none where it is 0.
func unless(limit int) *int {
	if limit <= 0 {
		return nil
	}
	return &limit
}

//go:embed sql/part.sql
var partSQL string

// PutPart implements store.Index. Where it was begun, there was no such part and nothing has come
// between it is one round trip.
func (x *Index) PutPart(ctx context.Context, p store.PartEntry) (freed store.Freed, err error) {
	r, done := x.mine(p.Space, p.Bucket, p.Key), false
	if begun := r.part; p.Source == nil && begun != nil && begun.upload == p.UploadID && begun.number == p.Part.Number && !begun.taken && r.covers(p.Part.Size) {
		freed, done, err = x.putNewPart(ctx, p, r)
	}
	if !done && err == nil {
		freed, err = x.putPart(ctx, p, r)
	}
	if err != nil {
		return store.Freed{}, condemned(err)
	}
	r.spent()
	return freed, nil
}

// putNewPart writes a part if nothing has changed since r was made, and else does nothing.
func (x *Index) putNewPart(ctx context.Context, p store.PartEntry, r *reservation) (freed store.Freed, done bool, err error) {
	part, blobs := p.Part, references(p.Part.Segments)
	err = x.update(ctx, func(t *txn) error {
		part.Seq = uint64(newID())
		t.queue(`SELECT 1 FROM usage WHERE bucket = $1 AND prefix = ''::bytea AND stripe = $2 FOR UPDATE`, r.view.bucketID, stripe(p.Key))
		t.lockReservation(r) // so that nobody takes this process for dead in between
		t.queue(partSQL, r.view.bucketID, r.view.version, []byte(p.Key), []byte(p.UploadID), part.Number, r.spend(r.row),
			int64(part.Seq), part.Size, record.EncodePart(part), blobs.blobs, blobs.counts, stripe(p.Key), covering(p.Key)).
			QueryRow(func(row pgx.Row) error {
				var n int
				err := row.Scan(&n)
				done = n == 1
				return err
			})
		return nil
	})
	return store.Freed{Seq: part.Seq}, done, err
}

// putPart is PutPart with a look at what is there.
func (x *Index) putPart(ctx context.Context, p store.PartEntry, r *reservation) (freed store.Freed, err error) {
	err = x.update(ctx, func(t *txn) error {
		s := t.look(p.Bucket, p.Key, p.Source, p.Part.Segments)
		upload := t.lookUpload(p.Bucket, p.Key, p.UploadID)
		var was []byte
		t.get(nil, []any{&was}, `SELECT p.record FROM buckets b JOIN parts p ON p.bucket = b.id
			WHERE b.name = $1 AND p.key = $2 AND p.upload = $3 AND p.number = $4`,
			[]byte(p.Bucket), []byte(p.Key), []byte(p.UploadID), p.Part.Number)
		there := t.lockReservation(r)
		if err := t.send(); err != nil {
			return err
		}
		if !s.bucket.found {
			return noBucket(p.Bucket)
		}
		if !*upload {
			return noUpload(p.UploadID)
		}
		if _, err := s.old(); err != nil {
			return err
		}
		var old store.Part
		if was != nil {
			if old, err = record.DecodePart(was); err != nil {
				return err
			}
		}
		if err := t.charge(s.bucket, r, *there, p.Part.Size-old.Size); err != nil {
			return err
		}
		part := p.Part
		part.Seq = uint64(newID())
		freed = store.Freed{Seq: part.Seq}
		t.queue(`INSERT INTO parts (bucket, key, upload, number, seq, size, record) VALUES ($1, $2, $3, $4, $5, $6, $7)
			ON CONFLICT (bucket, key, upload, number) DO UPDATE
			SET seq = excluded.seq, size = excluded.size, record = excluded.record`,
			s.bucket.id, []byte(p.Key), []byte(p.UploadID), part.Number, int64(part.Seq), part.Size, record.EncodePart(part))
		t.count(s.bucket, p.Key, store.Usage{PartBytes: part.Size - old.Size})
		if *there {
			t.queue(`DELETE FROM reservations WHERE id = $1`, r.id)
		}
		if p.Source != nil {
			t.retain(part.Segments)
		} else {
			t.refer(part.Segments)
		}
		t.release(old.Segments, &freed, mark{})
		return nil
	})
	return freed, err
}

// Parts implements store.Index.
func (x *Index) Parts(ctx context.Context, bucket, key, id string, after, limit int) (list []store.Part, err error) {
	err = x.reading(ctx, func() error {
		list = nil
		found, upload := false, false
		b := &pgx.Batch{}
		b.Queue(readBucket, []byte(bucket)).Query(exists(&found))
		b.Queue(`SELECT id FROM uploads WHERE bucket = (SELECT id FROM buckets WHERE name = $1) AND key = $2 AND id = $3`,
			[]byte(bucket), []byte(key), []byte(id)).Query(exists(&upload))
		b.Queue(`SELECT record FROM parts
			WHERE bucket = (SELECT id FROM buckets WHERE name = $1) AND key = $2 AND upload = $3 AND number > $4
			ORDER BY number LIMIT $5`, []byte(bucket), []byte(key), []byte(id), after, unless(limit)).
			Query(func(rows pgx.Rows) (err error) {
				list, err = scanParts(rows)
				return err
			})
		if err := x.pool.SendBatch(ctx, b).Close(); err != nil {
			return err
		}
		if !found {
			return noBucket(bucket)
		}
		if !upload {
			return noUpload(id)
		}
		return nil
	})
	return list, err
}

func scanParts(rows pgx.Rows) (list []store.Part, err error) {
	err = eachRow(rows, func(row pgx.Rows) error {
		var b []byte
		if err := row.Scan(&b); err != nil {
			return err
		}
		p, err := record.DecodePart(b)
		list = append(list, p)
		return err
	})
	return list, err
}

// lookParts queues the reading of all parts of an upload, by number.
func (t *txn) lookParts(bucket, key, id string) *[]store.Part {
	parts := new([]store.Part)
	t.queue(`SELECT p.record FROM buckets b JOIN parts p ON p.bucket = b.id
		WHERE b.name = $1 AND p.key = $2 AND p.upload = $3 ORDER BY p.number`, []byte(bucket), []byte(key), []byte(id)).
		Query(func(rows pgx.Rows) (err error) {
			*parts, err = scanParts(rows)
			return err
		})
	return parts
}

// dropUpload queues the end of an upload and its parts. The blobs of those whose numbers are in keep go
// on living in an object; the others are released.
func (t *txn) dropUpload(b *bucket, key, id string, parts []store.Part, keep []int, freed *store.Freed) {
	var bytes int64
	var left []store.Segment
	for _, p := range parts {
		bytes += p.Size
		if _, kept := slices.BinarySearch(keep, p.Number); !kept {
			left = append(left, p.Segments...)
		}
	}
	t.queue(`DELETE FROM parts WHERE bucket = $1 AND key = $2 AND upload = $3`, b.id, []byte(key), []byte(id))
	t.queue(`DELETE FROM uploads WHERE bucket = $1 AND key = $2 AND id = $3`, b.id, []byte(key), []byte(id))
	t.count(b, key, store.Usage{PartBytes: -bytes})
	t.release(left, freed, mark{})
}

// CompleteUpload implements store.Index.
func (x *Index) CompleteUpload(ctx context.Context, e store.CompleteEntry) (freed store.Freed, err error) {
	o, done := e.Object, false
	err = x.update(ctx, func(t *txn) error {
		s := t.look(o.Bucket, o.Key, nil, nil)
		upload := t.lookUpload(o.Bucket, o.Key, e.UploadID)
		parts := t.lookParts(o.Bucket, o.Key, e.UploadID)
		if err := t.send(); err != nil {
			return err
		}
		old, err := s.old()
		if err != nil {
			return err
		}
		if !*upload {
			return noUpload(e.UploadID)
		}
		if err := check(e.Cond, old); err != nil {
			return err
		}
		keep, err := unchanged(e.Parts, *parts)
		if err != nil {
			return err
		}
		t.write(s.bucket.whatever(), o, old, 0, nil, &freed, &done)
		if err := t.send(); err != nil {
			return err
		}
		if !done { // the parts must not go without it
			return errAgain
		}
		t.dropUpload(s.bucket, o.Key, e.UploadID, *parts, keep, &freed)
		return nil
	})
	if err != nil {
		return store.Freed{}, err
	}
	x.feed.hurry()
	return freed, nil
}

// unchanged returns the numbers of the parts that were named, or refuses where one is not what it was.
func unchanged(named, present []store.Part) (numbers []int, err error) {
	now := make(map[int]uint64, len(present))
	for _, p := range present {
		now[p.Number] = p.Seq
	}
	for _, p := range named {
		switch seq, ok := now[p.Number]; {
		case !ok:
			return nil, store.Refuse(store.InvalidPart, "part %d was not uploaded", p.Number)
		case seq != p.Seq:
			return nil, store.Refuse(store.InvalidPart, "part %d was uploaded again", p.Number)
		}
		numbers = append(numbers, p.Number)
	}
	return numbers, nil
}

// AbortUpload implements store.Index.
func (x *Index) AbortUpload(ctx context.Context, bucket, key, id string) (freed store.Freed, err error) {
	err = x.update(ctx, func(t *txn) error {
		b := t.lock(at{bucket, key})
		upload := t.lookUpload(bucket, key, id)
		parts := t.lookParts(bucket, key, id)
		if err := t.send(); err != nil {
			return err
		}
		if !b.found {
			return noBucket(bucket)
		}
		if !*upload {
			return noUpload(id)
		}
		freed = store.Freed{}
		t.dropUpload(b, key, id, *parts, nil, &freed)
		return nil
	})
	if err != nil {
		return store.Freed{}, err
	}
	return freed, nil
}

// segmentsOfParts reads what all parts of a bucket refer to.
func (t *txn) segmentsOfParts(bucket int64) (list []store.Segment, err error) {
	t.each(func(row pgx.Rows) error {
		var b []byte
		if err := row.Scan(&b); err != nil {
			return err
		}
		p, err := record.DecodePart(b)
		list = append(list, p.Segments...)
		return err
	}, `SELECT record FROM parts WHERE bucket = $1`, bucket)
	err = t.send()
	return list, err
}
