//go:build linux

package mounts_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// open opens name of dir for a row, until it ends.
func open(t *testing.T, dir, name string, flags int) *os.File {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(dir, name), flags, 0o644)
	must(t, err)
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func fd(f *os.File) int { return int(f.Fd()) }

// bytesRow is a row about the content of a file, which begins as before and is to end as
// after; op gets it open for reading and writing.
func bytesRow(name, before, after string, op func(t *testing.T, f *os.File)) posixRow {
	return posixRow{name, func(t *testing.T, dir string) {
		path := filepath.Join(dir, "f")
		must(t, os.WriteFile(path, []byte(before), 0o644))
		f := open(t, dir, "f", os.O_RDWR)
		op(t, f)
		var st unix.Stat_t
		must(t, unix.Fstat(fd(f), &st))
		if st.Size != int64(len(after)) {
			t.Errorf("the size is %d, want %d", st.Size, len(after))
		}
		wantText(t, path, after)
		must(t, f.Close())
		wantText(t, path, after)
	}}
}

// onFile is a row about a call on a descriptor that is opened with flags.
func onFile(name string, flags int, want syscall.Errno, op func(f *os.File) error) posixRow {
	return posixRow{name, func(t *testing.T, dir string) {
		layOut(t, dir)
		wantErrno(t, op(open(t, dir, "f", flags)), want)
		wantText(t, filepath.Join(dir, "f"), "data")
	}}
}

func zeros(n int) string { return strings.Repeat("\x00", n) }

var posixIO = []posixRow{
	onFile("read-of-wronly", os.O_WRONLY, unix.EBADF, func(f *os.File) error { _, err := unix.Read(fd(f), make([]byte, 1)); return err }),
	onFile("write-of-rdonly", os.O_RDONLY, unix.EBADF, func(f *os.File) error { _, err := unix.Write(fd(f), []byte("x")); return err }),
	onFile("ftruncate-of-rdonly", os.O_RDONLY, unix.EINVAL, func(f *os.File) error { return unix.Ftruncate(fd(f), 0) }),
	onFile("ftruncate-negative", os.O_RDWR, unix.EINVAL, func(f *os.File) error { return unix.Ftruncate(fd(f), -1) }),
	onFile("pread-negative", os.O_RDWR, unix.EINVAL, func(f *os.File) error { _, err := unix.Pread(fd(f), make([]byte, 1), -1); return err }),
	onFile("pwrite-negative", os.O_RDWR, unix.EINVAL, func(f *os.File) error { _, err := unix.Pwrite(fd(f), []byte("x"), -1); return err }),
	onFile("seek-negative", os.O_RDWR, unix.EINVAL, func(f *os.File) error { _, err := unix.Seek(fd(f), -1, unix.SEEK_SET); return err }),
	onFile("fallocate-of-rdonly", os.O_RDONLY, unix.EBADF, func(f *os.File) error { return unix.Fallocate(fd(f), 0, 0, 9) }),
	onFile("fallocate-nothing", os.O_RDWR, unix.EINVAL, func(f *os.File) error { return unix.Fallocate(fd(f), 0, 0, 0) }),
	onFile("punch-without-keep", os.O_RDWR, unix.EOPNOTSUPP, func(f *os.File) error { return unix.Fallocate(fd(f), unix.FALLOC_FL_PUNCH_HOLE, 0, 1) }),
	onFile("fsync-of-rdonly", os.O_RDONLY, 0, func(f *os.File) error { return errors.Join(unix.Fsync(fd(f)), unix.Fdatasync(fd(f))) }),
	onFile("advice", os.O_RDONLY, 0, func(f *os.File) error {
		return errors.Join(unix.Fadvise(fd(f), 0, 0, unix.FADV_SEQUENTIAL), unix.Fadvise(fd(f), 0, 0, unix.FADV_DONTNEED))
	}),
	onFile("mmap-shared-of-rdonly", os.O_RDONLY, unix.EACCES, func(f *os.File) error {
		_, err := unix.Mmap(fd(f), 0, 4096, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
		return err
	}),
	onFile("mmap-of-wronly", os.O_WRONLY, unix.EACCES, func(f *os.File) error {
		_, err := unix.Mmap(fd(f), 0, 4096, unix.PROT_READ, unix.MAP_PRIVATE)
		return err
	}),
	onFile("getdents-of-file", os.O_RDONLY, unix.ENOTDIR, func(f *os.File) error { _, err := unix.Getdents(fd(f), make([]byte, 1024)); return err }),
	onFile("fchdir-of-file", os.O_RDONLY, unix.ENOTDIR, func(f *os.File) error { return unix.Fchdir(fd(f)) }),
	onFile("seek-data-at-end", os.O_RDONLY, unix.ENXIO, func(f *os.File) error { _, err := unix.Seek(fd(f), 4, unix.SEEK_DATA); return err }),
	onFile("seek-hole-past-end", os.O_RDONLY, unix.ENXIO, func(f *os.File) error { _, err := unix.Seek(fd(f), 5, unix.SEEK_HOLE); return err }),
	fails("read-of-dir", unix.EISDIR, func(p at) error {
		d, err := unix.Open(p("d"), unix.O_RDONLY, 0)
		if err != nil {
			return err
		}
		defer unix.Close(d)
		_, err = unix.Read(d, make([]byte, 1))
		return err
	}),

	bytesRow("pwrite-past-end", "data", "data"+zeros(96)+"x", func(t *testing.T, f *os.File) {
		_, err := f.WriteAt([]byte("x"), 100)
		must(t, err)
	}),
	bytesRow("write-then-shrink-then-grow", "0123456789", "0123"+zeros(6), func(t *testing.T, f *os.File) {
		must(t, errors.Join(f.Truncate(4), f.Truncate(10)))
	}),
	bytesRow("shrink-then-write-past", "0123456789", "01"+zeros(6)+"x", func(t *testing.T, f *os.File) {
		must(t, f.Truncate(2))
		_, err := f.WriteAt([]byte("x"), 8)
		must(t, err)
	}),
	bytesRow("trunc-of-open-file", "old", zeros(3)+"d", func(t *testing.T, f *os.File) {
		_, err := f.Seek(3, io.SeekStart)
		must(t, err)
		must(t, opens(f.Name(), unix.O_WRONLY|unix.O_TRUNC))
		_, err = f.WriteString("d") // the offset stays
		must(t, err)
	}),
	bytesRow("vectors", "", "one two three", func(t *testing.T, f *os.File) {
		_, err := unix.Writev(fd(f), [][]byte{[]byte("one "), []byte("tw"), []byte("o ")})
		must(t, err)
		_, err = unix.Pwritev(fd(f), [][]byte{[]byte("th"), []byte("ree")}, 8)
		must(t, err)
	}),
	bytesRow("read-at-end", "data", "data", func(t *testing.T, f *os.File) {
		if n, err := unix.Pread(fd(f), make([]byte, 9), 4); n != 0 || err != nil {
			t.Errorf("at the end %d bytes, %v", n, err)
		}
		if n, err := unix.Pread(fd(f), make([]byte, 9), 2); n != 2 || err != nil {
			t.Errorf("near the end %d bytes, %v", n, err)
		}
	}),
	bytesRow("shared-offset", "", "abc", func(t *testing.T, f *os.File) {
		twin, err := unix.Dup(fd(f))
		must(t, err)
		defer unix.Close(twin)
		for i, d := range []int{fd(f), twin, fd(f)} {
			_, err := unix.Write(d, []byte{"abc"[i]})
			must(t, err)
		}
	}),
	bytesRow("append-ignores-seek", "data", "data+more", func(t *testing.T, f *os.File) {
		a, err := os.OpenFile(f.Name(), os.O_APPEND|os.O_RDWR, 0)
		must(t, err)
		defer a.Close()
		for _, text := range []string{"+mo", "re"} {
			_, err := unix.Seek(fd(a), 1, unix.SEEK_SET)
			must(t, err)
			_, err = unix.Write(fd(a), []byte(text))
			must(t, err)
		}
	}),
	bytesRow("append-cleared-by-fcntl", "data", "DatA+", func(t *testing.T, f *os.File) {
		a, err := os.OpenFile(f.Name(), os.O_APPEND|os.O_RDWR, 0)
		must(t, err)
		_, err = a.WriteString("+")
		must(t, err)
		_, err = unix.FcntlInt(a.Fd(), unix.F_SETFL, 0)
		must(t, err)
		for off, b := range map[int64]string{0: "D", 3: "A"} {
			_, err := unix.Pwrite(int(a.Fd()), []byte(b), off)
			must(t, err)
		}
		must(t, a.Close())
	}),
	bytesRow("append-set-by-fcntl", "data", "data!", func(t *testing.T, f *os.File) {
		_, err := unix.FcntlInt(f.Fd(), unix.F_SETFL, unix.O_APPEND)
		must(t, err)
		_, err = unix.Write(fd(f), []byte("!"))
		must(t, err)
	}),
	bytesRow("fallocate", "data", "data"+zeros(96), func(t *testing.T, f *os.File) { must(t, unix.Fallocate(fd(f), 0, 0, 100)) }),
	bytesRow("fallocate-keep-size", "data", "data", func(t *testing.T, f *os.File) {
		must(t, unix.Fallocate(fd(f), unix.FALLOC_FL_KEEP_SIZE, 0, 10_000))
	}),
	bytesRow("punch-hole", strings.Repeat("x", 10), "xx"+zeros(5)+"xxx", func(t *testing.T, f *os.File) {
		must(t, unix.Fallocate(fd(f), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, 2, 5))
	}),
	bytesRow("punch-hole-past-end", strings.Repeat("x", 10), "xxxxxxxx"+zeros(2), func(t *testing.T, f *os.File) {
		must(t, unix.Fallocate(fd(f), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, 8, 5000))
	}),
	bytesRow("zero-range", strings.Repeat("x", 10), "xxxxxxxx"+zeros(5), func(t *testing.T, f *os.File) {
		must(t, unix.Fallocate(fd(f), unix.FALLOC_FL_ZERO_RANGE, 8, 5))
	}),
	bytesRow("zero-range-keep-size", strings.Repeat("x", 10), "xxxxxxxx"+zeros(2), func(t *testing.T, f *os.File) {
		must(t, unix.Fallocate(fd(f), unix.FALLOC_FL_ZERO_RANGE|unix.FALLOC_FL_KEEP_SIZE, 8, 5))
	}),
	bytesRow("mmap-private", "data", "data", func(t *testing.T, f *os.File) {
		m, err := unix.Mmap(fd(f), 0, 4, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE)
		must(t, err)
		copy(m, "mine")
		must(t, unix.Munmap(m))
	}),
	bytesRow("mmap-sees-write-and-is-seen", "data", "DatA", func(t *testing.T, f *os.File) {
		m, err := unix.Mmap(fd(f), 0, 4, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
		must(t, err)
		_, err = f.WriteAt([]byte("D"), 0)
		must(t, err)
		m[3] = 'A'
		b := make([]byte, 4)
		if _, err := f.ReadAt(b, 0); err != nil || string(b) != "DatA" || string(m) != "DatA" {
			t.Errorf("read(2) sees %q, the mapping %q, %v", b, m, err)
		}
		must(t, unix.Munmap(m))
	}),
	bytesRow("mmap-two", "data", "Mata", func(t *testing.T, f *os.File) {
		a, err := unix.Mmap(fd(f), 0, 4, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
		must(t, err)
		b, err := unix.Mmap(fd(f), 0, 4, unix.PROT_READ, unix.MAP_SHARED)
		must(t, err)
		a[0] = 'M'
		if b[0] != 'M' {
			t.Errorf("the second mapping sees %q", b)
		}
		must(t, errors.Join(unix.Munmap(a), unix.Munmap(b)))
	}),
	bytesRow("mmap-outlives-close", "data", "late", func(t *testing.T, f *os.File) {
		d, err := unix.Open(f.Name(), unix.O_RDWR, 0)
		must(t, err)
		m, err := unix.Mmap(d, 0, 4, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
		must(t, errors.Join(err, unix.Close(d)))
		copy(m, "late")
		must(t, unix.Munmap(m))
	}),
	bytesRow("mmap-tail-is-zero", "data", "data"+zeros(4), func(t *testing.T, f *os.File) {
		m, err := unix.Mmap(fd(f), 0, 4096, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
		must(t, err)
		if string(m[4:8]) != zeros(4) {
			t.Errorf("past the end the mapping has %q", m[4:8])
		}
		copy(m[4:], "lost") // is not part of the file
		must(t, errors.Join(unix.Msync(m, unix.MS_SYNC), unix.Munmap(m), f.Truncate(8)))
	}),
	bytesRow("copy-file-range", "0123456789", "0123456789234", func(t *testing.T, f *os.File) {
		in, out := int64(2), int64(10)
		n, err := unix.CopyFileRange(fd(f), &in, fd(f), &out, 3, 0)
		if n != 3 || err != nil || in != 5 || out != 13 {
			t.Errorf("%d bytes to %d, %v", n, out, err)
		}
	}),
	bytesRow("sendfile-out", "0123456789", "0123456789", func(t *testing.T, f *os.File) {
		r, w, err := os.Pipe()
		must(t, err)
		defer r.Close()
		off := int64(4)
		n, err := unix.Sendfile(fd(w), fd(f), &off, 100)
		must(t, errors.Join(err, w.Close()))
		if got, _ := io.ReadAll(r); n != 6 || string(got) != "456789" {
			t.Errorf("%d bytes: %q", n, got)
		}
	}),
	bytesRow("splice-in", "0123456789", "01splice89", func(t *testing.T, f *os.File) {
		r, w, err := os.Pipe()
		must(t, err)
		defer r.Close()
		_, err = w.WriteString("splice")
		must(t, errors.Join(err, w.Close()))
		off := int64(2)
		if n, err := unix.Splice(fd(r), nil, fd(f), &off, 100, 0); n != 6 || err != nil {
			t.Errorf("%d bytes, %v", n, err)
		}
	}),
	bytesRow("direct", "", strings.Repeat("D", 8192)+zeros(4096)+strings.Repeat("E", 4096), func(t *testing.T, f *os.File) {
		d, err := unix.Open(f.Name(), unix.O_RDWR|unix.O_DIRECT, 0)
		must(t, err)
		defer unix.Close(d)
		page := alignedPages(2)
		copy(page, bytes.Repeat([]byte("D"), 8192))
		_, err = unix.Pwrite(d, page, 0)
		must(t, err)
		copy(page, bytes.Repeat([]byte("E"), 4096))
		_, err = unix.Pwrite(d, page[:4096], 12288)
		must(t, err)
		if n, err := unix.Pread(d, page, 8192); n != 8192 || err != nil || string(page[:4096]) != zeros(4096) || page[4096] != 'E' {
			t.Errorf("read %d bytes, %v", n, err)
		}
		b := make([]byte, 3)
		if _, err := f.ReadAt(b, 0); err != nil || string(b) != "DDD" {
			t.Errorf("a reader without O_DIRECT sees %q, %v", b, err)
		}
	}),
	bytesRow("seek-data-and-hole", "data", "data", func(t *testing.T, f *os.File) {
		if at, err := unix.Seek(fd(f), 1, unix.SEEK_DATA); at != 1 || err != nil {
			t.Errorf("data at %d, %v", at, err)
		}
		if at, err := unix.Seek(fd(f), 1, unix.SEEK_HOLE); at != 4 || err != nil {
			t.Errorf("the hole is at %d, %v", at, err)
		}
		if at, err := unix.Seek(fd(f), -1, unix.SEEK_END); at != 3 || err != nil {
			t.Errorf("the last byte is at %d, %v", at, err)
		}
	}),

	{"append-by-many", func(t *testing.T, dir string) {
		const writers, lines = 4, 200
		must(t, each(writers, func(i int) error {
			f, err := os.OpenFile(filepath.Join(dir, "log"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
			if err != nil {
				return err
			}
			for j := range lines {
				if _, err := fmt.Fprintf(f, "%d:%03d %s\n", i, j, strings.Repeat(string(rune('a'+i)), 50)); err != nil {
					return err
				}
			}
			return f.Close()
		}))
		data, err := os.ReadFile(filepath.Join(dir, "log"))
		must(t, err)
		got := strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
		slices.Sort(got)
		var want []string
		for i := range writers {
			for j := range lines {
				want = append(want, fmt.Sprintf("%d:%03d %s", i, j, strings.Repeat(string(rune('a'+i)), 50)))
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%d lines, and not those that were appended", len(got))
		}
	}},
	{"create-keeps-what-is-there", func(t *testing.T, dir string) {
		layOut(t, dir)
		must(t, os.Chmod(filepath.Join(dir, "f"), 0o600))
		must(t, opens(filepath.Join(dir, "f"), unix.O_CREAT|unix.O_RDWR))
		wantText(t, filepath.Join(dir, "f"), "data")
		wantMode(t, filepath.Join(dir, "f"), 0o600)
	}},
	{"create-read-only-and-write", func(t *testing.T, dir string) {
		path := filepath.Join(dir, "f")
		f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o444)
		must(t, err)
		_, err = f.WriteString("as git does")
		must(t, errors.Join(err, f.Sync(), f.Close()))
		wantText(t, path, "as git does")
		wantMode(t, path, 0o444)
	}},
	{"write-after-rename", func(t *testing.T, dir string) {
		layOut(t, dir)
		f := open(t, dir, "f", os.O_RDWR)
		must(t, os.Rename(f.Name(), filepath.Join(dir, "d/moved")))
		_, err := f.WriteAt([]byte("more"), 4)
		must(t, errors.Join(err, f.Close()))
		wantText(t, filepath.Join(dir, "d/moved"), "datamore")
	}},
	{"unlinked-file-goes-on", func(t *testing.T, dir string) {
		layOut(t, dir)
		f := open(t, dir, "f", os.O_RDWR)
		m, err := unix.Mmap(fd(f), 0, 4, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
		must(t, errors.Join(err, os.Remove(f.Name())))
		must(t, os.WriteFile(f.Name(), []byte("another"), 0o644))
		copy(m, "DATA")
		must(t, errors.Join(unix.Munmap(m), f.Truncate(6), f.Chmod(0o600), f.Sync()))
		b := make([]byte, 10)
		if n, err := f.ReadAt(b, 0); n != 6 || !errors.Is(err, io.EOF) || string(b[:n]) != "DATA"+zeros(2) {
			t.Errorf("read %q, %v", b[:n], err)
		}
		must(t, f.Close())
		wantText(t, f.Name(), "another")
	}},
	{"locks-of-descriptors", func(t *testing.T, dir string) {
		layOut(t, dir)
		a, b := open(t, dir, "f", os.O_RDWR), open(t, dir, "f", os.O_RDWR)
		lock := func(f *os.File, cmd int, kind int16, start, length int64) (unix.Flock_t, error) {
			l := unix.Flock_t{Type: kind, Whence: unix.SEEK_SET, Start: start, Len: length}
			return l, unix.FcntlFlock(f.Fd(), cmd, &l)
		}
		_, err := lock(a, unix.F_OFD_SETLK, unix.F_WRLCK, 0, 10)
		must(t, err)
		_, err = lock(b, unix.F_OFD_SETLK, unix.F_WRLCK, 5, 10)
		wantErrno(t, err, unix.EAGAIN)
		_, err = lock(b, unix.F_SETLK, unix.F_RDLCK, 9, 1) // of the process: another owner
		wantErrno(t, err, unix.EAGAIN)
		_, err = lock(b, unix.F_OFD_SETLK, unix.F_WRLCK, 10, 10)
		must(t, err)
		l := unix.Flock_t{Type: unix.F_WRLCK, Whence: unix.SEEK_SET, Start: 3, Len: 1}
		must(t, unix.FcntlFlock(b.Fd(), unix.F_OFD_GETLK, &l))
		if l.Type != unix.F_WRLCK || l.Start != 0 || l.Len != 10 {
			t.Errorf("the lock in the way is %+v", l)
		}
		l = unix.Flock_t{Type: unix.F_WRLCK, Whence: unix.SEEK_SET, Start: 3, Len: 1}
		must(t, unix.FcntlFlock(b.Fd(), unix.F_GETLK, &l))
		if l.Type != unix.F_WRLCK {
			t.Errorf("F_GETLK shows %+v", l)
		}
		must(t, a.Close())
		_, err = lock(b, unix.F_OFD_SETLK, unix.F_WRLCK, 0, 10)
		must(t, err)
	}},
	{"inotify", func(t *testing.T, dir string) {
		watch, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
		must(t, err)
		defer unix.Close(watch)
		_, err = unix.InotifyAddWatch(watch, dir, unix.IN_CREATE|unix.IN_CLOSE_WRITE|unix.IN_MOVED_TO|unix.IN_DELETE)
		must(t, err)
		layOut(t, dir)
		must(t, os.Rename(filepath.Join(dir, "f"), filepath.Join(dir, "g")))
		must(t, os.Remove(filepath.Join(dir, "g")))
		var seen uint32
		buf := make([]byte, 16<<10)
		n, err := unix.Read(watch, buf)
		must(t, err)
		for i := 0; i+unix.SizeofInotifyEvent <= n; {
			event := (*unix.InotifyEvent)(unsafe.Pointer(&buf[i]))
			seen |= event.Mask
			i += unix.SizeofInotifyEvent + int(event.Len)
		}
		if want := uint32(unix.IN_CREATE | unix.IN_CLOSE_WRITE | unix.IN_MOVED_TO | unix.IN_DELETE); seen&want != want {
			t.Errorf("events %x, want %x", seen, want)
		}
	}},
}

// alignedPages is a buffer as O_DIRECT wants it.
func alignedPages(n int) []byte {
	const page = 4096
	buf := make([]byte, (n+1)*page)
	skip := page - int(uintptr(unsafe.Pointer(&buf[0]))%page)
	return buf[skip : skip+n*page]
}
