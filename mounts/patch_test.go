//go:build linux

package mounts_test

import (
	"net/http"
	"os"
	"strconv"
	"testing"
	"time"
)

// sent is how many bytes of bodies the store was sent since its log was emptied.
func (w *world) sent() (n int) {
	for _, r := range w.store.Requests() {
		if r.Method == http.MethodPut {
			length, _ := strconv.Atoi(r.Header.Get("Content-Length"))
			n += length
		}
	}
	return n
}

// A small change of a large object sends no more than a part, and the bucket has the whole
// of it.
func TestSmallChangeOfALargeObject(t *testing.T) {
	const size, part = 96 << 20, 5 << 20
	w := newWorld(t)
	data := pattern(1, size)
	w.putObject("large", data)
	w.mount()
	for i, change := range []struct {
		off   int64
		bytes []byte
	}{{50 << 20, pattern(2, 4096)}, {0, pattern(3, 4096)}, {size - 1, pattern(4, 4096)}} {
		w.store.Forget()
		f, err := os.OpenFile(w.path("large"), os.O_WRONLY, 0)
		must(t, err)
		_, err = f.WriteAt(change.bytes, change.off)
		must(t, err)
		must(t, f.Close())
		begin := time.Now()
		w.drained()
		t.Logf("change %d: %d bytes sent, %v after the close", i, w.sent(), time.Since(begin).Round(time.Millisecond))
		if got := w.sent(); got < len(change.bytes) || got > part+1<<20 {
			t.Errorf("%d bytes were sent for a change of %d", got, len(change.bytes))
		}
		data = append(data[:change.off], append(change.bytes, data[min(change.off+int64(len(change.bytes)), int64(len(data))):]...)...)
		w.wantObjects(map[string][]byte{"large": data})
	}
	w.wantFile("large", data)
	w.unmount()
	w.mount()
	w.wantFile("large", data)
	w.unmount()
}
