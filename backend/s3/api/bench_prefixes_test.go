package api_test

import (
	"bytes"
	"fmt"
	"sync"
	"testing"
)

// countPrefixes gives the bucket 1,000 counted prefixes, with quotas.
func (b *bench) countPrefixes() {
	var done sync.WaitGroup
	for i := range 1000 {
		done.Go(func() {
			if err := b.srv.Store.SetPrefix(ctx, "bkt", fmt.Sprintf("ws-%d/", i), 1<<40); err != nil {
				b.Error(err)
			}
		})
	}
	done.Wait()
}

func BenchmarkPut4K1000Prefixes(b *testing.B) {
	x := newBench(b)
	x.countPrefixes()
	body := randomBytes(4096)
	x.parallel(func(n int) { x.do("PUT", fmt.Sprintf("ws-%d/%d", n%1000, n), bytes.NewReader(body), 4096) })
}

func BenchmarkGet4K1000Prefixes(b *testing.B) {
	x := newBench(b)
	x.countPrefixes()
	x.do("PUT", "ws-500/k", bytes.NewReader(randomBytes(4096)), 4096)
	x.parallel(func(int) { x.do("GET", "ws-500/k", nil, 0) })
}

func BenchmarkHead1000Prefixes(b *testing.B) {
	x := newBench(b)
	x.countPrefixes()
	x.do("PUT", "ws-500/k", bytes.NewReader([]byte("x")), 1)
	x.parallel(func(int) { x.do("HEAD", "ws-500/k", nil, 0) })
}
