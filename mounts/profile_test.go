//go:build linux

package mounts_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/artifacts-tui/artifacts-tui/mounts"
	"github.com/artifacts-tui/artifacts-tui/mounts/profile"
)

// SPEC C8: the values of each profile are those of the mount, as its process tells and as
// the store sees it.
func TestCacheProfiles(t *testing.T) {
	custom := filepath.Join(t.TempDir(), "profile.yaml")
	must(t, os.WriteFile(custom, []byte("write_back: 700ms\ndir_cache: 200ms\nuploads: 3\nstreams: 2\ncache_size: 1GB\n"), 0o600))
	for _, p := range []struct {
		name, file string
		uploads    int
		writeBack  time.Duration
		limit      int64
		lists      bool // listings are out of date within the test
	}{
		{profile.Interactive, "", 16, 300 * time.Millisecond, 10 << 30, false},
		{profile.Benchmark, "", 64, 10 * time.Millisecond, 50 << 30, false},
		{profile.Custom, custom, 3, 700 * time.Millisecond, 1 << 30, true},
	} {
		t.Run(p.name, func(t *testing.T) {
			options, err := profile.Resolve(p.name, p.file, mounts.Options{})
			must(t, err)
			w := newWorld(t)
			w.spec.Options = options
			w.mount()
			if s := w.status(); s.Options != options || s.Options.Profile != p.name || s.CacheLimit != p.limit {
				t.Errorf("the mount tells %+v with a cache of %d, want %+v", s.Options, s.CacheLimit, options)
			}
			wantUploads(t, w, p.uploads)
			wantWriteBack(t, w, p.writeBack)
			wantListings(t, w, p.lists)
			w.unmount()
		})
	}
}

// wantUploads has the store hold every upload: as many as the profile says are under way.
func wantUploads(t *testing.T, w *world, uploads int) {
	t.Helper()
	const files = 80
	release := make(chan struct{})
	var held atomic.Int64
	w.store.SetFailing(func(r *http.Request) int {
		if r.Method == http.MethodPut {
			held.Add(1)
			<-release
		}
		return 0
	})
	for i := range files {
		w.write(fmt.Sprintf("f%02d", i), []byte("x"))
	}
	var s mounts.Status
	for deadline := time.Now().Add(patience); held.Load() < int64(uploads) || s.InProgress != uploads; time.Sleep(10 * time.Millisecond) {
		if s = w.status(); time.Now().After(deadline) {
			t.Errorf("the store sees %d uploads, the mount says %d, want %d", held.Load(), s.InProgress, uploads)
			break
		}
	}
	if held.Load() > int64(uploads) || s.Queued != files-uploads {
		t.Errorf("the store sees %d uploads, and %d are queued; want %d and %d", held.Load(), s.Queued, uploads, files-uploads)
	}
	close(release)
	w.store.SetFailing(nil)
	w.drained()
}

// wantWriteBack measures from a close to the store's first sight of it. It is never
// sooner than asked; how much later says nothing on a busy machine, but once in a few it is little.
func wantWriteBack(t *testing.T, w *world, writeBack time.Duration) {
	t.Helper()
	soonest := time.Hour
	for i := range 5 {
		name := fmt.Sprintf("timed%d", i)
		w.store.Forget()
		begin := time.Now()
		w.write(name, []byte("x"))
		w.drained()
		for _, r := range w.store.Requests() {
			if r.Method == http.MethodPut && filepath.Base(r.Path) == name {
				soonest = min(soonest, r.At.Sub(begin))
			}
		}
	}
	t.Logf("write-back %v: uploads began %v after the close at the soonest", writeBack, soonest.Round(time.Millisecond))
	if soonest < writeBack || soonest > writeBack+250*time.Millisecond {
		t.Errorf("uploads began %v after the close at the soonest, want %v", soonest, writeBack)
	}
}

// wantListings looks at a directory for a second: the store is asked again, or it is not.
func wantListings(t *testing.T, w *world, again bool) {
	t.Helper()
	must(t, os.Mkdir(w.path("dir"), 0o755))
	w.drained()
	w.known("dir")
	w.store.Forget()
	lists := func() (n int) {
		for _, r := range w.store.Requests() {
			if r.Method == http.MethodGet {
				n++
			}
		}
		return n
	}
	if again {
		w.until("the directory is listed again", func() bool { w.known("dir"); return lists() > 0 })
		return
	}
	for end := time.Now().Add(time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		w.known("dir")
	}
	if n := lists(); n > 0 {
		t.Errorf("the store was asked %d times within a second", n)
	}
}
