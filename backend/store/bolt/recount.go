package bolt

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"

	"go.etcd.io/bbolt"

	"github.com/artifacts-tui/artifacts-tui/backend/store"
)

// Recount implements store.Index, in one transaction.
func (x *Index) Recount(ctx context.Context, repair bool) (r store.Recount, err error) {
	err = x.update(func(t *txn) error {
		r = store.Recount{}
		for err := range t.tx.Check() {
			r.Problems = append(r.Problems, err.Error())
		}
		c := counts{usage: map[string]*store.Usage{}, blobs: map[string]uint32{}, report: &r}
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
	usage  map[string]*store.Usage // by bucket
	blobs  map[string]uint32       // references
	report *store.Recount
}

func (c *counts) of(bucket string) *store.Usage {
	u := c.usage[bucket]
	if u == nil {
		u = &store.Usage{}
		c.usage[bucket] = u
	}
	return u
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
		o, err := decodeObject(string(bucket), string(key), v, true)
		if err != nil {
			c.problem("object %s/%s: %v", bucket, key, err)
			return nil
		}
		u := c.of(o.Bucket)
		u.Bytes += o.Size
		u.Objects++
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
				c.of(string(name)).PartBytes += p.Size
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
		if was := rec.info(name).Usage; was != now {
			c.report.Drifts = append(c.report.Drifts, store.Drift{Bucket: name, Recorded: was, Counted: now})
			if repair {
				rec.Bytes, rec.PartBytes, rec.Objects = now.Bytes, now.PartBytes, now.Objects
				t.dirty[name] = true
			}
		}
		delete(c.usage, name)
	}
	for name := range c.usage {
		c.problem("objects of a bucket %s that does not exist", name)
	}
	return nil
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
