package upper

import (
	"context"
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

const room1 = 1 << 20

// noRoom writes until the staging folder is full; the file is not closed.
func (w *world) noRoom(h *Handle, block int) (written int, err error) {
	for {
		k, err := h.WriteAt(context.Background(), []byte(strings.Repeat("x", block)), int64(written))
		if err != nil {
			return written, err
		}
		written += k
	}
}

// Writers wait while uploads can make room, and go on when they have.
func TestWritersWaitForRoom(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.StagingMax, o.StoreTimeout, o.WriteBack = room1, 20*time.Second, time.Hour })
	g := w.hold("half", "first")
	data := strings.Repeat("1", room1*3/4)
	w.write("first", data)
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.write("second", strings.Repeat("2", room1/2))
	}()
	<-g.arrived // the write-back delay is cut short
	select {
	case <-done:
		t.Fatal("written although there was no room")
	case <-time.After(50 * time.Millisecond):
	}
	g.let()
	select {
	case <-done:
	case <-time.After(15 * time.Second):
		t.Fatal("still waiting for room")
	}
	w.drain()
	w.wantRemote(map[string]string{"first": data, "second": strings.Repeat("2", room1/2)})
}

// With nothing to wait for, or in vain, a write is ENOSPC, so is the close, and neither that
// file nor a piece of it is uploaded. What was closed before is.
func TestNoRoom(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.StagingMax, o.StoreTimeout = room1, 300*time.Millisecond })
	w.ls("")
	begin := time.Now()
	h := w.create("too large", os.O_WRONLY)
	written, err := w.noRoom(h, 100_000)
	if !errors.Is(err, syscall.ENOSPC) || written == 0 || written > room1 {
		t.Errorf("%d bytes, then %v", written, err)
	}
	if took := time.Since(begin); took > 10*time.Second {
		t.Errorf("it took %v", took)
	}
	if err := h.Flush(t.Context()); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("close: %v", err)
	}
	h.Release()
	w.client.setDown(true)
	w.write("closed", strings.Repeat("c", room1/2))
	h = w.create("while down", os.O_WRONLY)
	if _, err := w.noRoom(h, 100_000); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("with the store down: %v", err)
	}
	h.Release()
	w.client.setDown(false)
	w.drain()
	w.wantRemote(map[string]string{"closed": strings.Repeat("c", room1/2)})
}

// Clean copies make room without anybody waiting, and are counted also after a restart.
func TestCleanCopiesMakeRoom(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.StagingMax, o.StoreTimeout = room1, 10*time.Second })
	want := map[string]string{}
	for i := range 20 {
		name := strings.Repeat("f", i+1)
		want[name] = strings.Repeat(name[:1], room1/5)
		w.write(name, want[name])
		w.drain()
		if s := w.Stats(); s.StagingBytes > room1 || s.StagingLimit != room1 {
			t.Fatalf("%d of %d bytes are staged", s.StagingBytes, s.StagingLimit)
		}
	}
	w.wantRemote(want)
	w.client.setDown(true)
	w.write("pending", strings.Repeat("p", room1/2))
	w.crash()
	if s := w.Stats(); s.StagingBytes < room1/2 || s.StagingBytes > room1 {
		t.Errorf("after a restart %d bytes are staged", s.StagingBytes)
	}
	w.drain()
}
