package local_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/artifacts-tui/artifacts-tui/backend/store"
	"github.com/artifacts-tui/artifacts-tui/backend/store/bolt"
	"github.com/artifacts-tui/artifacts-tui/backend/store/dir"
)

// packed is the size of all packs in bytes.
func packed(t *testing.T, root string) (total int64) {
	t.Helper()
	list, err := os.ReadDir(filepath.Join(root, "packs"))
	must(t, err)
	for _, e := range list {
		info, err := e.Info()
		must(t, err)
		total += info.Size()
	}
	return total
}

func parallel(n int, fn func(i int)) {
	var wg sync.WaitGroup
	limit := make(chan struct{}, 32)
	for i := range n {
		limit <- struct{}{}
		wg.Go(func() {
			defer func() { <-limit }()
			fn(i)
		})
	}
	wg.Wait()
}

// The space of small objects that were overwritten or deleted comes back.
func TestPacksShrink(t *testing.T) {
	root := filepath.Join(t.TempDir(), "store")
	s, err := open(root, 0)
	must(t, err)
	defer s.Close()
	must(t, s.CreateBucket(ctx, "bucket", store.CreateBucketOptions{}))
	body := func(i, version int) string { return strings.Repeat(fmt.Sprintf("%d/%d ", i, version), 200) }
	const n = 1000
	for version := range 3 {
		parallel(n, func(i int) { put(t, s, fmt.Sprint(i), body(i, version)) })
		if version == 0 {
			parallel(n/10, func(i int) {
				_, err := s.Copy(ctx, "bucket", fmt.Sprint(i), "bucket", fmt.Sprint("copy of ", i), store.CopyOptions{})
				must(t, err)
			})
		}
	}
	for i := range n {
		if i%2 == 1 {
			must(t, s.Delete(ctx, "bucket", fmt.Sprint(i)))
		}
	}
	before := packed(t, root)
	_, err = s.Sweep(ctx)
	must(t, err)
	after := packed(t, root)
	u, err := s.Usage(ctx)
	must(t, err)
	if after > 2*u.Bytes || before < 2*after {
		t.Errorf("%d bytes of objects lie in %d bytes of packs, %d before the sweep", u.Bytes, after, before)
	}
	for i := range n {
		if i%2 == 0 && read(t, s, fmt.Sprint(i)) != body(i, 2) {
			t.Fatalf("object %d has changed", i)
		}
		if i < n/10 && read(t, s, fmt.Sprint("copy of ", i)) != body(i, 0) {
			t.Fatalf("the copy of object %d has changed", i)
		}
	}
}

// Sweeps that move bytes disturb neither readers, writers, copies nor uploads.
func TestSweepBesideWork(t *testing.T) {
	root := filepath.Join(t.TempDir(), "store")
	s, err := open(root, 0)
	must(t, err)
	defer s.Close()
	must(t, s.CreateBucket(ctx, "bucket", store.CreateBucketOptions{}))
	body := func(w, i int) string { return strings.Repeat(fmt.Sprintf("%d/%d ", w, i), 100) }
	var wg sync.WaitGroup
	var done atomic.Bool
	sweeps := 0
	wg.Go(func() {
		for ; !done.Load(); sweeps++ {
			if _, err := s.Sweep(ctx); err != nil {
				t.Error(err)
			}
		}
	})
	parallel(8, func(w int) {
		for i := range 150 {
			key, other := fmt.Sprint(w, "/", i%5), fmt.Sprint(w, "/copy")
			put(t, s, key, body(w, i))
			_, err := s.Copy(ctx, "bucket", key, "bucket", other, store.CopyOptions{})
			must(t, err)
			if got := read(t, s, other); got != body(w, i) {
				t.Errorf("a copy holds %.20q, want %.20q", got, body(w, i))
			}
			id, err := s.CreateUpload(ctx, store.UploadInfo{Bucket: "bucket", Key: other})
			must(t, err)
			p, err := s.CopyPart(ctx, "bucket", key, "bucket", other, id, 1, store.CopyPartOptions{Length: -1})
			must(t, err)
			_, err = s.CompleteUpload(ctx, "bucket", other, id, []store.CompletedPart{{Number: 1, ETag: p.ETag}}, store.CompleteOptions{})
			must(t, err)
			if got := read(t, s, other); got != body(w, i) {
				t.Errorf("an upload holds %.20q, want %.20q", got, body(w, i))
			}
		}
	})
	done.Store(true)
	wg.Wait()
	if sweeps < 3 {
		t.Errorf("only %d sweeps ran", sweeps)
	}
	report, err := s.Check(ctx, store.CheckOptions{Deep: true})
	must(t, err)
	if len(report.Damaged) > 0 || report.Objects != 8*6 {
		t.Errorf("%+v", report)
	}
}

// pausing stops a writer between its blob and its entry in the index.
type pausing struct {
	store.Index
	reached, goOn chan struct{}
}

func (p *pausing) Put(ctx context.Context, e store.PutEntry) (store.Freed, error) {
	close(p.reached)
	<-p.goOn
	return p.Index.Put(ctx, e)
}

// A blob whose index entry is on its way is no orphan: the sweep waits for it.
func TestSweepWaitsForWriters(t *testing.T) {
	for name, content := range map[string]string{"piece": "x", "file": large("x")} {
		t.Run(name, func(t *testing.T) {
			root := filepath.Join(t.TempDir(), "store")
			must(t, os.MkdirAll(root, 0o700))
			index, err := bolt.Open(filepath.Join(root, "index.db"), 0)
			must(t, err)
			blobs, err := dir.Open(root)
			must(t, err)
			p := &pausing{Index: index, reached: make(chan struct{}), goOn: make(chan struct{})}
			s := store.New(p, blobs, store.Options{})
			defer s.Close()
			must(t, s.CreateBucket(ctx, "bucket", store.CreateBucketOptions{}))
			var wg sync.WaitGroup
			wg.Go(func() { put(t, s, "underway", content) })
			<-p.reached
			var swept atomic.Bool
			wg.Go(func() {
				n, err := s.Sweep(ctx)
				if n > 0 || err != nil {
					t.Errorf("%d blobs were swept, %v", n, err)
				}
				swept.Store(true)
			})
			if swept.Load() {
				t.Error("the sweep did not wait")
			}
			close(p.goOn)
			wg.Wait()
			if read(t, s, "underway") != content {
				t.Error("a sweep took a blob that was being written")
			}
		})
	}
}

// A clean stop and a start later the same pack is written to, and nothing is swept.
func TestRestartsKeepThePack(t *testing.T) {
	root := filepath.Join(t.TempDir(), "store")
	for i := range 5 {
		s, err := open(root, 0)
		must(t, err)
		if i == 0 {
			must(t, s.CreateBucket(ctx, "bucket", store.CreateBucketOptions{}))
		}
		put(t, s, fmt.Sprint(i), fmt.Sprint("content ", i))
		must(t, s.Close())
	}
	if n := files(t, root, "packs"); n != 1 {
		t.Errorf("%d packs", n)
	}
	s, err := open(root, 0)
	must(t, err)
	defer s.Close()
	for i := range 5 {
		if got := read(t, s, fmt.Sprint(i)); got != fmt.Sprint("content ", i) {
			t.Errorf("%d holds %q", i, got)
		}
	}
}

// Bytes that the disk has changed are an error, never an answer.
func TestDamageShows(t *testing.T) {
	root := filepath.Join(t.TempDir(), "store")
	s, err := open(root, 0)
	must(t, err)
	defer func() { must(t, s.Close()) }()
	must(t, s.CreateBucket(ctx, "bucket", store.CreateBucketOptions{}))
	put(t, s, "first", "first")
	put(t, s, "second", "second")
	packs, err := filepath.Glob(filepath.Join(root, "packs", "*"))
	must(t, err)
	f, err := os.OpenFile(packs[0], os.O_WRONLY, 0)
	must(t, err)
	_, err = f.WriteAt([]byte("?"), 1)
	must(t, err)
	must(t, f.Close())
	if _, err := s.Get(ctx, "bucket", "first"); err == nil {
		t.Error("damaged bytes were read")
	}
	if read(t, s, "second") != "second" {
		t.Error("its neighbour is damaged too")
	}
	must(t, s.Close()) // which had the pack open
	must(t, os.Remove(packs[0]))
	s, err = open(root, 0)
	must(t, err)
	if _, err := s.Get(ctx, "bucket", "second"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing pack: %v", err)
	}
}
