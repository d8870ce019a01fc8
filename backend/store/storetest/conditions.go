package storetest

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/artifacts-tui/artifacts-tui/backend/store"
)

// SPEC B12
func testConditions(t *testing.T, open Backend) {
	f := start(t, open, 0)
	try := func(o store.PutOptions) error {
		o.Size = 3
		_, err := f.Put(f.ctx, "bucket", "k", strings.NewReader("new"), o)
		return err
	}
	f.refused(try(store.PutOptions{IfMatch: "*"}), store.ErrNoSuchKey)
	f.must(try(store.PutOptions{IfNoneMatch: true}))
	f.refused(try(store.PutOptions{IfNoneMatch: true}), store.ErrPreconditionFailed)
	f.refused(try(store.PutOptions{IfMatch: "other"}), store.ErrPreconditionFailed)
	old := f.put("k", "old")
	f.must(try(store.PutOptions{IfMatch: old.ETag}))
	f.refused(f.DeleteIf(f.ctx, "bucket", "k", store.Condition{IfMatch: old.ETag}), store.ErrPreconditionFailed)
	f.must(f.DeleteIf(f.ctx, "bucket", "k", store.Condition{IfMatch: "*"}))
	f.refused(f.DeleteIf(f.ctx, "bucket", "k", store.Condition{IfMatch: "*"}), store.ErrNoSuchKey)
}

// Of writers that all saw the same state exactly one wins, however late the body ends. SPEC B12
func testConditionsRace(t *testing.T, open Backend) {
	f := start(t, open, 0)
	for round := range 5 {
		key := fmt.Sprint("k", round)
		base := f.put("m"+key, "base")
		const writers = 8
		var gate, done sync.WaitGroup
		gate.Add(2 * writers)
		var created, matched atomic.Int32
		for w := range writers {
			// Every body is read only when all have passed the check before it.
			body := func() io.Reader {
				return &gated{gate: &gate, Reader: strings.NewReader(fmt.Sprintf("writer%d", w))}
			}
			done.Go(func() {
				_, err := f.Put(f.ctx, "bucket", key, body(), store.PutOptions{Size: 7, IfNoneMatch: true})
				count(t, err, &created)
			})
			done.Go(func() {
				_, err := f.Put(f.ctx, "bucket", "m"+key, body(), store.PutOptions{Size: 7, IfMatch: base.ETag})
				count(t, err, &matched)
			})
		}
		done.Wait()
		if created.Load() != 1 || matched.Load() != 1 {
			t.Fatalf("%d writers created the key, %d replaced it; want 1 and 1", created.Load(), matched.Load())
		}
	}
	f.recount()
}

func count(t *testing.T, err error, wins *atomic.Int32) {
	if err == nil {
		wins.Add(1)
	} else if !errors.Is(err, store.ErrPreconditionFailed) {
		t.Error(err)
	}
}

// gated lets its first Read return when all readers of the gate have begun.
type gated struct {
	io.Reader
	gate *sync.WaitGroup
	once sync.Once
}

func (g *gated) Read(p []byte) (int, error) {
	g.once.Do(func() { g.gate.Done(); g.gate.Wait() })
	return g.Reader.Read(p)
}

func testReadersKeepBytes(t *testing.T, open Backend) {
	f := start(t, open, 0)
	first, second := blob("first", 5<<20), blob("second", 100)
	f.put("one", first)
	f.upload("parts", first, second)
	for key, want := range map[string]string{"one": first, "parts": first + second} {
		for _, change := range []string{"overwrite", "delete"} {
			r, err := f.Get(f.ctx, "bucket", key)
			f.must(err)
			head := make([]byte, 10)
			_, err = io.ReadFull(r, head)
			f.must(err)
			if change == "overwrite" {
				f.put(key, "new")
			} else {
				f.must(f.Delete(f.ctx, "bucket", key))
			}
			rest, err := io.ReadAll(r)
			f.must(err)
			if string(head)+string(rest) != want {
				t.Errorf("%s: a reader lost its bytes to an %s", key, change)
			}
			// And back again, from any place.
			_, err = r.Seek(int64(len(want)-5), io.SeekStart)
			f.must(err)
			var tail strings.Builder
			f.must(r.CopyTo(&tail, 5))
			if tail.String() != want[len(want)-5:] {
				t.Errorf("%s: wrong tail after %s", key, change)
			}
			f.must(r.Close())
			if change == "overwrite" {
				f.holds(key, "new")
				if key == "one" {
					f.put(key, first)
				} else {
					f.upload(key, first, second)
				}
			}
		}
	}
	// Readers and writers of one key at once: every read is one whole version.
	var done sync.WaitGroup
	f.put("hot", blob("v0", 100_000))
	for range 4 {
		done.Go(func() {
			for range 50 {
				r, err := f.Get(f.ctx, "bucket", "hot")
				if err != nil {
					t.Error(err)
					return
				}
				b, err := io.ReadAll(r)
				r.Close()
				seed, _, _ := strings.Cut(string(b), "|")
				if err != nil || string(b) != blob(seed, 100_000) {
					t.Errorf("a torn read: %v", err)
					return
				}
			}
		})
	}
	for i := range 30 {
		f.put("hot", blob(fmt.Sprint("v", i), 100_000))
	}
	done.Wait()
}
