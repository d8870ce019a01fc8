//go:build linux

package mounts_test

import (
	"fmt"
	"net/http"
	"os"
	"strconv"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"
)

// killRounds is how often a kill is played: KILL_ROUNDS, which `make soak` sets, or 5.
func killRounds(t *testing.T) int {
	t.Helper()
	n, err := strconv.Atoi(os.Getenv("KILL_ROUNDS"))
	if err != nil {
		return 5
	}
	return n
}

// failAfterCopies lets the store copy objects and nothing else that changes it, so that
// renames stop between the copy and the deletion of its source. It counts the copies;
// from the limit on it refuses those too.
func (w *world) failAfterCopies(limit int64) *atomic.Int64 {
	copies := new(atomic.Int64)
	w.store.SetFailing(func(r *http.Request) int {
		switch {
		case r.Method == http.MethodGet, r.Method == http.MethodHead:
			return 0
		case r.Method == http.MethodPut && r.Header.Get("X-Amz-Copy-Source") != "" && copies.Add(1) <= limit:
			return 0
		}
		return http.StatusServiceUnavailable
	})
	return copies
}

// SPEC E11, C7: a process that is killed inside the rename of a file, over another one, and
// of a directory leaves neither two copies nor none: the next mount finishes them.
func TestKillInsideRename(t *testing.T) {
	w := newWorld(t)
	w.mount()
	for round := range killRounds(t) {
		dir, moved := fmt.Sprintf("dir-%d", round), fmt.Sprintf("moved-%d", round)
		must(t, os.Mkdir(w.path(dir), 0o755))
		want := map[string][]byte{}
		for i := range 8 {
			data := pattern(round*100+i, 3000*(i+1))
			w.write(fmt.Sprintf("%s/f%d", dir, i), data)
			want[fmt.Sprintf("%s/f%d", moved, i)] = data
		}
		one := pattern(round+7000, 40_000)
		w.write("one", one)
		w.write("target", pattern(round, 10))
		w.drained()

		copies := w.failAfterCopies(int64(1 + round%7))
		must(t, os.Rename(w.path("one"), w.path("target")))
		must(t, os.Rename(w.path(dir), w.path(moved)))
		w.until("a rename is under way", func() bool { return copies.Load() > 0 })
		w.crash()
		want["target"] = one
		check := func() {
			t.Helper()
			for name, data := range want {
				w.wantFile(name, data)
			}
			for _, gone := range []string{"one", dir} {
				if _, err := os.Lstat(w.path(gone)); !os.IsNotExist(err) {
					t.Errorf("round %d: %s after its rename: %v", round, gone, err)
				}
			}
		}
		check() // with half of it done, and the store refusing
		w.releaseUploads()
		w.drained()
		check()
		w.wantObjects(want)
		must(t, os.RemoveAll(w.path(moved)))
		must(t, os.Remove(w.path("target")))
		w.drained()
	}
	w.unmount()
	w.wantObjects(map[string][]byte{})
}

// SPEC E11, C7: a process that is killed again and again while it brings the last one's
// changes to the store loses nothing and sends nothing that is older.
func TestKillDuringRecovery(t *testing.T) {
	w := newWorld(t)
	w.mount()
	w.holdUploads()
	want := map[string][]byte{}
	for i := range 60 {
		name := fmt.Sprintf("f%02d", i)
		w.write(name, pattern(i, 100))
		want[name] = pattern(i+1000, 2000+100*i)
		w.write(name, want[name]) // before the first upload was over
	}
	must(t, os.Rename(w.path("f00"), w.path("renamed")))
	want["renamed"] = want["f00"]
	delete(want, "f00")
	must(t, os.Remove(w.path("f01")))
	delete(want, "f01")
	w.crash()

	// Each life gets some changes through, makes more new ones, and is killed then.
	for round := range killRounds(t) {
		var through atomic.Int64
		limit := int64(round%5 + 1)
		w.store.SetFailing(func(r *http.Request) int {
			if r.Method == http.MethodGet || r.Method == http.MethodHead || through.Add(1) <= limit {
				return 0
			}
			return http.StatusServiceUnavailable
		})
		for i := range limit + 1 {
			name := fmt.Sprintf("new-%d-%d", round, i)
			want[name] = pattern(round*10+int(i), 5000)
			w.write(name, want[name])
		}
		w.until("something of the last life was sent", func() bool { return through.Load() > limit })
		w.crash()
		for _, name := range []string{"renamed", "f02", "f59"} {
			w.wantFile(name, want[name])
		}
	}
	w.releaseUploads()
	w.drained()
	w.wantObjects(want)
	w.unmount()
}

// SPEC E11: what a program wrote through a mapping is closed with the file, whether the
// mapping went before the descriptor or after it.
func TestKillAfterMappedWrites(t *testing.T) {
	w := newWorld(t)
	w.mount()
	want := map[string][]byte{}
	for round := range killRounds(t) {
		w.holdUploads()
		for i, late := range []bool{false, true} {
			name := fmt.Sprintf("mapped-%d-%d", round, i)
			data := pattern(round*10+i, 300_000)
			f, err := os.OpenFile(w.path(name), os.O_RDWR|os.O_CREATE, 0o644)
			must(t, err)
			must(t, f.Truncate(int64(len(data))))
			mapping, err := unix.Mmap(int(f.Fd()), 0, len(data), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
			must(t, err)
			if late {
				must(t, f.Close()) // the mapping keeps the file open
			}
			copy(mapping, data)
			must(t, unix.Msync(mapping, unix.MS_SYNC))
			must(t, unix.Munmap(mapping))
			if !late {
				must(t, f.Close())
			}
			want[name] = data
		}
		w.until("the late mapping's file is closed", func() bool {
			s, err := w.m.Find(t.Context(), "alpha")
			return err == nil && s.OpenFiles == 0
		})
		w.crash()
		for name, data := range want {
			w.wantFile(name, data)
		}
		w.releaseUploads()
		w.drained()
		w.wantObjects(want)
	}
	w.unmount()
}
