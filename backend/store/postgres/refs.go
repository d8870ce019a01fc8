package postgres

import (
	"bytes"
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/artifacts-tui/artifacts-tui/backend/store"
)

// refs are blobs, each once and in order, and how often each is referred to.
type refs struct {
	blobs  [][]byte
	counts []int64
}

func references(segments []store.Segment) refs {
	counts := map[string]int64{}
	for _, g := range segments {
		counts[g.Blob]++
	}
	r := refs{blobs: make([][]byte, 0, len(counts)), counts: make([]int64, 0, len(counts))}
	for blob := range counts {
		r.blobs = append(r.blobs, []byte(blob))
	}
	slices.SortFunc(r.blobs, bytes.Compare)
	for _, blob := range r.blobs {
		r.counts = append(r.counts, counts[string(blob)])
	}
	return r
}

// lockBlobs makes others that count references to the same blobs wait, so that who comes second
// decides by what the first has left.
const lockBlobs = `SELECT blob FROM blobs WHERE blob = ANY($1::bytea[]) AND refs > 0 ORDER BY blob FOR UPDATE`

// retain queues another reference to each segment's blob; the blobs are locked.
func (t *txn) retain(segments []store.Segment) {
	r := references(segments)
	t.queue(`UPDATE blobs b SET refs = b.refs + r.n FROM unnest($1::bytea[], $2::bigint[]) AS r(blob, n)
		WHERE b.blob = r.blob`, r.blobs, r.counts)
}

// refer queues the first references to blobs that nothing else has. Where one was condemned the
// transaction fails, and says so by condemned.
func (t *txn) refer(segments []store.Segment) {
	if len(segments) == 0 {
		return
	}
	r := references(segments)
	t.queue(`INSERT INTO blobs (blob, refs) SELECT * FROM unnest($1::bytea[], $2::bigint[])`, r.blobs, r.counts)
}

// mark is an object as a transaction has written it, where it has.
type mark struct {
	bucket int64
	key    string
	seq    int64
}

// release queues the end of references; blobs that have none left are added to freed. With a
// mark nothing is done unless that object is there.
func (t *txn) release(segments []store.Segment, freed *store.Freed, m mark) {
	if len(segments) == 0 {
		return
	}
	r := references(segments)
	t.queue(lockBlobs, r.blobs)
	const guard = ` AND ($3::bigint = 0 OR EXISTS (SELECT 1 FROM objects WHERE bucket = $3 AND key = $4 AND seq = $5))`
	t.each(func(one pgx.Rows) error {
		var blob []byte
		err := one.Scan(&blob)
		freed.Blobs = append(freed.Blobs, string(blob))
		return err
	}, `DELETE FROM blobs b USING unnest($1::bytea[], $2::bigint[]) AS r(blob, n)
		WHERE b.blob = r.blob AND b.refs > 0 AND b.refs <= r.n`+guard+` RETURNING b.blob`,
		r.blobs, r.counts, m.bucket, []byte(m.key), m.seq)
	t.queue(`UPDATE blobs b SET refs = b.refs - r.n FROM unnest($1::bytea[], $2::bigint[]) AS r(blob, n)
		WHERE b.blob = r.blob AND b.refs > r.n`+guard, r.blobs, r.counts, m.bucket, []byte(m.key), m.seq)
}

// condemned turns the error of a transaction that refers to a condemned blob into the refusal.
func condemned(err error) error {
	if code(err) == uniqueViolation && constraint(err) == "blobs_pkey" {
		return store.Refuse(store.Condemned, "it took too long to record the bytes, and a sweep has taken them for abandoned")
	}
	return err
}

// Condemn implements store.Shared. A condemned blob stands in the table where a reference to it
// would be: the two exclude one another, whoever is first.
func (x *Index) Condemn(ctx context.Context, ids []string) (ended []string, err error) {
	list := make([][]byte, len(ids))
	for i, id := range ids {
		list[i] = []byte(id)
	}
	slices.SortFunc(list, bytes.Compare)
	err = again(ctx, func() error {
		ended = nil
		rows, err := x.pool.Query(ctx, `INSERT INTO blobs (blob, refs, condemned) SELECT blob, 0, now() FROM unnest($1::bytea[]) AS c(blob)
			ON CONFLICT (blob) DO UPDATE SET condemned = now() WHERE blobs.refs = 0 RETURNING blob`, slices.CompactFunc(list, bytes.Equal))
		if err != nil {
			return err
		}
		return eachRow(rows, func(one pgx.Rows) error {
			var blob []byte
			err := one.Scan(&blob)
			ended = append(ended, string(blob))
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	return ended, nil
}

// References implements store.Index: one transaction sees one point in time. It reads the span
// from the index of the table alone, and apart from it those that have no references, which are
// condemned and few: to leave them out in one statement is left to chance by a planner that has not
// seen the table yet.
func (x *Index) References(ctx context.Context, of store.Span, fn func(blob string)) error {
	from, to := []byte(of.From), []byte(of.To)
	if of.To == "" {
		to = above("")
	}
	snapshot := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	return pgx.BeginTxFunc(ctx, x.pool, snapshot, func(tx pgx.Tx) error {
		condemned := map[string]bool{}
		each := func(sql string, fn func(blob string)) error {
			rows, err := tx.Query(ctx, sql, from, to)
			if err != nil {
				return err
			}
			return eachRow(rows, func(one pgx.Rows) error {
				var blob []byte
				err := one.Scan(&blob)
				fn(string(blob))
				return err
			})
		}
		err := each(`SELECT blob FROM blobs WHERE blob >= $1 AND blob < $2 AND condemned IS NOT NULL`, func(blob string) { condemned[blob] = true })
		if err != nil {
			return err
		}
		return each(`SELECT blob FROM blobs WHERE blob >= $1 AND blob < $2`, func(blob string) {
			if !condemned[blob] {
				fn(blob)
			}
		})
	})
}
