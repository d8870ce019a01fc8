//go:build linux

package mounts_test

import (
	"net/http"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/mounts"
)

// The numbers of a mount are those of the programs on one side and of the store on the other.
func TestStats(t *testing.T) {
	w := newWorld(t)
	const size = 3 << 20
	w.putObject("cold", pattern(1, size))
	w.mount()
	stats := func() mounts.Stats {
		t.Helper()
		s, err := w.m.Stats(t.Context(), "alpha")
		must(t, err)
		return s
	}
	before := stats()
	if before.Store.Fetched != 0 || before.BytesRead != 0 || before.Cache.Hits+before.Cache.Misses != 0 || before.Queue.Uploaded != 0 {
		t.Errorf("before anything: %+v", before)
	}
	if before.Workspace != "alpha" || before.Mountpoint != w.spec.Mountpoint || before.RSS < 5<<20 || before.CPUSeconds <= 0 || before.Since.IsZero() {
		t.Errorf("of itself it tells %+v", before)
	}
	w.store.Forget()
	w.wantFile("cold", pattern(1, size))
	cold := stats()
	if cold.Store.Fetched != size || cold.BytesRead != size || cold.Cache.HitBytes+cold.Cache.MissBytes != size || cold.Cache.Misses == 0 {
		t.Errorf("after a cold read of %d bytes: fetched %d, read %d, cache %+v", size, cold.Store.Fetched, cold.BytesRead, cold.Cache)
	}
	var gets int64
	for _, r := range w.store.Requests() {
		if r.Method == http.MethodGet && r.Header.Get("Range") != "" {
			gets++
		}
	}
	if got := cold.Store.Requests["GetObject"]; got.Count != gets || got.Errors != 0 {
		t.Errorf("GetObject: %+v, the store saw %d", got, gets)
	}

	// The kernel forgets its pages, the cache has them.
	f, err := os.Open(w.path("cold"))
	must(t, err)
	must(t, unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED))
	must(t, f.Close())
	w.wantFile("cold", pattern(1, size))
	warm := stats()
	if warm.Store.Fetched != size || warm.BytesRead != 2*size || warm.Cache.HitBytes-cold.Cache.HitBytes != size || warm.Cache.Misses != cold.Cache.Misses {
		t.Errorf("after a read from the cache: fetched %d, read %d, cache %+v, before %+v", warm.Store.Fetched, warm.BytesRead, warm.Cache, cold.Cache)
	}

	// An upload that is refused at first.
	w.store.SetFailing(func(r *http.Request) int {
		if r.Method == http.MethodPut {
			return http.StatusServiceUnavailable
		}
		return 0
	})
	w.write("up", pattern(2, size))
	w.until("an upload failed", func() bool { return stats().Store.Requests["PutObject"].Errors > 0 })
	w.store.SetFailing(nil)
	w.drained()
	s := stats()
	puts := s.Store.Requests["PutObject"]
	if s.BytesWritten != size || s.Queue.Uploaded != size || s.Store.Sent < size || puts.Count != puts.Errors+2 { // the file, and the sheet of its directory
		t.Errorf("after an upload of %d bytes: written %d, uploaded %d, sent %d, %+v", size, s.BytesWritten, s.Queue.Uploaded, s.Store.Sent, puts)
	}
	w.unmount()
	if _, err := w.m.Stats(t.Context(), "alpha"); !fault.Is(err, fault.NotFound) {
		t.Errorf("of a mount that is not there: %v", err)
	}
}
