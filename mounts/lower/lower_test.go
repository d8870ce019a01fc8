package lower_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/mounts/lower"
	"github.com/artifacts-tui/artifacts-tui/mounts/upper"
)

// source is a store of one object in memory, with a log of what was asked.
type source struct {
	mu     sync.Mutex
	data   []byte
	etag   string
	down   error
	broken int   // this many bodies end early
	hold   int64 // requests from this offset on wait for let; 0: none
	let    chan struct{}

	requests, bytes, inFlight, most atomic.Int64
}

func (s *source) ListDir(context.Context, string) ([]upper.Object, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return []upper.Object{s.object()}, nil
}

func (s *source) object() upper.Object {
	return upper.Object{Key: "dir/file", Size: int64(len(s.data)), ETag: s.etag, ModTime: time.Unix(1700000000, 0)}
}

func (s *source) ReadRange(ctx context.Context, key, etag string, off, n int64) (io.ReadCloser, error) {
	s.requests.Add(1)
	s.most.Store(max(s.most.Load(), s.inFlight.Add(1)))
	defer s.inFlight.Add(-1)
	select {
	case <-time.After(2 * time.Millisecond): // a network, so that streams overlap
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if s.hold > 0 && off >= s.hold {
		select {
		case <-s.let:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.down != nil:
		return nil, s.down
	case etag != s.etag:
		return nil, fmt.Errorf("read %s: %w", key, upper.ErrChanged)
	}
	s.bytes.Add(n)
	body := s.data[off : off+n]
	if s.broken > 0 {
		s.broken--
		return io.NopCloser(io.MultiReader(bytes.NewReader(body[:n/2]), failing{io.ErrUnexpectedEOF})), nil
	}
	return io.NopCloser(bytes.NewReader(body)), nil
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func (s *source) set(data []byte, etag string) upper.Object {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.data, s.etag = data, etag
	return s.object()
}

func (s *source) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = err
}

func noise(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return b
}

func open(t *testing.T, s *source, dir, boot string) *lower.Lower {
	t.Helper()
	l, err := lower.New(lower.Options{Source: s, CacheDir: dir, ID: "0123456789abcdef", BootID: boot})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func readAll(t *testing.T, l *lower.Lower, o upper.Object) ([]byte, error) {
	t.Helper()
	r, err := l.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	return io.ReadAll(io.NewSectionReader(r, 0, o.Size))
}

// A file that is read through comes in parallel streams, once, and is whole.
func TestSequentialReadIsParallelAndCached(t *testing.T) {
	s, dir := &source{}, t.TempDir()
	data := noise(64<<20 + 12345)
	o := s.set(data, "v1")
	l := open(t, s, dir, "boot")
	for round := range 2 {
		got, err := readAll(t, l, o)
		if err != nil || !bytes.Equal(got, data) {
			t.Fatalf("round %d: %d bytes, %v", round, len(got), err)
		}
	}
	if fetched := s.bytes.Load(); fetched != int64(len(data)) {
		t.Errorf("fetched %d bytes of a file of %d", fetched, len(data))
	}
	if s.most.Load() < 4 {
		t.Errorf("at most %d requests at once", s.most.Load())
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	// The cache outlives the process.
	before := s.requests.Load()
	l = open(t, s, dir, "boot")
	defer l.Close()
	if got, err := readAll(t, l, o); err != nil || !bytes.Equal(got, data) {
		t.Fatalf("after a restart: %d bytes, %v", len(got), err)
	}
	if n := s.requests.Load() - before; n != 0 {
		t.Errorf("%d requests for a file in the cache", n)
	}
}

// A cache that was in use when the power went is not believed.
func TestCacheOfAnotherBootIsDropped(t *testing.T) {
	s, dir := &source{}, t.TempDir()
	data := noise(1 << 20)
	o := s.set(data, "v1")
	l := open(t, s, dir, "boot-1")
	if _, err := readAll(t, l, o); err != nil {
		t.Fatal(err)
	}
	// No Close: the machine lost power, and the disk kept the notes but not the bytes.
	err := filepath.WalkDir(filepath.Join(dir, "vfs"), func(path string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			return os.WriteFile(path, make([]byte, len(data)), 0o600)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	l2 := open(t, s, dir, "boot-2")
	defer l2.Close()
	if got, err := readAll(t, l2, o); err != nil || !bytes.Equal(got, data) {
		t.Fatalf("read zeros from a cache in doubt (%v)", err)
	}
}

// Scattered reads fetch about what they ask for.
func TestScatteredReadsFetchLittle(t *testing.T) {
	s := &source{}
	data := noise(64 << 20)
	o := s.set(data, "v1")
	l := open(t, s, t.TempDir(), "boot")
	defer l.Close()
	r, err := l.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	buf := make([]byte, 4096)
	const reads = 60
	for i := range reads {
		off := int64(5+i*7919%53)<<20 + int64(i)*997
		if _, err := r.ReadAt(buf, off); err != nil || !bytes.Equal(buf, data[off:off+4096]) {
			t.Fatalf("read at %d: %v", off, err)
		}
	}
	if fetched := s.bytes.Load(); fetched > reads*32<<10 {
		t.Errorf("%d reads of 4 KiB fetched %d bytes", reads, fetched)
	}
}

// A program that looks at the head of a large file does not make us fetch much of it.
func TestHeadFetchesLittle(t *testing.T) {
	s := &source{}
	data := noise(256 << 20)
	o := s.set(data, "v1")
	l := open(t, s, t.TempDir(), "boot")
	r, err := l.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 128<<10)
	if _, err := r.ReadAt(buf, 0); err != nil || !bytes.Equal(buf, data[:len(buf)]) {
		t.Fatal(err)
	}
	// Until what was started has come to rest.
	for last, quiet := s.bytes.Load(), 0; quiet < 20; quiet++ {
		time.Sleep(5 * time.Millisecond)
		if now := s.bytes.Load(); now != last {
			last, quiet = now, 0
		}
	}
	if fetched := s.bytes.Load(); fetched > 24<<20 {
		t.Errorf("the first 128 KiB of 256 MiB fetched %d bytes", fetched)
	}
	if err := errors.Join(r.Close(), l.Close()); err != nil {
		t.Fatal(err)
	}
}

// Never a mix of two versions: a replaced object is ESTALE, to a new handle and to one
// that is open, and the new one reads whole.
func TestReplacedObjectIsStale(t *testing.T) {
	s := &source{hold: 16 << 20, let: make(chan struct{})}
	first := noise(32 << 20)
	o := s.set(first, "v1")
	l := open(t, s, t.TempDir(), "boot")
	defer l.Close()
	r, err := l.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	buf := make([]byte, 4096)
	if _, err := r.ReadAt(buf, 0); err != nil {
		t.Fatal(err)
	}
	second := noise(32 << 20)
	o2 := s.set(second, "v2")
	close(s.let) // what was asked for ahead comes only now
	for off := int64(0); off < o.Size; off += 1 << 20 {
		_, err := r.ReadAt(buf, off)
		switch {
		case err == nil && !bytes.Equal(buf, first[off:off+4096]):
			t.Fatalf("bytes of another version at %d", off)
		case err != nil && !errors.Is(err, syscall.ESTALE):
			t.Fatalf("read at %d: %v, want ESTALE", off, err)
		}
	}
	if _, err := r.ReadAt(buf, o.Size-4096); !errors.Is(err, syscall.ESTALE) {
		t.Errorf("the end of the old version: %v, want ESTALE", err)
	}
	if got, err := readAll(t, l, o2); err != nil || !bytes.Equal(got, second) {
		t.Errorf("the new version: %d bytes, %v", len(got), err)
	}
}

// A store that does not answer is an error soon, with its reason, and reads go on when it is back.
func TestStoreDown(t *testing.T) {
	s := &source{}
	data := noise(8 << 20)
	o := s.set(data, "v1")
	l := open(t, s, t.TempDir(), "boot")
	defer l.Close()
	s.fail(fault.New(fault.Unreachable, "", "no answer"))
	begin := time.Now()
	if _, err := readAll(t, l, o); !fault.Is(err, fault.Unreachable) {
		t.Fatalf("read: %v, want kind unreachable", err)
	}
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("it took %v to say so", took)
	}
	s.fail(nil)
	deadline := time.Now().Add(20 * time.Second)
	for {
		got, err := readAll(t, l, o)
		if err == nil && bytes.Equal(got, data) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the store is back, but: %v", err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// Transfers that break off go on where they stopped.
func TestBrokenTransfers(t *testing.T) {
	s := &source{broken: 3}
	data := noise(20 << 20)
	o := s.set(data, "v1")
	l := open(t, s, t.TempDir(), "boot")
	defer l.Close()
	if got, err := readAll(t, l, o); err != nil || !bytes.Equal(got, data) {
		t.Fatalf("%d bytes, %v", len(got), err)
	}
}

// Deleting the cache root is always safe.
func TestCacheDeletedUnderneath(t *testing.T) {
	s, dir := &source{}, t.TempDir()
	data := noise(6 << 20)
	o := s.set(data, "v1")
	l := open(t, s, dir, "boot")
	defer l.Close()
	for range 2 {
		if got, err := readAll(t, l, o); err != nil || !bytes.Equal(got, data) {
			t.Fatalf("%d bytes, %v", len(got), err)
		}
		if err := os.RemoveAll(filepath.Join(dir, "vfs")); err != nil {
			t.Fatal(err)
		}
	}
}

// Many readers of one file share its download.
func TestConcurrentReaders(t *testing.T) {
	s := &source{}
	data := noise(16 << 20)
	o := s.set(data, "v1")
	l := open(t, s, t.TempDir(), "boot")
	defer l.Close()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if got, err := readAll(t, l, o); err != nil || !bytes.Equal(got, data) {
				t.Errorf("%d bytes, %v", len(got), err)
			}
		})
	}
	wg.Wait()
	if fetched := s.bytes.Load(); fetched > 3*int64(len(data)) {
		t.Errorf("8 readers of %d bytes fetched %d", len(data), fetched)
	}
}

// SPEC C8: as many ranges are fetched at once as Options.Streams says, once a read has run
// for a while: here until the store holds all that is asked for.
func TestStreamsOption(t *testing.T) {
	for streams, hold := range map[int]int64{1: 4 << 20, 4: 16 << 20, 16: 64 << 20} {
		s := &source{hold: hold, let: make(chan struct{})}
		o := s.set(noise(int(hold)+(streams+1)*9<<20), "v1")
		l, err := lower.New(lower.Options{Source: s, CacheDir: t.TempDir(), ID: "0123456789abcdef", Streams: streams})
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		go func() {
			got, err := readAll(t, l, o)
			if err == nil && !bytes.Equal(got, s.data) {
				err = errors.New("other bytes")
			}
			done <- err
		}()
		for deadline := time.Now().Add(30 * time.Second); s.inFlight.Load() < int64(streams); time.Sleep(5 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Errorf("%d requests at once with %d streams", s.inFlight.Load(), streams)
				break
			}
		}
		if most := s.most.Load(); most > int64(streams) {
			t.Errorf("%d requests at once with %d streams", most, streams)
		}
		close(s.let)
		if err := <-done; err != nil {
			t.Errorf("%d streams: %v", streams, err)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}
}
