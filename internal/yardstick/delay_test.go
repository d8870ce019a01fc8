//go:build linux

package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// A distant store answers late, no faster than its bandwidth, and counts what it sent.
func TestDistance(t *testing.T) {
	const size = 6_000_000 // a tenth of a second
	store := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, _ := io.Copy(io.Discard, r.Body)
		w.Header().Set("X-Host", r.Host)
		_, _ = w.Write(make([]byte, size-int(n)))
	}))
	defer store.Close()
	d, err := startDistance(strings.TrimPrefix(store.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer d.stop()
	for _, sent := range []int{0, size} {
		begin := time.Now()
		resp, err := http.Post("http://"+d.address+"/", "", strings.NewReader(strings.Repeat("x", sent)))
		if err != nil {
			t.Fatal(err)
		}
		n, err := io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		if err != nil || n != int64(size-sent) || resp.Header.Get("X-Host") != d.address {
			t.Errorf("%d bytes, host %q: %v", n, resp.Header.Get("X-Host"), err)
		}
		if took, least := time.Since(begin), latency+time.Second*size/bandwidth-10*time.Millisecond; took < least {
			t.Errorf("sending %d and receiving %d took %v, want %v at least", sent, n, took, least)
		}
	}
	if d.requests.Load() != 2 || d.fetched.Load() != size {
		t.Errorf("%d requests, %d bytes fetched", d.requests.Load(), d.fetched.Load())
	}
}
