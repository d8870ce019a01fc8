//go:build linux

package mounts_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// fails is a row whose operation is refused, on the names of layOut.
func fails(name string, want syscall.Errno, op func(p func(string) string) error) posixRow {
	return posixRow{name, func(t *testing.T, dir string) {
		p := layOut(t, dir)
		wantErrno(t, op(p), want)
		if got, err := os.ReadFile(p("f")); err != nil || string(got) != "data" {
			t.Errorf("the file holds %q after the refusal, %v", got, err)
		}
	}}
}

func opens(path string, flags int) error {
	fd, err := unix.Open(path, flags, 0o644)
	if err == nil {
		_ = unix.Close(fd)
	}
	return err
}

type at = func(string) string

var posixRows = []posixRow{
	fails("open-excl", unix.EEXIST, func(p at) error { return opens(p("f"), unix.O_CREAT|unix.O_EXCL|unix.O_WRONLY) }),
	fails("open-excl-symlink", unix.EEXIST, func(p at) error { return opens(p("loop"), unix.O_CREAT|unix.O_EXCL|unix.O_WRONLY) }),
	fails("open-dir-write", unix.EISDIR, func(p at) error { return opens(p("d"), unix.O_WRONLY) }),
	fails("open-dir-creat", unix.EISDIR, func(p at) error { return opens(p("d"), unix.O_CREAT|unix.O_RDONLY) }),
	fails("open-directory-file", unix.ENOTDIR, func(p at) error { return opens(p("f"), unix.O_DIRECTORY) }),
	fails("open-nofollow", unix.ELOOP, func(p at) error { return opens(p("loop"), unix.O_NOFOLLOW) }),
	fails("open-loop", unix.ELOOP, func(p at) error { return opens(p("loop"), unix.O_RDONLY) }),
	fails("open-missing", unix.ENOENT, func(p at) error { return opens(p("no"), unix.O_RDONLY) }),
	fails("create-256", unix.ENAMETOOLONG, func(p at) error { return opens(p(strings.Repeat("n", 256)), unix.O_CREAT|unix.O_WRONLY) }),
	fails("mkdir-exists", unix.EEXIST, func(p at) error { return unix.Mkdir(p("f"), 0o755) }),
	fails("mkdir-256", unix.ENAMETOOLONG, func(p at) error { return unix.Mkdir(p(strings.Repeat("n", 256)), 0o755) }),
	fails("mkdir-orphan", unix.ENOENT, func(p at) error { return unix.Mkdir(p("no/x"), 0o755) }),
	fails("rmdir-file", unix.ENOTDIR, func(p at) error { return unix.Rmdir(p("f")) }),
	fails("rmdir-missing", unix.ENOENT, func(p at) error { return unix.Rmdir(p("no")) }),
	fails("rmdir-dot", unix.EINVAL, func(p at) error { return unix.Rmdir(p("d") + "/.") }),
	fails("unlink-dir", unix.EISDIR, func(p at) error { return unix.Unlink(p("d")) }),
	fails("unlink-missing", unix.ENOENT, func(p at) error { return unix.Unlink(p("no")) }),
	fails("rename-file-dir", unix.EISDIR, func(p at) error { return unix.Rename(p("f"), p("d")) }),
	fails("rename-dir-file", unix.ENOTDIR, func(p at) error { return unix.Rename(p("d"), p("f")) }),
	fails("rename-dir-full", unix.ENOTEMPTY, func(p at) error { return unix.Rename(p("d"), p("full")) }),
	fails("rename-into-self", unix.EINVAL, func(p at) error { return unix.Rename(p("full"), p("full/sub/x")) }),
	fails("rename-missing", unix.ENOENT, func(p at) error { return unix.Rename(p("no"), p("x")) }),
	fails("rename-dot", unix.EBUSY, func(p at) error { return unix.Rename(p("d")+"/.", p("x")) }),
	fails("rename-noreplace", unix.EEXIST, func(p at) error {
		return unix.Renameat2(unix.AT_FDCWD, p("loop"), unix.AT_FDCWD, p("f"), unix.RENAME_NOREPLACE)
	}),
	fails("symlink-exists", unix.EEXIST, func(p at) error { return unix.Symlink("x", p("f")) }),
	fails("readlink-file", unix.EINVAL, func(p at) error { _, err := unix.Readlink(p("f"), make([]byte, 9)); return err }),
	fails("truncate-dir", unix.EISDIR, func(p at) error { return unix.Truncate(p("d"), 0) }),
	fails("truncate-negative", unix.EINVAL, func(p at) error { return unix.Truncate(p("f"), -1) }),
	{"open-unlink", func(t *testing.T, dir string) {
		f, err := os.Create(filepath.Join(dir, "f"))
		must(t, err)
		defer f.Close()
		must(t, os.Remove(f.Name()))
		_, err = f.WriteString("still here")
		must(t, err)
		b := make([]byte, 10)
		if _, err := f.ReadAt(b, 0); err != nil || string(b) != "still here" {
			t.Errorf("read %q, %v", b, err)
		}
		var st unix.Stat_t
		must(t, unix.Fstat(int(f.Fd()), &st))
		if st.Nlink != 0 {
			t.Errorf("nlink %d, want 0", st.Nlink)
		}
	}},
	{"rename-over-open", func(t *testing.T, dir string) {
		a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
		must(t, os.WriteFile(a, []byte("new"), 0o644))
		must(t, os.WriteFile(b, []byte("old"), 0o644))
		f, err := os.Open(b)
		must(t, err)
		defer f.Close()
		var before, after unix.Stat_t
		must(t, unix.Stat(a, &before))
		must(t, os.Rename(a, b))
		must(t, unix.Stat(b, &after))
		if before.Ino != after.Ino {
			t.Errorf("inode %d became %d", before.Ino, after.Ino)
		}
		old := make([]byte, 3)
		if _, err := f.ReadAt(old, 0); err != nil || string(old) != "old" {
			t.Errorf("the open file reads %q, %v", old, err)
		}
		if got, err := os.ReadFile(b); err != nil || string(got) != "new" {
			t.Errorf("the name holds %q, %v", got, err)
		}
	}},
	{"sparse", func(t *testing.T, dir string) {
		f, err := os.Create(filepath.Join(dir, "f"))
		must(t, err)
		defer f.Close()
		_, err = f.WriteAt([]byte("x"), 9)
		must(t, err)
		must(t, f.Truncate(12))
		if got, err := os.ReadFile(f.Name()); err != nil || string(got) != strings.Repeat("\x00", 9)+"x\x00\x00" {
			t.Errorf("holds %q, %v", got, err)
		}
	}},
	{"mmap", func(t *testing.T, dir string) {
		f, err := os.Create(filepath.Join(dir, "f"))
		must(t, err)
		must(t, f.Truncate(4096))
		m, err := unix.Mmap(int(f.Fd()), 0, 4096, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
		must(t, err)
		copy(m, "mapped")
		must(t, errors.Join(unix.Msync(m, unix.MS_SYNC), unix.Munmap(m), f.Close()))
		if got, err := os.ReadFile(f.Name()); err != nil || !strings.HasPrefix(string(got), "mapped\x00") {
			t.Errorf("holds %s, %v", brief(got), err)
		}
	}},
	{"flock", func(t *testing.T, dir string) {
		a, err := os.Create(filepath.Join(dir, "f"))
		must(t, err)
		defer a.Close()
		b, err := os.Open(a.Name())
		must(t, err)
		defer b.Close()
		must(t, unix.Flock(int(a.Fd()), unix.LOCK_EX|unix.LOCK_NB))
		wantErrno(t, unix.Flock(int(b.Fd()), unix.LOCK_EX|unix.LOCK_NB), unix.EWOULDBLOCK)
	}},
	{"names", func(t *testing.T, dir string) {
		for _, n := range []string{"ü", "a b", "a\nb", "#", "+", "%2F", "Case", "case", strings.Repeat("n", 255)} {
			p := filepath.Join(dir, n)
			must(t, os.WriteFile(p, []byte(n), 0o644))
		}
		entries, err := os.ReadDir(dir)
		must(t, err)
		if len(entries) != 9 {
			t.Errorf("%d names, want 9", len(entries))
		}
		for _, e := range entries {
			if got, err := os.ReadFile(filepath.Join(dir, e.Name())); err != nil || string(got) != e.Name() {
				t.Errorf("%q holds %q, %v", e.Name(), got, err)
			}
		}
	}},
}
