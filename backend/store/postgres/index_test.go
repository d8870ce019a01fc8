package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/artifacts-tui/artifacts-tui/backend/store"
	"github.com/artifacts-tui/artifacts-tui/internal/pgtest"
)

// patience is how long something may take on a busy machine that is waited for.
const patience = time.Minute

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func refused(t testing.TB, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("err = %v, want %v", err, want)
	}
}

func openIndex(t testing.TB, url string, o Options) *Index {
	t.Helper()
	x, err := Open(context.Background(), url, o)
	must(t, err)
	t.Cleanup(func() { must(t, x.Close()) })
	return x
}

// object has a blob of its own.
func object(key string, size int64) store.Object {
	return store.Object{
		ObjectInfo: store.ObjectInfo{Bucket: "bucket", Key: key, Size: size, Modified: time.Unix(1, 1), ETag: fmt.Sprint("etag of ", size)},
		Segments:   []store.Segment{{Blob: fmt.Sprintf("%016x", newID()), Length: size}},
	}
}

// write is a Put as a store makes it.
func write(ctx context.Context, x *Index, o store.Object) (store.Freed, error) {
	space, err := x.Begin(ctx, o.Bucket, o.Key, o.Size, store.Condition{})
	if err != nil {
		return store.Freed{}, err
	}
	defer space.Release()
	return x.Put(ctx, store.PutEntry{Object: o, Space: space})
}

func put(t testing.TB, x *Index, key string, size int64) store.Object {
	t.Helper()
	o := object(key, size)
	freed, err := write(context.Background(), x, o)
	must(t, err)
	o.Seq = freed.Seq
	return o
}

// sound fails the test where counters or references are not what is there.
func sound(t testing.TB, x *Index) {
	t.Helper()
	r, err := x.Recount(context.Background(), false)
	must(t, err)
	if len(r.Drifts)+len(r.Problems)+r.Shared > 0 {
		t.Errorf("a recount found %+v", r)
	}
}

// eventually waits until what is asked for is so.
func eventually(t testing.TB, what string, ask func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ask(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("in vain waited for: ", what)
		}
	}
}

// trips counts what is sent to the database on behalf of a context that carries it.
type trips struct{ n int }

type tripsKey struct{}

func (*trips) count(ctx context.Context) context.Context {
	if t, ok := ctx.Value(tripsKey{}).(*trips); ok {
		t.n++
	}
	return ctx
}

func (t *trips) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	return t.count(ctx)
}
func (*trips) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}
func (t *trips) TraceBatchStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	return t.count(ctx)
}
func (*trips) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}
func (*trips) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData)     {}

// writePart is a PutPart as a store makes it.
func writePart(ctx context.Context, x *Index, number int) error {
	_, space, err := x.BeginPart(ctx, "bucket", "dir/up", "id", number, 100)
	if err != nil {
		return err
	}
	defer space.Release()
	part := store.Part{PartInfo: store.PartInfo{Number: number, Size: 100}, Segments: object("", 100).Segments}
	_, err = x.PutPart(ctx, store.PartEntry{Bucket: "bucket", Key: "dir/up", UploadID: "id", Part: part, Space: space})
	return err
}

// What a request costs in round trips: one for metadata and for a page of a list, two for a PUT
// and for a part of an upload, with quotas or without. SPEC B31
func TestRoundTrips(t *testing.T) {
	for name, quota := range map[string]int64{"unlimited": 0, "limited": 1 << 40} {
		t.Run(name, func(t *testing.T) {
			config, err := pgxpool.ParseConfig(pgtest.URL(t))
			must(t, err)
			config.ConnConfig.Tracer = &trips{}
			config.ShouldPing = func(context.Context, pgxpool.ShouldPingParams) bool { return false } // of a connection that was idle
			x, err := open(t.Context(), config, Options{})
			must(t, err)
			defer func() { must(t, x.Close()) }()
			must(t, x.CreateBucket(t.Context(), store.BucketInfo{Name: "bucket", Quota: quota}))
			must(t, x.SetPrefix(t.Context(), "bucket", "dir/", quota))
			costs := func(what string, want int, do func(ctx context.Context) error) {
				t.Helper()
				var n trips
				must(t, do(context.WithValue(t.Context(), tripsKey{}, &n)))
				if n.n != want {
					t.Errorf("%s takes %d round trips, want %d", what, n.n, want)
				}
			}
			for range 2 {
				must(t, x.CreateUpload(t.Context(), store.UploadInfo{Bucket: "bucket", Key: "dir/up", ID: "id"}))
				costs("a PUT", 2, func(ctx context.Context) error { _, err := write(ctx, x, object("dir/k", 100)); return err })
				costs("an overwrite", 2, func(ctx context.Context) error { _, err := write(ctx, x, object("dir/k", 300)); return err })
				costs("a part", 2, func(ctx context.Context) error { return writePart(ctx, x, 1) })
				costs("a part that is sent again", 3, func(ctx context.Context) error { return writePart(ctx, x, 1) })
				costs("the metadata", 1, func(ctx context.Context) error { _, err := x.Object(ctx, "bucket", "dir/k"); return err })
				costs("a page", 1, func(ctx context.Context) error { _, err := x.List(ctx, "bucket", store.ListOptions{}); return err })
				costs("a page of prefixes", 1, func(ctx context.Context) error {
					_, err := x.List(ctx, "bucket", store.ListOptions{Delimiter: "/"})
					return err
				})
				_, err := x.AbortUpload(t.Context(), "bucket", "dir/up", "id")
				must(t, err)
				costs("a DELETE", 2, func(ctx context.Context) error {
					_, err := x.Delete(ctx, "bucket", "dir/k", store.Condition{})
					return err
				})
			}
			sound(t, x)
		})
	}
}

// A process that is gone without a word: what it had set aside comes back, and what it still
// tries to write is held to the quota anew. SPEC B25, B31
func TestReservationsOfTheDead(t *testing.T) {
	url := pgtest.URL(t)
	lease := 500 * time.Millisecond
	x := openIndex(t, url, Options{lease: lease})
	must(t, x.CreateBucket(t.Context(), store.BucketInfo{Name: "bucket", Quota: 1000}))
	dead, err := Open(t.Context(), url, Options{lease: lease})
	must(t, err)
	space, err := dead.Begin(t.Context(), "bucket", "k", 800, store.Condition{})
	must(t, err)
	dead.stop() // it says nothing any more
	dead.done.Wait()
	defer dead.pool.Close()
	if _, err := x.Begin(t.Context(), "bucket", "l", 300, store.Condition{}); !errors.Is(err, store.ErrQuotaExceeded) {
		t.Fatalf("800 bytes of 1000 are set aside, 300 more: %v", err)
	}
	eventually(t, "what the dead has set aside", func() bool {
		free, _, err := x.Free(t.Context(), "bucket", "")
		must(t, err)
		return free == 1000
	})
	put(t, x, "l", 300)
	_, err = dead.Put(t.Context(), store.PutEntry{Object: object("k", 800), Space: space})
	refused(t, err, store.ErrQuotaExceeded)
	_, err = dead.Put(t.Context(), store.PutEntry{Object: object("k", 700), Space: space})
	must(t, err)
	sound(t, x)
}

// A process that is taken for dead at the very moment in which it writes, and another that has
// set aside what comes back. SPEC B25
func TestDeadWhileItWrites(t *testing.T) {
	url := pgtest.URL(t)
	x, other := openIndex(t, url, Options{}), openIndex(t, url, Options{})
	ctx := t.Context()
	must(t, x.CreateBucket(ctx, store.BucketInfo{Name: "bucket", Quota: 1000}))
	space, err := x.Begin(ctx, "bucket", "k", 800, store.Condition{})
	must(t, err)
	buried, err := other.pool.Begin(ctx)
	must(t, err)
	_, err = buried.Exec(ctx, `DELETE FROM reservations`)
	must(t, err)
	_, err = buried.Exec(ctx, `INSERT INTO reservations (id, instance, bucket, key, bytes, version) SELECT 1, $1, id, 'l', 800, version FROM buckets`, other.instance.id)
	must(t, err)
	written := make(chan error, 1)
	go func() {
		_, err := x.Put(ctx, store.PutEntry{Object: object("k", 800), Space: space})
		written <- err
	}()
	eventually(t, "the write to meet the burial", func() bool {
		n := 0
		must(t, other.pool.QueryRow(ctx, `SELECT count(*) FROM pg_stat_activity
			WHERE datname = current_database() AND wait_event_type = 'Lock'`).Scan(&n))
		return n > 0
	})
	must(t, buried.Commit(ctx))
	refused(t, <-written, store.ErrQuotaExceeded)
	sound(t, x)
}

// A blob is condemned or referred to, never both. SPEC B31
func TestCondemn(t *testing.T) {
	url := pgtest.URL(t)
	x, y := openIndex(t, url, Options{}), openIndex(t, url, Options{})
	ctx := t.Context()
	must(t, x.CreateBucket(ctx, store.BucketInfo{Name: "bucket"}))
	old := put(t, x, "old", 1)
	late := object("late", 1)
	space, err := x.Begin(ctx, "bucket", "late", 1, store.Condition{})
	must(t, err)
	for range 2 { // again: it is condemned still
		ended, err := y.Condemn(ctx, []string{late.Segments[0].Blob, old.Segments[0].Blob, "other", "other"})
		must(t, err)
		slices.Sort(ended)
		if want := []string{late.Segments[0].Blob, "other"}; !slices.Equal(ended, want) {
			t.Fatalf("condemned are %v, want %v", ended, want)
		}
	}
	_, err = x.Put(ctx, store.PutEntry{Object: late, Space: space})
	refused(t, err, store.ErrCondemned)
	space.Release()
	must(t, x.CreateUpload(ctx, store.UploadInfo{Bucket: "bucket", Key: "up", ID: "id"}))
	_, err = x.PutPart(ctx, store.PartEntry{Bucket: "bucket", Key: "up", UploadID: "id", Part: store.Part{PartInfo: store.PartInfo{Number: 1}, Segments: late.Segments}})
	refused(t, err, store.ErrCondemned)
	_, err = x.Move(ctx, old, late.Segments)
	refused(t, err, store.ErrCondemned)
	sound(t, x)

	// Both at once, many times.
	for i := range 50 {
		o := object(fmt.Sprint("k", i), 1)
		var ended []string
		var putErr, endErr error
		var both sync.WaitGroup
		both.Go(func() { _, putErr = write(ctx, x, o) })
		both.Go(func() { ended, endErr = y.Condemn(ctx, []string{o.Segments[0].Blob}) })
		both.Wait()
		must(t, endErr)
		_, err := y.Object(ctx, "bucket", o.Key)
		switch {
		case putErr == nil && len(ended) == 0 && err == nil:
		case errors.Is(putErr, store.ErrCondemned) && len(ended) == 1 && errors.Is(err, store.ErrNoSuchKey):
		default:
			t.Fatalf("put: %v; condemned: %v; the object: %v", putErr, ended, err)
		}
	}
	sound(t, x)
	err = x.References(ctx, store.Span{}, func(blob string) {
		if blob == late.Segments[0].Blob {
			t.Error("a condemned blob is referred to")
		}
	})
	must(t, err)
}

// A put that was begun before the bytes of what it replaces were moved to another blob: it ends the
// references that are there, not those that it has seen. SPEC B26, B31
func TestPutAfterMove(t *testing.T) {
	x := openIndex(t, pgtest.URL(t), Options{})
	ctx := t.Context()
	must(t, x.CreateBucket(ctx, store.BucketInfo{Name: "bucket"}))
	old := put(t, x, "k", 1)
	space, err := x.Begin(ctx, "bucket", "k", 1, store.Condition{})
	must(t, err)
	moved := object("moved", 1).Segments
	_, err = x.Move(ctx, old, moved)
	must(t, err)
	freed, err := x.Put(ctx, store.PutEntry{Object: object("k", 2), Space: space})
	must(t, err)
	if want := []string{moved[0].Blob}; !slices.Equal(freed.Blobs, want) {
		t.Errorf("freed are %v, want %v", freed.Blobs, want)
	}
	sound(t, x)
}

// Tables of another program, and programs of another age. SPEC B31
func TestMigrations(t *testing.T) {
	url := pgtest.URL(t)
	// Many that start at once make the tables once.
	var all sync.WaitGroup
	for range 6 {
		all.Go(func() {
			x, err := Open(t.Context(), url, Options{Conns: 3})
			if err != nil {
				t.Error(err)
				return
			}
			if err := x.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	x := openIndex(t, url, Options{})
	must(t, x.CreateBucket(t.Context(), store.BucketInfo{Name: "bucket"}))
	_, err := x.pool.Exec(t.Context(), `UPDATE schema_version SET version = 1000`)
	must(t, err)
	if _, err := Open(t.Context(), url, Options{}); err == nil || !strings.Contains(err.Error(), "version 1000") {
		t.Errorf("tables of the future: %v", err)
	}
}

// No error holds the password. SPEC A35
func TestURLIsNotTold(t *testing.T) {
	for _, url := range []string{
		"postgres://peer:hunter2hunter2@127.0.0.1:1/db?connect_timeout=1",
		"postgres://peer:hunter2hunter2@[::1/db",
		"host=127.0.0.1 port=1 password=hunter2hunter2 sslmode=nonsense",
		"postgres://peer:hunter2hunter2%zz@h/db",
	} {
		_, err := Open(t.Context(), url, Options{})
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%v", err)
		}
	}
}
