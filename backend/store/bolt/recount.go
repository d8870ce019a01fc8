package bolt

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"

	"go.etcd.io/bbolt"

	"github.com/artifacts-tui/artifacts-tui/backend/store"
	"github.com/artifacts-tui/artifacts-tui/backend/store/record"
)

// Recount implements store.Index, in one transaction.
func (x *Index) Recount(ctx context.Context, repair bool) (r store.Recount, err error) {
	err = x.update(func(t *txn) error {
		r = store.Recount{}
		if err := t.flush(); err != nil { // the tables are what this transaction leaves
			return err
		}
		for err := range t.tx.Check() {
			r.Problems = append(r.Problems, err.Error())
		}
		c := counts{buckets: map[string]*store.Usage{}, prefixes: map[prefixKey]*store.Usage{}, blobs: map[string]uint32{}, report: &r}
		err := eachPrefix(t.prefixTable, "", func(at prefixKey, _ *prefixRecord) { c.prefixes[at] = &store.Usage{} })
		if err != nil {
			return err
		}
		if err := c.objects(ctx, t.objects); err != nil {
			return err
		}
		if err := c.parts(t); err != nil {
			return err
		}
		if err := c.compare(t, repair); err != nil {
			return err
		}
		// What a record that cannot be read refers to is not counted, and must not be freed.
		return c.shared(t, repair && len(r.Problems) == 0)
	})
	return r, err
}

// counts is what is there.
type counts struct {
	buckets  map[string]*store.Usage
	prefixes map[prefixKey]*store.Usage // all that are counted
	blobs    map[string]uint32          // references
	report   *store.Recount
}

func (c *counts) of(bucket string) *store.Usage {
	u := c.buckets[bucket]
	if u == nil {
		u = &store.Usage{}
		c.buckets[bucket] = u
	}
	return u
}

func (c *counts) add(bucket, key string, more store.Usage) {
	u := c.of(bucket)
	*u = u.Add(more)
	if len(c.prefixes) == 0 {
		return
	}
	for p := range prefixesOf(key) {
		if u := c.prefixes[prefixKey{bucket, p}]; u != nil {
			*u = u.Add(more)
		}
	}
}

func (c *counts) refer(segments []store.Segment) {
	for _, s := range segments {
		c.blobs[s.Blob]++
	}
}

func (c *counts) problem(format string, args ...any) {
	c.report.Problems = append(c.report.Problems, fmt.Sprintf(format, args...))
}

func (c *counts) objects(ctx context.Context, table *bbolt.Bucket) error {
	return table.ForEach(func(k, v []byte) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		bucket, key, _ := bytes.Cut(k, []byte{0})
		o, err := record.DecodeObject(string(bucket), string(key), v, true)
		if err != nil {
			c.problem("object %s/%s: %v", bucket, key, err)
			return nil
		}
		c.add(o.Bucket, o.Key, store.Usage{Bytes: o.Size, Objects: 1})
		c.refer(o.Segments)
		return nil
	})
}

func (c *counts) parts(t *txn) error {
	return t.buckets.ForEach(func(name, _ []byte) error {
		uploads, err := scanUploads(t.uploads, string(name), "", "", "", 0)
		if err != nil {
			c.problem("uploads of %s: %v", name, err)
			return nil
		}
		for _, up := range uploads {
			parts, err := scanParts(t.parts, up.ID, 0, 0)
			if err != nil {
				c.problem("upload %s of %s/%s: %v", up.ID, name, up.Key, err)
			}
			for _, p := range parts {
				c.add(string(name), up.Key, store.Usage{PartBytes: p.Size})
				c.refer(p.Segments)
			}
		}
		return nil
	})
}

func (c *counts) compare(t *txn, repair bool) error {
	var names []string
	if err := t.buckets.ForEach(func(k, _ []byte) error { names = append(names, string(k)); return nil }); err != nil {
		return err
	}
	for _, name := range names {
		rec, err := t.bucket(name)
		if err != nil {
			return err
		}
		now := *c.of(name)
		if rec.Usage != now {
			c.report.Drifts = append(c.report.Drifts, store.Drift{Bucket: name, Recorded: rec.Usage, Counted: now})
			if repair {
				rec.Usage = now
				t.dirty[name] = true
			}
		}
		delete(c.buckets, name)
	}
	for name := range c.buckets {
		c.problem("objects of a bucket %s that does not exist", name)
	}
	return eachPrefix(t.prefixTable, "", func(at prefixKey, rec *prefixRecord) {
		now := *c.prefixes[at]
		if t.buckets.Get([]byte(at.bucket)) == nil {
			c.problem("a counted prefix %s of a bucket %s that does not exist", at.prefix, at.bucket)
		} else if rec.Usage != now {
			c.report.Drifts = append(c.report.Drifts, store.Drift{Bucket: at.bucket, Prefix: at.prefix, Recorded: rec.Usage, Counted: now})
			if repair {
				rec.Usage = now
				t.prefixes[at] = rec
			}
		}
	})
}

func (c *counts) shared(t *txn, repair bool) error {
	wrong := map[string]uint32{}
	err := t.shared.ForEach(func(k, v []byte) error {
		if n := c.blobs[string(k)]; len(v) != 4 || binary.BigEndian.Uint32(v) != n {
			wrong[string(k)] = n
		}
		return nil
	})
	for blob, n := range c.blobs {
		if n > 1 && t.shared.Get([]byte(blob)) == nil {
			wrong[blob] = n
		}
	}
	c.report.Shared = len(wrong)
	if err != nil || !repair {
		return err
	}
	for blob, n := range wrong {
		if n > 1 {
			err = t.shared.Put([]byte(blob), binary.BigEndian.AppendUint32(nil, n))
		} else {
			err = t.shared.Delete([]byte(blob))
		}
		if err != nil {
			return err
		}
	}
	return nil
}
