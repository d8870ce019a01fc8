//go:build linux

package mounts_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// manyNames makes more names than one getdents(2) returns, and lists them.
func manyNames(t *testing.T, dir string) []string {
	t.Helper()
	var names []string
	for i := range 600 {
		name := fmt.Sprintf("%03d-%s", i, strings.Repeat("n", 100))
		names = append(names, name)
		must(t, os.WriteFile(filepath.Join(dir, name), nil, 0o644))
	}
	return names
}

// dirStream reads a directory as readdir(3) does, with the positions that telldir(3) has.
type dirStream struct {
	t  *testing.T
	fd int
}

type dirEntry struct {
	name string
	ino  uint64
	next int64 // where the following entry is
}

func openDir(t *testing.T, dir string) *dirStream {
	t.Helper()
	d, err := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	must(t, err)
	t.Cleanup(func() { _ = unix.Close(d) })
	return &dirStream{t, d}
}

// batch is what one getdents(2) returns, the dots left out; nil at the end.
func (d *dirStream) batch() []dirEntry {
	d.t.Helper()
	for {
		buf := make([]byte, 8<<10)
		n, err := unix.Getdents(d.fd, buf)
		must(d.t, err)
		if n == 0 {
			return nil
		}
		var list []dirEntry
		for b := buf[:n]; len(b) > 0; {
			// struct linux_dirent64: ino, off (8 bytes each), reclen (2), type (1), name.
			le := func(at, size int) (v uint64) {
				for i := range size {
					v |= uint64(b[at+i]) << (8 * i)
				}
				return v
			}
			length := int(le(16, 2))
			name, _, _ := strings.Cut(string(b[19:length]), "\x00")
			if name != "." && name != ".." {
				list = append(list, dirEntry{name, le(0, 8), int64(le(8, 8))})
			}
			b = b[length:]
		}
		if len(list) > 0 {
			return list
		}
	}
}

func (d *dirStream) rest() []dirEntry {
	d.t.Helper()
	var all []dirEntry
	for {
		list := d.batch()
		if list == nil {
			return all
		}
		all = append(all, list...)
	}
}

func (d *dirStream) seek(to int64) {
	d.t.Helper()
	_, err := unix.Seek(d.fd, to, unix.SEEK_SET)
	must(d.t, err)
}

func sortedNames(list []dirEntry) []string {
	var names []string
	for _, e := range list {
		names = append(names, e.name)
	}
	slices.Sort(names)
	return names
}

var posixDirs = []posixRow{
	{"readdir-whole", func(t *testing.T, dir string) {
		names := manyNames(t, dir)
		list := openDir(t, dir).rest()
		if !slices.Equal(sortedNames(list), names) {
			t.Errorf("%d names, want %d", len(list), len(names))
		}
		for _, e := range list {
			var st unix.Stat_t
			must(t, unix.Stat(filepath.Join(dir, e.name), &st))
			if st.Ino != e.ino {
				t.Errorf("%s is %d in the listing and %d itself", e.name, e.ino, st.Ino)
			}
		}
	}},
	{"readdir-seek-back", func(t *testing.T, dir string) {
		names := manyNames(t, dir)
		d := openDir(t, dir)
		first := d.batch()
		middle := first[len(first)/2]
		rest := d.rest()
		d.seek(middle.next)
		again := d.rest()
		if want := append(sortedNames(first[len(first)/2+1:]), sortedNames(rest)...); len(again) != len(want) {
			t.Errorf("from the middle %d names, want %d", len(again), len(want))
		}
		d.seek(first[len(first)-1].next)
		if got := d.rest(); !slices.Equal(sortedNames(got), sortedNames(rest)) {
			t.Errorf("from the second batch %d names, want %d", len(got), len(rest))
		}
		d.seek(0)
		if got := d.rest(); !slices.Equal(sortedNames(got), names) {
			t.Errorf("from the start %d names, want %d", len(got), len(names))
		}
	}},
	{"readdir-rewind-midway", func(t *testing.T, dir string) {
		names := manyNames(t, dir)
		d := openDir(t, dir)
		d.batch()
		must(t, os.WriteFile(filepath.Join(dir, "new"), nil, 0o644))
		must(t, os.Remove(filepath.Join(dir, names[0])))
		d.seek(0)
		d.batch()
		d.seek(0)
		if got, want := sortedNames(d.rest()), append(slices.Clone(names[1:]), "new"); !slices.Equal(got, want) {
			t.Errorf("after a rewind %d names, want %d with the new one and without what was removed", len(got), len(want))
		}
	}},
	{"readdir-rewind-at-end", func(t *testing.T, dir string) {
		d := openDir(t, dir)
		if got := d.rest(); len(got) != 0 {
			t.Errorf("an empty directory lists %v", got)
		}
		for _, name := range []string{"a", "b", "c"} {
			must(t, os.WriteFile(filepath.Join(dir, name), nil, 0o644))
			d.seek(0)
			got := sortedNames(d.rest())
			if len(got) == 0 || got[len(got)-1] != name {
				t.Errorf("after a rewind there are %v, want %s too", got, name)
			}
		}
	}},
	{"readdir-while-unlinking", func(t *testing.T, dir string) {
		names := manyNames(t, dir)
		d := openDir(t, dir)
		seen := map[string]int{}
		for list := d.batch(); list != nil; list = d.batch() {
			for _, e := range list { // as rm -r does
				seen[e.name]++
				must(t, os.Remove(filepath.Join(dir, e.name)))
			}
		}
		for _, name := range names {
			if seen[name] != 1 {
				t.Errorf("%s was seen %d times", name, seen[name])
			}
		}
		must(t, unix.Rmdir(dir))
		must(t, os.Mkdir(dir, 0o755))
	}},
	{"readdir-does-not-bring-back", func(t *testing.T, dir string) {
		names := manyNames(t, dir)
		d := openDir(t, dir)
		first := d.batch()
		var left []string
		for _, name := range names {
			if !slices.ContainsFunc(first, func(e dirEntry) bool { return e.name == name }) {
				left = append(left, name)
			}
		}
		gone, moved := left[len(left)-1], left[len(left)-2]
		must(t, os.Remove(filepath.Join(dir, gone)))
		must(t, os.Mkdir(filepath.Join(dir, "sub"), 0o755))
		must(t, os.Rename(filepath.Join(dir, moved), filepath.Join(dir, "sub", moved)))
		d.rest() // may name them still
		for _, name := range []string{gone, moved} {
			if _, err := os.Lstat(filepath.Join(dir, name)); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("%s is back in the directory: %v", name, err)
			}
		}
		must(t, os.WriteFile(filepath.Join(dir, gone), []byte("another"), 0o644))
		wantText(t, filepath.Join(dir, gone), "another")
	}},
	{"working-directory-removed", func(t *testing.T, dir string) {
		p := layOut(t, dir)
		inOwnDirectory(t, p("d"), func() {
			must(t, unix.Rmdir(p("d")))
			_, err := unix.Getcwd(make([]byte, 4096))
			wantErrno(t, err, unix.ENOENT)
			wantErrno(t, opens("x", unix.O_CREAT|unix.O_WRONLY), unix.ENOENT)
			wantErrno(t, unix.Mkdir("x", 0o755), unix.ENOENT)
			wantErrno(t, opens("../f", unix.O_RDONLY), 0)
			must(t, opens(".", unix.O_RDONLY|unix.O_DIRECTORY))
		})
	}},
	{"working-directory-renamed", func(t *testing.T, dir string) {
		p := layOut(t, dir)
		inOwnDirectory(t, p("d"), func() {
			must(t, os.Rename(p("d"), p("full/moved")))
			buf := make([]byte, 4096)
			n, err := unix.Getcwd(buf)
			must(t, err)
			if got := strings.TrimRight(string(buf[:n]), "\x00"); !strings.HasSuffix(got, "/full/moved") {
				t.Errorf("the working directory is %s", got)
			}
			must(t, opens("x", unix.O_CREAT|unix.O_WRONLY))
			must(t, opens("../../f", unix.O_RDONLY))
		})
		wantText(t, p("full/moved/x"), "")
	}},
	{"dots", func(t *testing.T, dir string) {
		p := layOut(t, dir)
		wantErrno(t, unix.Rmdir(p("full/sub")+"/.."), unix.ENOTEMPTY)
		wantErrno(t, unix.Unlink(p("d")+"/."), unix.EISDIR)
		wantErrno(t, unix.Mkdir(p("d")+"/.", 0o755), unix.EEXIST)
		wantErrno(t, unix.Rename(p("f"), p("d")+"/.."), unix.EBUSY)
		wantErrno(t, opens(p("d")+"/..", unix.O_RDONLY|unix.O_DIRECTORY), 0)
		var a, b unix.Stat_t
		must(t, errors.Join(unix.Stat(dir, &a), unix.Stat(p("d")+"/..", &b)))
		if a.Ino != b.Ino {
			t.Errorf("the parent of d is %d, want %d", b.Ino, a.Ino)
		}
	}},
	{"trailing-slashes", func(t *testing.T, dir string) {
		p := layOut(t, dir)
		wantErrno(t, opens(p("f")+"/", unix.O_RDONLY), unix.ENOTDIR)
		wantErrno(t, opens(p("x")+"/", unix.O_CREAT|unix.O_WRONLY), unix.EISDIR)
		wantErrno(t, unix.Unlink(p("f")+"/"), unix.ENOTDIR)
		wantErrno(t, unix.Rename(p("f"), p("x")+"/"), unix.ENOTDIR)
		wantErrno(t, unix.Symlink("f", p("x")+"/"), unix.ENOENT)
		must(t, unix.Mkdir(p("x")+"/", 0o755))
		must(t, unix.Rename(p("x")+"/", p("y")+"/"))
		must(t, unix.Rmdir(p("y")+"/"))
	}},
	{"deep-tree", func(t *testing.T, dir string) {
		deep := strings.Repeat("deep/", 60)
		must(t, os.MkdirAll(filepath.Join(dir, deep), 0o755))
		must(t, os.WriteFile(filepath.Join(dir, deep, "f"), []byte("down"), 0o644))
		must(t, os.Rename(filepath.Join(dir, "deep"), filepath.Join(dir, "moved")))
		wantText(t, filepath.Join(dir, "moved", strings.TrimPrefix(deep, "deep/"), "f"), "down")
		must(t, os.RemoveAll(filepath.Join(dir, "moved/deep/deep")))
	}},
	{"rename-noreplace-free", func(t *testing.T, dir string) {
		p := layOut(t, dir)
		must(t, unix.Renameat2(unix.AT_FDCWD, p("f"), unix.AT_FDCWD, p("x"), unix.RENAME_NOREPLACE))
		must(t, unix.Renameat2(unix.AT_FDCWD, p("full"), unix.AT_FDCWD, p("y"), unix.RENAME_NOREPLACE))
		wantErrno(t, unix.Renameat2(unix.AT_FDCWD, p("d"), unix.AT_FDCWD, p("y"), unix.RENAME_NOREPLACE), unix.EEXIST)
		wantText(t, p("x"), "data")
	}},
	{"rename-keeps-inode-and-handles", func(t *testing.T, dir string) {
		p := layOut(t, dir)
		must(t, os.WriteFile(p("full/sub/g"), []byte("deep"), 0o644))
		g := open(t, dir, "full/sub/g", os.O_RDWR)
		var before, after unix.Stat_t
		must(t, unix.Fstat(fd(g), &before))
		must(t, unix.Rename(p("full"), p("d"))) // over an empty one
		must(t, unix.Stat(p("d/sub/g"), &after))
		if before.Ino != after.Ino {
			t.Errorf("inode %d became %d", before.Ino, after.Ino)
		}
		_, err := g.WriteAt([]byte("+"), 4)
		must(t, errors.Join(err, g.Close()))
		wantText(t, p("d/sub/g"), "deep+")
	}},
	{"openat", func(t *testing.T, dir string) {
		p := layOut(t, dir)
		d, err := unix.Open(p("full"), unix.O_PATH|unix.O_DIRECTORY, 0)
		must(t, err)
		defer unix.Close(d)
		must(t, os.Rename(p("full"), p("moved")))
		f, err := unix.Openat(d, "sub/x", unix.O_CREAT|unix.O_EXCL|unix.O_RDWR, 0o644)
		must(t, err)
		must(t, unix.Close(f))
		must(t, unix.Renameat(d, "sub/x", d, "y"))
		must(t, unix.Mkdirat(d, "z", 0o755))
		must(t, unix.Unlinkat(d, "z", unix.AT_REMOVEDIR))
		wantText(t, p("moved/y"), "")
	}},
	{"symlinks", func(t *testing.T, dir string) {
		p := layOut(t, dir)
		long := strings.Repeat("../x/", 819)
		must(t, os.Symlink(long[:4095], p("long")))
		wantErrno(t, unix.Symlink(strings.Repeat("x", 4096), p("longer")), unix.ENAMETOOLONG)
		wantErrno(t, unix.Symlink("", p("empty")), unix.ENOENT)
		if got, err := os.Readlink(p("long")); err != nil || got != long[:4095] {
			t.Errorf("readlink: %s, %v", brief([]byte(got)), err)
		}
		var st unix.Stat_t
		must(t, unix.Lstat(p("long"), &st))
		if st.Size != 4095 || st.Mode&unix.S_IFMT != unix.S_IFLNK {
			t.Errorf("size %d, mode %o", st.Size, st.Mode)
		}
		buf := make([]byte, 3)
		if n, err := unix.Readlink(p("nowhere"), buf); err != nil || string(buf[:n]) != "mis" {
			t.Errorf("a short buffer gets %q, %v", buf, err)
		}
		must(t, os.Symlink("full/../link", p("over")))
		wantText(t, p("over"), "data")
		must(t, os.WriteFile(p("nowhere"), []byte("made"), 0o644))
		wantText(t, p("missing"), "made")
		for i := range 45 { // more than the kernel follows
			must(t, os.Symlink(fmt.Sprintf("chain-%d", i+1), p(fmt.Sprintf("chain-%d", i))))
		}
		wantErrno(t, opens(p("chain-0"), unix.O_RDONLY), unix.ELOOP)
	}},
	{"temporary-names", func(t *testing.T, dir string) {
		for range 30 { // write aside, sync, put in place: as editors and package managers do
			f, err := os.CreateTemp(dir, ".tmp-*")
			must(t, err)
			_, err = io.WriteString(f, "complete")
			must(t, errors.Join(err, f.Sync(), f.Close(), os.Rename(f.Name(), filepath.Join(dir, "config"))))
		}
		entries, err := os.ReadDir(dir)
		if err != nil || len(entries) != 1 {
			t.Errorf("%v, %v", entries, err)
		}
		wantText(t, filepath.Join(dir, "config"), "complete")
	}},
}

// inOwnDirectory runs do with dir as the working directory of its thread alone.
func inOwnDirectory(t *testing.T, dir string, do func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine, soon, but for the main one
		if err := errors.Join(unix.Unshare(unix.CLONE_FS), unix.Chdir(dir)); err != nil {
			t.Error(err)
			return
		}
		do()
		if err := unix.Chdir("/"); err != nil {
			t.Error(err)
		}
	}()
	<-done
}
