package postgres

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/artifacts-tui/artifacts-tui/backend/store"
)

// stripes is how many writers of one bucket can commit side by side. It is the same for all processes.
const stripes = 16

func stripe(key string) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(key)) // never fails: hash.Hash
	return int(h.Sum32() % stripes)
}

// txn is one transaction of a writer. What is queued goes to the database with the next send,
// in one round trip; the commit goes along with the last of it.
type txn struct {
	x     *Index
	ctx   context.Context
	conn  *pgxpool.Conn
	batch *pgx.Batch
	done  bool
}

// update runs a transaction, again where it lost to another one. run may refuse before it
// has queued a change; the commit is update's. A transaction that has begun is not given
// up because ctx ends: a writer must know whether its change was made.
func (x *Index) update(ctx context.Context, run func(t *txn) error) error {
	return again(ctx, func() error {
		conn, err := x.pool.Acquire(ctx)
		if err != nil {
			return err
		}
		defer conn.Release()
		long, cancel := context.WithTimeout(context.WithoutCancel(ctx), transactionTime)
		defer cancel()
		t := &txn{x: x, ctx: long, conn: conn, batch: &pgx.Batch{}}
		defer t.rollback()
		t.batch.Queue(`BEGIN`)
		if err := run(t); err != nil {
			return err
		}
		t.batch.Queue(`COMMIT`)
		if err := t.send(); err != nil {
			return err
		}
		t.done = true
		return nil
	})
}

func (t *txn) queue(sql string, args ...any) *pgx.QueuedQuery { return t.batch.Queue(sql, args...) }

// get queues a query of at most one row; what the row is scanned to stays as it is where there is none.
func (t *txn) get(found *bool, to []any, sql string, args ...any) {
	t.queue(sql, args...).QueryRow(func(row pgx.Row) error {
		switch err := row.Scan(to...); {
		case errors.Is(err, pgx.ErrNoRows):
			return nil
		case err != nil:
			return err
		}
		if found != nil {
			*found = true
		}
		return nil
	})
}

// each queues a query of rows.
func (t *txn) each(fn func(row pgx.Rows) error, sql string, args ...any) {
	t.queue(sql, args...).Query(func(rows pgx.Rows) error { return eachRow(rows, fn) })
}

func eachRow(rows pgx.Rows, fn func(row pgx.Rows) error) error {
	defer rows.Close()
	for rows.Next() {
		if err := fn(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

func (t *txn) send() error {
	b := t.batch
	t.batch = &pgx.Batch{}
	return t.conn.SendBatch(t.ctx, b).Close()
}

func (t *txn) rollback() {
	if t.done || t.conn.Conn().IsClosed() || t.conn.Conn().PgConn().TxStatus() == 'I' {
		return
	}
	// Where this fails the pool throws the connection away, which ends the transaction too.
	_, _ = t.conn.Exec(t.ctx, `ROLLBACK`)
}

// bucket is a bucket as a transaction sees it.
type bucket struct {
	id, version int64
	found       bool
}

const readBucket = `SELECT id, version FROM buckets WHERE name = $1`

// whatever is the bucket for a write that does not mind its version: what it may add has been
// charged, or set aside before the quota came.
func (b *bucket) whatever() *bucket { return &bucket{id: b.id, version: -1, found: b.found} }

// at is a key of a bucket.
type at struct{ bucket, key string }

// lock queues what makes the transaction the only one that changes keys, of whichever bucket, and
// then reads the first key's bucket. All take locks in the same order.
func (t *txn) lock(keys ...at) *bucket {
	type row struct {
		bucket string
		stripe int
	}
	rows := make([]row, len(keys))
	for i, k := range keys {
		rows[i] = row{k.bucket, stripe(k.key)}
	}
	slices.SortFunc(rows, func(a, b row) int {
		if c := strings.Compare(a.bucket, b.bucket); c != 0 {
			return c
		}
		return a.stripe - b.stripe
	})
	locked := map[string]*int64{}
	for _, r := range slices.Compact(rows) {
		if locked[r.bucket] == nil {
			locked[r.bucket] = new(int64)
		}
		t.get(nil, []any{locked[r.bucket]}, lockStripe, []byte(r.bucket), r.stripe)
	}
	first := keys[0].bucket
	for name, id := range locked {
		if name != first {
			t.readBucket(name, id)
		}
	}
	return t.readBucket(first, locked[first])
}

const lockStripe = `SELECT bucket FROM usage
	WHERE bucket = (SELECT id FROM buckets WHERE name = $1) AND prefix = ''::bytea AND stripe = $2 FOR UPDATE`

// lockBucket queues what keeps all other writers out of a bucket, and those who would set quota aside.
func (t *txn) lockBucket(name string) *bucket {
	locked := new(int64)
	t.each(func(row pgx.Rows) error { return row.Scan(locked) },
		`SELECT bucket FROM usage WHERE bucket = (SELECT id FROM buckets WHERE name = $1) AND prefix = ''::bytea
		ORDER BY stripe FOR UPDATE`, []byte(name))
	t.queue(takeTurn, []byte(name))
	return t.readBucket(name, locked)
}

// readBucket queues the reading of a bucket after the locks were taken, and so of what those before
// have left. locked is the id of the bucket whose rows are locked. Where it is another one the name
// was given to a new bucket while rows of the old one were waited for: nothing is locked of it, and
// the transaction begins again.
func (t *txn) readBucket(name string, locked *int64) *bucket {
	b := &bucket{}
	t.queue(readBucket, []byte(name)).QueryRow(func(row pgx.Row) error {
		switch err := row.Scan(&b.id, &b.version); {
		case errors.Is(err, pgx.ErrNoRows):
			return nil
		case err != nil:
			return err
		case b.id != *locked:
			return errAgain
		}
		b.found = true
		return nil
	})
	return b
}

// scene is what a transaction finds at a key, whose stripe it holds.
type scene struct {
	at
	bucket *bucket
	row    *row

	source    *store.ObjectInfo // what is copied
	sourceRow *row
	segments  []store.Segment // of source, that are to be shared
	shared    int             // blobs of segments that are there
}

// look queues the locks for a key and the reading of it. Of a copy's source (nil: there is none)
// it does the same, and keeps the blobs of segments where they are.
func (t *txn) look(name, key string, source *store.ObjectInfo, segments []store.Segment) *scene {
	s := &scene{at: at{name, key}, source: source, segments: segments}
	keys := []at{s.at}
	if source != nil {
		keys = append(keys, at{source.Bucket, source.Key})
	}
	s.bucket = t.lock(keys...)
	s.row = t.readObject(name, key)
	if source != nil {
		s.sourceRow = t.readObject(source.Bucket, source.Key)
		t.each(func(pgx.Rows) error { s.shared++; return nil }, lockBlobs, references(segments).blobs)
	}
	return s
}

// old is what is at the key, nil where there is nothing. It refuses with NoSuchBucket, and with
// NoSuchKey where a copy's source is not what it was.
func (s *scene) old() (*store.Object, error) {
	if !s.bucket.found {
		return nil, noBucket(s.at.bucket)
	}
	if s.source != nil {
		now, err := s.sourceRow.object(s.source.Bucket, s.source.Key)
		if err != nil {
			return nil, err
		}
		if now == nil || now.Seq != s.source.Seq || !includes(now.Segments, s.segments) {
			return nil, store.Refuse(store.NoSuchKey, "the source of the copy has changed")
		}
		if s.shared < len(references(s.segments).blobs) {
			return nil, fmt.Errorf("the index does not know all blobs of %s/%s: a check with repair mends it", now.Bucket, now.Key)
		}
	}
	return s.row.object(s.at.bucket, s.key)
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

// count queues u more, which may be less, for all that counts a key.
func (t *txn) count(b *bucket, key string, u store.Usage) {
	t.queue(`UPDATE usage SET bytes = bytes + $4, part_bytes = part_bytes + $5, objects = objects + $6
		WHERE bucket = $1 AND stripe = $2 AND prefix = ANY($3::bytea[])`,
		b.id, stripe(key), covering(key), u.Bytes, u.PartBytes, u.Objects)
}

// covering are ” and the beginnings of key that end in "/": what may be counted.
func covering(key string) [][]byte {
	list := [][]byte{{}}
	for i := range len(key) {
		if key[i] == '/' {
			list = append(list, []byte(key[:i+1]))
		}
	}
	return list
}

// above is the smallest byte string above every one that begins with p and is UTF-8.
func above(p string) []byte {
	q := []byte(p)
	for i := len(q) - 1; i >= 0; i-- {
		if q[i] != 0xff {
			q[i]++
			return q[:i+1]
		}
	}
	return []byte{0xff} // no byte of UTF-8
}

func noBucket(name string) error {
	return store.Refuse(store.NoSuchBucket, "there is no bucket %q", name)
}

func noObject(bucket, key string) error {
	return store.Refuse(store.NoSuchKey, "there is no object %q in bucket %s", key, bucket)
}

// rows is for a statement whose number of changed rows is asked for.
func rows(n *int64) func(pgconn.CommandTag) error {
	return func(tag pgconn.CommandTag) error { *n = tag.RowsAffected(); return nil }
}

// exists is for a query of which only that matters.
func exists(found *bool) func(pgx.Rows) error {
	return func(list pgx.Rows) error {
		return eachRow(list, func(pgx.Rows) error { *found = true; return nil })
	}
}
