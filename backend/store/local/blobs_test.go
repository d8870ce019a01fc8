package local_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/artifacts-tui/artifacts-tui/backend/store"
	"github.com/artifacts-tui/artifacts-tui/backend/store/bolt"
	"github.com/artifacts-tui/artifacts-tui/backend/store/dir"
)

var ctx = context.Background()

// files counts those below root/name.
func files(t *testing.T, root, name string) (n int) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join(root, name), func(_ string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			n++
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func put(t *testing.T, s *store.Store, key, content string) {
	t.Helper()
	if _, err := s.Put(ctx, "bucket", key, strings.NewReader(content), store.PutOptions{Size: int64(len(content))}); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, s *store.Store, key string) string {
	t.Helper()
	r, err := s.Get(ctx, "bucket", key)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// large is a body that has a file of its own.
func large(content string) string { return content + strings.Repeat("-", 64<<10) }

// Every blob on disk is one that an object or part needs.
func TestDiskHoldsWhatIsReferenced(t *testing.T) {
	root := filepath.Join(t.TempDir(), "store")
	s, err := open(root, 0)
	must(t, err)
	defer s.Close()
	must(t, s.CreateBucket(ctx, "bucket", store.CreateBucketOptions{}))
	expect := func(n int, when string) {
		t.Helper()
		if got := files(t, root, "blobs"); got != n {
			t.Errorf("%s: %d blobs on disk, want %d", when, got, n)
		}
		if got := files(t, root, "tmp"); got != 0 {
			t.Errorf("%s: %d temporary files", when, got)
		}
	}
	put(t, s, "a", large("1"))
	put(t, s, "a", large("2"))
	put(t, s, "empty", "")
	expect(1, "after an overwrite")
	_, err = s.Copy(ctx, "bucket", "a", "bucket", "b", store.CopyOptions{})
	must(t, err)
	expect(1, "after a copy")
	must(t, s.Delete(ctx, "bucket", "a"))
	expect(1, "with one copy left")
	must(t, s.Delete(ctx, "bucket", "b"))
	expect(0, "after the last")
	_, err = s.Put(ctx, "bucket", "a", strings.NewReader(large("short")), store.PutOptions{Size: 1 << 20})
	if !errors.Is(err, store.ErrIncompleteBody) {
		t.Error(err)
	}
	_, err = s.Put(ctx, "bucket", "a", strings.NewReader(large("x")), store.PutOptions{Size: -1, Finish: func(string) (store.Checksum, error) {
		return store.Checksum{}, errors.New("bad digest")
	}})
	if err == nil {
		t.Error("a refused digest was stored")
	}
	expect(0, "after refusals")

	// A reader of several blobs keeps those that it has not opened yet.
	id, err := s.CreateUpload(ctx, store.UploadInfo{Bucket: "bucket", Key: "m"})
	must(t, err)
	var parts []store.CompletedPart
	for n := 1; n <= 2; n++ {
		p, err := s.PutPart(ctx, "bucket", "m", id, n, strings.NewReader(strings.Repeat("x", store.MinPart)), store.PartOptions{Size: store.MinPart})
		must(t, err)
		parts = append(parts, store.CompletedPart{Number: n, ETag: p.ETag})
	}
	_, err = s.CompleteUpload(ctx, "bucket", "m", id, parts, store.CompleteOptions{})
	must(t, err)
	r, err := s.Get(ctx, "bucket", "m")
	must(t, err)
	must(t, s.Delete(ctx, "bucket", "m"))
	expect(2, "while a reader has them")
	must(t, r.Close())
	expect(0, "once it let go")
}

func await(t *testing.T, complaint string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal(complaint)
		}
	}
}

func TestSweep(t *testing.T) {
	root := filepath.Join(t.TempDir(), "store")
	s, err := open(root, 0)
	must(t, err)
	must(t, s.CreateBucket(ctx, "bucket", store.CreateBucketOptions{}))
	put(t, s, "kept", "kept")
	must(t, s.Close())
	// What a process that was killed leaves: half a blob, a blob and a pack that never got into the index.
	must(t, os.Remove(filepath.Join(root, "closed")))
	orphans := []string{
		filepath.Join(root, "blobs", "0a", "0a"+strings.Repeat("1", 30)),
		filepath.Join(root, "packs", strings.Repeat("2", 32)),
		filepath.Join(root, "tmp", "half"),
	}
	stranger := filepath.Join(root, "blobs", "0a", "README")
	for _, name := range append(orphans, stranger) {
		must(t, os.WriteFile(name, []byte("x"), 0o600))
	}
	s, err = open(root, 0)
	must(t, err)
	defer s.Close()
	put(t, s, "new", "new")
	await(t, "the orphans are still there", func() bool { // opening began a sweep
		return !slices.ContainsFunc(orphans, func(name string) bool { _, err := os.Stat(name); return err == nil })
	})
	if _, err := os.Stat(stranger); err != nil {
		t.Error("a file that is no blob was removed:", err)
	}
	if read(t, s, "kept") != "kept" || read(t, s, "new") != "new" {
		t.Error("the sweep took what was needed")
	}
}

// faulty fails where a disk can.
type faulty struct {
	store.Blobs
	write, commit error
}

func (f *faulty) Create(ctx context.Context, size int64) (store.BlobWriter, error) {
	w, err := f.Blobs.Create(ctx, size)
	return &faultyWriter{w, f}, err
}

type faultyWriter struct {
	store.BlobWriter
	f *faulty
}

func (w *faultyWriter) Write(p []byte) (int, error) {
	if w.f.write != nil {
		n, _ := w.BlobWriter.Write(p[:len(p)/2])
		return n, w.f.write
	}
	return w.BlobWriter.Write(p)
}

func (w *faultyWriter) Commit() (string, error) {
	if w.f.commit != nil {
		w.Abort()
		return "", w.f.commit
	}
	return w.BlobWriter.Commit()
}

// faultyIndex fails its writes as a disk does: nobody knows whether they were made.
type faultyIndex struct {
	store.Index
	put error
}

func (f *faultyIndex) Put(ctx context.Context, p store.PutEntry) (store.Freed, error) {
	if f.put != nil {
		return store.Freed{}, f.put
	}
	return f.Index.Put(ctx, p)
}

// A disk that is full, or broken, leaves the old object whole, nothing else, and a store that goes on.
func TestFailingDisk(t *testing.T) {
	root := filepath.Join(t.TempDir(), "store")
	must(t, os.MkdirAll(root, 0o700))
	index, err := bolt.Open(filepath.Join(root, "index.db"), 0)
	must(t, err)
	blobs, err := dir.Open(root)
	must(t, err)
	disk, db := &faulty{Blobs: blobs}, &faultyIndex{Index: index}
	s := store.New(db, disk, store.Options{})
	defer s.Close()
	must(t, s.CreateBucket(ctx, "bucket", store.CreateBucketOptions{Quota: 3 << 20}))
	old := strings.Repeat("old", 400_000)
	put(t, s, "k", old)
	for name, set := range map[string]func(error){
		"write": func(e error) { disk.write = e }, "commit": func(e error) { disk.commit = e }, "index": func(e error) { db.put = e },
	} {
		for _, errno := range []syscall.Errno{syscall.ENOSPC, syscall.EIO} {
			set(errno)
			for _, size := range []int{10, 100 << 10, 2 << 20} {
				_, err := s.Put(ctx, "bucket", "k", strings.NewReader(strings.Repeat("n", size)), store.PutOptions{Size: int64(size)})
				if !errors.Is(err, errno) {
					t.Errorf("%s: %v", name, err)
				}
			}
		}
		set(nil)
		if read(t, s, "k") != old {
			t.Errorf("%s: the old object is not whole", name)
		}
	}
	put(t, s, "k", strings.Repeat("n", 3<<20)) // to the quota's last byte: nothing stayed reserved
	if n := files(t, root, "tmp"); n != 0 {
		t.Errorf("%d temporary files stay", n)
	}
}

// Hundreds of large uploads at once, whose clients are slow, need little memory each.
func TestManyUploadsNeedLittleMemory(t *testing.T) {
	s, err := open(filepath.Join(t.TempDir(), "store"), 0)
	must(t, err)
	defer s.Close()
	must(t, s.CreateBucket(ctx, "bucket", store.CreateBucketOptions{}))
	const n, size = 500, 1 << 20
	half := bytes.Repeat([]byte("x"), size/2)
	var uploads sync.WaitGroup
	var pipes [n]*io.PipeWriter
	for i := range n {
		r, w := io.Pipe()
		pipes[i] = w
		uploads.Go(func() {
			if _, err := s.Put(ctx, "bucket", fmt.Sprint(i), r, store.PutOptions{Size: size}); err != nil {
				t.Error(err)
			}
		})
	}
	send := func() {
		var all sync.WaitGroup
		for _, w := range pipes {
			all.Go(func() { _, _ = w.Write(half) })
		}
		all.Wait()
	}
	send()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	if m.HeapInuse > 128<<20 {
		t.Errorf("%d uploads that wait for their clients hold %d MiB", n, m.HeapInuse>>20)
	}
	send()
	for _, w := range pipes {
		_ = w.Close()
	}
	uploads.Wait()
	r, err := s.Check(ctx, store.CheckOptions{})
	must(t, err)
	if r.Objects != n || !r.Sound() {
		t.Errorf("%+v", r)
	}
}

func TestUploadsExpireByThemselves(t *testing.T) {
	root := filepath.Join(t.TempDir(), "store")
	s, err := open(root, 0)
	must(t, err)
	must(t, s.CreateBucket(ctx, "bucket", store.CreateBucketOptions{}))
	_, err = s.CreateUpload(ctx, store.UploadInfo{Bucket: "bucket", Key: "k"})
	must(t, err)
	must(t, s.Close())
	index, err := bolt.Open(filepath.Join(root, "index.db"), 0)
	must(t, err)
	blobs, err := dir.Open(root)
	must(t, err)
	s = store.New(index, blobs, store.Options{Now: func() time.Time { return time.Now().Add(8 * 24 * time.Hour) }})
	defer s.Close()
	await(t, "the upload is still there", func() bool {
		list, err := s.Uploads(ctx, "bucket", "", "", "", 0)
		must(t, err)
		return len(list) == 0
	})
}
