//go:build linux

package mounts_test

import (
	"fmt"
	"os"
	"testing"
)

// SPEC C6: what the kernel has forgotten, the mount forgets: files that were looked at more than once
// and then removed, renamed over or listed leave nothing in memory.
func TestRemovedFilesLeaveNothing(t *testing.T) {
	w := newWorld(t)
	w.mount()
	const files = 600
	for i := range files {
		name := fmt.Sprintf("f%d", i)
		w.write(name, []byte("x"))
		for range 3 { // each look after the first finds it known
			f, err := os.Open(w.path(name))
			must(t, err)
			must(t, f.Close())
		}
		if i%50 == 0 {
			w.known("")
		}
		switch i % 3 {
		case 0:
			must(t, os.Remove(w.path(name)))
		case 1:
			must(t, os.Rename(w.path(name), w.path("last")))
		default:
			must(t, os.Rename(w.path(name), w.path(name+".moved")))
			must(t, os.Remove(w.path(name+".moved")))
		}
	}
	w.drained()
	w.until("the nodes are gone", func() bool { return w.status().Process.Nodes < 20 })
	w.unmount()
}
