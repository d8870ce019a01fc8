package bolt

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"go.etcd.io/bbolt"

	"github.com/artifacts-tui/artifacts-tui/backend/store"
)

// Index is a store.Index in one file, opened by one process at a time.
type Index struct {
	db       *bbolt.DB
	space    space
	feed     *store.Ring
	stale    bool // space may not be what the file says; it is the commit loop's
	ops      chan op
	stopping chan struct{}
	stopped  chan struct{}
	close    sync.Once
}

var _ store.Index = (*Index)(nil)

const (
	lockWait = 2 * time.Second // for another process to let go of the file
	mmapSize = 1 << 30         // address space, not memory: growing past it waits for readers
	// The format is version until a prefix is counted: a program that knows version alone
	// would write below it and not count.
	version        = "1"
	versionCounted = "2"
)

// Open opens or creates the file at path (mode 0600). limit bounds the bytes of all
// buckets; 0: unlimited. It fails where another process has the file open.
func Open(path string, limit int64) (*Index, error) {
	db, err := openFile(path)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	x := &Index{
		db: db, space: space{all: account{what: "the store's limit", limit: limit}, buckets: map[string]*bucketSpace{}},
		feed: store.NewRing(),
		ops:  make(chan op), stopping: make(chan struct{}), stopped: make(chan struct{}),
	}
	if err := x.prepare(); err != nil {
		_ = db.Close()
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	go x.commitLoop()
	return x, nil
}

func openFile(path string) (*bbolt.DB, error) {
	options := &bbolt.Options{
		Timeout: lockWait, NoFreelistSync: true, FreelistType: bbolt.FreelistMapType, InitialMmapSize: mmapSize,
	}
	db, err := bbolt.Open(path, 0o600, options)
	if err != nil {
		return nil, err
	}
	if info, err := os.Stat(path); err != nil || !roomy(db, info.Size()) {
		return db, nil //nolint:nilerr // a file that cannot be looked at is not compacted
	}
	fresh := path + ".compact"
	if err := compact(db, fresh); err != nil {
		return db, nil //nolint:nilerr // a full disk, say: the next start tries again
	}
	// db keeps the old file locked meanwhile.
	if err := errors.Join(replace(fresh, path), db.Close()); err != nil {
		return nil, err
	}
	return bbolt.Open(path, 0o600, options)
}

// prepare makes the tables and reads the usage that quotas are held against.
func (x *Index) prepare() error {
	err := x.db.Update(func(tx *bbolt.Tx) error {
		for _, name := range [][]byte{tableMeta, tableBuckets, tableObjects, tableUploads, tableParts, tableShared, tablePrefixes} {
			if _, err := tx.CreateBucketIfNotExists(name); err != nil {
				return err
			}
		}
		meta := tx.Bucket(tableMeta)
		switch v := meta.Get([]byte("version")); {
		case v == nil:
			return meta.Put([]byte("version"), []byte(version))
		case string(v) != version && string(v) != versionCounted:
			return fmt.Errorf("the index has format %s, this program knows up to %s", v, versionCounted)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return x.db.View(x.space.load)
}

// Close waits for the transaction that is being written. Writers still queued get an error.
func (x *Index) Close() error {
	var err error
	x.close.Do(func() {
		close(x.stopping)
		<-x.stopped
		err = x.db.Close()
	})
	return err
}

// Feed implements store.Index. It is told of by the commit loop, so that it has the order of
// the transactions, and begins anew with each Open.
func (x *Index) Feed() store.Feed { return x.feed }

// CreateBucket implements store.Index.
func (x *Index) CreateBucket(_ context.Context, b store.BucketInfo) error {
	return x.update(func(t *txn) error {
		if _, err := t.bucket(b.Name); err == nil {
			return store.Refuse(store.BucketAlreadyExists, "bucket %q exists already", b.Name)
		}
		t.counters[b.Name] = &bucketRecord{Owner: b.Owner, Created: b.Created, Quota: b.Quota}
		t.dirty[b.Name] = true
		return nil
	})
}

// DeleteBucket implements store.Index.
func (x *Index) DeleteBucket(_ context.Context, name string) (store.Freed, error) {
	var freed store.Freed
	err := x.update(func(t *txn) error {
		rec, err := t.bucket(name)
		if err != nil {
			return err
		}
		if rec.Objects > 0 {
			return store.Refuse(store.BucketNotEmpty, "bucket %q holds %d objects", name, rec.Objects)
		}
		uploads, err := scanUploads(t.uploads, name, "", "", "", 0)
		if err != nil {
			return err
		}
		for _, u := range uploads {
			blobs, _, err := t.dropUpload(u.Bucket, u.Key, u.ID, nil)
			if err != nil {
				return err
			}
			freed.Blobs = append(freed.Blobs, blobs...)
		}
		t.dropPrefixes(name)
		t.counters[name] = nil
		t.dirty[name] = true
		t.tell(store.Change{Kind: store.ChangeBucketDeleted, Bucket: name})
		return nil
	})
	return freed, err
}

// SetQuota implements store.Index.
func (x *Index) SetQuota(_ context.Context, bucket string, bytes int64) error {
	return x.update(func(t *txn) error {
		rec, err := t.bucket(bucket)
		if err != nil {
			return err
		}
		rec.Quota = bytes
		t.dirty[bucket] = true
		return nil
	})
}

// Bucket implements store.Index.
func (x *Index) Bucket(_ context.Context, name string) (info store.BucketInfo, err error) {
	err = x.db.View(func(tx *bbolt.Tx) error {
		rec, err := readBucket(tx.Bucket(tableBuckets), name)
		if err == nil {
			info = rec.info(name)
		}
		return err
	})
	return info, err
}

// Buckets implements store.Index.
func (x *Index) Buckets(context.Context) (list []store.BucketInfo, err error) {
	err = x.db.View(func(tx *bbolt.Tx) error {
		return eachBucket(tx.Bucket(tableBuckets), func(name string, rec *bucketRecord) {
			list = append(list, rec.info(name))
		})
	})
	return list, err
}

func eachBucket(table *bbolt.Bucket, fn func(name string, rec *bucketRecord)) error {
	return table.ForEach(func(k, v []byte) error {
		rec := &bucketRecord{}
		if err := json.Unmarshal(v, rec); err != nil {
			return err
		}
		fn(string(k), rec)
		return nil
	})
}

// Usage implements store.Index.
func (x *Index) Usage(ctx context.Context) (store.Usage, error) {
	var u store.Usage
	list, err := x.Buckets(ctx)
	for _, b := range list {
		u = u.Add(b.Usage)
	}
	return u, err
}

// reserve sets n bytes aside for a write to key. n may be zero or less: nothing is set aside.
func (x *Index) reserve(bucket, key string, n int64) (store.Reservation, error) {
	r, err := x.space.reserve(bucket, key, n)
	if err != nil {
		return nil, err
	}
	return r, nil
}
