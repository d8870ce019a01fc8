package lower

import (
	"errors"
	"io"
	"testing"

	"github.com/artifacts-tui/artifacts-tui/mounts/upper"
)

// A large file read through once: what the mount itself costs, without network and FUSE.
func BenchmarkColdRead(b *testing.B) {
	const size = 256 << 20
	l, err := New(Options{Source: &zeros{}, CacheDir: b.TempDir(), ID: "0123456789abcdef", BootID: "boot"})
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	buf := make([]byte, 128<<10)
	b.SetBytes(size)
	for i := range b.N {
		r, err := l.Open(b.Context(), upper.Object{Key: "k", Size: size, ETag: string(rune('a' + i))})
		if err != nil {
			b.Fatal(err)
		}
		for off := int64(0); off < size; off += int64(len(buf)) {
			if _, err := r.ReadAt(buf, off); err != nil && !errors.Is(err, io.EOF) {
				b.Fatal(err)
			}
		}
		if err := r.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
