package postgres

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/artifacts-tui/artifacts-tui/backend/store"
)

const (
	selectBuckets = `SELECT b.name, b.owner, b.created, q.bytes,
		sum(u.bytes)::bigint, sum(u.part_bytes)::bigint, sum(u.objects)::bigint
		FROM buckets b JOIN quotas q ON q.bucket = b.id AND q.prefix = ''::bytea
		JOIN usage u ON u.bucket = b.id AND u.prefix = ''::bytea`
	groupBuckets = ` GROUP BY b.id, b.name, b.owner, b.created, q.bytes`
	// bumpVersion makes writers who have looked before look again.
	bumpVersion = `UPDATE buckets SET version = version + 1 WHERE id = $1`
	newCounters = `INSERT INTO usage (bucket, prefix, stripe, bytes, part_bytes, objects)
		SELECT $1, $2, s, 0, 0, 0 FROM generate_series(0, $3::int - 1) AS s`
	newQuota = `INSERT INTO quotas (bucket, prefix, above, bytes, since) VALUES ($1, $2, $3, $4, $5)`
)

func scanBucket(row pgx.Row) (b store.BucketInfo, err error) {
	var name, owner []byte
	var created int64
	err = row.Scan(&name, &owner, &created, &b.Quota, &b.Bytes, &b.PartBytes, &b.Objects)
	b.Name, b.Owner, b.Created = string(name), string(owner), time.Unix(0, created).UTC()
	return b, err
}

// CreateBucket implements store.Index.
func (x *Index) CreateBucket(ctx context.Context, b store.BucketInfo) error {
	return x.update(ctx, func(t *txn) error {
		id, made := newID(), int64(0)
		t.queue(`INSERT INTO buckets (id, name, owner, created, version) VALUES ($1, $2, $3, $4, 1) ON CONFLICT (name) DO NOTHING`,
			id, []byte(b.Name), []byte(b.Owner), b.Created.UnixNano()).Exec(rows(&made))
		if err := t.send(); err != nil {
			return err
		}
		if made == 0 {
			return store.Refuse(store.BucketAlreadyExists, "bucket %q exists already", b.Name)
		}
		t.queue(newQuota, id, []byte{}, above(""), b.Quota, 1)
		t.queue(newCounters, id, []byte{}, stripes)
		t.queue(`INSERT INTO turns (bucket, taken) VALUES ($1, 0)`, id)
		return nil
	})
}

// DeleteBucket implements store.Index.
func (x *Index) DeleteBucket(ctx context.Context, name string) (freed store.Freed, err error) {
	err = x.update(ctx, func(t *txn) error {
		freed = store.Freed{}
		b := t.lockBucket(name)
		if err := t.send(); err != nil {
			return err
		}
		if !b.found {
			return noBucket(name)
		}
		objects := false
		t.get(&objects, []any{nil}, `SELECT seq FROM objects WHERE bucket = $1 LIMIT 1`, b.id)
		segments, err := t.segmentsOfParts(b.id)
		if err != nil {
			return err
		}
		if objects {
			return store.Refuse(store.BucketNotEmpty, "bucket %q holds objects", name)
		}
		t.release(segments, &freed, mark{})
		for _, table := range []string{"parts", "uploads", "reservations", "usage", "quotas", "turns"} {
			t.queue(`DELETE FROM `+table+` WHERE bucket = $1`, b.id)
		}
		t.queue(`DELETE FROM buckets WHERE id = $1`, b.id)
		t.tell(store.Change{Kind: store.ChangeBucketDeleted, Bucket: name})
		return nil
	})
	if err != nil {
		return store.Freed{}, err
	}
	x.feed.hurry()
	return freed, nil
}

// SetQuota implements store.Index. It waits for writers that have set nothing aside, as there was no
// quota, and are about to commit.
func (x *Index) SetQuota(ctx context.Context, name string, bytes int64) error {
	return x.update(ctx, func(t *txn) error {
		b := t.lockBucket(name)
		if err := t.send(); err != nil {
			return err
		}
		if !b.found {
			return noBucket(name)
		}
		t.queue(`UPDATE quotas SET bytes = $2 WHERE bucket = $1 AND prefix = ''::bytea`, b.id, bytes)
		t.queue(bumpVersion, b.id)
		return nil
	})
}

// Bucket implements store.Index.
func (x *Index) Bucket(ctx context.Context, name string) (b store.BucketInfo, err error) {
	err = x.reading(ctx, func() error {
		b, err = scanBucket(x.pool.QueryRow(ctx, selectBuckets+` WHERE b.name = $1`+groupBuckets, []byte(name)))
		return err
	})
	if errors.Is(err, pgx.ErrNoRows) {
		err = noBucket(name)
	}
	if err != nil {
		return store.BucketInfo{}, err
	}
	return b, nil
}

// Buckets implements store.Index.
func (x *Index) Buckets(ctx context.Context) (list []store.BucketInfo, err error) {
	err = x.reading(ctx, func() error {
		list = nil
		found, err := x.pool.Query(ctx, selectBuckets+groupBuckets)
		if err != nil {
			return err
		}
		return eachRow(found, func(row pgx.Rows) error {
			b, err := scanBucket(row)
			list = append(list, b)
			return err
		})
	})
	slices.SortFunc(list, func(a, b store.BucketInfo) int { return strings.Compare(a.Name, b.Name) })
	return list, err
}

// Usage implements store.Index.
func (x *Index) Usage(ctx context.Context) (u store.Usage, err error) {
	err = x.reading(ctx, func() error {
		return x.pool.QueryRow(ctx, `SELECT coalesce(sum(bytes), 0)::bigint, coalesce(sum(part_bytes), 0)::bigint, coalesce(sum(objects), 0)::bigint
			FROM usage WHERE prefix = ''::bytea`).Scan(&u.Bytes, &u.PartBytes, &u.Objects)
	})
	return u, err
}
