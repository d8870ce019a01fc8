package documents_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/artifacts-tui/artifacts-tui/backend/coordinator/documents"
	"github.com/artifacts-tui/artifacts-tui/backend/store"
	"github.com/artifacts-tui/artifacts-tui/backend/store/bolt"
	"github.com/artifacts-tui/artifacts-tui/backend/store/dir"
	"github.com/artifacts-tui/artifacts-tui/backend/store/local"
)

type record struct {
	Name string `json:"name"`
}

func open(t *testing.T, log *bytes.Buffer) (*documents.Bucket, *store.Store, string) {
	t.Helper()
	dir := t.TempDir()
	s, err := local.Open(local.Options{Dir: dir, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	b, err := documents.Open(t.Context(), s, slog.New(slog.NewTextHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	return b, s, dir
}

// overwrite puts other bytes at a key of the system bucket, as damage would.
func overwrite(t *testing.T, s *store.Store, key string, change func([]byte) []byte) {
	t.Helper()
	r, err := s.Get(t.Context(), store.SystemBucket, key)
	if err != nil {
		t.Fatal(err)
	}
	var old bytes.Buffer
	if _, err := old.ReadFrom(r); err != nil {
		t.Fatal(err)
	}
	_ = r.Close()
	now := change(old.Bytes())
	if _, err := s.Put(t.Context(), store.SystemBucket, key, bytes.NewReader(now), store.PutOptions{Size: int64(len(now))}); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, b *documents.Bucket, key string) string {
	t.Helper()
	var r record
	if err := b.Read(t.Context(), key, &r); err != nil {
		t.Fatal(err)
	}
	return r.Name
}

// SPEC B15: whatever byte of a document is another one, its former version is read, and
// the log and Damage say so. A write mends it.
func TestEveryByteIsProtected(t *testing.T) {
	var log bytes.Buffer
	b, s, _ := open(t, &log)
	for _, name := range []string{"first", "second"} {
		if err := b.Write(t.Context(), "peers/a.json", record{name}); err != nil {
			t.Fatal(err)
		}
	}
	var whole []byte
	overwrite(t, s, "peers/a.json", func(p []byte) []byte { whole = bytes.Clone(p); return p })
	for i := range whole {
		overwrite(t, s, "peers/a.json", func([]byte) []byte {
			p := bytes.Clone(whole)
			p[i] ^= 0x04
			return p
		})
		switch got := read(t, b, "peers/a.json"); {
		case got == "first" && len(b.Damage()) == 1:
		case got == "second" && harmless(whole, i): // the time and the version are for people
		default:
			t.Fatalf("with byte %d (%q) changed the document reads %q, damage %v", i, whole[i], got, b.Damage())
		}
	}
	if !strings.Contains(log.String(), "its former version is used") {
		t.Errorf("the log says nothing: %s", log.String())
	}
	overwrite(t, s, "peers/a.json", func([]byte) []byte { return nil })
	if got := read(t, b, "peers/a.json"); got != "first" {
		t.Errorf("an empty document reads %q", got)
	}
	if err := b.Write(t.Context(), "peers/a.json", record{"third"}); err != nil {
		t.Fatal(err)
	}
	if got := read(t, b, "peers/a.json"); got != "third" || len(b.Damage()) != 0 {
		t.Errorf("after a write it reads %q, damage %v", got, b.Damage())
	}
}

// harmless are the digits of version and time, which no record depends on.
func harmless(whole []byte, i int) bool {
	return i > bytes.Index(whole, []byte(`"version"`)) && i < bytes.Index(whole, []byte(`"sha256"`))
}

// SPEC B15: where nothing whole is left it is an error, never an empty record; the bytes
// of the damage are not repeated, as they may be a secret.
func TestNothingWhole(t *testing.T) {
	var log bytes.Buffer
	b, s, _ := open(t, &log)
	if err := b.Write(t.Context(), "peers/a.json", record{"token-of-somebody"}); err != nil {
		t.Fatal(err)
	}
	overwrite(t, s, "peers/a.json", func(p []byte) []byte { return p[:len(p)-8] })
	var r record
	err := b.Read(t.Context(), "peers/a.json", &r)
	if !errors.Is(err, documents.ErrDamaged) || r.Name != "" {
		t.Errorf("%v, %q", err, r.Name)
	}
	if text := err.Error() + log.String(); strings.Contains(text, "token-of") {
		t.Errorf("damage is repeated: %s", text)
	}
	if err := b.Read(t.Context(), "peers/b.json", &r); !errors.Is(err, store.ErrNoSuchKey) {
		t.Errorf("a document that never was: %v", err)
	}
}

// A document that was removed does not come back by its former version.
func TestRemove(t *testing.T) {
	b, _, _ := open(t, &bytes.Buffer{})
	for _, name := range []string{"first", "second"} {
		if err := b.Write(t.Context(), "a.json", record{name}); err != nil {
			t.Fatal(err)
		}
	}
	if keys, err := b.Keys(t.Context(), ""); err != nil || len(keys) != 1 || keys[0] != "a.json" {
		t.Fatalf("keys %v, %v", keys, err)
	}
	if err := b.Remove(t.Context(), "a.json"); err != nil {
		t.Fatal(err)
	}
	if err := b.Read(t.Context(), "a.json", &record{}); !errors.Is(err, store.ErrNoSuchKey) {
		t.Errorf("after its removal: %v", err)
	}
	if keys, _ := b.Keys(t.Context(), ""); len(keys) != 0 {
		t.Errorf("keys %v", keys)
	}
}

// SPEC B15: bytes that rot on the disk are found by the store's own checksum, and the
// former version stands in.
func TestRotOnDisk(t *testing.T) {
	b, _, dir := open(t, &bytes.Buffer{})
	if err := b.Write(t.Context(), "a.json", record{"first"}); err != nil {
		t.Fatal(err)
	}
	if err := b.Write(t.Context(), "a.json", record{"the-second-one"}); err != nil {
		t.Fatal(err)
	}
	rotted := 0
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(path, ".db") {
			return err
		}
		text, err := os.ReadFile(path)
		if at := bytes.Index(text, []byte("the-second-one")); err == nil && at >= 0 {
			text[at] ^= 1
			rotted++
			return os.WriteFile(path, text, 0o600)
		}
		return err
	})
	if err != nil || rotted == 0 {
		t.Fatalf("%d places found, %v", rotted, err)
	}
	if got := read(t, b, "a.json"); got != "first" {
		t.Errorf("reads %q", got)
	}
}

// SPEC B31: of two coordinators that go by the same version of a document one writes it. The
// other is told, and changes nothing, until it has read what is there.
func TestWriteComparesFirst(t *testing.T) {
	a, s, _ := open(t, &bytes.Buffer{})
	b, err := documents.Open(t.Context(), s, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	if err := a.Read(ctx, "a.json", &record{}); !errors.Is(err, store.ErrNoSuchKey) {
		t.Fatal(err)
	}
	if err := b.Write(ctx, "a.json", record{"first"}); err != nil {
		t.Fatal(err)
	}
	if err := a.Write(ctx, "a.json", record{"lost"}); !errors.Is(err, documents.ErrChanged) {
		t.Errorf("a write of one that knows of none: %v", err)
	}
	if got := read(t, a, "a.json"); got != "first" {
		t.Fatalf("reads %q", got)
	}
	if err := a.Write(ctx, "a.json", record{"second"}); err != nil {
		t.Fatal(err)
	}
	if err := b.Write(ctx, "a.json", record{"lost"}); !errors.Is(err, documents.ErrChanged) {
		t.Errorf("a write of one that knows the first version: %v", err)
	}
	if err := b.Remove(ctx, "a.json"); !errors.Is(err, documents.ErrChanged) {
		t.Errorf("a removal: %v", err)
	}
	if got := read(t, b, "a.json"); got != "second" {
		t.Errorf("reads %q", got)
	}
	if err := b.Remove(ctx, "a.json"); err != nil {
		t.Fatal(err)
	}
	if err := a.Write(ctx, "a.json", record{"lost"}); !errors.Is(err, documents.ErrChanged) {
		t.Errorf("a write of what was removed: %v", err)
	}
	if _, err := s.PutState(ctx, documents.State("control"), nil, store.Condition{}); err != nil {
		t.Fatal(err)
	}
	if keys, err := a.Keys(ctx, ""); err != nil || len(keys) != 0 {
		t.Errorf("documents %v, %v", keys, err)
	}
}

// SPEC B31: two coordinators that write the same document at the same moment: each write that
// succeeds is of the version that its writer has read, so that none is lost.
func TestWritesSideBySide(t *testing.T) {
	a, s, _ := open(t, &bytes.Buffer{})
	b, err := documents.Open(t.Context(), s, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	type counter struct {
		N int `json:"n"`
	}
	ctx := t.Context()
	if err := a.Write(ctx, "n.json", counter{}); err != nil {
		t.Fatal(err)
	}
	const each = 40
	var writers sync.WaitGroup
	for _, by := range []*documents.Bucket{a, b} {
		writers.Go(func() {
			for done := 0; done < each; {
				var c counter
				if err := by.Read(ctx, "n.json", &c); err != nil {
					t.Error(err)
					return
				}
				switch err := by.Write(ctx, "n.json", counter{c.N + 1}); {
				case err == nil:
					done++
				case !errors.Is(err, documents.ErrChanged):
					t.Error(err)
					return
				}
			}
		})
	}
	writers.Wait()
	var c counter
	if err := a.Read(ctx, "n.json", &c); err != nil || c.N != 2*each {
		t.Errorf("%d of %d writes are there, %v", c.N, 2*each, err)
	}
}

// SPEC B15: a document of which only the former version is left is one, and is used; the version
// after a damaged one has a higher number than any before; one that is too large is refused.
func TestVersions(t *testing.T) {
	ctx := t.Context()
	b, s, _ := open(t, &bytes.Buffer{})
	for _, name := range []string{"first", "second", "third"} {
		if err := b.Write(ctx, "a.json", record{name}); err != nil {
			t.Fatal(err)
		}
	}
	overwrite(t, s, "a.json", func([]byte) []byte { return []byte("rotten") })
	if got := read(t, b, "a.json"); got != "second" {
		t.Fatalf("reads %q", got)
	}
	if err := b.Write(ctx, "a.json", record{"fourth"}); err != nil {
		t.Fatal(err)
	}
	raw, older, err := b.Raw(ctx, "a.json")
	if err != nil || older || documents.Version(raw) != 4 {
		t.Errorf("version %d, older %v, %v", documents.Version(raw), older, err)
	}
	if err := s.Delete(ctx, store.SystemBucket, "a.json"); err != nil {
		t.Fatal(err)
	}
	if keys, err := b.Keys(ctx, ""); err != nil || !slices.Equal(keys, []string{"a.json"}) || read(t, b, "a.json") != "second" {
		t.Errorf("keys %v, %v", keys, err)
	}
	if err := b.Write(ctx, "large.json", record{strings.Repeat("x", 9<<20)}); err == nil {
		t.Error("a document that could not be read again was written")
	}
}

// flaky are blobs of which, once it is said so, none but the first few can be opened.
type flaky struct {
	store.Blobs
	fails atomic.Bool
	left  atomic.Int64
}

func (f *flaky) Open(ctx context.Context, id string) (io.ReadSeekCloser, error) {
	if f.fails.Load() && f.left.Add(-1) < 0 {
		return nil, syscall.EMFILE
	}
	return f.Blobs.Open(ctx, id)
}

// SPEC B15: what cannot be read for a moment, the present version or the former, is an error
// that says so. It is no damage: nothing older is believed for it, and nothing given up.
func TestAnErrorIsNoDamage(t *testing.T) {
	ctx, folder := t.Context(), t.TempDir()
	index, err := bolt.Open(filepath.Join(folder, "index.db"), 0)
	if err != nil {
		t.Fatal(err)
	}
	f := &flaky{}
	if f.Blobs, err = dir.Open(folder); err != nil {
		t.Fatal(err)
	}
	s := store.New(index, f, store.Options{Idle: true})
	defer s.Close()
	b, err := documents.Open(ctx, s, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"first", "second"} {
		if err := b.Write(ctx, "a.json", record{name}); err != nil {
			t.Fatal(err)
		}
	}
	for opened, damage := range []func([]byte) []byte{bytes.Clone, func([]byte) []byte { return []byte("rotten") }} {
		overwrite(t, s, "a.json", damage)
		f.fails.Store(true)
		f.left.Store(int64(opened))
		var r record
		if err := b.Read(ctx, "a.json", &r); !errors.Is(err, syscall.EMFILE) || r.Name != "" || len(b.Damage()) != 0 {
			t.Errorf("with %d that can be opened: %q, %v, damage %v", opened, r.Name, err, b.Damage())
		}
		f.fails.Store(false)
	}
	if got := read(t, b, "a.json"); got != "first" {
		t.Errorf("reads %q", got)
	}
}
