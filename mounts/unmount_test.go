//go:build linux

package mounts_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/mounts"
)

// SPEC C5, D1, E11: unmounting right after writing drains, tells how it goes, and proves zeros.
func TestUnmountDrains(t *testing.T) {
	w := newWorld(t)
	w.mount()
	w.store.SetDelay(300 * time.Millisecond) // so that the last files are still on their way
	want := map[string][]byte{"big": pattern(1, 100<<20)}
	w.write("big", want["big"])
	for i := range 200 {
		name := fmt.Sprintf("small-%03d", i)
		want[name] = pattern(i, 4096)
		w.write(name, want[name])
	}
	var seen []mounts.Drain
	d, err := w.m.Unmount(t.Context(), "alpha", mounts.UnmountOptions{Progress: func(d mounts.Drain) { seen = append(seen, d) }})
	if err != nil || d.Pending() != 0 || d.PendingBytes != 0 {
		t.Fatalf("unmount: %+v, %v", d, err)
	}
	if len(seen) < 2 || seen[0].Pending() == 0 {
		t.Errorf("progress: %+v", seen)
	}
	w.store.SetDelay(0)
	w.wantObjects(want)
	wantUnmounted(t, w)
	if list, err := w.m.List(t.Context()); err != nil || len(list) > 0 {
		t.Errorf("still listed: %+v, %v", list, err)
	}
}

// SPEC C5, D1, E11: with the store down the data is kept, named, and resumed by the next mount.
func TestUnmountWithTheStoreDown(t *testing.T) {
	w := newWorld(t)
	w.mount()
	w.known("")
	w.store.Down()
	want := map[string][]byte{}
	for i := range 3 {
		name := fmt.Sprintf("kept-%d", i)
		want[name] = pattern(i, 50_000)
		w.write(name, want[name])
	}
	d, err := w.m.Unmount(t.Context(), w.spec.Mountpoint, mounts.UnmountOptions{Timeout: 2 * time.Second})
	if !fault.Is(err, fault.Pending) || d.Pending() != 3 {
		t.Fatalf("unmount: %+v, %v; want 3 pending", d, err)
	}
	if !strings.Contains(err.Error(), "kept-") || !strings.Contains(fault.As(err).Hint, "artifacts mount alpha") {
		t.Errorf("it names nothing: %v (hint %q)", err, fault.As(err).Hint)
	}
	wantUnmounted(t, w)
	w.wantProcessGone()
	w.store.Up()
	w.mount()
	for name, data := range want {
		w.wantFile(name, data)
	}
	w.unmount()
	w.wantObjects(want)
}

// SPEC C5: a mount in use is refused, names who uses what, and goes on working.
func TestUnmountInUse(t *testing.T) {
	w := newWorld(t)
	w.mount()
	f, err := os.Create(w.path("open"))
	must(t, err)
	defer f.Close()
	_, err = f.WriteString("before")
	must(t, err)
	_, err = w.m.Unmount(t.Context(), w.spec.Mountpoint, mounts.UnmountOptions{})
	if who := fmt.Sprintf("(pid %d, open)", os.Getpid()); !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), who) {
		t.Fatalf("unmount: %v, want kind conflict with %s", err, who)
	}
	if hint := fault.As(err).Hint; !strings.Contains(hint, "--lazy") {
		t.Errorf("hint %q", hint)
	}
	_, err = f.WriteString(" and after")
	must(t, errors.Join(err, f.Close()))
	w.write("more", []byte("works"))
	w.unmount()
	w.wantObjects(map[string][]byte{"open": []byte("before and after"), "more": []byte("works")})
}

// SPEC C5: a shell that stands in the mount, and a program that mapped a file of it, are named too.
func TestUnmountNamesWorkingDirectories(t *testing.T) {
	w := newWorld(t)
	w.mount()
	must(t, os.Mkdir(w.path("dir"), 0o755))
	cat := exec.Command("cat")
	cat.Dir = w.path("dir")
	stdin, err := cat.StdinPipe()
	must(t, err)
	must(t, cat.Start())
	t.Cleanup(func() { _ = cat.Process.Kill(); _ = cat.Wait() })
	want := fmt.Sprintf("cat (pid %d, working directory)", cat.Process.Pid)
	_, err = w.m.Unmount(t.Context(), w.spec.Mountpoint, mounts.UnmountOptions{})
	if !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), want) {
		t.Fatalf("unmount: %v, want %q", err, want)
	}
	must(t, errors.Join(stdin.Close(), cat.Wait()))

	w.write("mapped", pattern(1, 8192))
	f, err := os.Open(w.path("mapped"))
	must(t, err)
	mapping, err := unix.Mmap(int(f.Fd()), 0, 8192, unix.PROT_READ, unix.MAP_SHARED)
	must(t, errors.Join(err, f.Close()))
	_, err = w.m.Unmount(t.Context(), w.spec.Mountpoint, mounts.UnmountOptions{})
	if who := fmt.Sprintf("(pid %d, mapped)", os.Getpid()); !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), who) {
		t.Errorf("unmount: %v, want %s", err, who)
	}
	must(t, unix.Munmap(mapping))
	w.unmount()
}

// SPEC C5: a lazy unmount frees the mountpoint at once; programs go on, and what they
// close afterwards is uploaded before the process ends.
func TestLazyUnmount(t *testing.T) {
	w := newWorld(t)
	w.mount()
	w.write("closed", []byte("before"))
	f, err := os.Create(w.path("open"))
	must(t, err)
	defer f.Close()
	_, err = f.WriteString("before")
	must(t, err)
	d, err := w.m.Unmount(t.Context(), w.spec.Mountpoint, mounts.UnmountOptions{Lazy: true})
	if err != nil || d.OpenFiles != 1 {
		t.Fatalf("lazy unmount: %+v, %v; want one open file", d, err)
	}
	wantUnmounted(t, w)
	s, err := w.m.Find(t.Context(), "alpha")
	if err != nil || s.Health != mounts.Draining {
		t.Fatalf("after it: %v %q, want draining", err, s.Health)
	}
	_, err = f.WriteString(" and after")
	must(t, errors.Join(err, f.Close()))
	w.wantProcessGone()
	w.wantObjects(map[string][]byte{"closed": []byte("before"), "open": []byte("before and after")})
	w.mount()
	w.wantFile("open", []byte("before and after"))
	w.unmount()
}

// What others put into the bucket shows after a refresh, however long listings are
// believed, and a refresh takes nothing away that waits to be uploaded.
func TestRefresh(t *testing.T) {
	w := newWorld(t)
	w.spec.Options.DirCache = time.Hour
	w.mount()
	must(t, os.MkdirAll(w.path("a/b"), 0o755))
	w.known("")
	w.known("a")
	w.known("a/b")
	w.drained()
	w.putObject("top", []byte("1"))
	w.putObject("a/b/deep", []byte("2"))
	has := func(dir, name string) bool {
		entries, err := os.ReadDir(w.path(dir))
		must(t, err)
		return slices.ContainsFunc(entries, func(e os.DirEntry) bool { return e.Name() == name })
	}
	if has("", "top") || has("a/b", "deep") {
		t.Fatal("a listing that is an hour old at most was taken anew")
	}
	w.holdUploads()
	w.write("a/waiting", []byte("3"))
	must(t, w.m.Refresh(t.Context(), "alpha", "a"))
	if !has("a/b", "deep") || !has("a", "waiting") {
		t.Error("a refresh of a/ does not show what is below")
	}
	must(t, w.m.Refresh(t.Context(), w.spec.Mountpoint, ""))
	if !has("", "top") || !has("a", "waiting") {
		t.Error("a refresh does not show what is new")
	}
	w.releaseUploads()
	w.unmount()
	w.wantObjects(map[string][]byte{"top": []byte("1"), "a/b/deep": []byte("2"), "a/waiting": []byte("3")})
	if err := w.m.Refresh(t.Context(), "alpha", ""); !fault.Is(err, fault.NotFound) {
		t.Errorf("refresh of what is not mounted: %v", err)
	}
}

// SPEC C5, E11: umount and fusermount3 by anyone drain as well; the process ends when it has.
func TestExternalUnmount(t *testing.T) {
	for name, detach := range map[string]func(path string) error{
		"umount2": func(path string) error { return unix.Unmount(path, 0) },
		"fusermount3": func(path string) error {
			out, err := exec.Command("fusermount3", "-u", path).CombinedOutput()
			if err != nil {
				return fmt.Errorf("%w: %s", err, out)
			}
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			if name == "umount2" && os.Geteuid() != 0 {
				t.Skip("umount(2) is root's")
			}
			w := newWorld(t)
			w.mount()
			w.holdUploads()
			w.write("f", []byte("written before"))
			must(t, detach(w.spec.Mountpoint))
			w.until("it is seen to drain", func() bool {
				s, err := w.m.Find(t.Context(), "alpha")
				return err == nil && s.Health == mounts.Draining && s.Pending() == 1
			})
			// Its staging folder is in use until then.
			if _, err := w.m.Mount(t.Context(), w.spec, w.creds); !fault.Is(err, fault.Conflict) {
				t.Errorf("mounting meanwhile: %v, want kind conflict", err)
			}
			w.releaseUploads()
			w.wantProcessGone()
			w.wantObjects(map[string][]byte{"f": []byte("written before")})
		})
	}
}

// SPEC C5: SIGTERM drains; a second one gives up waiting and keeps the rest.
func TestSignals(t *testing.T) {
	w := newWorld(t)
	s := w.mount()
	w.write("f", pattern(1, 5<<20))
	must(t, unix.Kill(s.PID, unix.SIGTERM))
	w.wantProcessGone()
	wantUnmounted(t, w)
	w.wantObjects(map[string][]byte{"f": pattern(1, 5<<20)})

	s = w.mount()
	w.holdUploads()
	w.write("g", []byte("later"))
	must(t, unix.Kill(s.PID, unix.SIGTERM))
	w.until("it drains", func() bool {
		now, err := w.m.Find(t.Context(), "alpha")
		return err == nil && now.Health == mounts.Draining
	})
	w.until("it is detached", func() bool { return !mounted(t, w) }) // an ordinary user's detaching takes a helper
	must(t, unix.Kill(s.PID, unix.SIGTERM))
	w.wantProcessGone()
	w.releaseUploads()
	w.mount()
	w.unmount()
	w.wantObjects(map[string][]byte{"f": pattern(1, 5<<20), "g": []byte("later")})
}

// Who waits for an unmount may leave; the draining goes on. Who asks again may set a limit.
func TestUnmountInterrupted(t *testing.T) {
	w := newWorld(t)
	w.mount()
	w.holdUploads()
	w.write("f", []byte("x"))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	_, err := w.m.Unmount(ctx, w.spec.Mountpoint, mounts.UnmountOptions{Progress: func(mounts.Drain) { cancel() }})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("unmount: %v, want cancelled", err)
	}
	_, err = w.m.Unmount(t.Context(), "alpha", mounts.UnmountOptions{Timeout: 100 * time.Millisecond})
	if !fault.Is(err, fault.Pending) {
		t.Fatalf("unmount with a limit: %v, want kind pending", err)
	}
	w.wantProcessGone()
	w.releaseUploads()
	w.mount()
	w.holdUploads()
	w.write("g", []byte("y"))
	ctx, cancel = context.WithCancel(t.Context())
	defer cancel()
	_, err = w.m.Unmount(ctx, w.spec.Mountpoint, mounts.UnmountOptions{Progress: func(mounts.Drain) { cancel() }})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("unmount: %v, want cancelled", err)
	}
	w.releaseUploads()
	w.wantProcessGone()
	w.wantObjects(map[string][]byte{"f": []byte("x"), "g": []byte("y")})
}

// SPEC D4, E9: an upload that the store refuses shows on the mount within 10 s, by name.
func TestRefusedUploadShows(t *testing.T) {
	w := newWorld(t)
	w.mount()
	w.store.SetFailing(func(r *http.Request) int {
		if r.Method == http.MethodPut {
			return http.StatusForbidden
		}
		return 0
	})
	begin := time.Now()
	w.write("refused", []byte("x"))
	w.until("the refusal shows", func() bool {
		s, err := w.m.Find(t.Context(), "alpha")
		return err == nil && s.Health == mounts.Degraded && len(s.Failures) == 1 &&
			s.Failures[0].Path == "refused" && s.Failures[0].Reason != ""
	})
	if took := time.Since(begin); took > 10*time.Second {
		t.Errorf("it took %v", took)
	}
	w.store.SetFailing(nil)
	w.drained()
	w.unmount()
}

func (w *world) wantProcessGone() {
	w.t.Helper()
	w.until("the mount process has ended", func() bool {
		list, err := w.m.List(w.t.Context())
		return err == nil && !slices.ContainsFunc(list, func(s mounts.Status) bool { return !s.Unmounted })
	})
}

func wantUnmounted(t *testing.T, w *world) {
	t.Helper()
	if mounted(t, w) {
		t.Error("it is still mounted")
	}
}

func mounted(t *testing.T, w *world) bool {
	t.Helper()
	table, err := os.ReadFile("/proc/self/mountinfo")
	must(t, err)
	return strings.Contains(string(table), w.spec.Mountpoint+" ")
}
