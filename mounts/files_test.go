//go:build linux

package mounts_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// SPEC C3: once mounted, files work as files do, and the bucket gets what was written.
func TestFiles(t *testing.T) {
	w := newWorld(t)
	w.putObject("before/hello.txt", []byte("from the bucket"))
	w.mount()
	want := map[string][]byte{"before/hello.txt": []byte("from the bucket")}

	w.wantFile("before/hello.txt", []byte("from the bucket"))
	for _, size := range []int{0, 1, 4096, 1 << 20, 5<<20 + 3, 17<<20 + 1} {
		name := fmt.Sprintf("size-%d", size)
		want[name] = pattern(size, size)
		w.write(name, want[name])
		w.wantFile(name, want[name])
	}
	must(t, os.MkdirAll(w.path("a/b/c"), 0o755))
	w.write("a/b/c/deep", []byte("deep"))
	must(t, os.Rename(w.path("a/b"), w.path("a/moved")))
	want["a/moved/c/deep"] = []byte("deep")

	w.write("old name", []byte("renamed"))
	must(t, os.Rename(w.path("old name"), w.path("new name ü+%")))
	want["new name ü+%"] = []byte("renamed")

	w.write("gone", []byte("x"))
	must(t, os.Remove(w.path("gone")))
	if _, err := os.Stat(w.path("gone")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a removed file: %v", err)
	}

	w.write("log", []byte("one\n"))
	appendTo(t, w.path("log"), "two\n")
	appendTo(t, w.path("log"), "three\n")
	want["log"] = []byte("one\ntwo\nthree\n")
	w.wantFile("log", want["log"])

	w.write("cut", []byte("0123456789"))
	must(t, os.Truncate(w.path("cut"), 4))
	w.wantFile("cut", []byte("0123"))
	must(t, os.Truncate(w.path("cut"), 8))
	want["cut"] = []byte("0123\x00\x00\x00\x00")
	w.wantFile("cut", want["cut"])

	// A patch in the middle of an object that was never read.
	f, err := os.OpenFile(w.path("before/hello.txt"), os.O_WRONLY, 0)
	must(t, err)
	_, err = f.WriteAt([]byte("THE"), 5)
	must(t, errors.Join(err, f.Close()))
	want["before/hello.txt"] = []byte("from THE bucket")
	w.wantFile("before/hello.txt", want["before/hello.txt"])

	w.unmount()
	w.wantObjects(want)

	// The next mount, with an empty cache, shows the same.
	must(t, os.RemoveAll(w.roots.Cache))
	w.mount()
	for name, data := range want {
		w.wantFile(name, data)
	}
	if entries, err := os.ReadDir(w.path("a")); err != nil || len(entries) != 1 || entries[0].Name() != "moved" {
		t.Errorf("a holds %v, %v", entries, err)
	}
}

// What open(2), rename(2) and friends promise besides.
func TestPOSIX(t *testing.T) {
	w := newWorld(t)
	w.mount()
	t.Run("exclusive create", func(t *testing.T) {
		w.write("taken", []byte("x"))
		_, err := os.OpenFile(w.path("taken"), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
		wantErrno(t, err, syscall.EEXIST)
	})
	t.Run("open then unlink", func(t *testing.T) {
		w.write("ghost", []byte("boo"))
		f, err := os.OpenFile(w.path("ghost"), os.O_RDWR, 0)
		must(t, err)
		defer f.Close()
		must(t, os.Remove(w.path("ghost")))
		_, err = f.WriteAt([]byte("BOO!"), 0)
		must(t, err)
		got, err := io.ReadAll(io.NewSectionReader(f, 0, 10))
		if err != nil || string(got) != "BOO!" {
			t.Errorf("read %q, %v", got, err)
		}
	})
	t.Run("rename over", func(t *testing.T) {
		w.write("winner", []byte("winner"))
		w.write("loser", []byte("loser"))
		must(t, os.Rename(w.path("winner"), w.path("loser")))
		w.wantFile("loser", []byte("winner"))
	})
	t.Run("rename without replacing", func(t *testing.T) {
		w.write("x1", []byte("1"))
		w.write("x2", []byte("2"))
		wantErrno(t, unix.Renameat2(unix.AT_FDCWD, w.path("x1"), unix.AT_FDCWD, w.path("x2"), unix.RENAME_NOREPLACE), syscall.EEXIST)
		w.wantFile("x2", []byte("2"))
	})
	t.Run("directory not empty", func(t *testing.T) {
		must(t, os.MkdirAll(w.path("d/e"), 0o755))
		wantErrno(t, syscall.Rmdir(w.path("d")), syscall.ENOTEMPTY)
		must(t, os.Remove(w.path("d/e")))
		must(t, os.Remove(w.path("d")))
	})
	t.Run("symlink", func(t *testing.T) {
		w.write("target", []byte("pointed at"))
		must(t, os.Symlink("target", w.path("pointer")))
		if got, err := os.Readlink(w.path("pointer")); err != nil || got != "target" {
			t.Errorf("readlink: %q, %v", got, err)
		}
		w.wantFile("pointer", []byte("pointed at"))
	})
	t.Run("attributes", func(t *testing.T) {
		w.write("script", []byte("#!/bin/sh\necho ran\n"))
		must(t, os.Chmod(w.path("script"), 0o755))
		when := time.Date(2001, 2, 3, 4, 5, 6, 789e6, time.UTC)
		must(t, os.Chtimes(w.path("script"), when, when))
		info, err := os.Stat(w.path("script"))
		must(t, err)
		if info.Mode().Perm() != 0o755 || !info.ModTime().Equal(when) {
			t.Errorf("mode %v, mtime %v", info.Mode(), info.ModTime())
		}
		// By a shell: the store is in this process, which stands still while it executes a file itself.
		if out, err := exec.Command("sh", "-c", `"$0"`, w.path("script")).CombinedOutput(); err != nil || string(out) != "ran\n" {
			t.Errorf("running it: %q, %v", out, err)
		}
	})
	t.Run("honest refusals", func(t *testing.T) {
		wantErrno(t, os.Link(w.path("script"), w.path("hard")), syscall.EPERM)
		wantErrno(t, unix.Setxattr(w.path("script"), "trusted.x", []byte("y"), 0), syscall.EOPNOTSUPP)
		wantErrno(t, unix.Mkfifo(w.path("fifo"), 0o644), syscall.EPERM)
	})
	t.Run("mmap", func(t *testing.T) {
		w.write("mapped", pattern(7, 1<<20))
		f, err := os.OpenFile(w.path("mapped"), os.O_RDWR, 0)
		must(t, err)
		m, err := unix.Mmap(int(f.Fd()), 0, 1<<20, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
		must(t, err)
		copy(m[500_000:], "written through the map")
		must(t, unix.Msync(m, unix.MS_SYNC))
		must(t, errors.Join(unix.Munmap(m), f.Close()))
		want := pattern(7, 1<<20)
		copy(want[500_000:], "written through the map")
		w.wantFile("mapped", want)
		w.drained()
		if !bytes.Equal(w.objects()["mapped"], want) {
			t.Error("the bucket does not have what was written through the map")
		}
	})
	t.Run("fsync and fallocate", func(t *testing.T) {
		f, err := os.Create(w.path("synced"))
		must(t, err)
		_, err = f.WriteString("durable")
		must(t, errors.Join(err, f.Sync()))
		if err := unix.Fallocate(int(f.Fd()), 0, 0, 4096); err != nil && !errors.Is(err, syscall.EOPNOTSUPP) {
			t.Errorf("fallocate: %v", err)
		}
		must(t, f.Close())
		dir, err := os.Open(w.spec.Mountpoint)
		must(t, err)
		must(t, errors.Join(dir.Sync(), dir.Close()))
	})
	t.Run("statfs", func(t *testing.T) {
		var s unix.Statfs_t
		must(t, unix.Statfs(w.spec.Mountpoint, &s))
		if s.Bavail == 0 || s.Namelen != 255 {
			t.Errorf("%+v", s)
		}
	})
	t.Run("many names", func(t *testing.T) {
		must(t, os.Mkdir(w.path("many"), 0o755))
		must(t, each(16, func(i int) error {
			for j := range 125 {
				if err := os.WriteFile(w.path(fmt.Sprintf("many/%02d-%03d", i, j)), []byte{byte(i)}, 0o644); err != nil {
					return err
				}
			}
			return nil
		}))
		entries, err := os.ReadDir(w.path("many"))
		if err != nil || len(entries) != 2000 {
			t.Errorf("%d names, %v", len(entries), err)
		}
		must(t, os.RemoveAll(w.path("many")))
	})
	w.unmount()
}

// SPEC C3: a read-only mount refuses every change by its errno.
func TestReadOnly(t *testing.T) {
	w := newWorld(t)
	w.putObject("f", []byte("x"))
	w.spec.ReadOnly = true
	w.mount()
	w.wantFile("f", []byte("x"))
	wantErrno(t, os.WriteFile(w.path("g"), nil, 0o644), syscall.EROFS)
	wantErrno(t, os.WriteFile(w.path("f"), nil, 0o644), syscall.EROFS)
	wantErrno(t, os.Remove(w.path("f")), syscall.EROFS)
	wantErrno(t, os.Mkdir(w.path("d"), 0o755), syscall.EROFS)
	wantErrno(t, os.Rename(w.path("f"), w.path("g")), syscall.EROFS)
	w.unmount()
	w.wantObjects(map[string][]byte{"f": []byte("x")})
}

// What others put into the bucket shows, and takes the place of what was cached.
func TestChangesFromElsewhere(t *testing.T) {
	w := newWorld(t)
	w.putObject("d/f", []byte("first"))
	w.mount()
	w.wantFile("d/f", []byte("first"))
	w.putObject("d/f", []byte("second, and longer"))
	w.putObject("d/new", []byte("new"))
	w.until("the change shows", func() bool {
		data, err := os.ReadFile(w.path("d/f"))
		return err == nil && string(data) == "second, and longer"
	})
	w.wantFile("d/new", []byte("new"))
	must(t, w.bucket.Delete(t.Context(), "d/new"))
	w.until("the deletion shows", func() bool {
		_, err := os.Stat(w.path("d/new"))
		return errors.Is(err, os.ErrNotExist)
	})
}

// A tree copied in comes out of a new mount with an empty cache as it went in.
func TestCopyTree(t *testing.T) {
	w := newWorld(t)
	tree := filepath.Join(t.TempDir(), "tree")
	for i := range 300 {
		dir := filepath.Join(tree, fmt.Sprintf("d%d/e%d", i%7, i%3))
		must(t, os.MkdirAll(dir, 0o755))
		must(t, os.WriteFile(filepath.Join(dir, fmt.Sprintf("file %d", i)), pattern(i, i*i*7%90_000), 0o644))
	}
	must(t, os.Mkdir(filepath.Join(tree, "empty"), 0o755))
	must(t, os.Symlink("d1/e1", filepath.Join(tree, "link")))
	w.mount()
	does(t, "", "cp", "-r", tree, w.path("copy"))
	does(t, "", "diff", "-r", "--no-dereference", tree, w.path("copy"))
	w.unmount()
	must(t, os.RemoveAll(w.roots.Cache))
	w.mount()
	does(t, "", "diff", "-r", "--no-dereference", tree, w.path("copy"))
	does(t, "", "rm", "-r", w.path("copy"))
	w.unmount()
	w.wantObjects(map[string][]byte{})
}

func appendTo(t *testing.T, path, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	must(t, err)
	_, err = f.WriteString(text)
	must(t, errors.Join(err, f.Close()))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantErrno(t *testing.T, err error, want syscall.Errno) {
	t.Helper()
	if want == 0 && err != nil || want != 0 && !errors.Is(err, want) {
		t.Errorf("%v, want %v", err, want)
	}
}
