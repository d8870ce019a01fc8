//go:build linux

package mounts_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// posixRow is one thing that programs expect of a file system. run gets an empty directory.
type posixRow struct {
	name string
	run  func(t *testing.T, dir string)
}

// SPEC C3: the mount answers as a local file system does. The same rows run on the
// machine's temporary directory, which proves the rows.
func TestPosixTable(t *testing.T) {
	w := newWorld(t)
	w.mount()
	rows := slices.Concat(posixRows, posixMatrix(), posixIO, posixDirs, posixAttributes)
	if os.Geteuid() != 0 {
		rows = append(rows, posixPermissions...)
	}
	for _, place := range []struct{ name, dir string }{{"control", t.TempDir()}, {"mount", w.spec.Mountpoint}} {
		t.Run(place.name, func(t *testing.T) {
			for _, row := range rows {
				t.Run(row.name, func(t *testing.T) {
					dir := filepath.Join(place.dir, row.name)
					must(t, os.Mkdir(dir, 0o755))
					row.run(t, dir)
				})
			}
		})
	}
	// What all that left is in the bucket.
	left := treeOf(t, w.spec.Mountpoint)
	w.unmount()
	must(t, os.RemoveAll(w.roots.Cache))
	w.mount()
	wantSameTree(t, treeOf(t, w.spec.Mountpoint), left)
	w.unmount()
}

// posixRefused is what a mount cannot do, as docs/posix.md lists it.
var posixRefused = []struct {
	what string
	op   func(p func(string) string) error
}{
	{"hard links, `link`", func(p at) error { return unix.Link(p("f"), p("x")) }},
	{"named pipes, `mkfifo`", func(p at) error { return unix.Mkfifo(p("x"), 0o600) }},
	{"sockets, `mknod` of one", func(p at) error { return unix.Mknod(p("x"), unix.S_IFSOCK|0o600, 0) }},
	{"swapping two names, `RENAME_EXCHANGE`", func(p at) error {
		return unix.Renameat2(unix.AT_FDCWD, p("f"), unix.AT_FDCWD, p("g"), unix.RENAME_EXCHANGE)
	}},
	{"files without a name, `O_TMPFILE`", func(p at) error { return opens(p(""), unix.O_TMPFILE|unix.O_RDWR) }},
}

// docs/posix.md says what is refused and with which errno; each is tried.
func TestPosixPageIsTrue(t *testing.T) {
	w := newWorld(t)
	w.mount()
	w.write("f", []byte("f"))
	w.write("g", []byte("g"))
	var table strings.Builder
	for _, r := range posixRefused {
		var number syscall.Errno
		if err := r.op(w.path); !errors.As(err, &number) {
			t.Errorf("%s: %v, want an errno", r.what, err)
		}
		fmt.Fprintf(&table, "| %s | %s |\n", r.what, unix.ErrnoName(number))
	}
	page, err := os.ReadFile("../docs/posix.md")
	must(t, err)
	_, listed, _ := strings.Cut(string(page), "|---|---|\n")
	listed, _, _ = strings.Cut(listed, "\n\n")
	if strings.TrimSpace(listed) != strings.TrimSpace(table.String()) {
		t.Errorf("docs/posix.md lists\n%s\nwhere the mount answers\n%s", listed, table.String())
	}
	w.unmount()
}
