//go:build linux

package mounts_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// onSmallDisk moves the state root to a disk of its own of so many bytes.
func (w *world) onSmallDisk(size string) { w.smallDisk(w.roots.State, size) }

func (w *world) smallDisk(root, size string) {
	w.t.Helper()
	if os.Geteuid() != 0 {
		w.t.Skip("mounting a tmpfs is root's")
	}
	must(w.t, os.MkdirAll(root, 0o700))
	must(w.t, unix.Mount("tmpfs", root, "tmpfs", 0, "mode=0700,size="+size))
	w.t.Cleanup(func() {
		w.sweep(filepath.Dir(w.spec.Mountpoint))
		_ = unix.Unmount(root, unix.MNT_DETACH)
	})
}

// fill takes all the space that is left.
func (w *world) fill() string {
	w.t.Helper()
	path := filepath.Join(w.roots.State, "ballast")
	f, err := os.Create(path)
	must(w.t, err)
	defer f.Close()
	for block := make([]byte, 64<<10); len(block) > 0; {
		if _, err := f.Write(block); err != nil {
			if !errors.Is(err, syscall.ENOSPC) {
				w.t.Fatal(err)
			}
			block = block[:len(block)/2]
		}
	}
	return path
}

// A full disk is the writer's error, in time, and nothing torn is uploaded.
func TestFullDiskWhileWriting(t *testing.T) {
	w := newWorld(t)
	w.putObject("kept", []byte("whole"))
	w.onSmallDisk("8m")
	w.mount()
	for _, name := range []string{"kept", "new"} {
		f, err := os.Create(w.path(name))
		must(t, err)
		_, err = f.Write(pattern(1, 20<<20))
		wantErrno(t, errors.Join(err, f.Close()), syscall.ENOSPC)
	}
	w.write("small", []byte("fits"))
	w.drained()
	for key, data := range w.objects() {
		switch {
		case key == "kept" && string(data) == "whole", key == "small" && string(data) == "fits":
		case len(data) == 0: // an overwrite begins with a truncation
		default:
			t.Errorf("%s holds %s", key, brief(data))
		}
	}
	w.unmount()
}

// SPEC C4: no room for the journal is said before anything is mounted.
func TestFullDiskWhenMounting(t *testing.T) {
	w := newWorld(t)
	w.onSmallDisk("1m")
	ballast := w.fill()
	_, err := w.m.Mount(t.Context(), w.spec, w.creds)
	if err == nil || !strings.Contains(err.Error(), "no space left") || fault.As(err).Hint == "" {
		t.Errorf("mount: %v (hint %q)", err, fault.As(err).Hint)
	}
	if list, err := w.m.List(t.Context()); err != nil || len(list) > 0 {
		t.Errorf("mounts: %+v, %v", list, err)
	}
	must(t, os.Remove(ballast))
	w.mount()
	w.unmount()
}

// A full cache disk costs speed: what is read is right, and what is written is not in its way.
func TestFullCacheDisk(t *testing.T) {
	w := newWorld(t)
	w.smallDisk(w.roots.Cache, "4m")
	want := map[string][]byte{}
	for i, size := range []int{3 << 20, 5 << 20, 20 << 20} {
		name := []string{"a", "b", "c"}[i]
		want[name] = pattern(i, size)
		w.putObject(name, want[name])
	}
	w.mount()
	for range 2 {
		for name, data := range want {
			w.wantFile(name, data)
		}
	}
	want["new"] = pattern(9, 10<<20)
	w.write("new", want["new"])
	w.wantFile("new", want["new"])
	w.drained()
	w.wantObjects(want)
	w.unmount()
}

// A small disk holds a stream of files that is many times its size, since uploads make room
// and writers wait for it; part of it stays free.
func TestMoreThanTheStagingDisk(t *testing.T) {
	w := newWorld(t)
	w.onSmallDisk("32m")
	w.mount()
	want := map[string][]byte{}
	for i := range 20 {
		name := string(rune('a' + i))
		want[name] = pattern(i, 6<<20)
		w.write(name, want[name])
		s := w.status()
		if s.StagingBytes > s.StagingLimit || s.StagingLimit > 24<<20 {
			t.Errorf("%d of %d bytes are staged on a disk of 32 MiB", s.StagingBytes, s.StagingLimit)
		}
	}
	w.drained()
	w.wantObjects(want)
	w.unmount()
}
