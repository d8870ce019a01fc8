package bolt

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/artifacts-tui/artifacts-tui/backend/store"
)

// countPrefixes sets n of them side by side: few transactions cost the benchmark little.
func countPrefixes(b *testing.B, x *Index, n int) {
	var done sync.WaitGroup
	for i := range n {
		done.Go(func() {
			if err := x.SetPrefix(b.Context(), "bucket", fmt.Sprintf("ws-%04d/", i), 1<<40); err != nil {
				b.Error(err)
			}
		})
	}
	done.Wait()
}

// benchmarkPut writes as a store does, from 16 goroutines, with so many counted prefixes.
func benchmarkPut(b *testing.B, prefixes int) {
	x, err := Open(filepath.Join(b.TempDir(), "index.db"), 0)
	must(b, err)
	defer x.Close()
	ctx := context.Background()
	must(b, x.CreateBucket(ctx, store.BucketInfo{Name: "bucket"}))
	countPrefixes(b, x, prefixes)
	var next atomic.Int64
	b.SetParallelism(8)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			i := next.Add(1)
			key := fmt.Sprintf("ws-%04d/dir/%d", i%1000, i)
			space, err := x.reserve("bucket", key, 4096)
			if err != nil {
				b.Error(err)
				return
			}
			_, err = x.Put(ctx, store.PutEntry{Space: space, Object: store.Object{
				ObjectInfo: store.ObjectInfo{Bucket: "bucket", Key: key, Size: 4096},
				Segments:   []store.Segment{{Blob: "0123456789abcdef0123456789abcdef", Length: 4096}},
			}})
			space.Release()
			if err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "puts/s")
}

func BenchmarkPut(b *testing.B)             { benchmarkPut(b, 0) }
func BenchmarkPut1000Prefixes(b *testing.B) { benchmarkPut(b, 1000) }

func BenchmarkReserve(b *testing.B) {
	for _, prefixes := range []int{0, 1000} {
		b.Run(fmt.Sprint(prefixes), func(b *testing.B) {
			x, err := Open(filepath.Join(b.TempDir(), "index.db"), 0)
			must(b, err)
			defer x.Close()
			must(b, x.CreateBucket(b.Context(), store.BucketInfo{Name: "bucket"}))
			countPrefixes(b, x, prefixes)
			b.ReportAllocs()
			for b.Loop() {
				r, err := x.reserve("bucket", "ws-0500/dir/key", 4096)
				if err != nil {
					b.Fatal(err)
				}
				r.Release()
			}
		})
	}
}

func BenchmarkObject(b *testing.B) {
	x, err := Open(filepath.Join(b.TempDir(), "index.db"), 0)
	must(b, err)
	defer x.Close()
	must(b, x.CreateBucket(b.Context(), store.BucketInfo{Name: "bucket"}))
	put(b, x, "bucket", "ws/dir/key", 4096)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := x.Object(b.Context(), "bucket", "ws/dir/key"); err != nil {
			b.Fatal(err)
		}
	}
}
