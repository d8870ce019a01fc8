package upper

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// world is a mount's write path over a fake store, with the calls that a program makes.
type world struct {
	*FS
	t      testing.TB
	store  *fakeStore
	client *client
	dir    string
	opt    Options
}

func newWorld(t testing.TB, change ...func(*Options)) *world {
	return newWorldOver(t, newFakeStore(), change...)
}

func newWorldOver(t testing.TB, store *fakeStore, change ...func(*Options)) *world {
	w := &world{t: t, store: store, dir: t.TempDir()}
	w.opt = Options{WriteBack: -1, DirTTL: time.Hour, BootID: "boot-1"}
	for _, c := range change {
		c(&w.opt)
	}
	w.open()
	t.Cleanup(func() {
		w.client.kill()
		w.Close()
		for _, err := range w.store.bad {
			t.Error(err)
		}
	})
	return w
}

func (w *world) open() {
	w.t.Helper()
	w.client = &client{store: w.store}
	opt := w.opt
	w.client.least = opt.partLeast
	opt.Dir, opt.Lower, opt.Remote = w.dir, w.client, w.client
	var err error
	if w.FS, err = Open(opt); err != nil {
		w.t.Fatal(err)
	}
}

// crash goes on with a copy of the staging folder as it is now, as a process that was
// killed (-9) would find it.
func (w *world) crash() {
	w.t.Helper()
	w.client.kill()
	dir := w.t.TempDir()
	w.mu.Lock() // so that the copy is of one moment
	copyTree(w.t, w.dir, dir)
	w.mu.Unlock()
	w.Close()
	w.dir = dir
	w.open()
}

func copyTree(t testing.TB, from, to string) {
	t.Helper()
	err := filepath.WalkDir(from, func(path string, e os.DirEntry, err error) error {
		if errors.Is(err, os.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(from, path)
		if e.IsDir() {
			return os.MkdirAll(filepath.Join(to, rel), 0o700)
		}
		b, err := os.ReadFile(path)
		if errors.Is(err, os.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, rel), b, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) node(path string) (*Node, error) {
	n := w.Root()
	for _, part := range strings.Split(path, "/") {
		if part == "" {
			continue
		}
		var err error
		if n, err = w.Lookup(context.Background(), n, part); err != nil {
			return nil, err
		}
	}
	return n, nil
}

// in returns the directory of path and its last name.
func (w *world) in(path string) (*Node, string) {
	w.t.Helper()
	dir, name := splitPath(path)
	n, err := w.node(dir)
	w.must(err)
	return n, name
}

func (w *world) create(path string, flags int) *Handle {
	w.t.Helper()
	dir, name := w.in(path)
	_, h, err := w.Create(context.Background(), dir, name, 0o644, flags)
	w.must(err)
	return h
}

func (w *world) openFile(path string, flags int) *Handle {
	w.t.Helper()
	n, err := w.node(path)
	w.must(err)
	h, err := w.Open(context.Background(), n, flags)
	w.must(err)
	return h
}

func (w *world) writeAt(h *Handle, data string, off int64) {
	w.t.Helper()
	n, err := h.WriteAt(context.Background(), []byte(data), off)
	w.must(err)
	if n != len(data) {
		w.t.Fatalf("wrote %d of %d bytes", n, len(data))
	}
}

func (w *world) close(h *Handle) {
	w.t.Helper()
	w.must(h.Flush(context.Background()))
	h.Release()
}

// write is a program's open(O_TRUNC), write, close.
func (w *world) write(path, data string) {
	w.t.Helper()
	h := w.create(path, os.O_WRONLY|os.O_TRUNC)
	if data != "" {
		w.writeAt(h, data, 0)
	}
	w.close(h)
}

// patch writes into an existing file.
func (w *world) patch(path, data string, off int64) {
	w.t.Helper()
	h := w.openFile(path, os.O_RDWR)
	w.writeAt(h, data, off)
	w.close(h)
}

func (w *world) read(path string) string {
	w.t.Helper()
	h := w.openFile(path, os.O_RDONLY)
	defer h.Release()
	return w.readHandle(h)
}

func (w *world) readHandle(h *Handle) string {
	w.t.Helper()
	var out []byte
	buf := make([]byte, 64<<10)
	for {
		n, err := h.ReadAt(context.Background(), buf, int64(len(out)))
		out = append(out, buf[:n]...)
		if errors.Is(err, io.EOF) {
			return string(out)
		}
		w.must(err)
	}
}

func (w *world) mkdir(path string) {
	w.t.Helper()
	dir, name := w.in(path)
	_, err := w.Mkdir(context.Background(), dir, name, 0o755)
	w.must(err)
}

func (w *world) rmdir(path string) {
	w.t.Helper()
	dir, name := w.in(path)
	w.must(w.Rmdir(context.Background(), dir, name))
}

func (w *world) unlink(path string) {
	w.t.Helper()
	dir, name := w.in(path)
	w.must(w.Unlink(context.Background(), dir, name))
}

func (w *world) rename(from, to string) {
	w.t.Helper()
	dir, name := w.in(from)
	newDir, newName := w.in(to)
	w.must(w.Rename(context.Background(), dir, name, newDir, newName, 0))
}

func (w *world) ls(path string) string {
	w.t.Helper()
	n, err := w.node(path)
	w.must(err)
	nodes, err := w.ReadDir(context.Background(), n)
	w.must(err)
	var names []string
	for _, n := range nodes {
		name := n.Name()
		if n.Kind() == Dir {
			name += "/"
		}
		names = append(names, name)
	}
	return strings.Join(names, " ")
}

// refresh makes everything known be listed again.
func (w *world) refresh() {
	w.mu.Lock()
	defer w.mu.Unlock()
	var each func(n *Node)
	each = func(n *Node) {
		n.dir.loadedAt = time.Time{}
		for _, c := range n.dir.children {
			if c.dir != nil {
				each(c)
			}
		}
	}
	each(w.root)
}

func (w *world) drain() {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := w.Drain(ctx); err != nil {
		w.t.Fatalf("drain: %v; %+v", err, w.Stats())
	}
	if s := w.Stats(); s.Queued != 0 || s.InProgress != 0 || s.Failed != 0 || s.PendingBytes != 0 {
		w.t.Fatalf("drained, but %+v", s) // SPEC D1
	}
}

// wantRemote compares the store's files; directory markers are left out.
func (w *world) wantRemote(want map[string]string) {
	w.t.Helper()
	got := w.store.files()
	for k, v := range want {
		if g, ok := got[k]; !ok {
			w.t.Errorf("the store lacks %s", k)
		} else if g != v {
			w.t.Errorf("the store has %s = %.60q, want %.60q", k, g, v)
		}
	}
	for k, v := range got {
		if _, ok := want[k]; !ok {
			w.t.Errorf("the store has %s = %.60q, which should not be there", k, v)
		}
	}
}

// eventually waits for a condition.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); {
		if ok() {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatalf("never: %s", what)
}
