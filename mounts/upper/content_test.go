package upper

import (
	"context"
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A program that has a file open for writing gets to close it, also where somebody else
// deleted or replaced the object meanwhile.
func TestWriterOutlivesRemoteDelete(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	w.store.set("deleted", "x")
	w.store.set("replaced", "old")
	h := w.openFile("deleted", os.O_WRONLY|os.O_TRUNC)
	g := w.openFile("replaced", os.O_RDWR)
	w.store.unset("deleted")
	w.store.set("replaced", "somebody else's")
	w.Forget("")
	if got := w.ls(""); got != "deleted replaced" {
		t.Errorf("ls: %s", got)
	}
	w.writeAt(h, "closed here", 0)
	w.close(h)
	w.must(g.Flush(ctx)) // nothing was written
	g.Release()
	w.drain()
	w.wantRemote(map[string]string{"deleted": "closed here", "replaced": "somebody else's"})
	w.Forget("")
	if got := w.read("replaced"); got != "somebody else's" {
		t.Errorf("read %q", got)
	}
}

// What is announced while a listing is under way is not taken for part of it.
func TestForgetDuringListing(t *testing.T) {
	w := newWorld(t)
	g := w.hold("listed", "")
	done := make(chan string)
	go func() { done <- w.ls("") }()
	<-g.arrived
	w.store.set("new", "x")
	w.Forget("new")
	g.let()
	<-done
	if got := w.ls(""); got != "new" {
		t.Errorf("ls: %s", got)
	}
}

// An outdated listing serves while the store does not answer; without one it is an error.
func TestListingWithStoreDown(t *testing.T) {
	w := newWorld(t)
	w.store.set("d/f", "x")
	w.store.set("e/f", "x")
	w.ls("d")
	w.refresh()
	w.client.setDown(true)
	if got := w.ls("") + "|" + w.ls("d"); got != "d/ e/|f" {
		t.Errorf("ls: %s", got)
	}
	e, err := w.node("e")
	w.must(err)
	if _, err := w.ReadDir(context.Background(), e); err == nil {
		t.Error("a directory that was never listed is shown as empty")
	}
}

func TestReadFollowsRemoteReplacement(t *testing.T) {
	w := newWorld(t)
	w.store.set("f", "first")
	if got := w.read("f"); got != "first" {
		t.Errorf("read %q", got)
	}
	h := w.openFile("f", os.O_RDONLY)
	defer h.Release()
	w.store.set("f", "second!")
	if got := w.readHandle(h); got != "second!" { // ESTALE, listed again, read again
		t.Errorf("read %q", got)
	}
	w.store.unset("f")
	if _, err := h.ReadAt(context.Background(), make([]byte, 5), 0); !errors.Is(err, syscall.ESTALE) {
		t.Errorf("read of a deleted object: %v", err)
	}
}

// Who has read a part of a file reads no other version through the same descriptor: a copy of it
// fails, and is no mixture. By name there is the new version, for who reads and for who writes.
func TestReaderOfAReplacedFile(t *testing.T) {
	for _, test := range []struct {
		name  string
		taken func(w *world, h *Handle) // what of the first version the program has
	}{
		{"read", func(w *world, h *Handle) {
			if k, err := h.ReadAt(context.Background(), make([]byte, 3), 0); k != 3 || err != nil {
				w.t.Fatalf("%d, %v", k, err)
			}
		}},
		{"by the kernel", func(w *world, h *Handle) {
			if !h.Cached(h.Node().Generation()) {
				w.t.Fatal("the kernel must not keep its pages")
			}
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			w.store.set("f", "first version")
			h := w.openFile("f", os.O_RDONLY)
			test.taken(w, h)
			w.store.set("f", "second one!!!")
			w.refresh()
			if got := w.read("f"); got != "second one!!!" {
				t.Errorf("by its name it reads %q", got)
			}
			buf := make([]byte, 10)
			if k, err := h.ReadAt(context.Background(), buf, 3); !errors.Is(err, syscall.ESTALE) {
				t.Errorf("the descriptor reads %q, %v", buf[:k], err)
			}
			if a := w.Attr(h.Node()); a.Nlink != 0 || a.Size != 13 {
				t.Errorf("%+v", a)
			}
			// The kernel may know the former one by its name still.
			for _, flags := range []int{os.O_RDONLY, os.O_WRONLY, os.O_RDWR | os.O_TRUNC} {
				if _, err := w.Open(context.Background(), h.Node(), flags); !errors.Is(err, syscall.ESTALE) {
					t.Errorf("open of what has no name, %#x: %v", flags, err)
				}
			}
			size := int64(0)
			if _, err := w.SetAttr(context.Background(), h.Node(), nil, Change{Size: &size}); !errors.Is(err, syscall.ESTALE) {
				t.Errorf("truncate of what has no name: %v", err)
			}
			w.write("f", "third")
			h.Release()
			w.drain()
			w.wantRemote(map[string]string{"f": "third"})
		})
	}
}

// What is at hand of a version is read to its end, whoever replaces it meanwhile.
func TestReaderOfAReplacedCopy(t *testing.T) {
	w := newWorld(t)
	w.write("f", "written here")
	w.drain() // its staged file is a clean copy now
	h := w.openFile("f", os.O_RDONLY)
	defer h.Release()
	if _, err := h.ReadAt(context.Background(), make([]byte, 3), 0); err != nil {
		t.Fatal(err)
	}
	w.store.set("f", "written there")
	w.refresh()
	if got := w.read("f"); got != "written there" {
		t.Errorf("by its name it reads %q", got)
	}
	if got := w.readHandle(h); got != "written here" {
		t.Errorf("the descriptor reads %q", got)
	}
}

func TestSymlinks(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	w.store.set("remote"+SymlinkSuffix, "target/of/remote")
	_, err := w.Symlink(ctx, w.Root(), "local", "../ziel/ä b")
	w.must(err)
	w.rename("remote", "moved")
	w.drain()
	w.wantRemote(map[string]string{"moved" + SymlinkSuffix: "target/of/remote", "local" + SymlinkSuffix: "../ziel/ä b"})
	w.must(w.Close())
	w.open()
	for name, want := range map[string]string{"moved": "target/of/remote", "local": "../ziel/ä b"} {
		n, err := w.node(name)
		w.must(err)
		got, err := w.Readlink(ctx, n)
		w.must(err)
		if a := w.Attr(n); got != want || a.Size != int64(len(want)) || a.Kind != Symlink {
			t.Errorf("%s: %q, %+v", name, got, a)
		}
	}
	w.write("file", "f")
	w.rename("file", "moved") // over a symlink: both keys change
	w.drain()
	w.wantRemote(map[string]string{"moved": "f", "local" + SymlinkSuffix: "../ziel/ä b"})
}

func TestAllocate(t *testing.T) {
	w := newWorld(t)
	w.store.set("f", "0123456789")
	h := w.openFile("f", os.O_RDWR)
	w.must(h.Allocate(0, 5, 0))
	w.must(h.Allocate(8, 4, 0))
	w.must(h.Allocate(100, 4, 1)) // KEEP_SIZE
	w.must(h.Allocate(2, 3, 3))   // PUNCH_HOLE
	w.must(h.Allocate(11, 3, 16)) // ZERO_RANGE
	if err := h.Allocate(0, 4096, 8); !errors.Is(err, syscall.EOPNOTSUPP) {
		t.Errorf("COLLAPSE_RANGE: %v", err)
	}
	want := "01\x00\x00\x0056789\x00\x00\x00\x00"
	if got := w.readHandle(h); got != want {
		t.Errorf("read %q, want %q", got, want)
	}
	w.close(h)
	w.drain()
	w.wantRemote(map[string]string{"f": want})
}

func TestSetAttr(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.UID, o.GID = 7, 8 })
	w.store.set("f", "x")
	n, err := w.node("f")
	w.must(err)
	if a := w.Attr(n); a.Mode != 0o644 || a.UID != 7 || a.GID != 8 || a.Size != 1 || a.Nlink != 1 {
		t.Errorf("%+v", a)
	}
	mode, uid, when := uint32(0o100755), uint32(9), time.Unix(5, 6)
	a, err := w.SetAttr(context.Background(), n, nil, Change{Mode: &mode, UID: &uid, MTime: &when, ATime: &when})
	w.must(err)
	if a.Mode != 0o755 || a.UID != 9 || a.GID != 8 || !a.MTime.Equal(when) || !a.ATime.Equal(when) {
		t.Errorf("%+v", a)
	}
	w.refresh()
	w.ls("")
	if a := w.Attr(n); a.Mode != 0o755 || !a.MTime.Equal(when) {
		t.Errorf("after a new listing of the same object: %+v", a)
	}
	w.store.set("f", "y!")
	w.refresh()
	w.ls("")
	if a := w.Attr(n); a.Mode != 0o644 || a.Size != 2 {
		t.Errorf("after another host's write: %+v", a)
	}
}

// Copy-once: a patch of what waits for upload copies the file a single time.
func TestCopyOnceAFreeze(t *testing.T) {
	w := newWorld(t)
	g := w.hold("half", "f")
	w.write("f", strings.Repeat("1", 4096))
	<-g.arrived
	h := w.openFile("f", os.O_RDWR)
	for i := range 100 {
		w.writeAt(h, "2", int64(i))
	}
	entries, err := os.ReadDir(w.st.dir)
	w.must(err)
	if len(entries) != 2 {
		t.Errorf("%d data files, want 2", len(entries))
	}
	w.close(h)
	g.let()
	w.drain()
	w.wantRemote(map[string]string{"f": strings.Repeat("2", 100) + strings.Repeat("1", 3996)})
}
