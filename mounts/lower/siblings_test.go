package lower_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/artifacts-tui/artifacts-tui/mounts/lower"
	"github.com/artifacts-tui/artifacts-tui/mounts/upper"
)

// folder is a store of one directory of small files, with a log of what was asked for.
type folder struct {
	mu    sync.Mutex
	files []upper.Object
	asked map[string]int // requests by key
	most  int            // at the same time
	now   int
}

const siblingSize = 1000 // bytes; content is the key, again and again

func newFolder(n int) *folder {
	f := &folder{asked: map[string]int{}}
	for i := range n {
		f.files = append(f.files, upper.Object{Key: fmt.Sprintf("d/%04d", i), Size: siblingSize, ETag: fmt.Sprint("v1-", i)})
	}
	return f
}

func siblingBody(o upper.Object) []byte {
	return bytes.Repeat([]byte(o.Key+o.ETag+"\n"), siblingSize)[:siblingSize]
}

func (f *folder) ListDir(context.Context, string) ([]upper.Object, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.files), nil
}

func (f *folder) ReadRange(_ context.Context, key, etag string, off, n int64) (io.ReadCloser, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked[key]++
	for _, o := range f.files {
		if o.Key == key {
			if o.ETag != etag {
				return nil, upper.ErrChanged
			}
			f.now++
			f.most = max(f.most, f.now)
			return &leaving{Reader: bytes.NewReader(siblingBody(o)[off : off+n]), f: f}, nil
		}
	}
	return nil, upper.ErrNoObject
}

type leaving struct {
	io.Reader
	f *folder
}

func (l *leaving) Close() error {
	l.f.mu.Lock()
	defer l.f.mu.Unlock()
	l.f.now--
	return nil
}

func (f *folder) requests() (total, keys, twice int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, n := range f.asked {
		total += n
		keys++
		if n > 1 {
			twice++
		}
	}
	return total, keys, twice
}

func openFolder(t *testing.T, f *folder, dir string) *lower.Lower {
	t.Helper()
	l, err := lower.New(lower.Options{Source: f, CacheDir: dir, ID: "0123456789abcdef", BootID: "boot"})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func readSibling(t *testing.T, l *lower.Lower, o upper.Object) {
	t.Helper()
	got, err := readAll(t, l, o)
	if err != nil || !bytes.Equal(got, siblingBody(o)) {
		t.Fatalf("%s: %d bytes, %v", o.Key, len(got), err)
	}
}

// A directory that is read file by file is fetched ahead of the reader, each file once.
func TestSiblingsAreFetchedAhead(t *testing.T) {
	f := newFolder(200)
	l := openFolder(t, f, t.TempDir())
	if _, err := l.List(t.Context(), "d"); err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		readSibling(t, l, f.files[i])
	}
	if err := l.Close(); err != nil { // waits for what is on its way
		t.Fatal(err)
	}
	_, keys, twice := f.requests()
	if keys < 20+8 || keys > 20+64 || twice > 0 {
		t.Errorf("after 20 files of a run %d were asked for, %d of them again", keys, twice)
	}
	l = openFolder(t, f, t.TempDir())
	if _, err := l.List(t.Context(), "d"); err != nil {
		t.Fatal(err)
	}
	clear(f.asked)
	for _, o := range f.files {
		readSibling(t, l, o)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if total, keys, _ := f.requests(); total != 200 || keys != 200 {
		t.Errorf("200 files took %d requests for %d of them", total, keys)
	}
}

// Files that are read in no order fetch nothing else.
func TestNoSiblingsForRandomFiles(t *testing.T) {
	f := newFolder(400)
	l := openFolder(t, f, t.TempDir())
	if _, err := l.List(t.Context(), "d"); err != nil {
		t.Fatal(err)
	}
	for i := range 40 {
		readSibling(t, l, f.files[i*151%400])
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if total, _, _ := f.requests(); total != 40 {
		t.Errorf("40 files took %d requests", total)
	}
}

// What was fetched ahead of a change is not what a reader of the new version gets.
func TestSiblingThatChanged(t *testing.T) {
	f := newFolder(50)
	l := openFolder(t, f, t.TempDir())
	if _, err := l.List(t.Context(), "d"); err != nil {
		t.Fatal(err)
	}
	for i := range 6 {
		readSibling(t, l, f.files[i])
	}
	f.mu.Lock()
	f.files[7].ETag = "v2"
	f.mu.Unlock()
	objects, err := l.List(t.Context(), "d")
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range objects[6:] {
		readSibling(t, l, o)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// What the cache on disk has is not fetched ahead again.
func TestSiblingsOnDisk(t *testing.T) {
	f, dir := newFolder(40), t.TempDir()
	l := openFolder(t, f, dir)
	for i := 10; i < 20; i++ { // not listed: no run
		readSibling(t, l, f.files[i])
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = openFolder(t, f, dir)
	if _, err := l.List(t.Context(), "d"); err != nil {
		t.Fatal(err)
	}
	for _, o := range f.files {
		readSibling(t, l, o)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if total, keys, _ := f.requests(); total != 40 || keys != 40 {
		t.Errorf("40 files, ten of them on disk, took %d requests for %d of them", total, keys)
	}
}

// Without a cache on disk what is fetched ahead serves all the same.
func TestSiblingsWithoutCache(t *testing.T) {
	f, file := newFolder(40), filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	l := openFolder(t, f, file) // no folder can be made in it
	if _, err := l.List(t.Context(), "d"); err != nil {
		t.Fatal(err)
	}
	for _, o := range f.files {
		readSibling(t, l, o)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if total, keys, _ := f.requests(); total != 40 || keys != 40 {
		t.Errorf("40 files took %d requests for %d of them", total, keys)
	}
}
