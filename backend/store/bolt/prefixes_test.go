package bolt

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/artifacts-tui/artifacts-tui/backend/store"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func put(t testing.TB, x *Index, bucket, key string, size int64) {
	t.Helper()
	_, err := x.Put(t.Context(), store.PutEntry{Object: store.Object{ObjectInfo: store.ObjectInfo{Bucket: bucket, Key: key, Size: size}}})
	must(t, err)
}

// within changes the file at path as another program would.
func within(t *testing.T, path string, change func(tx *bbolt.Tx) error) {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, nil)
	must(t, err)
	must(t, errors.Join(db.Update(change), db.Close()))
}

// A file of a program that counted no prefixes opens and goes on; once one is counted such a
// program refuses the file, as it would write and not count.
func TestFileWithoutPrefixes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "index.db")
	x, err := Open(path, 0)
	must(t, err)
	must(t, x.CreateBucket(t.Context(), store.BucketInfo{Name: "bucket"}))
	put(t, x, "bucket", "a/k", 7)
	must(t, x.Close())
	format := func() (v string) {
		within(t, path, func(tx *bbolt.Tx) error { v = string(tx.Bucket(tableMeta).Get([]byte("version"))); return nil })
		return v
	}
	if v := format(); v != "1" {
		t.Errorf("the format is %s", v)
	}
	within(t, path, func(tx *bbolt.Tx) error { return tx.DeleteBucket(tablePrefixes) })
	for range 2 {
		x, err = Open(path, 0)
		must(t, err)
		must(t, x.SetPrefix(t.Context(), "bucket", "a/", 10))
		p, err := x.Prefix(t.Context(), "bucket", "a/")
		if err != nil || p.Usage != (store.Usage{Bytes: 7, Objects: 1}) || p.Quota != 10 {
			t.Errorf("%+v, %v", p, err)
		}
		must(t, x.Close())
	}
	if v := format(); v != "2" {
		t.Errorf("the format is %s", v)
	}
	within(t, path, func(tx *bbolt.Tx) error { return tx.Bucket(tableMeta).Put([]byte("version"), []byte("3")) })
	if _, err := Open(path, 0); err == nil || !strings.Contains(err.Error(), "format 3") {
		t.Errorf("a file of the future: %v", err)
	}
}

// Counters of prefixes that are wrong are found and corrected, and quotas are held against what
// is right from then on. SPEC B26
func TestRecountOfPrefixes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "index.db")
	x, err := Open(path, 0)
	must(t, err)
	must(t, x.CreateBucket(t.Context(), store.BucketInfo{Name: "bucket"}))
	for _, p := range []string{"a/", "a/b/", "ab/"} {
		must(t, x.SetPrefix(t.Context(), "bucket", p, 100))
	}
	put(t, x, "bucket", "a/k", 7)
	put(t, x, "bucket", "a/b/k", 20)
	put(t, x, "bucket", "ab/k", 30)
	must(t, x.CreateUpload(t.Context(), store.UploadInfo{Bucket: "bucket", Key: "a/b/u", ID: "id"}))
	_, err = x.PutPart(t.Context(), store.PartEntry{Bucket: "bucket", Key: "a/b/u", UploadID: "id", Part: store.Part{PartInfo: store.PartInfo{Number: 1, Size: 5}}})
	must(t, err)
	r, err := x.Recount(t.Context(), false)
	if err != nil || len(r.Drifts)+len(r.Problems) != 0 {
		t.Errorf("%+v, %v", r, err)
	}
	must(t, x.Close())
	within(t, path, func(tx *bbolt.Tx) error {
		table := tx.Bucket(tablePrefixes)
		for _, p := range []string{"a/b/", "ab/"} {
			k := objectKey("bucket", p)
			v := bytes.Replace(table.Get(k), []byte(`"bytes":`), []byte(`"bytes":1`), 1)
			if err := table.Put(k, v); err != nil {
				return err
			}
		}
		return table.Put(objectKey("gone", "x/"), []byte(`{}`))
	})
	x, err = Open(path, 0)
	must(t, err)
	defer func() { must(t, x.Close()) }()
	for _, repair := range []bool{false, true} {
		r, err := x.Recount(t.Context(), repair)
		must(t, err)
		want := []store.Drift{
			{Bucket: "bucket", Prefix: "a/b/", Recorded: store.Usage{Bytes: 120, PartBytes: 5, Objects: 1}, Counted: store.Usage{Bytes: 20, PartBytes: 5, Objects: 1}},
			{Bucket: "bucket", Prefix: "ab/", Recorded: store.Usage{Bytes: 130, Objects: 1}, Counted: store.Usage{Bytes: 30, Objects: 1}},
		}
		if !slices.Equal(r.Drifts, want) || len(r.Problems) != 1 || r.Drifts[0].Where() != "bucket/a/b/" {
			t.Errorf("%+v", r)
		}
	}
	if free, _, err := x.Free(t.Context(), "bucket", "ab/"); free != 70 || err != nil {
		t.Errorf("after the repair %d bytes are free, %v", free, err)
	}
	put(t, x, "bucket", "ab/l", 70)
	r, err = x.Recount(t.Context(), false)
	if err != nil || len(r.Drifts) != 0 {
		t.Errorf("%+v, %v", r, err)
	}
}

// A commit that failed may be in the file all the same: what comes after it counts on from
// there, of a prefix that was begun to be counted too.
func TestPrefixesAfterAFailedCommit(t *testing.T) {
	x, err := Open(filepath.Join(t.TempDir(), "index.db"), 0)
	must(t, err)
	defer func() { must(t, x.Close()) }()
	must(t, x.CreateBucket(t.Context(), store.BucketInfo{Name: "bucket"}))
	must(t, x.CreateBucket(t.Context(), store.BucketInfo{Name: "gone"}))
	must(t, x.SetPrefix(t.Context(), "bucket", "a/", 100))
	must(t, x.SetPrefix(t.Context(), "bucket", "c/", 1))
	put(t, x, "bucket", "a/k", 1)
	tx, err := x.db.Begin(true)
	must(t, err)
	lost := newTxn(tx, &x.space)
	lost.prefixes[prefixKey{"bucket", "b/"}] = &prefixRecord{Quota: 100}
	lost.prefixes[prefixKey{"bucket", "c/"}] = nil
	lost.counters["gone"], lost.dirty["gone"] = nil, true
	for _, key := range []string{"a/lost", "b/lost"} {
		_, err = lost.write(store.Object{ObjectInfo: store.ObjectInfo{Bucket: "bucket", Key: key, Size: 60}}, nil)
		must(t, err)
	}
	must(t, lost.flush())
	must(t, tx.Commit())
	lost.abandon() // as if Commit had failed
	x.stale = true
	put(t, x, "bucket", "a/l", 2)
	put(t, x, "bucket", "b/l", 4)
	for prefix, want := range map[string]int64{"a/": 63, "b/": 64} {
		p, err := x.Prefix(t.Context(), "bucket", prefix)
		free, _, err2 := x.Free(t.Context(), "bucket", prefix)
		if p.Bytes != want || free != 100-want || errors.Join(err, err2) != nil {
			t.Errorf("%s holds %d and has %d free, %v, %v; want %d", prefix, p.Bytes, free, err, err2, want)
		}
	}
	put(t, x, "bucket", "c/k", 1000)
	if _, err := x.reserve("gone", "k", 1); !errors.Is(err, store.ErrNoSuchBucket) {
		t.Errorf("a bucket that is gone: %v", err)
	}
	x.SetMaxSize(2000)
	if free, _, err := x.Free(t.Context(), "bucket", ""); free != 2000-63-64-1000 || err != nil {
		t.Errorf("%d bytes are free, %v", free, err)
	}
	r, err := x.Recount(t.Context(), false)
	if err != nil || len(r.Drifts) != 0 {
		t.Errorf("%+v, %v", r, err)
	}
}

// A transaction is one for all of its writers: what one of them sets, the next ones count.
func TestPrefixesInOneTransaction(t *testing.T) {
	x, err := Open(filepath.Join(t.TempDir(), "index.db"), 0)
	must(t, err)
	defer func() { must(t, x.Close()) }()
	ctx := context.Background()
	must(t, x.CreateBucket(ctx, store.BucketInfo{Name: "bucket"}))
	must(t, x.SetPrefix(ctx, "bucket", "b/", 0))
	put(t, x, "bucket", "a/before", 1)
	object := func(key string, size int64) func() error {
		return func() error {
			_, err := x.Put(ctx, store.PutEntry{Object: store.Object{ObjectInfo: store.ObjectInfo{Bucket: "bucket", Key: key, Size: size}}})
			return err
		}
	}
	steps := []func() error{
		object("a/first", 2),
		func() error { return x.SetPrefix(ctx, "bucket", "a/", 0) },
		object("a/k", 4),
		func() error { return x.DropPrefix(ctx, "bucket", "b/") },
		object("b/k", 8),
		func() error { return x.SetPrefix(ctx, "bucket", "b/", 0) },
		object("b/l", 16),
		func() error {
			r, err := x.Recount(ctx, true)
			if len(r.Drifts)+len(r.Problems) > 0 {
				t.Errorf("%+v", r)
			}
			return err
		},
	}
	// The loop that commits is held up until all of them wait for it, in this order.
	held, hold := make(chan struct{}), make(chan struct{})
	results := make(chan error, len(steps))
	go func() { results <- x.update(func(*txn) error { close(held); <-hold; return nil }) }()
	<-held
	batch := make([]op, 0, len(steps))
	collect := make(chan op)
	real := x.ops
	x.ops = collect
	for _, step := range steps {
		go func() { results <- step() }()
		batch = append(batch, <-collect)
	}
	x.ops = real
	close(hold)
	must(t, <-results)
	x.commit(batch)
	for range steps {
		must(t, <-results)
	}
	for prefix, want := range map[string]store.Usage{"a/": {Bytes: 7, Objects: 3}, "b/": {Bytes: 24, Objects: 2}} {
		if p, err := x.Prefix(ctx, "bucket", prefix); err != nil || p.Usage != want {
			t.Errorf("%+v, %v; want %+v", p, err, want)
		}
	}
	r, err := x.Recount(ctx, false)
	if err != nil || len(r.Drifts) != 0 {
		t.Errorf("%+v, %v", r, err)
	}
}
