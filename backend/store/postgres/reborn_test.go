package postgres

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/artifacts-tui/artifacts-tui/backend/store"
	"github.com/artifacts-tui/artifacts-tui/internal/pgtest"
)

// waiting is how many transactions wait for a lock.
func waiting(t *testing.T, x *Index) (n int) {
	t.Helper()
	must(t, x.pool.QueryRow(t.Context(), `SELECT count(*) FROM pg_stat_activity
		WHERE datname = current_database() AND wait_event_type = 'Lock'`).Scan(&n))
	return n
}

// reborn lets changes begin while their bucket becomes another one of the same name and with the same
// in it, as after it was deleted, made again and written to; that is done when all of them wait for a row
// of the one before.
func reborn(t *testing.T, x *Index, changes ...func() error) {
	t.Helper()
	ctx := t.Context()
	other, err := x.pool.Begin(ctx)
	must(t, err)
	defer func() { _ = other.Rollback(context.WithoutCancel(ctx)) }()
	id := newID()
	for _, sql := range []string{
		`WITH gone AS (DELETE FROM usage RETURNING prefix, stripe, bytes, part_bytes, objects) INSERT INTO usage SELECT $1, * FROM gone`,
		`WITH gone AS (DELETE FROM turns WHERE bucket <> 0 RETURNING taken) INSERT INTO turns SELECT $1, * FROM gone`,
		`UPDATE buckets SET id = $1`, `UPDATE quotas SET bucket = $1`, `UPDATE objects SET bucket = $1`,
		`UPDATE uploads SET bucket = $1`, `UPDATE parts SET bucket = $1`,
	} {
		_, err = other.Exec(ctx, sql, id)
		must(t, err)
	}
	var all sync.WaitGroup
	for _, change := range changes {
		all.Go(func() {
			if err := change(); err != nil {
				t.Error(err)
			}
		})
	}
	eventually(t, "changes that wait", func() bool { return waiting(t, x) >= len(changes) })
	must(t, other.Commit(ctx))
	all.Wait()
}

// A bucket that is deleted and made again while writers wait for a row of the one before: they
// exclude one another in the new one too. SPEC B25, B26
func TestBucketMadeAgain(t *testing.T) {
	const writers = 8
	ctx := t.Context()
	start := func(t *testing.T) *Index {
		x := openIndex(t, pgtest.URL(t), Options{Conns: writers + 4})
		must(t, x.CreateBucket(ctx, store.BucketInfo{Name: "bucket", Quota: 1000}))
		put(t, x, "k", 300)
		return x
	}
	times := func(change func() error) (list []func() error) {
		for range writers {
			list = append(list, change)
		}
		return list
	}
	overwrite := func(x *Index) func() error {
		return func() error {
			_, err := x.Put(ctx, store.PutEntry{Object: object("k", 100)})
			return err
		}
	}
	t.Run("written", func(t *testing.T) {
		x := start(t)
		reborn(t, x, times(overwrite(x))...)
		sound(t, x)
	})
	t.Run("deleted", func(t *testing.T) {
		x := start(t)
		var deleted atomic.Int32
		reborn(t, x, times(func() error {
			_, err := x.Delete(ctx, "bucket", "k", store.Condition{})
			if errors.Is(err, store.ErrNoSuchKey) {
				return nil
			}
			deleted.Add(1)
			return err
		})...)
		if deleted.Load() != 1 {
			t.Errorf("deleted %d times", deleted.Load())
		}
		sound(t, x)
	})
	t.Run("completed", func(t *testing.T) {
		x := start(t)
		must(t, x.CreateUpload(ctx, store.UploadInfo{Bucket: "bucket", Key: "k", ID: "id"}))
		part := store.Part{PartInfo: store.PartInfo{Number: 1, Size: 200}, Segments: object("", 200).Segments}
		freed, err := x.PutPart(ctx, store.PartEntry{Bucket: "bucket", Key: "k", UploadID: "id", Part: part})
		must(t, err)
		part.Seq = freed.Seq
		whole := object("k", 200)
		whole.Segments = part.Segments
		reborn(t, x, append(times(overwrite(x)), func() error {
			_, err := x.CompleteUpload(ctx, store.CompleteEntry{UploadID: "id", Object: whole, Parts: []store.Part{part}})
			return err
		})...)
		sound(t, x)
	})
}

// A quota that comes between a writer's asking for the bucket's turn, which nothing limits yet, and its
// looking: it takes the turn after all. SPEC B25
func TestQuotaBeforeTheTurn(t *testing.T) {
	x := openIndex(t, pgtest.URL(t), Options{MaxSize: 1 << 40})
	ctx := t.Context()
	must(t, x.CreateBucket(ctx, store.BucketInfo{Name: "bucket"}))
	turns := func() (n int) {
		must(t, x.pool.QueryRow(ctx, `SELECT taken FROM turns WHERE bucket <> 0`).Scan(&n))
		return n
	}
	holder, err := x.pool.Begin(ctx)
	must(t, err)
	defer func() { _ = holder.Rollback(context.WithoutCancel(ctx)) }()
	_, err = holder.Exec(ctx, takeTurnOfAll)
	must(t, err)
	begun := make(chan error, 1)
	go func() {
		space, err := x.Begin(ctx, "bucket", "k", 800, store.Condition{})
		if err == nil {
			space.Release()
		}
		begun <- err
	}()
	eventually(t, "the writer to wait for the turn of all", func() bool { return waiting(t, x) == 1 })
	must(t, x.SetQuota(ctx, "bucket", 1000))
	before := turns()
	must(t, holder.Commit(ctx))
	must(t, <-begun)
	if n := turns() - before; n != 1 {
		t.Errorf("the turn was taken %d times", n)
	}
}

// A quota that comes while a write that had nothing to set aside has not committed yet: who writes
// after it counts that one. SPEC B25
func TestQuotaDuringWrite(t *testing.T) {
	x := openIndex(t, pgtest.URL(t), Options{})
	ctx := t.Context()
	must(t, x.CreateBucket(ctx, store.BucketInfo{Name: "bucket"}))
	old := put(t, x, "k", 1)
	holder, err := x.pool.Begin(ctx)
	must(t, err)
	defer func() { _ = holder.Rollback(context.WithoutCancel(ctx)) }()
	_, err = holder.Exec(ctx, lockBlobs, [][]byte{[]byte(old.Segments[0].Blob)})
	must(t, err)
	first, second := make(chan error, 1), make(chan error, 1)
	go func() {
		_, err := write(ctx, x, object("k", 800))
		first <- err
	}()
	eventually(t, "the write to wait for its old blob", func() bool { return waiting(t, x) == 1 })
	go func() {
		err := x.SetQuota(ctx, "bucket", 1000)
		if err == nil {
			_, err = write(ctx, x, object("l", 800))
		}
		second <- err
	}()
	eventually(t, "the quota to wait, or to be passed", func() bool { return waiting(t, x) > 1 || len(second) > 0 })
	must(t, holder.Commit(ctx))
	must(t, <-first)
	refused(t, <-second, store.ErrQuotaExceeded)
	sound(t, x)
}
