package bolt

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"

	"go.etcd.io/bbolt"

	"github.com/artifacts-tui/artifacts-tui/backend/store"
	"github.com/artifacts-tui/artifacts-tui/backend/store/record"
)

func noUpload(id string) error {
	return store.Refuse(store.NoSuchUpload, "there is no multipart upload %q: it was completed, aborted or has expired", id)
}

func readUpload(table *bbolt.Bucket, bucket, key, id string) (u store.UploadInfo, err error) {
	v := table.Get(uploadKey(bucket, key, id))
	if v == nil {
		return u, noUpload(id)
	}
	return u, json.Unmarshal(v, &u)
}

// CreateUpload implements store.Index.
func (x *Index) CreateUpload(_ context.Context, u store.UploadInfo) error {
	return x.update(func(t *txn) error {
		if _, err := t.bucket(u.Bucket); err != nil {
			return err
		}
		v, err := json.Marshal(u)
		if err != nil {
			return err
		}
		return t.uploads.Put(uploadKey(u.Bucket, u.Key, u.ID), v)
	})
}

// Upload implements store.Index.
func (x *Index) Upload(_ context.Context, bucket, key, id string) (u store.UploadInfo, err error) {
	err = x.db.View(func(tx *bbolt.Tx) error {
		if tx.Bucket(tableBuckets).Get([]byte(bucket)) == nil {
			return noBucket(bucket)
		}
		u, err = readUpload(tx.Bucket(tableUploads), bucket, key, id)
		return err
	})
	return u, err
}

// Uploads implements store.Index.
func (x *Index) Uploads(_ context.Context, bucket, prefix, afterKey, afterID string, limit int) (list []store.UploadInfo, err error) {
	err = x.db.View(func(tx *bbolt.Tx) error {
		if tx.Bucket(tableBuckets).Get([]byte(bucket)) == nil {
			return noBucket(bucket)
		}
		list, err = scanUploads(tx.Bucket(tableUploads), bucket, prefix, afterKey, afterID, limit)
		return err
	})
	return list, err
}

func scanUploads(table *bbolt.Bucket, bucket, prefix, afterKey, afterID string, limit int) (list []store.UploadInfo, err error) {
	base := objectKey(bucket, prefix)
	c := table.Cursor()
	from := base
	if afterKey != "" {
		// \x01 is above the NUL that ends a key, and so past all of its uploads.
		from = append(objectKey(bucket, afterKey), 1)
		if afterID != "" {
			from = append(uploadKey(bucket, afterKey, afterID), 0)
		}
		if bytes.Compare(from, base) < 0 {
			from = base
		}
	}
	for k, v := c.Seek(from); k != nil && bytes.HasPrefix(k, base); k, v = c.Next() {
		if limit > 0 && len(list) == limit {
			break
		}
		var u store.UploadInfo
		if err := json.Unmarshal(v, &u); err != nil {
			return nil, err
		}
		list = append(list, u)
	}
	return list, nil
}

// BeginPart implements store.Index.
func (x *Index) BeginPart(ctx context.Context, bucket, key, upload string, number int, size int64) (store.UploadInfo, store.Reservation, error) {
	u, err := x.Upload(ctx, bucket, key, upload)
	if err != nil {
		return u, nil, err
	}
	size = max(size, 0)
	old, err := x.Parts(ctx, bucket, key, upload, number-1, 1)
	if err == nil && len(old) == 1 && old[0].Number == number {
		size -= old[0].Size
	}
	space, err := x.reserve(bucket, key, size)
	return u, space, err
}

// PutPart implements store.Index.
func (x *Index) PutPart(_ context.Context, p store.PartEntry) (store.Freed, error) {
	var freed store.Freed
	err := x.update(func(t *txn) error {
		if _, err := t.bucket(p.Bucket); err != nil {
			return err
		}
		if t.uploads.Get(uploadKey(p.Bucket, p.Key, p.UploadID)) == nil {
			return noUpload(p.UploadID)
		}
		if err := t.same(p.Source, p.Part.Segments); err != nil {
			return err
		}
		var old store.Part
		at := partKey(p.UploadID, p.Part.Number)
		if v := t.parts.Get(at); v != nil {
			var err error
			if old, err = record.DecodePart(v); err != nil {
				return err
			}
		}
		if err := t.charge(p.Bucket, p.Key, p.Space, p.Part.Size-old.Size); err != nil {
			return err
		}
		if p.Source != nil {
			if err := t.retain(p.Part.Segments); err != nil {
				return err
			}
		}
		part := p.Part
		part.Seq = t.next()
		if err := t.parts.Put(at, record.EncodePart(part)); err != nil {
			return err
		}
		if err := t.count(p.Bucket, p.Key, store.Usage{PartBytes: part.Size - old.Size}); err != nil {
			return err
		}
		freed.Seq = part.Seq
		var err error
		freed.Blobs, err = t.release(old.Segments)
		return err
	})
	return freed, err
}

// Parts implements store.Index.
func (x *Index) Parts(_ context.Context, bucket, key, id string, after, limit int) (list []store.Part, err error) {
	err = x.db.View(func(tx *bbolt.Tx) error {
		if tx.Bucket(tableBuckets).Get([]byte(bucket)) == nil {
			return noBucket(bucket)
		}
		if tx.Bucket(tableUploads).Get(uploadKey(bucket, key, id)) == nil {
			return noUpload(id)
		}
		list, err = scanParts(tx.Bucket(tableParts), id, after, limit)
		return err
	})
	return list, err
}

func scanParts(table *bbolt.Bucket, id string, after, limit int) (list []store.Part, err error) {
	c := table.Cursor()
	for k, v := c.Seek(partKey(id, after+1)); isPart(k, id); k, v = c.Next() {
		if limit > 0 && len(list) == limit {
			break
		}
		p, err := record.DecodePart(v)
		if err != nil {
			return nil, err
		}
		list = append(list, p)
	}
	return list, nil
}

func isPart(k []byte, id string) bool {
	return len(k) == len(id)+2 && string(k[:len(id)]) == id
}

// dropUpload forgets an upload and its parts. The blobs of parts whose numbers are in
// keep go on living in an object; the others are released.
func (t *txn) dropUpload(bucket, key, id string, keep []int) (freed []string, bytes int64, err error) {
	parts, err := scanParts(t.parts, id, 0, 0)
	if err != nil {
		return nil, 0, err
	}
	for _, p := range parts {
		bytes += p.Size
		if err := t.parts.Delete(partKey(id, p.Number)); err != nil {
			return nil, 0, err
		}
		if _, found := slices.BinarySearch(keep, p.Number); found {
			continue
		}
		blobs, err := t.release(p.Segments)
		if err != nil {
			return nil, 0, err
		}
		freed = append(freed, blobs...)
	}
	return freed, bytes, t.uploads.Delete(uploadKey(bucket, key, id))
}

// CompleteUpload implements store.Index.
func (x *Index) CompleteUpload(_ context.Context, e store.CompleteEntry) (store.Freed, error) {
	var freed store.Freed
	err := x.update(func(t *txn) error {
		o := e.Object
		if _, err := t.bucket(o.Bucket); err != nil {
			return err
		}
		if t.uploads.Get(uploadKey(o.Bucket, o.Key, e.UploadID)) == nil {
			return noUpload(e.UploadID)
		}
		old, err := t.old(o.Bucket, o.Key)
		if err != nil {
			return err
		}
		if err := check(e.Cond, old); err != nil {
			return err
		}
		keep := make([]int, 0, len(e.Parts))
		for _, p := range e.Parts {
			now, err := t.part(e.UploadID, p.Number)
			if err != nil {
				return err
			}
			if now.Seq != p.Seq {
				return store.Refuse(store.InvalidPart, "part %d was uploaded again", p.Number)
			}
			keep = append(keep, p.Number)
		}
		blobs, bytes, err := t.dropUpload(o.Bucket, o.Key, e.UploadID, keep)
		if err != nil {
			return err
		}
		if err := t.count(o.Bucket, o.Key, store.Usage{PartBytes: -bytes}); err != nil {
			return err
		}
		if freed, err = t.write(o, old); err != nil {
			return err
		}
		freed.Blobs = append(freed.Blobs, blobs...)
		return nil
	})
	return freed, err
}

func (t *txn) part(id string, number int) (store.Part, error) {
	v := t.parts.Get(partKey(id, number))
	if v == nil {
		return store.Part{}, store.Refuse(store.InvalidPart, "part %d was not uploaded", number)
	}
	return record.DecodePart(v)
}

// AbortUpload implements store.Index.
func (x *Index) AbortUpload(_ context.Context, bucket, key, id string) (store.Freed, error) {
	var freed store.Freed
	err := x.update(func(t *txn) error {
		if _, err := t.bucket(bucket); err != nil {
			return err
		}
		if t.uploads.Get(uploadKey(bucket, key, id)) == nil {
			return noUpload(id)
		}
		blobs, bytes, err := t.dropUpload(bucket, key, id, nil)
		if err != nil {
			return err
		}
		freed.Blobs = blobs
		return t.count(bucket, key, store.Usage{PartBytes: -bytes})
	})
	return freed, err
}
