package postgres

import (
	"context"
	"math"

	"github.com/jackc/pgx/v5"

	"github.com/artifacts-tui/artifacts-tui/backend/store"
)

// SetPrefix implements store.Index. Other writers of the bucket wait while it counts what is there.
func (x *Index) SetPrefix(ctx context.Context, bucket, prefix string, quota int64) error {
	return x.update(ctx, func(t *txn) error {
		b := t.lockBucket(bucket)
		counted := false
		t.get(&counted, []any{nil}, `SELECT q.bytes FROM buckets b JOIN quotas q ON q.bucket = b.id
			WHERE b.name = $1 AND q.prefix = $2`, []byte(bucket), []byte(prefix))
		if err := t.send(); err != nil {
			return err
		}
		if !b.found {
			return noBucket(bucket)
		}
		t.queue(bumpVersion, b.id)
		if counted {
			t.queue(`UPDATE quotas SET bytes = $3 WHERE bucket = $1 AND prefix = $2`, b.id, []byte(prefix), quota)
			return nil
		}
		t.queue(newQuota, b.id, []byte(prefix), above(prefix), quota, b.version+1)
		t.queue(newCounters, b.id, []byte(prefix), stripes)
		t.queue(`UPDATE usage SET
				bytes = (SELECT coalesce(sum(size), 0) FROM objects WHERE bucket = $1 AND key >= $2 AND key < $3),
				objects = (SELECT count(*) FROM objects WHERE bucket = $1 AND key >= $2 AND key < $3),
				part_bytes = (SELECT coalesce(sum(size), 0) FROM parts WHERE bucket = $1 AND key >= $2 AND key < $3)
			WHERE bucket = $1 AND prefix = $2 AND stripe = 0`, b.id, []byte(prefix), above(prefix))
		return nil
	})
}

// DropPrefix implements store.Index.
func (x *Index) DropPrefix(ctx context.Context, bucket, prefix string) error {
	return x.update(ctx, func(t *txn) error {
		b := t.lockBucket(bucket)
		if err := t.send(); err != nil {
			return err
		}
		if !b.found {
			return noBucket(bucket)
		}
		t.queue(bumpVersion, b.id)
		t.queue(`DELETE FROM quotas WHERE bucket = $1 AND prefix = $2`, b.id, []byte(prefix))
		t.queue(`DELETE FROM usage WHERE bucket = $1 AND prefix = $2`, b.id, []byte(prefix))
		return nil
	})
}

const selectPrefixes = `SELECT q.prefix, q.bytes,
	sum(u.bytes)::bigint, sum(u.part_bytes)::bigint, sum(u.objects)::bigint
	FROM quotas q JOIN usage u ON u.bucket = q.bucket AND u.prefix = q.prefix
	WHERE q.bucket = (SELECT id FROM buckets WHERE name = $1) AND q.prefix > ''::bytea AND q.prefix >= $2 AND q.prefix <= $3
	GROUP BY q.prefix, q.bytes ORDER BY q.prefix`

// Prefix implements store.Index.
func (x *Index) Prefix(ctx context.Context, bucket, prefix string) (store.PrefixInfo, error) {
	list, err := x.prefixes(ctx, bucket, []byte(prefix), []byte(prefix))
	if err == nil && len(list) == 0 {
		err = store.Refuse(store.NoSuchPrefix, "%q of bucket %s is not counted", prefix, bucket)
	}
	if err != nil {
		return store.PrefixInfo{}, err
	}
	return list[0], nil
}

// Prefixes implements store.Index.
func (x *Index) Prefixes(ctx context.Context, bucket string) ([]store.PrefixInfo, error) {
	return x.prefixes(ctx, bucket, []byte{}, above(""))
}

func (x *Index) prefixes(ctx context.Context, bucket string, from, to []byte) (list []store.PrefixInfo, err error) {
	err = x.reading(ctx, func() error {
		list = nil
		found := false
		b := &pgx.Batch{}
		b.Queue(readBucket, []byte(bucket)).Query(exists(&found))
		b.Queue(selectPrefixes, []byte(bucket), from, to).Query(func(rows pgx.Rows) error {
			return eachRow(rows, func(row pgx.Rows) error {
				p := store.PrefixInfo{Bucket: bucket}
				var prefix []byte
				err := row.Scan(&prefix, &p.Quota, &p.Bytes, &p.PartBytes, &p.Objects)
				p.Prefix = string(prefix)
				list = append(list, p)
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

// Free implements store.Index.
func (x *Index) Free(ctx context.Context, bucket, prefix string) (bytes int64, bounded bool, err error) {
	bound, cover := x.MaxSize(), covering(prefix)
	err = x.reading(ctx, func() error {
		bytes, bounded = math.MaxInt64, false
		found := false
		b := &pgx.Batch{}
		b.Queue(readBucket, []byte(bucket)).Query(exists(&found))
		b.Queue(freeSQL, []byte(bucket), cover, bound).Query(func(rows pgx.Rows) error {
			return eachRow(rows, func(row pgx.Rows) error {
				var left int64
				err := row.Scan(&left)
				bytes, bounded = min(bytes, left), true
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
	if err != nil || !bounded || bucket == store.SystemBucket {
		return 0, false, err
	}
	return max(bytes, 0), true, nil
}

// freeSQL is what is left of each limit, as hold.sql sees it.
const freeSQL = `SELECT q.bytes
		- (SELECT sum(u.bytes + u.part_bytes)::bigint FROM usage u WHERE u.bucket = q.bucket AND u.prefix = q.prefix)
		- (SELECT coalesce(sum(r.bytes), 0)::bigint FROM reservations r
			WHERE r.bucket = q.bucket AND r.key >= q.prefix AND r.key < q.above AND r.version >= q.since)
	FROM buckets b JOIN quotas q ON q.bucket = b.id
	WHERE b.name = $1 AND q.prefix = ANY($2::bytea[]) AND q.bytes > 0
	UNION ALL
	SELECT $3::bigint
		- (SELECT coalesce(sum(u.bytes + u.part_bytes), 0)::bigint FROM buckets b JOIN usage u ON u.bucket = b.id AND u.prefix = ''::bytea)
		- (SELECT coalesce(sum(r.bytes), 0)::bigint FROM reservations r)
	WHERE $3::bigint > 0`
