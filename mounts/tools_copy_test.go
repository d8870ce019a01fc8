//go:build linux

package mounts_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

var copyTools = []tool{
	{
		"tar",
		func(t *testing.T, dir string) {
			tree := attributedTree(t)
			pack := filepath.Join(t.TempDir(), "in.tar")
			does(t, tree, "tar", "-cpf", pack, ".")
			does(t, dir, "tar", "-xpf", pack)
			does(t, dir, "tar", "--compare", "-f", pack) // modes, owners, times and content
			must(t, os.Mkdir(filepath.Join(dir, "packed"), 0o755))
			does(t, dir, "cp", pack, "packed/in.tar")
			does(t, dir, "tar", "-czpf", "packed/out.tgz", "--exclude=./packed", ".")
			out := t.TempDir()
			does(t, out, "tar", "-xpzf", filepath.Join(dir, "packed/out.tgz"))
			does(t, out, "tar", "--compare", "-f", pack)
		},
		func(t *testing.T, dir string) {
			does(t, dir, "tar", "--compare", "-f", "packed/in.tar", "./sub", "./empty", "./many", "./link", "./run.sh", "./secret", "./read only")
			out := t.TempDir()
			does(t, out, "tar", "-xpzf", filepath.Join(dir, "packed/out.tgz"))
			wantText(t, filepath.Join(out, "run.sh"), "#!/bin/sh\necho ran\n")
		},
	},
	{
		"rsync",
		func(t *testing.T, dir string) {
			tree := attributedTree(t) + "/"
			rsync := func() string { return does(t, dir, "rsync", "-a", "--itemize-changes", tree, "there") }
			if out := rsync(); !strings.Contains(out, "run.sh") {
				t.Errorf("the first run printed %q", out)
			}
			wantOutput(t, rsync(), "") // nothing to do
			does(t, dir, "diff", "-r", "--no-dereference", tree, "there")
			does(t, dir, "cp", "-a", tree, "tree")
			writeFiles(t, tree, map[string]string{"sub/new": "new\n"})
			must(t, os.Remove(filepath.Join(tree, "run.sh")))
			does(t, dir, "rsync", "-a", "--delete", "--inplace", tree, "there")
			does(t, dir, "diff", "-r", "--no-dereference", tree, "there")
			must(t, os.Mkdir(filepath.Join(dir, "xattrs"), 0o755))
			writeFiles(t, dir, map[string]string{"xattrs/f": "f\n"})
			must(t, unix.Setxattr(filepath.Join(dir, "xattrs/f"), "user.origin", []byte("here"), 0))
			must(t, unix.Setxattr(filepath.Join(dir, "xattrs"), "user.dir", []byte("there"), 0))
			does(t, dir, "touch", "-d", "2001-02-03 04:05:06.7 UTC", "xattrs/f", "xattrs")
			does(t, dir, "chmod", "0640", "xattrs/f")
		},
		func(t *testing.T, dir string) {
			// What both copies left is as it was: rsync finds nothing to do.
			wantOutput(t, does(t, dir, "rsync", "-aO", "--itemize-changes", "tree/", "there", "--exclude=/sub", "--exclude=/run.sh"), "")
			wantOutput(t, xattrsOf(filepath.Join(dir, "xattrs/f")), `, user.origin="here"`)
			wantOutput(t, xattrsOf(filepath.Join(dir, "xattrs")), `, user.dir="there"`)
			wantOutput(t, does(t, dir, "stat", "-c", "%a %.9Y", "xattrs/f", "xattrs"), "640 981173106.700000000\n755 981173106.700000000\n")
		},
	},
	{
		"cp-mv-rm",
		func(t *testing.T, dir string) {
			tree := attributedTree(t)
			does(t, dir, "cp", "-a", tree, "a")
			does(t, dir, "cp", "-a", "a", "b")
			does(t, dir, "diff", "-r", "--no-dereference", tree, "b")
			compareStat(t, tree, filepath.Join(dir, "b"))
			does(t, dir, "mv", "b", "c")
			does(t, dir, "mv", "a/run.sh", "a/sub/moved.sh")
			does(t, dir, "mv", "a/sub/moved.sh", "a/secret") // over another
			wantText(t, filepath.Join(dir, "a/secret"), "#!/bin/sh\necho ran\n")
			// Out to another file system and back: copied, then removed.
			away := filepath.Join(t.TempDir(), "away")
			does(t, dir, "mv", "c", away)
			does(t, dir, "mv", away, "d")
			compareStat(t, tree, filepath.Join(dir, "d"))
			does(t, dir, "rm", "-r", "a")
			does(t, dir, "find", "d", "-name", "*.sh", "-newermt", "2000-01-01", "-delete")
			if _, err := os.Stat(filepath.Join(dir, "d/run.sh")); err == nil {
				t.Error("find did not delete run.sh")
			}
			does(t, dir, "cp", "--reflink=auto", "--sparse=always", "d/big", "sparse")
			does(t, dir, "cmp", "d/big", "sparse")
			does(t, dir, "install", "-m", "0711", "-D", "d/big", "made/for/it")
			does(t, dir, "du", "-s", ".")
		},
		nil,
	},
	{
		"hard-link",
		func(t *testing.T, dir string) {
			writeFiles(t, dir, map[string]string{"f": "one name\n"})
			if out := refuses(t, dir, "ln", "f", "g"); !strings.Contains(out, "Operation not permitted") {
				t.Errorf("ln says %q", out)
			}
			wantText(t, filepath.Join(dir, "f"), "one name\n")
			does(t, dir, "ln", "-s", "f", "g")
			wantText(t, filepath.Join(dir, "g"), "one name\n")
		},
		nil,
	},
}

// attributedTree is a tree outside the mount with what archives must keep: modes, times,
// symlinks, empty directories, odd names.
func attributedTree(t *testing.T) string {
	t.Helper()
	tree := filepath.Join(t.TempDir(), "tree")
	writeFiles(t, tree, map[string]string{
		"run.sh": "#!/bin/sh\necho ran\n", "secret": "s\n", "read only": "r\n", "sub/ü": "u\n",
		"big": string(pattern(1, 3<<20)) + strings.Repeat("\x00", 1<<20), "empty file": "",
	})
	for i := range 40 {
		writeFiles(t, tree, map[string]string{fmt.Sprintf("many/%d/f", i): strings.Repeat("m", i)})
	}
	must(t, os.MkdirAll(filepath.Join(tree, "empty"), 0o755))
	must(t, os.Symlink("sub/ü", filepath.Join(tree, "link")))
	must(t, os.Symlink("nowhere", filepath.Join(tree, "sub/dangling")))
	for name, mode := range map[string]os.FileMode{"run.sh": 0o755, "secret": 0o600, "read only": 0o444, "sub": 0o750, "empty": 0o700} {
		must(t, os.Chmod(filepath.Join(tree, name), mode))
	}
	when := time.Date(2011, 2, 3, 4, 5, 6, 123456789, time.UTC)
	for _, name := range []string{"run.sh", "secret", "sub/ü", "sub", "empty"} {
		must(t, os.Chtimes(filepath.Join(tree, name), when, when))
	}
	return tree
}

// compareStat compares what `cp -a` keeps of two trees.
func compareStat(t *testing.T, want, got string) {
	t.Helper()
	list := func(dir string) string {
		return does(t, dir, "find", ".", "(", "-type", "d", "-printf", "%P %m %U %G %T@\n", "-o", "-printf", "%P %m %U %G %T@ %s %l\n", ")")
	}
	sorted := func(text string) map[string]string {
		lines := map[string]string{}
		for line := range strings.SplitSeq(text, "\n") {
			lines[line] = ""
		}
		return lines
	}
	wantSameTree(t, sorted(list(got)), sorted(list(want)))
}
