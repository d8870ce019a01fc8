package postgres

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/artifacts-tui/artifacts-tui/backend/store"
	"github.com/artifacts-tui/artifacts-tui/backend/store/record"
)

// Recount implements store.Index, at one point in time. With repair all writers wait for it.
func (x *Index) Recount(ctx context.Context, repair bool) (r store.Recount, err error) {
	if !repair {
		options := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
		err = again(ctx, func() error {
			return pgx.BeginTxFunc(ctx, x.pool, options, func(tx pgx.Tx) error {
				c := counts{tx: tx, blobs: map[string]int64{}, report: &r}
				r = store.Recount{}
				return c.look(ctx)
			})
		})
		return r, err
	}
	err = again(ctx, func() error {
		return pgx.BeginFunc(ctx, x.pool, func(tx pgx.Tx) error {
			c := counts{tx: tx, blobs: map[string]int64{}, report: &r}
			r = store.Recount{}
			_, err := tx.Exec(ctx, `SELECT 1 FROM usage u JOIN buckets b ON b.id = u.bucket
				WHERE u.prefix = ''::bytea ORDER BY b.name, u.stripe FOR UPDATE OF u`)
			if err != nil {
				return err
			}
			if err := c.look(ctx); err != nil {
				return err
			}
			return c.repair(ctx)
		})
	})
	return r, err
}

// counts is what is there.
type counts struct {
	tx     pgx.Tx
	blobs  map[string]int64 // references
	wrong  map[string]int64 // those that are not what is recorded
	drifts []drift
	report *store.Recount
}

type drift struct {
	bucket  int64
	prefix  []byte
	counted store.Usage
}

func (c *counts) problem(format string, args ...any) {
	c.report.Problems = append(c.report.Problems, fmt.Sprintf(format, args...))
}

func (c *counts) look(ctx context.Context) error {
	for _, step := range []func(context.Context) error{c.objects, c.parts, c.strays, c.compare, c.shared} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (c *counts) each(ctx context.Context, sql string, fn func(row pgx.Rows) error) error {
	rows, err := c.tx.Query(ctx, sql)
	if err != nil {
		return err
	}
	return eachRow(rows, fn)
}

func (c *counts) objects(ctx context.Context) error {
	return c.each(ctx, `SELECT b.name, o.key, o.seq, o.size, o.info, o.detail FROM objects o LEFT JOIN buckets b ON b.id = o.bucket`, func(row pgx.Rows) error {
		var name, key, info, detail []byte
		var seq, size int64
		if err := row.Scan(&name, &key, &seq, &size, &info, &detail); err != nil {
			return err
		}
		o, err := decode(string(name), string(key), seq, size, info, detail)
		switch {
		case err != nil:
			c.problem("object %s/%s: %v", name, key, err)
			return nil
		case name == nil:
			c.problem("object %s of a bucket that does not exist", key)
		}
		for _, g := range o.Segments {
			c.blobs[g.Blob]++
		}
		return nil
	})
}

func (c *counts) parts(ctx context.Context) error {
	return c.each(ctx, `SELECT b.name, p.key, p.upload, p.record FROM parts p LEFT JOIN buckets b ON b.id = p.bucket`, func(row pgx.Rows) error {
		var name, key, upload, b []byte
		if err := row.Scan(&name, &key, &upload, &b); err != nil {
			return err
		}
		p, err := record.DecodePart(b)
		if err != nil {
			c.problem("upload %s of %s/%s: %v", upload, name, key, err)
			return nil
		}
		for _, g := range p.Segments {
			c.blobs[g.Blob]++
		}
		return nil
	})
}

// strays are rows that a bucket's end should have taken along.
func (c *counts) strays(ctx context.Context) error {
	return c.each(ctx, `SELECT q.prefix FROM quotas q LEFT JOIN buckets b ON b.id = q.bucket WHERE b.id IS NULL`, func(row pgx.Rows) error {
		var prefix []byte
		err := row.Scan(&prefix)
		c.problem("a counted prefix %q of a bucket that does not exist", prefix)
		return err
	})
}

func (c *counts) compare(ctx context.Context) error {
	err := c.each(ctx, `SELECT b.name, q.bucket, q.prefix,
			(SELECT coalesce(sum(bytes), 0)::bigint FROM usage u WHERE u.bucket = q.bucket AND u.prefix = q.prefix),
			(SELECT coalesce(sum(part_bytes), 0)::bigint FROM usage u WHERE u.bucket = q.bucket AND u.prefix = q.prefix),
			(SELECT coalesce(sum(objects), 0)::bigint FROM usage u WHERE u.bucket = q.bucket AND u.prefix = q.prefix),
			(SELECT coalesce(sum(size), 0)::bigint FROM objects o WHERE o.bucket = q.bucket AND o.key >= q.prefix AND o.key < q.above),
			(SELECT coalesce(sum(size), 0)::bigint FROM parts p WHERE p.bucket = q.bucket AND p.key >= q.prefix AND p.key < q.above),
			(SELECT count(*) FROM objects o WHERE o.bucket = q.bucket AND o.key >= q.prefix AND o.key < q.above)
		FROM quotas q JOIN buckets b ON b.id = q.bucket ORDER BY b.name, q.prefix`, func(row pgx.Rows) error {
		var d drift
		var name []byte
		var was store.Usage
		now := &d.counted
		err := row.Scan(&name, &d.bucket, &d.prefix, &was.Bytes, &was.PartBytes, &was.Objects, &now.Bytes, &now.PartBytes, &now.Objects)
		if err == nil && was != *now {
			c.report.Drifts = append(c.report.Drifts, store.Drift{Bucket: string(name), Prefix: string(d.prefix), Recorded: was, Counted: *now})
			c.drifts = append(c.drifts, d)
		}
		return err
	})
	// As bolt does: buckets by name, then the prefixes of all.
	slices.SortStableFunc(c.report.Drifts, func(a, b store.Drift) int { return min(len(a.Prefix), 1) - min(len(b.Prefix), 1) })
	return err
}

func (c *counts) shared(ctx context.Context) error {
	c.wrong = map[string]int64{}
	missing := c.blobs
	err := c.each(ctx, `SELECT blob, refs FROM blobs`, func(row pgx.Rows) error {
		var blob []byte
		var refs int64
		if err := row.Scan(&blob, &refs); err != nil {
			return err
		}
		if n := c.blobs[string(blob)]; n != refs {
			c.wrong[string(blob)] = n
		}
		delete(missing, string(blob))
		return nil
	})
	for blob, n := range missing {
		c.wrong[blob] = n
	}
	c.report.Shared = len(c.wrong)
	return err
}

// repair corrects what look has found.
func (c *counts) repair(ctx context.Context) error {
	b := &pgx.Batch{}
	for _, d := range c.drifts {
		b.Queue(`UPDATE usage SET bytes = 0, part_bytes = 0, objects = 0 WHERE bucket = $1 AND prefix = $2 AND stripe > 0`, d.bucket, d.prefix)
		b.Queue(`UPDATE usage SET bytes = $3, part_bytes = $4, objects = $5 WHERE bucket = $1 AND prefix = $2 AND stripe = 0`,
			d.bucket, d.prefix, d.counted.Bytes, d.counted.PartBytes, d.counted.Objects)
	}
	// What a record that cannot be read refers to is not counted, and must not be freed.
	if len(c.report.Problems) == 0 {
		for blob, n := range c.wrong {
			if n == 0 {
				b.Queue(`DELETE FROM blobs WHERE blob = $1`, []byte(blob))
				continue
			}
			b.Queue(`INSERT INTO blobs (blob, refs) VALUES ($1, $2)
				ON CONFLICT (blob) DO UPDATE SET refs = excluded.refs, condemned = NULL`, []byte(blob), n)
		}
	}
	return c.tx.SendBatch(ctx, b).Close()
}
