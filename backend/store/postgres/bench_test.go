package postgres

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/artifacts-tui/artifacts-tui/backend/store"
	"github.com/artifacts-tui/artifacts-tui/internal/pgtest"
)

// benchIndex has INDEX_BENCH_KEYS keys, a million where it is not set: a thousand folders of as
// many each. The server writes through to the disk, as a real one does.
var benchIndex = sync.OnceValues(func() (*Index, error) {
	server, err := pgtest.Shared("fsync=on", "full_page_writes=on", "shared_buffers=512MB", "max_wal_size=8GB")
	if err != nil {
		return nil, err
	}
	database, err := server.NewDatabase()
	if err != nil {
		return nil, err
	}
	ctx := context.Background()
	x, err := Open(ctx, database+os.Getenv("INDEX_BENCH_PARAMS"), Options{Conns: 32})
	if err != nil {
		return nil, err
	}
	err = errors.Join(
		x.CreateBucket(ctx, store.BucketInfo{Name: "bucket"}),
		x.CreateBucket(ctx, store.BucketInfo{Name: "limited", Quota: 1 << 60}),
		fill(ctx, x))
	return x, err
})

func benchKeys() int {
	n, err := strconv.Atoi(os.Getenv("INDEX_BENCH_KEYS"))
	if err != nil || n < 1000 {
		return 1_000_000
	}
	return n
}

const benchFolders = 1000

func benchKey(folder, n int) string { return fmt.Sprintf("folder-%03d/file-%08d", folder, n) }

// fill makes the keys where they are kept: a client that sent each would take hours for ten million.
func fill(ctx context.Context, x *Index) error {
	info, detail := encode(object("", 4096))
	for _, sql := range []string{
		`INSERT INTO objects (bucket, key, seq, size, info, detail)
			SELECT (SELECT id FROM buckets WHERE name = 'bucket'),
				convert_to('folder-' || lpad((n % $1)::text, 3, '0') || '/file-' || lpad((n / $1)::text, 8, '0'), 'UTF8'), n + 1, 4096, $2, $3
			FROM generate_series(0, $4::bigint - 1) AS n`,
		`INSERT INTO blobs (blob, refs) SELECT decode(md5(n::text), 'hex'), 1 FROM generate_series(0, $4::bigint - 1) AS n
			WHERE $1::bigint > 0 AND length($2::bytea) + length($3::bytea) > 0`,
		`UPDATE usage SET bytes = 4096 * $4::bigint, objects = $4::bigint FROM buckets b
			WHERE b.id = usage.bucket AND b.name = 'bucket' AND stripe = 0 AND $1::bigint > 0 AND length($2::bytea) + length($3::bytea) > 0`,
	} {
		if _, err := x.pool.Exec(ctx, sql, int64(benchFolders), info, detail, int64(benchKeys())); err != nil {
			return err
		}
	}
	_, err := x.pool.Exec(ctx, `VACUUM ANALYZE`)
	return err
}

func benchmarkList(b *testing.B, entries int, o store.ListOptions) {
	x, err := benchIndex()
	must(b, err)
	for b.Loop() {
		page, err := x.List(b.Context(), "bucket", o)
		if err != nil || len(page.Objects)+len(page.Prefixes) != entries {
			b.Fatalf("%d objects and %d prefixes, %v", len(page.Objects), len(page.Prefixes), err)
		}
	}
}

func BenchmarkFirstPage(b *testing.B) { benchmarkList(b, 1000, store.ListOptions{}) }

func BenchmarkDeepPage(b *testing.B) {
	benchmarkList(b, 1000, store.ListOptions{StartAfter: benchKey(benchFolders/2, benchKeys()/benchFolders/2)})
}

func BenchmarkCommonPrefixes(b *testing.B) {
	benchmarkList(b, 1000, store.ListOptions{Delimiter: "/"})
}

// A folder's own files: nothing is rolled up.
func BenchmarkFolder(b *testing.B) {
	benchmarkList(b, 1000, store.ListOptions{Delimiter: "/", Prefix: "folder-500/"})
}

// side runs do from 32 goroutines at once.
func side(b *testing.B, do func(n int64) error) {
	var next atomic.Int64
	b.SetParallelism(16)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := do(next.Add(1)); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "ops/s")
}

func BenchmarkGet(b *testing.B) {
	x, err := benchIndex()
	must(b, err)
	side(b, func(n int64) error {
		_, err := x.Object(b.Context(), "bucket", benchKey(int(n)%benchFolders, int(n)*7919%(benchKeys()/benchFolders)))
		return err
	})
}

// BenchmarkPut is what a PUT asks of the index, the reservation included.
func BenchmarkPut(b *testing.B) {
	x, err := benchIndex()
	must(b, err)
	for name, c := range map[string]struct {
		bucket string
		key    func(n int64) string
	}{
		"new":       {"bucket", func(n int64) string { return fmt.Sprint("new/", n, "/", newID()) }},
		"overwrite": {"bucket", func(n int64) string { return benchKey(int(n*7919)%benchFolders, 1) }},
		"quota":     {"limited", func(n int64) string { return fmt.Sprint("new/", n, "/", newID()) }},
	} {
		b.Run(name, func(b *testing.B) {
			side(b, func(n int64) error {
				o := object(c.key(n), 4096)
				o.Bucket = c.bucket
				_, err := write(b.Context(), x, o)
				return err
			})
		})
	}
}
