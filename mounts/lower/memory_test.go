package lower

import (
	"context"
	"io"
	"sync/atomic"
	"testing"
	"time"

	"github.com/artifacts-tui/artifacts-tui/mounts/upper"
)

type zeros struct{ sent atomic.Int64 }

func (*zeros) ListDir(context.Context, string) ([]upper.Object, error) { return nil, nil }

func (z *zeros) ReadRange(_ context.Context, _, _ string, _, n int64) (io.ReadCloser, error) {
	z.sent.Add(n)
	return io.NopCloser(io.LimitReader(zero{}, n)), nil
}

type zero struct{}

func (zero) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// Many files that are read through share the mount's memory, each goes on, and what they
// held is given back.
func TestStreamsShareMemory(t *testing.T) {
	const files, size = 6, 256 << 20
	l, err := New(Options{Source: &zeros{}, CacheDir: t.TempDir(), ID: "0123456789abcdef", BootID: "boot"})
	if err != nil {
		t.Fatal(err)
	}
	var all []*streams
	for range files {
		all = append(all, newStreams(t.Context(), newObject(l, upper.Object{Key: "k", Size: size, ETag: "e"}), 0, size))
	}
	var most int64
	for range 4 { // in turns, so that all are as wide as they get
		for i, s := range all {
			if n, err := io.CopyN(io.Discard, s, 32<<20); err != nil {
				t.Fatalf("file %d: %d bytes, %v", i, n, err)
			}
			most = max(most, l.budget.Load())
		}
	}
	if most > memory+files*chunk || most < memory/2 {
		t.Errorf("%d MiB held at once, want up to %d and a part for each file", most>>20, memory>>20)
	}
	for _, s := range all {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for deadline := time.Now().Add(10 * time.Second); l.budget.Load() != 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d bytes were not given back", l.budget.Load())
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}
