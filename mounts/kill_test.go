//go:build linux

package mounts_test

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// holdUploads makes the store refuse every change, as an overloaded one does.
func (w *world) holdUploads() {
	w.store.SetFailing(func(r *http.Request) int {
		if r.Method == http.MethodGet || r.Method == http.MethodHead {
			return 0
		}
		return http.StatusServiceUnavailable
	})
}

func (w *world) releaseUploads() { w.store.SetFailing(nil) }

// crash kills the mount process and mounts again, which removes the stale mountpoint.
func (w *world) crash() {
	w.t.Helper()
	s, err := w.m.Find(w.t.Context(), w.spec.Mountpoint)
	if err != nil {
		w.t.Fatal(err)
	}
	w.kill(s.PID)
	w.mount()
}

// SPEC E11, C7: what was closed reaches the store though the process was killed.
func TestKillWithClosedFiles(t *testing.T) {
	w := newWorld(t)
	w.mount()
	w.holdUploads()
	want := map[string][]byte{}
	for i := range 50 {
		name := fmt.Sprintf("d%d/file-%02d", i%5, i)
		want[name] = pattern(i, 1000+i*5000)
		must(t, os.MkdirAll(filepath.Dir(w.path(name)), 0o755))
		w.write(name, want[name])
	}
	s, err := w.m.Find(t.Context(), "alpha")
	must(t, err)
	if s.Pending() < 50 {
		t.Fatalf("only %d changes are pending", s.Pending())
	}
	w.kill(s.PID)
	w.wantObjects(map[string][]byte{})
	w.releaseUploads()
	w.mount()
	for name, data := range want {
		w.wantFile(name, data) // at once, from the staged files
	}
	w.drained()
	w.wantObjects(want)
	w.unmount()
}

// The last of many overwrites is what arrives, whole.
func TestKillAfterOverwrites(t *testing.T) {
	w := newWorld(t)
	w.mount()
	for round := range 3 {
		want := map[string][]byte{}
		must(t, each(12, func(i int) error {
			name := fmt.Sprintf("file-%02d", i)
			for v := range 40 {
				if err := os.WriteFile(w.path(name), pattern(round*10_000+v*100+i, 3000+v*111), 0o644); err != nil {
					return err
				}
			}
			return nil
		}))
		for i := range 12 {
			want[fmt.Sprintf("file-%02d", i)] = pattern(round*10_000+39*100+i, 3000+39*111)
		}
		w.crash()
		for name, data := range want {
			w.wantFile(name, data)
		}
		w.drained()
		w.wantObjects(want)
	}
	w.unmount()
}

// A reader that holds the old file does not cost the new one.
func TestKillWhileAReaderHoldsTheFile(t *testing.T) {
	w := newWorld(t)
	want := map[string][]byte{}
	for i := range 4 {
		w.putObject(fmt.Sprintf("f%d", i), pattern(i, 300_000))
	}
	w.mount()
	w.holdUploads()
	for i := range 4 {
		name := fmt.Sprintf("f%d", i)
		r, err := os.Open(w.path(name))
		must(t, err)
		defer r.Close()
		_, err = io.ReadFull(r, make([]byte, 1000))
		must(t, err)
		want[name] = pattern(100+i, 200_000)
		w.write(name, want[name])
	}
	w.releaseUploads()
	w.crash()
	w.drained()
	w.wantObjects(want)
}

// What was never closed is never uploaded, neither as zeros nor in part, and is set aside.
func TestKillHalfWritten(t *testing.T) {
	w := newWorld(t)
	old := pattern(1, 3<<20)
	w.putObject("big", old)
	s := w.mount()
	f, err := os.OpenFile(w.path("big"), os.O_WRONLY|os.O_TRUNC, 0)
	must(t, err)
	_, err = f.Write(pattern(2, 20<<20))
	must(t, err)
	patched, err := os.OpenFile(w.path("new"), os.O_CREATE|os.O_WRONLY, 0o644)
	must(t, err)
	_, err = patched.Write(pattern(3, 5<<20))
	must(t, err)
	w.kill(s.PID)
	f.Close()
	patched.Close()

	w.store.Down()
	if _, err := w.m.Mount(t.Context(), w.spec, w.creds); !fault.Is(err, fault.Unreachable) {
		t.Fatalf("mount with the store down: %v, want kind unreachable", err)
	}
	w.store.Up()
	w.mount()
	w.drained()
	for key, data := range w.objects() {
		switch key {
		case "big":
			if string(data) != string(old) {
				t.Errorf("big holds %s", brief(data))
			}
		case "new":
			if len(data) != 0 {
				t.Errorf("new holds %s", brief(data))
			}
		default:
			t.Errorf("%s is in the bucket", key)
		}
	}
	w.wantFile("big", old)
}

// A patch of an object that is only in the store, closed while the store is down.
func TestPatchWithTheStoreDown(t *testing.T) {
	w := newWorld(t)
	base := pattern(1, 9<<20)
	w.putObject("base", base)
	w.mount()
	if _, err := os.Stat(w.path("base")); err != nil {
		t.Fatal(err)
	}
	w.store.Down()
	f, err := os.OpenFile(w.path("base"), os.O_WRONLY, 0)
	must(t, err)
	_, err = f.WriteAt([]byte("patched"), 4<<20)
	must(t, errors.Join(err, f.Close()))
	w.crashDown()
	w.store.Up()
	w.mount()
	want := append([]byte(nil), base...)
	copy(want[4<<20:], "patched")
	w.wantFile("base", want)
	w.drained()
	w.wantObjects(map[string][]byte{"base": want})
}

// crashDown kills the process and does not mount again.
func (w *world) crashDown() {
	w.t.Helper()
	s, err := w.m.Find(w.t.Context(), w.spec.Mountpoint)
	if err != nil {
		w.t.Fatal(err)
	}
	w.kill(s.PID)
}

// uploading waits until the store has seen a PUT for every name.
func (w *world) uploading(names ...string) {
	w.t.Helper()
	w.until("the uploads have begun", func() bool {
		seen := map[string]bool{}
		for _, r := range w.store.Requests() {
			if r.Method == http.MethodPut {
				seen[strings.TrimPrefix(r.Path, "/s3/"+bucket+"/"+prefix)] = true
			}
		}
		for _, n := range names {
			if !seen[n] {
				return false
			}
		}
		return true
	})
}

// A file removed while its upload runs does not come back.
func TestUnlinkWhileUploading(t *testing.T) {
	w := newWorld(t)
	w.mount()
	w.store.SetDelay(200 * time.Millisecond)
	var names []string
	for i := range 12 {
		names = append(names, fmt.Sprintf("f%02d", i))
		w.write(names[i], pattern(i, 10_000))
	}
	w.uploading(names...)
	for _, n := range names {
		must(t, os.Remove(w.path(n)))
	}
	w.store.SetDelay(0)
	w.drained()
	w.wantObjects(map[string][]byte{})
	if entries, err := os.ReadDir(w.spec.Mountpoint); err != nil || len(entries) > 0 {
		t.Errorf("still there: %v, %v", entries, err)
	}
	w.unmount()
	w.wantObjects(map[string][]byte{})
}

// A directory renamed while its files upload ends up whole under the new name alone.
func TestRenameDirectoryWhileUploading(t *testing.T) {
	w := newWorld(t)
	for i := range 6 {
		w.putObject(fmt.Sprintf("old/sub/remote-%d", i), pattern(50+i, 2000))
	}
	w.mount()
	w.store.SetDelay(150 * time.Millisecond)
	want := map[string][]byte{}
	var names []string
	for i := range 8 {
		names = append(names, fmt.Sprintf("old/f%d", i))
		w.write(names[i], pattern(i, 10_000))
		want[fmt.Sprintf("new/f%d", i)] = pattern(i, 10_000)
	}
	for i := range 6 {
		want[fmt.Sprintf("new/sub/remote-%d", i)] = pattern(50+i, 2000)
	}
	w.uploading(names...)
	must(t, os.Rename(w.path("old"), w.path("new")))
	for name, data := range want {
		w.wantFile(name, data)
	}
	w.store.SetDelay(0)
	w.drained()
	w.wantObjects(want)
	w.unmount()
}

// A file removed while the store is down stays removed, whatever happens to the process.
func TestUnlinkWithTheStoreDownThenKill(t *testing.T) {
	w := newWorld(t)
	w.putObject("d/secret", []byte("old content"))
	w.putObject("d/kept", []byte("kept"))
	w.mount()
	w.wantFile("d/secret", []byte("old content"))
	w.store.Down()
	must(t, os.Remove(w.path("d/secret")))
	w.crashDown()
	w.store.Up()
	w.holdUploads()
	w.mount()
	if _, err := os.Stat(w.path("d/secret")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it is back before the delete is done: %v", err)
	}
	w.releaseUploads()
	w.drained()
	w.wantObjects(map[string][]byte{"d/kept": []byte("kept")})
	if _, err := os.Stat(w.path("d/secret")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it is back: %v", err)
	}
}

func wantTree(t *testing.T, w *world, want map[string][]byte) {
	t.Helper()
	left := maps.Clone(want)
	err := filepath.WalkDir(w.spec.Mountpoint, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, _ := filepath.Rel(w.spec.Mountpoint, path)
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		expected, ok := left[name]
		if !ok {
			t.Errorf("%s should not be there", name)
		} else if string(expected) != string(data) {
			t.Errorf("%s holds %s, want %s", name, brief(data), brief(expected))
		}
		delete(left, name)
		return nil
	})
	must(t, err)
	for name := range left {
		t.Errorf("%s is missing", name)
	}
}
