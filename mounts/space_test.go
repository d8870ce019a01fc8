//go:build linux

package mounts_test

import (
	"net/http"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// df shows the quota of a workspace in a coordinator's store, and never waits for the store.
func TestStatfs(t *testing.T) {
	w := newWorld(t)
	const held, quota, others = 3 << 20, 10 << 20, 1 << 20
	must(t, w.store.Store.SetQuota(t.Context(), bucket, quota))
	w.putObject("held", pattern(1, held))
	peer := *w
	peer.bucket = w.asPeer()
	peer.putObject("elsewhere/theirs", pattern(2, others)) // of another workspace, under the same quota
	w.mount()
	size := func() (used, free int64) {
		t.Helper()
		var s unix.Statfs_t
		begin := time.Now()
		must(t, unix.Statfs(w.spec.Mountpoint, &s))
		if took := time.Since(begin); took > 2*time.Second {
			t.Errorf("statfs took %v", took)
		}
		return int64(s.Blocks-s.Bfree) * s.Bsize, int64(s.Bavail) * s.Bsize
	}
	w.until("df knows", func() bool { used, _ := size(); return used > 0 })
	if used, free := size(); used != held || free != quota-held-others {
		t.Errorf("df shows %d used and %d free, want %d and %d", used, free, held, quota-held-others)
	}
	s, err := w.m.Stats(t.Context(), "alpha")
	if err != nil || s.Space == nil || s.Space.Used != held || !s.Space.Bounded {
		t.Errorf("stats: %+v, %v", s.Space, err)
	}

	// Asked again and again it asks the store no more, and needs none.
	lists := func() (n int) {
		for _, r := range w.store.Requests() {
			if r.Header.Get("X-Artifacts-Space") != "" {
				n++
			}
		}
		return n
	}
	for range 100 {
		size()
	}
	if n := lists(); n != 1 {
		t.Errorf("the store was asked %d times", n)
	}
	w.store.Down()
	if used, _ := size(); used != held {
		t.Errorf("with the store away df shows %d used", used)
	}
	w.store.Up()
	w.healthy()
	w.unmount()
}

// A store that does not answer the question, or only after long, costs df nothing, and any
// bucket that is not a coordinator's is never asked.
func TestStatfsUnknown(t *testing.T) {
	for _, backend := range []string{"managed", "byo"} {
		t.Run(backend, func(t *testing.T) {
			w := newWorld(t)
			w.spec.Backend = backend
			held := make(chan struct{})
			w.store.SetFailing(func(r *http.Request) int {
				if r.Header.Get("X-Artifacts-Space") != "" {
					<-held
				}
				return 0
			})
			w.mount()
			var s unix.Statfs_t
			begin := time.Now()
			must(t, unix.Statfs(w.spec.Mountpoint, &s))
			if took := time.Since(begin); took > 2*time.Second || int64(s.Bavail)*s.Bsize != 1<<50 || s.Blocks != s.Bfree {
				t.Errorf("after %v: %+v", took, s)
			}
			w.write("f", []byte("x"))
			w.drained()
			asked := false
			for _, r := range w.store.Requests() {
				asked = asked || r.Header.Get("X-Artifacts-Space") != ""
			}
			if asked != (backend == "managed") {
				t.Errorf("the store was asked: %v", asked)
			}
			close(held)
			w.unmount()
		})
	}
}
