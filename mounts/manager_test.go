//go:build linux

package mounts_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/mounts"
)

// SPEC C3, C6, A40: what a mount tells about itself.
func TestStatus(t *testing.T) {
	w := newWorld(t)
	begin := time.Now()
	s := w.mount()
	t.Logf("mount took %v", time.Since(begin))
	if s.Health != mounts.OK || s.PID == 0 || s.Workspace != "alpha" || s.Mountpoint != w.spec.Mountpoint {
		t.Errorf("status: %+v", s)
	}
	if s.Fingerprint != w.creds.Fingerprint() {
		t.Errorf("fingerprint %q, want %q", s.Fingerprint, w.creds.Fingerprint())
	}
	w.write("f", pattern(1, 100_000))
	w.wantFile("f", pattern(1, 100_000))
	s = w.drained()
	if s.BytesWritten != 100_000 || s.Uploaded != 100_000 || s.OpenFiles != 0 {
		t.Errorf("counters: %+v", s)
	}
	if info, err := os.Stat(s.Log); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("log: %v, %v", info, err)
	}
	for _, by := range []string{"alpha", w.spec.ID, w.spec.Mountpoint, w.spec.Mountpoint + "/"} {
		if found, err := w.m.Find(t.Context(), by); err != nil || found.PID != s.PID {
			t.Errorf("find %q: %+v, %v", by, found, err)
		}
	}
	if _, err := w.m.Find(t.Context(), "beta"); !fault.Is(err, fault.NotFound) {
		t.Errorf("find what is not there: %v", err)
	}
	w.unmount()
	if _, err := w.m.Unmount(t.Context(), "alpha", mounts.UnmountOptions{}); !fault.Is(err, fault.NotFound) {
		t.Errorf("unmount what is not there: %v", err)
	}
}

// SPEC C4: a double mount is refused in these words.
func TestDoubleMount(t *testing.T) {
	w := newWorld(t)
	w.mount()
	_, err := w.m.Mount(t.Context(), w.spec, w.creds)
	want := "path " + w.spec.Mountpoint + " is already a mount point; run 'artifacts unmount " + w.spec.Mountpoint + "' first"
	if !fault.Is(err, fault.Conflict) || err.Error() != want {
		t.Errorf("%v\nwant %s", err, want)
	}
	// Through a symlink it is the same place.
	link := filepath.Join(t.TempDir(), "link")
	must(t, os.Symlink(w.spec.Mountpoint, link))
	spec := w.spec
	spec.Mountpoint = link
	if _, err := w.m.Mount(t.Context(), spec, w.creds); !fault.Is(err, fault.Conflict) || err.Error() != want {
		t.Errorf("through a symlink: %v", err)
	}
	// Another workspace at the same place, and the same workspace at another.
	spec = w.spec
	spec.ID, spec.Workspace = "ffeeddccbbaa9988", "beta"
	if _, err := w.m.Mount(t.Context(), spec, w.creds); !fault.Is(err, fault.Conflict) || err.Error() != want {
		t.Errorf("another workspace: %v", err)
	}
	spec = w.spec
	spec.Mountpoint = t.TempDir()
	if _, err := w.m.Mount(t.Context(), spec, w.creds); !fault.Is(err, fault.Conflict) {
		t.Errorf("another place: %v, want kind conflict", err)
	}
	w.write("f", []byte("still works"))
	w.unmount()
}

// Two workspaces are two mounts, and neither knows of the other.
func TestTwoMounts(t *testing.T) {
	w := newWorld(t)
	w.mount()
	other := *w
	other.spec.ID, other.spec.Workspace, other.spec.Mountpoint = "ffeeddccbbaa9988", "beta", t.TempDir()
	other.mount()
	list, err := w.m.List(t.Context())
	if err != nil || len(list) != 2 {
		t.Fatalf("%+v, %v", list, err)
	}
	other.unmount()
	w.write("f", []byte("x"))
	w.unmount()
}

// SPEC C6, C7: a mount whose process was killed shows as stale, and the next mount replaces it.
func TestStaleMountpoint(t *testing.T) {
	w := newWorld(t)
	s := w.mount()
	w.write("f", []byte("x"))
	w.drained()
	w.kill(s.PID)
	begin := time.Now()
	list, err := w.m.List(t.Context())
	if err != nil || len(list) != 1 || list[0].Health != mounts.Stale || list[0].Workspace != "alpha" || list[0].Reason == "" {
		t.Fatalf("%+v, %v", list, err)
	}
	if took := time.Since(begin); took > 3*time.Second {
		t.Errorf("listing it took %v", took)
	}
	w.mount()
	w.wantFile("f", []byte("x"))
	w.unmount()

	s = w.mount()
	w.kill(s.PID)
	if _, err := w.m.Unmount(t.Context(), w.spec.Mountpoint, mounts.UnmountOptions{}); err != nil && !fault.Is(err, fault.Pending) {
		t.Errorf("unmounting a stale one: %v", err)
	}
	wantUnmounted(t, w)
}

// SPEC C6: a process that is stuck costs 2 s and shows as degraded.
func TestStuckProcess(t *testing.T) {
	w := newWorld(t)
	s := w.mount()
	must(t, unix.Kill(s.PID, unix.SIGSTOP))
	defer func() { _ = unix.Kill(s.PID, unix.SIGCONT) }()
	w.until("every thread of it has stopped", func() bool { return stopped(t, s.PID) })
	begin := time.Now()
	list, err := w.m.List(t.Context())
	if took := time.Since(begin); took > 4*time.Second {
		t.Errorf("listing took %v", took)
	}
	if err != nil || len(list) != 1 || list[0].Health != mounts.Degraded || list[0].Reason == "" {
		t.Fatalf("%+v, %v", list, err)
	}
	if _, err := w.m.Unmount(t.Context(), w.spec.Mountpoint, mounts.UnmountOptions{}); err == nil || fault.As(err).Hint == "" {
		t.Errorf("unmounting it: %v", err)
	}
	must(t, unix.Kill(s.PID, unix.SIGCONT))
	w.unmount()
}

// A mount that another process serves, of other state roots, is not stale because a process
// of ours for the same workspace was killed: it must not be detached under its user's hands.
func TestMountOfOtherRootsIsLeftAlone(t *testing.T) {
	ours, theirs := newWorld(t), newWorld(t) // the same workspace id in both
	theirs.mount()
	theirs.write("f", []byte("theirs"))
	s := ours.mount()
	ours.kill(s.PID)
	list, err := ours.m.List(t.Context())
	if err != nil || len(list) != 1 || list[0].Mountpoint != ours.spec.Mountpoint || list[0].Health != mounts.Stale {
		t.Fatalf("after a kill: %+v, %v; want our own mount, stale", list, err)
	}
	ours.mount() // removes what is stale
	theirs.wantFile("f", []byte("theirs"))
	theirs.write("g", []byte("goes on"))
	ours.unmount()
	theirs.unmount()
	theirs.wantObjects(map[string][]byte{"f": []byte("theirs"), "g": []byte("goes on")})
	ours.wantObjects(map[string][]byte{})
}

// stopped reports whether every thread of a process has taken its SIGSTOP.
func stopped(t *testing.T, pid int) bool {
	t.Helper()
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	must(t, err)
	for _, path := range threads {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		// The state follows the name, which is in brackets: proc_pid_stat(5).
		if _, after, _ := strings.Cut(string(text), ") "); !strings.HasPrefix(after, "T") {
			return false
		}
	}
	return len(threads) > 0
}

// SPEC C6: the store being away shows, and the mount comes back by itself.
func TestDegradedWhileTheStoreIsDown(t *testing.T) {
	w := newWorld(t)
	w.mount()
	w.known("")
	w.store.Down()
	w.write("f", []byte("x"))
	w.until("it shows", func() bool {
		s, err := w.m.Find(t.Context(), "alpha")
		return err == nil && s.Health == mounts.Degraded && s.Reason != ""
	})
	w.store.Up()
	w.until("it is well again", func() bool {
		s, err := w.m.Find(t.Context(), "alpha")
		return err == nil && s.Health == mounts.OK && s.Pending() == 0
	})
	w.unmount()
}

// Watch tells of mounts that come and go.
func TestWatch(t *testing.T) {
	w := newWorld(t)
	changed := w.m.Watch(t.Context())
	wait := func(what string) {
		t.Helper()
		select {
		case <-changed:
		case <-time.After(patience):
			t.Fatalf("nothing was told of %s", what)
		}
	}
	s := w.mount()
	wait("a mount")
	w.kill(s.PID)
	w.mount()
	wait("another process")
	w.unmount()
	wait("the end")
}
