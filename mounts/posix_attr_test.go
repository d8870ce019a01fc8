//go:build linux

package mounts_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func wantMode(t *testing.T, path string, want uint32) {
	t.Helper()
	var st unix.Stat_t
	must(t, unix.Lstat(path, &st))
	if st.Mode&0o7777 != want {
		t.Errorf("the mode of %s is %o, want %o", filepath.Base(path), st.Mode&0o7777, want)
	}
}

func stat(t *testing.T, path string) unix.Stat_t {
	t.Helper()
	var st unix.Stat_t
	must(t, unix.Lstat(path, &st))
	return st
}

func nanoseconds(ts unix.Timespec) int64 { return ts.Nano() }

// old is a time that whatever changes now is after.
var old = unix.NsecToTimespec(time.Date(2001, 2, 3, 4, 5, 6, 987654321, time.UTC).UnixNano())

// aged gives path old times, so that a change shows.
func aged(t *testing.T, path string) {
	t.Helper()
	must(t, unix.UtimesNanoAt(unix.AT_FDCWD, path, []unix.Timespec{old, old}, unix.AT_SYMLINK_NOFOLLOW))
}

// touches is a row about an operation that sets mtime and ctime of the names given, and
// leaves those of keeps.
func touches(name string, changes, keeps []string, op func(p at) error) posixRow {
	return posixRow{name, func(t *testing.T, dir string) {
		p := layOut(t, dir)
		before := map[string]unix.Stat_t{}
		for _, n := range append(changes, keeps...) {
			aged(t, p(n))
			before[n] = stat(t, p(n))
		}
		must(t, op(p))
		for _, n := range changes {
			after := stat(t, p(n))
			if after.Mtim == old || nanoseconds(after.Ctim) < nanoseconds(before[n].Ctim) {
				t.Errorf("%s: mtime %v, ctime %v, want both set", n, time.Unix(after.Mtim.Unix()), time.Unix(after.Ctim.Unix()))
			}
		}
		for _, n := range keeps {
			if after := stat(t, p(n)); after.Mtim != old {
				t.Errorf("%s: mtime %v, want it kept", n, time.Unix(after.Mtim.Unix()))
			}
		}
	}}
}

// mode is a row about a mode after op.
func modeRow(name string, want uint32, op func(p at) error) posixRow {
	return posixRow{name, func(t *testing.T, dir string) {
		p := layOut(t, dir)
		must(t, op(p))
		wantMode(t, p("f"), want)
	}}
}

var posixAttributes = []posixRow{
	touches("create-touches-parent", []string{""}, []string{"f"}, func(p at) error { return opens(p("x"), unix.O_CREAT|unix.O_WRONLY) }),
	touches("mkdir-touches-parent", []string{""}, []string{"d"}, func(p at) error { return unix.Mkdir(p("x"), 0o755) }),
	touches("symlink-touches-parent", []string{""}, []string{"f"}, func(p at) error { return unix.Symlink("y", p("x")) }),
	touches("mknod-touches-parent", []string{""}, nil, func(p at) error { return unix.Mknod(p("x"), unix.S_IFREG|0o600, 0) }),
	touches("unlink-touches-parent", []string{""}, []string{"f"}, func(p at) error { return unix.Unlink(p("link")) }),
	touches("rmdir-touches-parent", []string{"full"}, []string{""}, func(p at) error { return unix.Rmdir(p("full/sub")) }),
	touches("rename-touches-both-parents", []string{"full", "d"}, []string{"", "f"}, func(p at) error { return unix.Rename(p("full/sub"), p("d/x")) }),
	touches("write-touches-file", []string{"f"}, []string{""}, func(p at) error { return os.WriteFile(p("f"), []byte("x"), 0) }),
	touches("truncate-touches-file", []string{"f"}, []string{""}, func(p at) error { return unix.Truncate(p("f"), 2) }),
	touches("open-trunc-of-full-touches-file", []string{"f"}, []string{""}, func(p at) error { return opens(p("f"), unix.O_WRONLY|unix.O_TRUNC) }),
	touches("fallocate-touches-file", []string{"f"}, []string{""}, func(p at) error {
		fd, err := unix.Open(p("f"), unix.O_RDWR, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		return unix.Fallocate(fd, 0, 0, 100)
	}),
	touches("mmap-touches-file", []string{"f"}, []string{""}, func(p at) error {
		fd, err := unix.Open(p("f"), unix.O_RDWR, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		m, err := unix.Mmap(fd, 0, 4, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
		if err != nil {
			return err
		}
		copy(m, "DATA")
		if err := unix.Msync(m, unix.MS_SYNC); err != nil {
			return err
		}
		return unix.Munmap(m)
	}),
	touches("reading-touches-nothing", nil, []string{"", "f", "full", "link"}, func(p at) error {
		if _, err := os.ReadFile(p("link")); err != nil {
			return err
		}
		_, err := os.ReadDir(p("full"))
		return err
	}),
	touches("open-for-writing-touches-nothing", nil, []string{"", "f"}, func(p at) error { return opens(p("f"), unix.O_RDWR|unix.O_CREAT) }),
	touches("chmod-keeps-mtime", nil, []string{"f", ""}, func(p at) error { return unix.Chmod(p("f"), 0o600) }),

	modeRow("chmod", 0o751, func(p at) error { return unix.Chmod(p("f"), 0o751) }),
	modeRow("chmod-zero", 0, func(p at) error {
		return unix.Chmod(p("f"), 0)
	}).restoring("f"),
	modeRow("chmod-through-link", 0o640, func(p at) error { return unix.Chmod(p("link"), 0o640) }),
	modeRow("chmod-set-ids", 0o6755, func(p at) error { return unix.Chmod(p("f"), 0o6755) }),
	modeRow("fchmod", 0o604, func(p at) error {
		fd, err := unix.Open(p("f"), unix.O_RDONLY, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		return unix.Fchmod(fd, 0o604)
	}),
	modeRow("chown-to-self-keeps-mode", 0o640, func(p at) error {
		if err := unix.Chmod(p("f"), 0o640); err != nil {
			return err
		}
		return unix.Chown(p("f"), os.Getuid(), os.Getgid())
	}),
	modeRow("chown-clears-set-ids", 0o755, func(p at) error {
		if err := unix.Chmod(p("f"), 0o6755); err != nil {
			return err
		}
		return unix.Chown(p("f"), os.Getuid(), os.Getgid())
	}),
	{"chmod-ctime", func(t *testing.T, dir string) {
		p := layOut(t, dir)
		before := stat(t, p("f"))
		must(t, unix.Chmod(p("f"), 0o600))
		if after := stat(t, p("f")); nanoseconds(after.Ctim) < nanoseconds(before.Ctim) || nanoseconds(after.Ctim) > time.Now().UnixNano() {
			t.Errorf("ctime %d became %d", nanoseconds(before.Ctim), nanoseconds(after.Ctim))
		}
	}},
	{"sticky-and-directories", func(t *testing.T, dir string) {
		p := layOut(t, dir)
		must(t, unix.Chmod(p("d"), 0o1777))
		wantMode(t, p("d"), 0o1777)
		must(t, os.WriteFile(p("d/mine"), nil, 0o644))
		must(t, os.Rename(p("d/mine"), p("d/still")))
		must(t, os.Remove(p("d/still")))
	}},
	{"umask", func(t *testing.T, dir string) {
		p := layOut(t, dir)
		defer unix.Umask(unix.Umask(0o027))
		must(t, opens(p("x"), unix.O_CREAT|unix.O_WRONLY))
		wantMode(t, p("x"), 0o640)
		fd, err := unix.Open(p("y"), unix.O_CREAT|unix.O_WRONLY, 0o7777)
		must(t, err)
		must(t, unix.Close(fd))
		wantMode(t, p("y"), 0o7750)
		must(t, unix.Mkdir(p("z"), 0o777))
		wantMode(t, p("z"), 0o750)
		must(t, unix.Mknod(p("n"), unix.S_IFREG|0o666, 0))
		wantMode(t, p("n"), 0o640)
	}},
	{"set-gid-directory", func(t *testing.T, dir string) {
		p := layOut(t, dir)
		gid := uint32(os.Getgid())
		if os.Geteuid() == 0 {
			gid = 4321
			must(t, unix.Chown(p("d"), -1, int(gid)))
		}
		must(t, unix.Chmod(p("d"), 0o2755))
		must(t, os.WriteFile(p("d/f"), nil, 0o644))
		must(t, os.Mkdir(p("d/sub"), 0o755))
		must(t, os.Symlink("f", p("d/link")))
		for _, name := range []string{"d/f", "d/sub", "d/link"} {
			if st := stat(t, p(name)); st.Gid != gid {
				t.Errorf("%s has the group %d, want %d", name, st.Gid, gid)
			}
		}
		wantMode(t, p("d/sub"), 0o2755)
		wantMode(t, p("d/f"), 0o644)
	}},
	{"owner-of-new", func(t *testing.T, dir string) {
		p := layOut(t, dir)
		for _, name := range []string{"f", "d", "link"} {
			if st := stat(t, p(name)); st.Uid != uint32(os.Geteuid()) || st.Gid != uint32(os.Getegid()) {
				t.Errorf("%s belongs to %d:%d", name, st.Uid, st.Gid)
			}
		}
	}},
	{"utimens", func(t *testing.T, dir string) {
		p := layOut(t, dir)
		set := func(name string, atime, mtime unix.Timespec, flags int) {
			t.Helper()
			must(t, unix.UtimesNanoAt(unix.AT_FDCWD, p(name), []unix.Timespec{atime, mtime}, flags))
		}
		omit, now := unix.Timespec{Nsec: unix.UTIME_OMIT}, unix.Timespec{Nsec: unix.UTIME_NOW}
		first, second := unix.Timespec{Sec: 1_000_000_000, Nsec: 123_456_789}, unix.Timespec{Sec: 1_500_000_000, Nsec: 999_999_999}
		set("f", first, second, 0)
		if st := stat(t, p("f")); st.Atim != first || st.Mtim != second {
			t.Errorf("times %v, %v, want %v, %v", st.Atim, st.Mtim, first, second)
		}
		set("f", second, omit, 0)
		if st := stat(t, p("f")); st.Atim != second || st.Mtim != second {
			t.Errorf("with the mtime left out %v, %v", st.Atim, st.Mtim)
		}
		set("f", omit, first, 0)
		if st := stat(t, p("f")); st.Atim != second || st.Mtim != first {
			t.Errorf("with the atime left out %v, %v", st.Atim, st.Mtim)
		}
		set("f", omit, omit, 0)
		if st := stat(t, p("f")); st.Atim != second || st.Mtim != first {
			t.Errorf("with both left out %v, %v", st.Atim, st.Mtim)
		}
		begin := time.Now().Add(-time.Second)
		set("f", omit, now, 0)
		if st := stat(t, p("f")); st.Atim != second || time.Unix(st.Mtim.Unix()).Before(begin) {
			t.Errorf("with the mtime now %v, %v", st.Atim, st.Mtim)
		}
		set("f", now, first, 0)
		if st := stat(t, p("f")); time.Unix(st.Atim.Unix()).Before(begin) || st.Mtim != first {
			t.Errorf("with the atime now %v, %v", st.Atim, st.Mtim)
		}
		must(t, unix.UtimesNanoAt(unix.AT_FDCWD, p("f"), nil, 0))
		if st := stat(t, p("f")); time.Unix(st.Mtim.Unix()).Before(begin) {
			t.Errorf("with both now %v", st.Mtim)
		}
		set("link", first, second, unix.AT_SYMLINK_NOFOLLOW)
		if st := stat(t, p("link")); st.Mtim != second {
			t.Errorf("the link's mtime is %v", st.Mtim)
		}
		if st := stat(t, p("f")); st.Mtim == second {
			t.Error("the link's time went to the file")
		}
		set("d", first, second, 0)
		if st := stat(t, p("d")); st.Mtim != second {
			t.Errorf("the directory's mtime is %v", st.Mtim)
		}
		before := unix.Timespec{Sec: -86400, Nsec: 5}
		set("f", before, before, 0)
		if st := stat(t, p("f")); st.Mtim != before {
			t.Errorf("before 1970: %v, want %v", st.Mtim, before)
		}
		wantErrno(t, unix.UtimesNanoAt(unix.AT_FDCWD, p("f"), []unix.Timespec{{Nsec: 1e9}, {Nsec: 1e9}}, 0), unix.EINVAL)
	}},
	{"mtime-stays-after-close", func(t *testing.T, dir string) {
		f := open(t, dir, "f", os.O_CREATE|os.O_WRONLY)
		_, err := f.WriteString("as tar does")
		must(t, err)
		must(t, unix.UtimesNanoAt(unix.AT_FDCWD, f.Name(), []unix.Timespec{old, old}, 0))
		must(t, f.Close())
		if st := stat(t, f.Name()); st.Mtim != old {
			t.Errorf("mtime %v, want %v", st.Mtim, old)
		}
	}},
	{"futimens-then-close", func(t *testing.T, dir string) {
		f := open(t, dir, "f", os.O_CREATE|os.O_WRONLY)
		_, err := f.WriteString("as cp -p does")
		must(t, err)
		must(t, os.Chtimes(f.Name(), time.Time{}, time.Unix(old.Unix())))
		must(t, f.Chmod(0o640))
		must(t, f.Close())
		if st := stat(t, f.Name()); st.Mtim != old {
			t.Errorf("mtime %v, want %v", st.Mtim, old)
		}
		wantMode(t, f.Name(), 0o640)
	}},
	{"access", func(t *testing.T, dir string) {
		p := layOut(t, dir)
		must(t, unix.Access(p("f"), unix.R_OK|unix.W_OK))
		wantErrno(t, unix.Access(p("f"), unix.X_OK), unix.EACCES) // for root too
		must(t, unix.Chmod(p("f"), 0o755))
		must(t, unix.Access(p("f"), unix.X_OK))
		must(t, unix.Access(p("d"), unix.R_OK|unix.W_OK|unix.X_OK))
		wantErrno(t, unix.Access(p("no"), unix.F_OK), unix.ENOENT)
		wantErrno(t, unix.Access(p("nowhere"), unix.F_OK), unix.ENOENT)
	}},
	{"size-and-blocks", func(t *testing.T, dir string) {
		p := layOut(t, dir)
		must(t, os.WriteFile(p("f"), pattern(1, 100_000), 0o644))
		if st := stat(t, p("f")); st.Size != 100_000 || st.Blocks < 100_000/512 || st.Blksize < 512 || st.Nlink != 1 {
			t.Errorf("%+v", st)
		}
		if st := stat(t, p("link")); st.Size != 1 {
			t.Errorf("a symlink's size is %d, want that of its target", st.Size)
		}
		a, b := stat(t, p("f")), stat(t, p("d"))
		if a.Dev != b.Dev || a.Ino == b.Ino || a.Ino == 0 {
			t.Errorf("devices %d, %d, inodes %d, %d", a.Dev, b.Dev, a.Ino, b.Ino)
		}
	}},
	{"statfs", func(t *testing.T, dir string) {
		var s unix.Statfs_t
		must(t, unix.Statfs(dir, &s))
		if s.Namelen != 255 || s.Bavail == 0 || s.Bavail > s.Bfree || s.Bfree > s.Blocks || s.Ffree > s.Files || s.Bsize <= 0 {
			t.Errorf("%+v", s)
		}
	}},
}

// restoring makes name readable again after the row.
func (r posixRow) restoring(name string) posixRow {
	return posixRow{r.name, func(t *testing.T, dir string) {
		defer func() { must(t, os.Chmod(filepath.Join(dir, name), 0o644)) }()
		r.run(t, dir)
	}}
}

// denied is a row of an ordinary user, whom modes stop.
func denied(name string, op func(p at) error) posixRow {
	return posixRow{name, func(t *testing.T, dir string) {
		p := layOut(t, dir)
		must(t, unix.Chmod(p("full"), 0o555))
		must(t, unix.Mkdir(p("blind"), 0o755))
		must(t, os.WriteFile(p("blind/f"), nil, 0o644))
		must(t, unix.Chmod(p("blind"), 0o600))
		must(t, os.WriteFile(p("ro"), []byte("ro"), 0o444))
		must(t, os.WriteFile(p("wo"), []byte("wo"), 0o200))
		defer func() {
			for _, name := range []string{"full", "blind", "wo"} {
				must(t, unix.Chmod(p(name), 0o755))
			}
		}()
		wantErrno(t, op(p), unix.EACCES)
	}}
}

// posixPermissions hold for an ordinary user; root may do all of it.
var posixPermissions = []posixRow{
	denied("create-in-read-only-dir", func(p at) error { return opens(p("full/x"), unix.O_CREAT|unix.O_WRONLY) }),
	denied("mkdir-in-read-only-dir", func(p at) error { return unix.Mkdir(p("full/x"), 0o755) }),
	denied("symlink-in-read-only-dir", func(p at) error { return unix.Symlink("x", p("full/x")) }),
	denied("rmdir-in-read-only-dir", func(p at) error { return unix.Rmdir(p("full/sub")) }),
	denied("rename-out-of-read-only-dir", func(p at) error { return unix.Rename(p("full/sub"), p("x")) }),
	denied("rename-into-read-only-dir", func(p at) error { return unix.Rename(p("f"), p("full/x")) }),
	denied("look-into-blind-dir", func(p at) error { return opens(p("blind/f"), unix.O_RDONLY) }),
	denied("stat-in-blind-dir", func(p at) error { return unix.Stat(p("blind/f"), &unix.Stat_t{}) }),
	denied("unlink-in-blind-dir", func(p at) error { return unix.Unlink(p("blind/f")) }),
	denied("chdir-to-blind-dir", func(p at) error { return unix.Chdir(p("blind")) }),
	denied("write-read-only-file", func(p at) error { return opens(p("ro"), unix.O_WRONLY) }),
	denied("truncate-read-only-file", func(p at) error { return unix.Truncate(p("ro"), 0) }),
	denied("open-trunc-read-only-file", func(p at) error { return opens(p("ro"), unix.O_RDONLY|unix.O_TRUNC) }),
	denied("access-read-only-file", func(p at) error { return unix.Access(p("ro"), unix.W_OK) }),
	denied("read-write-only-file", func(p at) error { return opens(p("wo"), unix.O_RDONLY) }),
	denied("run-what-is-no-program", func(p at) error { return unix.Exec(p("f"), []string{"f"}, nil) }),
	{"chown-away", func(t *testing.T, dir string) {
		p := layOut(t, dir)
		wantErrno(t, unix.Chown(p("f"), 0, -1), unix.EPERM)
		wantErrno(t, unix.Chown(p("f"), -1, 0), unix.EPERM)
	}},
	{"write-clears-set-ids", func(t *testing.T, dir string) {
		p := layOut(t, dir)
		must(t, unix.Chmod(p("f"), 0o6755))
		f := open(t, dir, "f", os.O_RDWR)
		_, err := f.WriteAt([]byte("D"), 0)
		must(t, err)
		wantMode(t, p("f"), 0o755)
		must(t, unix.Chmod(p("f"), 0o6755))
		must(t, f.Truncate(2))
		wantMode(t, p("f"), 0o755)
	}},
	{"read-only-parent-lets-write", func(t *testing.T, dir string) {
		p := layOut(t, dir)
		must(t, os.WriteFile(p("d/f"), nil, 0o644))
		must(t, unix.Chmod(p("d"), 0o555))
		must(t, os.WriteFile(p("d/f"), []byte("in place"), 0o644))
		wantText(t, p("d/f"), "in place")
		must(t, unix.Chmod(p("d"), 0o755))
	}},
}
