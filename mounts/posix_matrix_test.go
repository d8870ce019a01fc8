//go:build linux

package mounts_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// kinds of names that layOut makes, and "no" that is not there.
var kinds = []string{"no", "f", "link", "nowhere", "d", "full"}

// layOut fills a row's directory: f is a file, d an empty directory, full one that is not,
// link a symlink to f, nowhere one to nothing, loop one to itself.
func layOut(t *testing.T, dir string) at {
	t.Helper()
	p := func(n string) string { return filepath.Join(dir, n) }
	must(t, os.WriteFile(p("f"), []byte("data"), 0o644))
	must(t, os.Mkdir(p("d"), 0o755))
	must(t, os.MkdirAll(p("full/sub"), 0o755))
	must(t, os.Symlink("f", p("link")))
	must(t, os.Symlink("missing", p("nowhere")))
	must(t, os.Symlink("loop", p("loop")))
	return p
}

// posixMatrix is every operation on every kind of name.
func posixMatrix() []posixRow {
	return slices.Concat(renameMatrix(), removalMatrix(), creationMatrix(), openMatrix(), pathMatrix())
}

// renameMatrix is rename(2) of every kind over every kind.
func renameMatrix() []posixRow {
	want := func(from, to string) syscall.Errno {
		fromDir, toDir := from == "d" || from == "full", to == "d" || to == "full"
		switch {
		case from == "no":
			return unix.ENOENT
		case to == "no":
			return 0
		case from == to && to != "full":
			return 0
		case fromDir && !toDir:
			return unix.ENOTDIR
		case !fromDir && toDir:
			return unix.EISDIR
		case to == "full":
			return unix.ENOTEMPTY
		}
		return 0
	}
	var rows []posixRow
	for _, from := range kinds {
		for _, to := range kinds {
			rows = append(rows, posixRow{"rename-" + from + "-to-" + to, func(t *testing.T, dir string) {
				must(t, os.MkdirAll(filepath.Join(dir, "a"), 0o755))
				must(t, os.MkdirAll(filepath.Join(dir, "b"), 0o755))
				a, b := layOut(t, filepath.Join(dir, "a")), layOut(t, filepath.Join(dir, "b"))
				before := treeOf(t, dir)
				moved := treeOf(t, a(""))
				wantErrno(t, unix.Rename(a(from), b(to)), want(from, to))
				after := treeOf(t, dir)
				if want(from, to) != 0 {
					wantSameTree(t, after, before)
					return
				}
				for name, what := range moved { // what was at from and below is at to
					if rest, ok := strings.CutPrefix(name, from); ok && (rest == "" || rest[0] == '/') {
						delete(before, "a/"+name)
						before["b/"+to+rest] = what
					}
				}
				wantSameTree(t, after, before)
			}})
		}
	}
	return rows
}

func removalMatrix() []posixRow {
	unlink := map[string]syscall.Errno{"no": unix.ENOENT, "d": unix.EISDIR, "full": unix.EISDIR}
	rmdir := map[string]syscall.Errno{"no": unix.ENOENT, "f": unix.ENOTDIR, "link": unix.ENOTDIR, "nowhere": unix.ENOTDIR, "full": unix.ENOTEMPTY}
	var rows []posixRow
	for _, kind := range kinds {
		for _, call := range []struct {
			name string
			op   func(string) error
			want syscall.Errno
		}{{"unlink", unix.Unlink, unlink[kind]}, {"rmdir", unix.Rmdir, rmdir[kind]}} {
			rows = append(rows, posixRow{call.name + "-" + kind, func(t *testing.T, dir string) {
				p := layOut(t, dir)
				tree := treeOf(t, dir)
				wantErrno(t, call.op(p(kind)), call.want)
				if call.want == 0 {
					delete(tree, kind)
				}
				wantSameTree(t, treeOf(t, dir), tree)
			}})
		}
	}
	return rows
}

func creationMatrix() []posixRow {
	var rows []posixRow
	for _, kind := range kinds[1:] {
		for _, call := range []struct {
			name string
			op   func(string) error
		}{
			{"mkdir", func(p string) error { return unix.Mkdir(p, 0o755) }},
			{"symlink", func(p string) error { return unix.Symlink("x", p) }},
			{"mknod", func(p string) error { return unix.Mknod(p, unix.S_IFREG|0o644, 0) }},
			{"create-excl", func(p string) error { return opens(p, unix.O_CREAT|unix.O_EXCL|unix.O_RDWR) }},
		} {
			rows = append(rows, posixRow{call.name + "-over-" + kind, func(t *testing.T, dir string) {
				p := layOut(t, dir)
				tree := treeOf(t, dir)
				wantErrno(t, call.op(p(kind)), unix.EEXIST)
				wantSameTree(t, treeOf(t, dir), tree)
			}})
		}
	}
	return rows
}

// openMatrix is open(2) of every kind with every set of flags that matters to it.
func openMatrix() []posixRow {
	flags := []struct {
		name  string
		flags int
		want  map[string]syscall.Errno // of kinds that are refused
	}{
		{"rdonly", unix.O_RDONLY, map[string]syscall.Errno{"no": unix.ENOENT, "nowhere": unix.ENOENT}},
		{"wronly", unix.O_WRONLY, map[string]syscall.Errno{"no": unix.ENOENT, "nowhere": unix.ENOENT, "d": unix.EISDIR, "full": unix.EISDIR}},
		{"rdwr-trunc", unix.O_RDWR | unix.O_TRUNC, map[string]syscall.Errno{"no": unix.ENOENT, "nowhere": unix.ENOENT, "d": unix.EISDIR, "full": unix.EISDIR}},
		{"creat", unix.O_WRONLY | unix.O_CREAT, map[string]syscall.Errno{"d": unix.EISDIR, "full": unix.EISDIR}},
		{"directory", unix.O_DIRECTORY, map[string]syscall.Errno{"no": unix.ENOENT, "f": unix.ENOTDIR, "link": unix.ENOTDIR, "nowhere": unix.ENOENT}},
		{"nofollow", unix.O_NOFOLLOW, map[string]syscall.Errno{"no": unix.ENOENT, "link": unix.ELOOP, "nowhere": unix.ELOOP}},
		{"path", unix.O_PATH | unix.O_NOFOLLOW, map[string]syscall.Errno{"no": unix.ENOENT}},
	}
	var rows []posixRow
	for _, f := range flags {
		for _, kind := range kinds {
			rows = append(rows, posixRow{"open-" + f.name + "-" + kind, func(t *testing.T, dir string) {
				p := layOut(t, dir)
				tree := contentsOf(t, dir)
				wantErrno(t, opens(p(kind), f.flags), f.want[kind])
				const empty = "0 bytes, sha256 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
				switch {
				case f.want[kind] != 0:
				case f.flags&unix.O_TRUNC != 0:
					tree["f"] = empty
				case f.flags&unix.O_CREAT != 0 && kind == "no":
					tree["no"] = empty
				case f.flags&unix.O_CREAT != 0 && kind == "nowhere":
					tree["missing"] = empty
				}
				wantSameTree(t, contentsOf(t, dir), tree)
			}})
		}
	}
	return rows
}

// pathMatrix is every call that takes a path, with every path that cannot be walked.
func pathMatrix() []posixRow {
	paths := []struct {
		name, path string
		want       syscall.Errno
	}{
		{"below-file", "f/x", unix.ENOTDIR},
		{"below-nothing", "no/x", unix.ENOENT},
		{"below-loop", "loop/x", unix.ELOOP},
		{"below-dangling", "nowhere/x", unix.ENOENT},
		{"name-256", strings.Repeat("n", 256), unix.ENAMETOOLONG},
		{"path-4096", strings.Repeat("d/../", 820) + "f", unix.ENAMETOOLONG},
	}
	var st unix.Stat_t
	calls := []struct {
		name string
		op   func(dir, path string) error
	}{
		{"open", func(_, p string) error { return opens(p, unix.O_RDONLY) }},
		{"create", func(_, p string) error { return opens(p, unix.O_CREAT|unix.O_WRONLY) }},
		{"stat", func(_, p string) error { return unix.Stat(p, &st) }},
		{"lstat", func(_, p string) error { return unix.Lstat(p, &st) }},
		{"access", func(_, p string) error { return unix.Access(p, unix.F_OK) }},
		{"mkdir", func(_, p string) error { return unix.Mkdir(p, 0o755) }},
		{"rmdir", func(_, p string) error { return unix.Rmdir(p) }},
		{"unlink", func(_, p string) error { return unix.Unlink(p) }},
		{"symlink", func(_, p string) error { return unix.Symlink("x", p) }},
		{"readlink", func(_, p string) error { _, err := unix.Readlink(p, make([]byte, 9)); return err }},
		{"rename-from", func(dir, p string) error { return unix.Rename(p, dir+"/y") }},
		{"rename-to", func(dir, p string) error { return unix.Rename(dir+"/f", p) }},
		{"truncate", func(_, p string) error { return unix.Truncate(p, 0) }},
		{"chmod", func(_, p string) error { return unix.Chmod(p, 0o600) }},
		{"chown", func(_, p string) error { return unix.Chown(p, -1, -1) }},
		{"utimens", func(_, p string) error { return unix.UtimesNanoAt(unix.AT_FDCWD, p, nil, 0) }},
		{"statfs", func(_, p string) error { return unix.Statfs(p, &unix.Statfs_t{}) }},
	}
	var rows []posixRow
	for _, path := range paths {
		for _, call := range calls {
			rows = append(rows, posixRow{fmt.Sprintf("%s-%s", call.name, path.name), func(t *testing.T, dir string) {
				layOut(t, dir)
				tree := treeOf(t, dir)
				wantErrno(t, call.op(dir, dir+"/"+path.path), path.want)
				wantSameTree(t, treeOf(t, dir), tree)
			}})
		}
	}
	return rows
}
