package upper

import (
	"context"
	"errors"
	"os"
	"syscall"
	"testing"
)

func TestWriteReadDrain(t *testing.T) {
	w := newWorld(t)
	w.store.set("old.txt", "old")
	w.store.set("d/e/f", "deep")
	w.write("a", "hello")
	w.mkdir("m")
	w.write("m/b", "")
	w.patch("old.txt", "LD", 1)
	if got := w.read("old.txt"); got != "oLD" {
		t.Errorf("read %q", got)
	}
	if got := w.ls(""); got != "a d/ m/ old.txt" {
		t.Errorf("ls: %s", got)
	}
	w.drain()
	w.wantRemote(map[string]string{"a": "hello", "m/b": "", "old.txt": "oLD", "d/e/f": "deep"})
	if _, ok := w.store.get("m/"); !ok {
		t.Error("no marker of m")
	}
	w.refresh()
	if got := w.ls("") + "|" + w.ls("m") + "|" + w.ls("d/e"); got != "a d/ m/ old.txt|b|f" {
		t.Errorf("ls after a new listing: %s", got)
	}
	if got := w.read("a") + w.read("m/b") + w.read("d/e/f"); got != "hellodeep" {
		t.Errorf("read %q", got)
	}
}

// flock(1) and others make their lock file with open(O_RDONLY|O_CREAT).
func TestFileMadeReadOnlyIsClosedToo(t *testing.T) {
	w := newWorld(t)
	w.write("old", "content")
	w.close(w.create("lock", os.O_RDONLY))
	w.close(w.openFile("old", os.O_RDONLY|os.O_TRUNC))
	w.crash()
	w.drain()
	w.wantRemote(map[string]string{"lock": "", "old": ""})
}

func TestErrnos(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	root := w.Root()
	w.mkdir("d")
	w.write("d/f", "x")
	w.write("f", "x")
	d, _ := w.node("d")
	file, _ := w.node("f")
	check := func(what string, err error, want syscall.Errno) {
		t.Helper()
		if !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", what, err, want)
		}
	}
	_, err := w.Lookup(ctx, root, "none")
	check("lookup", err, syscall.ENOENT)
	check("rmdir", w.Rmdir(ctx, root, "d"), syscall.ENOTEMPTY)
	check("rmdir of a file", w.Rmdir(ctx, root, "f"), syscall.ENOTDIR)
	check("unlink of a directory", w.Unlink(ctx, root, "d"), syscall.EISDIR)
	check("unlink", w.Unlink(ctx, root, "none"), syscall.ENOENT)
	_, err = w.Mkdir(ctx, root, "f", 0o755)
	check("mkdir", err, syscall.EEXIST)
	_, err = w.Mkdir(ctx, root, "bad\xff", 0o755)
	check("mkdir of a name that is not UTF-8", err, syscall.EILSEQ)
	_, _, err = w.Create(ctx, root, "f", 0o644, os.O_WRONLY|os.O_EXCL)
	check("create O_EXCL", err, syscall.EEXIST)
	_, _, err = w.Create(ctx, root, "x"+SymlinkSuffix, 0o644, os.O_WRONLY)
	check("create of a link's key", err, syscall.EPERM)
	_, err = w.Open(ctx, d, os.O_RDONLY)
	check("open of a directory", err, syscall.EISDIR)
	check("rename over a directory", w.Rename(ctx, root, "f", root, "d", 0), syscall.EISDIR)
	check("rename of a directory over a file", w.Rename(ctx, root, "d", root, "f", 0), syscall.ENOTDIR)
	check("rename into itself", w.Rename(ctx, root, "d", d, "x", 0), syscall.EINVAL)
	check("rename NOREPLACE", w.Rename(ctx, root, "f", d, "f", 1), syscall.EEXIST)
	check("rename EXCHANGE", w.Rename(ctx, root, "f", d, "f", 2), syscall.EINVAL)
	_, err = w.Readlink(ctx, file)
	check("readlink of a file", err, syscall.EINVAL)
	w.rename("f", "f")

	w.opt.ReadOnly = true
	w.drain()
	w.must(w.Close())
	w.open()
	check("unlink read-only", w.Unlink(ctx, w.Root(), "f"), syscall.EROFS)
	n, err := w.node("f")
	w.must(err)
	_, err = w.Open(ctx, n, os.O_RDWR)
	check("open read-only", err, syscall.EROFS)
	if got := w.read("f"); got != "x" {
		t.Errorf("read %q", got)
	}
}

// O_APPEND that fcntl(2) took away is seen by where the kernel writes, but for a file of
// which it may know an older size.
func TestAppendOrNot(t *testing.T) {
	w := newWorld(t)
	w.store.set("f", "data")
	w.ls("")
	put := func(h *Handle, off int64, text string) {
		t.Helper()
		h.KernelWrites(off)
		_, err := h.WriteAt(context.Background(), []byte(text), off)
		w.must(err)
	}
	h := w.openFile("f", os.O_WRONLY|os.O_APPEND)
	put(h, 4, "+")
	put(h, 0, "D")
	if got := w.read("f"); got != "Data+" {
		t.Errorf("%q after the flag was taken away", got)
	}
	w.must(h.Flush(context.Background()))
	h.Release()
	w.drain()
	w.store.set("f", "longer data")
	w.refresh()
	w.ls("")
	h = w.openFile("f", os.O_WRONLY|os.O_APPEND)
	put(h, 5, "+") // the end that the kernel knows
	if got := w.read("f"); got != "longer data+" {
		t.Errorf("%q after an append to a file that somebody else has changed", got)
	}
	h.Release()
}
