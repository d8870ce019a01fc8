//go:build linux

package mounts_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/artifacts-tui/artifacts-tui/internal/xdg"
	"github.com/artifacts-tui/artifacts-tui/mounts"
)

// SPEC D1, C7: modes, exact times, symlinks and user.* attributes are
// what another host sees, also of what was renamed there, and files stay plain objects.
func TestAttributesAcrossHosts(t *testing.T) {
	w := newWorld(t)
	w.mount()
	script := []byte("#!/bin/sh\necho ran\n")
	w.write("run.sh", script)
	must(t, os.Chmod(w.path("run.sh"), 0o750))
	w.write("plain", []byte("plain"))
	must(t, unix.Setxattr(w.path("plain"), "user.origin", []byte("here"), 0))
	if err := unix.Setxattr(w.path("plain"), "trusted.x", []byte("y"), 0); !errors.Is(err, unix.EOPNOTSUPP) {
		t.Errorf("trusted.x: %v, want EOPNOTSUPP", err)
	}
	must(t, os.MkdirAll(w.path("d/sub"), 0o755))
	w.write("d/sub/f", []byte("below"))
	stamp := time.Date(2001, 2, 3, 4, 5, 6, 789, time.UTC)
	must(t, os.Chtimes(w.path("d/sub/f"), stamp, stamp))
	must(t, os.Chmod(w.path("d/sub"), 0o700))
	w.drained()
	must(t, os.Rename(w.path("d"), w.path("e")))
	must(t, os.Rename(w.path("plain"), w.path("renamed")))
	must(t, os.Symlink("run.sh", w.path("link")))
	w.unmount()
	w.objects() // the files are there as objects of their own

	// Another machine: other state, other cache, nothing known.
	dir := t.TempDir()
	other := *w
	other.roots = xdg.Roots{
		Config: filepath.Join(dir, "config"), Cache: filepath.Join(dir, "cache"),
		State: filepath.Join(dir, "state"), Data: filepath.Join(dir, "data"),
	}
	other.m = mounts.NewManager(other.roots, "")
	other.spec.Mountpoint = filepath.Join(dir, "mnt")
	must(t, os.Mkdir(other.spec.Mountpoint, 0o755))
	t.Cleanup(func() { other.sweep(dir) })
	other.mount()
	mode := func(name string, want os.FileMode) os.FileInfo {
		t.Helper()
		info, err := os.Stat(other.path(name))
		must(t, err)
		if info.Mode().Perm() != want {
			t.Errorf("%s: mode %v, want %v", name, info.Mode().Perm(), want)
		}
		return info
	}
	mode("run.sh", 0o750)
	mode("renamed", 0o644)
	mode("e/sub", 0o700)
	if got := mode("e/sub/f", 0o644).ModTime(); !got.Equal(stamp) {
		t.Errorf("e/sub/f: %v, want %v", got, stamp)
	}
	// By a shell: the store is in this process, which stands still while it executes a file itself.
	if out, err := exec.Command("sh", "-c", `"$0"`, other.path("link")).Output(); err != nil || string(out) != "ran\n" {
		t.Errorf("run through the link: %q, %v", out, err)
	}
	buf := make([]byte, 16)
	n, err := unix.Getxattr(other.path("renamed"), "user.origin", buf)
	if err != nil || string(buf[:max(n, 0)]) != "here" {
		t.Errorf("user.origin of renamed: %q, %v", buf[:max(n, 0)], err)
	}
	entries, err := os.ReadDir(other.spec.Mountpoint)
	must(t, err)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if len(names) != 4 {
		t.Errorf("the mount shows %v", names)
	}
	if err := os.WriteFile(other.path(".artifacts-attrs.json"), nil, 0o600); !errors.Is(err, unix.EPERM) {
		t.Errorf("writing the sheet: %v, want EPERM", err)
	}
	// Nothing is left of a tree that is removed.
	must(t, os.RemoveAll(other.path("e")))
	other.unmount()
	for key := range w.allObjects() {
		if len(key) > 2 && key[:2] == "e/" {
			t.Errorf("%s is left", key)
		}
	}
}
