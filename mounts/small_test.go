//go:build linux

package mounts_test

import (
	"fmt"
	"os"
	"testing"
	"time"
)

// A thousand small files are in a store that answers after 30 ms about as soon as they are
// written.
func TestManySmallFilesSoonDurable(t *testing.T) {
	const files, size, latency = 1000, 4 << 10, 30 * time.Millisecond
	w := newWorld(t)
	w.store.SetDelay(latency)
	w.spec.Options.WriteBack, w.spec.Options.DirCache = 0, 0
	w.mount()
	must(t, os.Mkdir(w.path("d"), 0o755))
	want := map[string][]byte{}
	begin := time.Now()
	for i := range files {
		name := fmt.Sprintf("d/%04d", i)
		want[name] = pattern(i, size)
		w.write(name, want[name])
	}
	written := time.Since(begin)
	w.drained()
	durable := time.Since(begin)
	t.Logf("%d × %d bytes at %v: written after %v, durable after %v", files, size, latency, written.Round(time.Millisecond), durable.Round(time.Millisecond))
	if least := files * latency / 64; durable < least {
		t.Errorf("durable after %v, which is less than the store takes (%v)", durable, least)
	}
	if durable > written+10*time.Second {
		t.Errorf("durable %v after the last close", durable-written)
	}
	w.store.SetDelay(0)
	w.wantObjects(want)
	w.unmount()
}
