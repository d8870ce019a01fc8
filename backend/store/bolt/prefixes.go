package bolt

import (
	"bytes"
	"context"
	"encoding/json"

	"go.etcd.io/bbolt"

	"github.com/artifacts-tui/artifacts-tui/backend/store"
	"github.com/artifacts-tui/artifacts-tui/backend/store/record"
)

// prefixKey names a counted prefix.
type prefixKey struct{ bucket, prefix string }

// prefixRecord is store.PrefixInfo but for the names.
type prefixRecord struct {
	Quota int64 `json:"quota,omitempty"`
	store.Usage
}

func (r prefixRecord) info(at prefixKey) store.PrefixInfo {
	return store.PrefixInfo{Bucket: at.bucket, Prefix: at.prefix, Quota: r.Quota, Usage: r.Usage}
}

// eachPrefix calls fn with every counted prefix of a bucket, or where bucket is empty of all.
func eachPrefix(table *bbolt.Bucket, bucket string, fn func(at prefixKey, rec *prefixRecord)) error {
	var base []byte
	if bucket != "" {
		base = objectKey(bucket, "")
	}
	c := table.Cursor()
	for k, v := c.Seek(base); k != nil && bytes.HasPrefix(k, base); k, v = c.Next() {
		name, prefix, _ := bytes.Cut(k, []byte{0})
		rec := &prefixRecord{}
		if err := json.Unmarshal(v, rec); err != nil {
			return err
		}
		fn(prefixKey{string(name), string(prefix)}, rec)
	}
	return nil
}

func readPrefix(table *bbolt.Bucket, at prefixKey) (*prefixRecord, error) {
	v := table.Get(objectKey(at.bucket, at.prefix))
	if v == nil {
		return nil, store.Refuse(store.NoSuchPrefix, "%q of bucket %s is not counted", at.prefix, at.bucket)
	}
	rec := &prefixRecord{}
	return rec, json.Unmarshal(v, rec)
}

// Prefix implements store.Index.
func (x *Index) Prefix(_ context.Context, bucket, prefix string) (info store.PrefixInfo, err error) {
	at := prefixKey{bucket, prefix}
	err = x.db.View(func(tx *bbolt.Tx) error {
		if tx.Bucket(tableBuckets).Get([]byte(bucket)) == nil {
			return noBucket(bucket)
		}
		rec, err := readPrefix(tx.Bucket(tablePrefixes), at)
		if err == nil {
			info = rec.info(at)
		}
		return err
	})
	return info, err
}

// Prefixes implements store.Index.
func (x *Index) Prefixes(_ context.Context, bucket string) (list []store.PrefixInfo, err error) {
	err = x.db.View(func(tx *bbolt.Tx) error {
		if tx.Bucket(tableBuckets).Get([]byte(bucket)) == nil {
			return noBucket(bucket)
		}
		return eachPrefix(tx.Bucket(tablePrefixes), bucket, func(at prefixKey, rec *prefixRecord) {
			list = append(list, rec.info(at))
		})
	})
	return list, err
}

// SetPrefix implements store.Index. Other writers wait while it counts what is there.
func (x *Index) SetPrefix(_ context.Context, bucket, prefix string, quota int64) error {
	return x.update(func(t *txn) error {
		if _, err := t.bucket(bucket); err != nil {
			return err
		}
		at := prefixKey{bucket, prefix}
		rec := t.prefix(at)
		if rec == nil {
			rec = &prefixRecord{Usage: t.measure(at)}
			if err := t.tx.Bucket(tableMeta).Put([]byte("version"), []byte(versionCounted)); err != nil {
				return err
			}
		}
		rec.Quota = quota
		t.prefixes[at] = rec
		return nil
	})
}

// DropPrefix implements store.Index.
func (x *Index) DropPrefix(_ context.Context, bucket, prefix string) error {
	return x.update(func(t *txn) error {
		if _, err := t.bucket(bucket); err != nil {
			return err
		}
		t.prefixes[prefixKey{bucket, prefix}] = nil
		return nil
	})
}

// dropPrefixes ends the counting of all prefixes of a bucket.
func (t *txn) dropPrefixes(bucket string) {
	for at := range t.prefixes {
		if at.bucket == bucket {
			t.prefixes[at] = nil
		}
	}
	for prefix := range t.space.counted(bucket) {
		t.prefixes[prefixKey{bucket, prefix}] = nil
	}
}

// prefix is the record as this transaction leaves it; nil: it is not counted.
func (t *txn) prefix(at prefixKey) *prefixRecord {
	if rec, seen := t.prefixes[at]; seen {
		return rec
	}
	p := t.space.counted(at.bucket)[at.prefix]
	if p == nil {
		return nil
	}
	rec := p.record
	t.prefixes[at] = &rec
	return &rec
}

// count adds u, which may be negative, to the counters of the bucket and of every counted
// prefix that covers key.
func (t *txn) count(bucket, key string, u store.Usage) error {
	rec, err := t.bucket(bucket)
	if err != nil {
		return err
	}
	rec.Usage = rec.Add(u)
	t.dirty[bucket] = true
	if len(t.prefixes) == 0 && len(t.space.counted(bucket)) == 0 {
		return nil
	}
	for p := range prefixesOf(key) {
		if rec := t.prefix(prefixKey{bucket, p}); rec != nil {
			rec.Usage = rec.Add(u)
		}
	}
	return nil
}

// measure counts what lies below a prefix. As a recount does, it leaves out what cannot be read.
func (t *txn) measure(at prefixKey) (u store.Usage) {
	base := objectKey(at.bucket, at.prefix)
	c := t.objects.Cursor()
	for k, v := c.Seek(base); k != nil && bytes.HasPrefix(k, base); k, v = c.Next() {
		if o, err := record.DecodeObject("", "", v, false); err == nil {
			u.Bytes += o.Size
			u.Objects++
		}
	}
	uploads, _ := scanUploads(t.uploads, at.bucket, at.prefix, "", "", 0)
	for _, up := range uploads {
		parts, _ := scanParts(t.parts, up.ID, 0, 0)
		for _, p := range parts {
			u.PartBytes += p.Size
		}
	}
	return u
}

// flushPrefixes writes the records that the transaction has changed.
func (t *txn) flushPrefixes() error {
	for at, rec := range t.prefixes {
		k := objectKey(at.bucket, at.prefix)
		if rec == nil {
			if err := t.prefixTable.Delete(k); err != nil {
				return err
			}
			continue
		}
		v, err := json.Marshal(rec)
		if err != nil {
			return err
		}
		if err := t.prefixTable.Put(k, v); err != nil {
			return err
		}
	}
	return nil
}
