package upper

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"
)

// BenchmarkSmallFiles creates, writes and closes files of 4 KiB, as cp -r does.
func BenchmarkSmallFiles(b *testing.B) {
	w := newWorld(b, func(o *Options) { o.WriteBack = time.Hour })
	data := make([]byte, 4096)
	ctx := context.Background()
	for i := range maxSpares { // as after some use
		w.write(fmt.Sprint("s", i), "x")
		w.unlink(fmt.Sprint("s", i))
	}
	w.must(w.Sync(ctx))
	b.ResetTimer()
	for i := range b.N {
		_, h, err := w.Create(ctx, w.Root(), fmt.Sprint("f", i), 0o644, os.O_WRONLY|os.O_EXCL)
		w.must(err)
		_, err = h.WriteAt(ctx, data, 0)
		w.must(err)
		w.must(h.Flush(ctx))
		h.Release()
	}
	b.StopTimer()
	w.client.kill()
}

// BenchmarkDrain uploads small files to a store that answers at once.
func BenchmarkDrain(b *testing.B) {
	w := newWorld(b, func(o *Options) { o.WriteBack = time.Hour })
	for i := range b.N {
		w.write(fmt.Sprint("f", i), "data")
	}
	b.ResetTimer()
	w.must(w.Drain(context.Background()))
}

// BenchmarkList merges a listing of 20,000 files.
func BenchmarkList(b *testing.B) {
	w := newWorld(b)
	for i := range 20000 {
		w.store.set(fmt.Sprint("f", i), "x")
	}
	for b.Loop() {
		w.refresh()
		if _, err := w.ReadDir(context.Background(), w.Root()); err != nil {
			b.Fatal(err)
		}
	}
}
