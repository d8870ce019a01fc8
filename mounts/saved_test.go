//go:build linux

package mounts_test

import (
	"net/http"
	"os"
	"os/exec"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/mounts"
)

// SPEC C6, C7: what is in no mount table any more, as after a power loss, is told of until the
// store has everything; another mount at the same place is another's.
func TestLeftBehind(t *testing.T) {
	w := newWorld(t)
	w.spec.Options = mounts.Options{Profile: "custom", WriteBack: time.Hour, Uploads: 3}
	s := w.mount()
	w.write("kept", []byte("content"))
	w.kill(s.PID)
	stale := w.status()
	if stale.Health != mounts.Stale || stale.Unmounted || stale.Options != s.Options || stale.Bucket != bucket {
		t.Errorf("killed: %+v, want the options it had: %+v", stale, s.Options)
	}
	if os.Geteuid() == 0 {
		must(t, unix.Unmount(w.spec.Mountpoint, unix.MNT_DETACH))
	} else {
		must(t, exec.Command("fusermount3", "-uz", w.spec.Mountpoint).Run())
	}

	left := w.status()
	if left.Health != mounts.Stale || !left.Unmounted || left.Reason == "" || left.PID != 0 || left.Options != s.Options {
		t.Errorf("killed and gone: %+v", left)
	}
	if _, err := w.m.Unmount(t.Context(), "alpha", mounts.UnmountOptions{}); !fault.Is(err, fault.Pending) || fault.As(err).Hint == "" {
		t.Errorf("unmounting what is gone: %v", err)
	}

	// Somebody else's mount took the place.
	other := *w
	other.spec.ID, other.spec.Workspace, other.spec.Prefix = "ffeeddccbbaa9988", "beta", prefix+"beta/"
	other.mount()
	if now := w.status(); now.Workspace != "beta" || now.Health != mounts.OK {
		t.Errorf("at its place there is %+v, want beta", now)
	}
	if _, err := w.m.Mount(t.Context(), w.spec, w.creds); !fault.Is(err, fault.Conflict) {
		t.Errorf("mounting over beta: %v", err)
	}
	other.write("mine", []byte("x"))
	other.unmount()

	w.spec.Options = mounts.Options{}
	w.mount()
	w.wantFile("kept", []byte("content"))
	w.unmount()
	if list, err := w.m.List(t.Context()); err != nil || len(list) > 0 {
		t.Errorf("when the store has everything there is still %+v, %v", list, err)
	}
	w.wantObjects(map[string][]byte{"kept": []byte("content"), "beta/mine": []byte("x")})
}

// An unmount that could not upload everything is told of, too.
func TestLeftBehindByAnUnmount(t *testing.T) {
	w := newWorld(t)
	w.mount()
	w.known("")
	w.store.SetFailing(func(r *http.Request) int {
		if r.Method == http.MethodPut {
			return http.StatusForbidden
		}
		return 0
	})
	w.write("refused", []byte("x"))
	if _, err := w.m.Unmount(t.Context(), "alpha", mounts.UnmountOptions{Timeout: 300 * time.Millisecond}); !fault.Is(err, fault.Pending) {
		t.Fatalf("unmount: %v", err)
	}
	w.wantProcessGone()
	if s := w.status(); !s.Unmounted || s.Workspace != "alpha" {
		t.Errorf("%+v", s)
	}
	w.store.SetFailing(nil)
	w.mount()
	w.unmount()
}
