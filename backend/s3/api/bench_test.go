package api_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/artifacts-tui/artifacts-tui/backend/s3/s3test"
	"github.com/artifacts-tui/artifacts-tui/backend/store"
)

// Benchmarks send what a mesh peer's scripts do, with 16 connections.
// Bearer keeps the client's signing out of the figures; the hash of a SHA-256 PUT stays in.
const connections = 16

type bench struct {
	*testing.B
	srv    *s3test.Server
	client *http.Client
}

func newBench(b *testing.B) *bench {
	srv := s3test.Start(b)
	srv.CreateBucket(b, "bkt")
	tr := &http.Transport{MaxIdleConnsPerHost: connections, MaxConnsPerHost: connections}
	b.Cleanup(tr.CloseIdleConnections)
	return &bench{B: b, srv: srv, client: &http.Client{Transport: tr}}
}

func (b *bench) do(method, key string, body io.Reader, n int64) {
	r, err := http.NewRequest(method, b.srv.Endpoint()+"/bkt/"+key, body)
	if err != nil {
		b.Error(err)
		return
	}
	r.ContentLength = n
	r.Header.Set("Authorization", "Bearer "+b.srv.Secret)
	resp, err := b.client.Do(r)
	if err != nil {
		b.Error(err)
		return
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != http.StatusOK {
		b.Errorf("%d %v", resp.StatusCode, err)
	}
}

func (b *bench) parallel(fn func(n int)) {
	b.SetParallelism(connections / 2)
	next := make(chan int, connections)
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		for i := 0; ; i++ {
			select {
			case next <- i:
			case <-stop:
				return
			}
		}
	}()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			fn(<-next)
		}
	})
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "req/s")
	b.srv.Forget()
}

func BenchmarkPut4K(b *testing.B) {
	x := newBench(b)
	body := randomBytes(4096)
	x.parallel(func(n int) { x.do("PUT", fmt.Sprintf("k/%d", n), bytes.NewReader(body), 4096) })
}

func BenchmarkGet4K(b *testing.B) {
	x := newBench(b)
	x.do("PUT", "k", bytes.NewReader(randomBytes(4096)), 4096)
	x.parallel(func(int) { x.do("GET", "k", nil, 0) })
}

func BenchmarkHead(b *testing.B) {
	x := newBench(b)
	x.do("PUT", "k", strings.NewReader("x"), 1)
	x.parallel(func(int) { x.do("HEAD", "k", nil, 0) })
}

func BenchmarkPut256M(b *testing.B) {
	x := newBench(b)
	body := randomBytes(256 << 20)
	b.SetBytes(256 << 20)
	for b.Loop() {
		x.do("PUT", "k", bytes.NewReader(body), int64(len(body)))
	}
}

func BenchmarkGet256M(b *testing.B) {
	x := newBench(b)
	x.do("PUT", "k", bytes.NewReader(randomBytes(256<<20)), 256<<20)
	b.SetBytes(256 << 20)
	for b.Loop() {
		x.do("GET", "k", nil, 0)
	}
}

func BenchmarkListFirstPage(b *testing.B) {
	x := newBench(b)
	for i := range 100 {
		if err := fill(x.srv.Store, i); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		x.do("GET", "?list-type=2", nil, 0)
	}
}

// fill puts 100 empty objects at once: 10,000 in all are enough to see what a page costs.
func fill(s *store.Store, i int) error {
	failed := make(chan error, 100)
	for j := range 100 {
		go func() {
			_, err := s.Put(ctx, "bkt", fmt.Sprintf("k%02d/%02d", i, j), strings.NewReader(""), store.PutOptions{})
			failed <- err
		}()
	}
	for range 100 {
		if err := <-failed; err != nil {
			return err
		}
	}
	return nil
}
