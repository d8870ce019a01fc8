package bolt

import (
	"encoding/json"
	"errors"
	"time"

	"go.etcd.io/bbolt"

	"github.com/artifacts-tui/artifacts-tui/backend/store"
)

// maxBatch bounds how many writers share one transaction, and so how long the first of them waits.
const maxBatch = 512

var errClosed = errors.New("bolt: the index is closed")

// op is one writer's change. run may return a *store.Error before it has written
// anything; any other error takes the whole transaction back.
type op struct {
	run  func(t *txn) error
	done chan error
}

// update queues run for the next transaction and waits until that is durable. It
// does not give up early: a writer must know whether its change was made.
func (x *Index) update(run func(t *txn) error) error {
	o := op{run: run, done: make(chan error, 1)}
	select {
	case x.ops <- o:
		return <-o.done
	case <-x.stopping:
		return errClosed
	}
}

// commitLoop is the only writer of the file.
func (x *Index) commitLoop() {
	defer close(x.stopped)
	for {
		var batch []op
		select {
		case o := <-x.ops:
			batch = append(batch, o)
		case <-x.stopping:
			return
		}
	more:
		for len(batch) < maxBatch {
			select {
			case o := <-x.ops:
				batch = append(batch, o)
			default:
				break more
			}
		}
		x.commit(batch)
	}
}

func (x *Index) commit(batch []op) {
	results := make([]error, len(batch))
	err := x.try(batch, results)
	x.stale = err != nil
	for i, o := range batch {
		if err != nil {
			o.done <- err
		} else {
			o.done <- results[i]
		}
	}
}

func (x *Index) try(batch []op, results []error) error {
	tx, err := x.db.Begin(true)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after Commit it does nothing
	if x.stale {
		if err := x.space.load(tx); err != nil {
			return err
		}
	}
	t := newTxn(tx, &x.space)
	for i, o := range batch {
		err := o.run(t)
		var refusal *store.Error
		if err != nil && !errors.As(err, &refusal) {
			t.abandon()
			return err
		}
		results[i] = err
	}
	if err := t.flush(); err != nil {
		t.abandon()
		return err
	}
	if err := tx.Commit(); err != nil {
		t.abandon()
		x.feed.Restart() // readers may see what it changed all the same
		return err
	}
	x.space.publish(t)
	x.feed.Publish(t.changes)
	return nil
}

// txn is one transaction with the counters of the buckets and prefixes it touches. They
// are written once, at its end.
type txn struct {
	tx                                                    *bbolt.Tx
	buckets, objects, uploads, parts, shared, prefixTable *bbolt.Bucket
	space                                                 *space
	counters                                              map[string]*bucketRecord    // nil: deleted
	dirty                                                 map[string]bool             // buckets
	prefixes                                              map[prefixKey]*prefixRecord // that were changed; nil: not counted any more
	consumed                                              []*reservation
	own                                                   []*reservation // made here, for writers that reserved nothing
	seq                                                   uint64
	changes                                               []store.Change // in their order
}

// bucketRecord is store.BucketInfo but for the name.
type bucketRecord struct {
	Owner   string    `json:"owner"`
	Created time.Time `json:"created"`
	Quota   int64     `json:"quota,omitempty"`
	store.Usage
}

func (r bucketRecord) info(name string) store.BucketInfo {
	return store.BucketInfo{
		Name: name, Owner: r.Owner, Created: r.Created, Quota: r.Quota, Usage: r.Usage,
	}
}

func newTxn(tx *bbolt.Tx, s *space) *txn {
	t := &txn{
		tx: tx, space: s, counters: map[string]*bucketRecord{}, dirty: map[string]bool{},
		prefixes: map[prefixKey]*prefixRecord{},
		buckets:  tx.Bucket(tableBuckets), objects: tx.Bucket(tableObjects), uploads: tx.Bucket(tableUploads),
		parts: tx.Bucket(tableParts), shared: tx.Bucket(tableShared), prefixTable: tx.Bucket(tablePrefixes),
	}
	t.seq = t.objects.Sequence()
	return t
}

func noBucket(name string) error {
	return store.Refuse(store.NoSuchBucket, "there is no bucket %q", name)
}

// bucket is the record as this transaction leaves it.
func (t *txn) bucket(name string) (*bucketRecord, error) {
	if rec, seen := t.counters[name]; seen {
		if rec == nil {
			return nil, noBucket(name)
		}
		return rec, nil
	}
	rec, err := readBucket(t.buckets, name)
	if err != nil {
		return nil, err
	}
	t.counters[name] = rec
	return rec, nil
}

func readBucket(table *bbolt.Bucket, name string) (*bucketRecord, error) {
	v := table.Get([]byte(name))
	if v == nil {
		return nil, noBucket(name)
	}
	rec := &bucketRecord{}
	return rec, json.Unmarshal(v, rec)
}

// charge makes sure that a write to key which adds delta bytes fits the quotas, and marks
// r used up. It is the last step that may refuse.
func (t *txn) charge(bucket, key string, r store.Reservation, delta int64) error {
	own, ok := r.(*reservation)
	if !ok || own == nil {
		var err error
		if own, err = t.space.reserve(bucket, key, 0); err != nil {
			return err
		}
		t.own = append(t.own, own)
	}
	if err := own.cover(delta); err != nil {
		return err
	}
	t.consumed = append(t.consumed, own)
	return nil
}

// tell notes a change for the feed; it is told once the transaction is durable.
func (t *txn) tell(c store.Change) { t.changes = append(t.changes, c) }

func (t *txn) next() uint64 { t.seq++; return t.seq }

func (t *txn) flush() error {
	if err := t.objects.SetSequence(t.seq); err != nil {
		return err
	}
	for name := range t.dirty {
		rec := t.counters[name]
		if rec == nil {
			if err := t.buckets.Delete([]byte(name)); err != nil {
				return err
			}
			continue
		}
		v, err := json.Marshal(rec)
		if err != nil {
			return err
		}
		if err := t.buckets.Put([]byte(name), v); err != nil {
			return err
		}
	}
	return t.flushPrefixes()
}

// abandon gives back what only this transaction knows of. The writers release theirs.
func (t *txn) abandon() {
	for _, r := range t.own {
		r.Release()
	}
}
