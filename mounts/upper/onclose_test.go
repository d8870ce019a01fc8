package upper

import (
	"context"
	"errors"
	"os"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// closing closes a file that was just written, in the background.
func (w *world) closing(ctx context.Context, path, data string) <-chan error {
	w.t.Helper()
	h := w.create(path, os.O_WRONLY|os.O_TRUNC)
	w.writeAt(h, data, 0)
	done := make(chan error, 1)
	go func() {
		err := h.Flush(ctx)
		h.Release()
		done <- err
	}()
	return done
}

func syncOnClose(o *Options) {
	o.SyncOnClose, o.StoreTimeout, o.WriteBack = true, 20*time.Second, time.Hour
}

// With SyncOnClose close returns when the store has the object. A rename or deletion meanwhile
// follows like any other. SPEC C5.
func TestSyncOnClose(t *testing.T) {
	for _, then := range []string{"", "rename", "unlink", "overwrite"} {
		w := newWorld(t, syncOnClose)
		g := w.hold("half", "f")
		done := w.closing(t.Context(), "f", "data")
		<-g.arrived
		want := map[string]string{"f": "data"}
		switch then {
		case "rename":
			w.rename("f", "g")
			want = map[string]string{"g": "data"}
		case "unlink":
			w.unlink("f")
			want = nil
		}
		if then != "unlink" {
			select {
			case err := <-done:
				t.Fatalf("%s: close returned %v before the store had the object", then, err)
			default:
			}
		}
		if then == "overwrite" {
			second := w.closing(t.Context(), "f", "newer")
			want = map[string]string{"f": "newer"}
			g.let()
			if err := <-second; err != nil {
				t.Errorf("overwrite: %v", err)
			}
		}
		g.let()
		if err := <-done; err != nil {
			t.Errorf("%s: %v", then, err)
		}
		if then == "overwrite" {
			w.wantRemote(want)
		} else if then != "unlink" {
			got, there := w.store.get("f")
			if !there && then == "rename" { // it follows at once
				got, _ = w.store.get("g")
			}
			if got != "data" {
				t.Errorf("%s: close returned, and the store has %q", then, got)
			}
		}
		w.drain()
		w.wantRemote(want)
	}
}

// An upload that fails is close's error, and fsync's; the data is kept and goes up later.
func TestSyncOnCloseFails(t *testing.T) {
	w := newWorld(t, syncOnClose)
	var answer atomic.Pointer[error]
	w.store.before = func(op, _ string) error {
		if err := answer.Load(); op == "put" && err != nil {
			return *err
		}
		return nil
	}
	say := func(err error) { answer.Store(&err) }

	say(errQuota)
	if err := <-w.closing(t.Context(), "refused", "1"); !fault.Is(err, fault.Quota) {
		t.Errorf("a refused upload: %v", err)
	}
	say(errors.New("whatever"))
	h := w.create("broken", os.O_WRONLY)
	w.writeAt(h, "2", 0)
	if err := h.Fsync(t.Context()); errnoOf(err) != syscall.EIO {
		t.Errorf("an upload that fails again and again: %v", err)
	}
	h.Release()
	say(errDown)
	w.mu.Lock()
	w.FS.opt.StoreTimeout = 300 * time.Millisecond // nothing waits now
	w.mu.Unlock()
	begin := time.Now()
	if err := <-w.closing(t.Context(), "unanswered", "3"); !errors.Is(err, syscall.ETIMEDOUT) || !fault.Is(err, fault.Unreachable) {
		t.Errorf("a store that does not answer: %v", err)
	}
	if d := time.Since(begin); d < 300*time.Millisecond || d > 5*time.Second {
		t.Errorf("it took %v", d)
	}
	w.crash() // the records are safe
	answer.Store(nil)
	w.drain()
	w.wantRemote(map[string]string{"refused": "1", "broken": "2", "unanswered": "3"})
}

func TestSyncOnCloseInterrupted(t *testing.T) {
	w := newWorld(t, syncOnClose)
	g := w.hold("half", "f")
	ctx, interrupt := context.WithCancel(t.Context())
	done := w.closing(ctx, "f", "data")
	<-g.arrived
	interrupt()
	if err := <-done; !errors.Is(err, syscall.EINTR) {
		t.Errorf("close: %v", err)
	}
	g.let()
	w.drain()
	w.wantRemote(map[string]string{"f": "data"})
}
