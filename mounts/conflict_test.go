//go:build linux

package mounts_test

import (
	"os"
	"testing"
	"time"

	"github.com/artifacts-tui/artifacts-tui/mounts"
)

// A file that is patched here and replaced in the bucket keeps what the bucket has; what was
// written here is a copy beside it where its old bytes were read before, and in quarantine
// where not. The status says so, and the mount has nothing left to do. SPEC D4.
func TestConflicts(t *testing.T) {
	w := newWorld(t)
	w.spec.Options.WriteBack, w.spec.Options.DirCache = time.Hour, time.Hour
	old, theirs := pattern(1, 100_000), pattern(2, 70_000)
	w.putObject("read.dat", old)
	w.putObject("unread.dat", old)
	w.mount()
	w.wantFile("read.dat", old)
	for _, name := range []string{"read.dat", "unread.dat"} {
		f, err := os.OpenFile(w.path(name), os.O_WRONLY, 0)
		must(t, err)
		_, err = f.WriteAt([]byte("MINE"), 50_000)
		must(t, err)
		must(t, f.Close())
		w.putObject(name, theirs)
	}
	if _, err := w.m.Drain(t.Context(), w.spec.Mountpoint, mounts.UnmountOptions{Timeout: patience}); err != nil {
		t.Fatal(err)
	}
	s := w.status()
	want := map[string][]byte{"read.dat": theirs, "unread.dat": theirs}
	mine := append(append(append([]byte(nil), old[:50_000]...), "MINE"...), old[50_004:]...)
	for _, k := range s.Conflicts {
		switch {
		case k.Path == "read.dat" && k.Copy != "":
			want[k.Copy] = mine
			w.wantFile(k.Copy, mine)
		case k.Path == "unread.dat" && k.Quarantined != "":
			set, err := w.m.FindQuarantined(w.spec.ID, k.Quarantined)
			if err != nil || set.Path != "unread.dat" || set.Size < 50_004 {
				t.Errorf("set aside: %+v, %v", set, err)
			}
		default:
			t.Errorf("conflict %+v", k)
		}
	}
	if len(s.Conflicts) != 2 || s.Pending() != 0 || s.Quarantined != 1 {
		t.Errorf("status %+v", s.Drain)
	}
	w.wantFile("read.dat", theirs)
	w.wantFile("unread.dat", theirs)
	w.unmount()
	w.wantObjects(want)
}
