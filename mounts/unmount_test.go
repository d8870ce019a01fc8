package mounts_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
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

// A mount in use is refused with the number of open files, and goes on working.
func TestUnmountInUse(t *testing.T) {
	w := newWorld(t)
	w.mount()
	f, err := os.Create(w.path("open"))
	must(t, err)
	defer f.Close()
	_, err = f.WriteString("before")
	must(t, err)
	_, err = w.m.Unmount(t.Context(), w.spec.Mountpoint, mounts.UnmountOptions{})
	if !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "open files: 1") || fault.As(err).Hint == "" {
		t.Fatalf("unmount: %v, want kind conflict with the open files", err)
	}
	_, err = f.WriteString(" and after")
	must(t, errors.Join(err, f.Close()))
	w.write("more", []byte("works"))
	w.unmount()
	w.wantObjects(map[string][]byte{"open": []byte("before and after"), "more": []byte("works")})
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
	wantUnmounted(t, w)
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
		return err == nil && len(list) == 0
	})
}

func wantUnmounted(t *testing.T, w *world) {
	t.Helper()
	table, err := os.ReadFile("/proc/self/mountinfo")
	must(t, err)
	if strings.Contains(string(table), w.spec.Mountpoint+" ") {
		t.Error("it is still mounted")
	}
}
