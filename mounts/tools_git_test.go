//go:build linux

package mounts_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var gitTools = []tool{
	{
		"clone",
		func(t *testing.T, dir string) {
			origin := filepath.Join(t.TempDir(), "origin")
			writeFiles(t, origin, map[string]string{"README": "hello\n", "src/a.txt": "a\n", "src/deep/b.txt": strings.Repeat("b\n", 10_000)})
			must(t, os.Symlink("src/a.txt", filepath.Join(origin, "link")))
			commitAll(t, origin, "first", "git", "init", "-q", "-b", "main")
			does(t, dir, "git", "clone", "-q", "file://"+origin, "clone")
			clone := filepath.Join(dir, "clone")
			wantOutput(t, does(t, clone, "git", "status", "--porcelain"), "")
			writeFiles(t, clone, map[string]string{"src/c.txt": "c\n"})
			commitAll(t, clone, "second")
			does(t, clone, "git", "push", "-q", "origin", "HEAD:refs/heads/pushed")
			wantOutput(t, does(t, origin, "git", "log", "--format=%s", "pushed"), "second\nfirst\n")
			// A clone beside it tries hard links first, and copies where there are none.
			does(t, dir, "git", "clone", "-q", "clone", "beside")
			does(t, filepath.Join(dir, "beside"), "git", "fsck", "--full", "--strict")
		},
		func(t *testing.T, dir string) {
			for _, name := range []string{"clone", "beside"} {
				repo := filepath.Join(dir, name)
				wantOutput(t, does(t, repo, "git", "status", "--porcelain"), "")
				does(t, repo, "git", "fsck", "--full", "--strict")
				wantOutput(t, does(t, repo, "git", "log", "--format=%s"), "second\nfirst\n")
			}
			repo := filepath.Join(dir, "clone")
			writeFiles(t, repo, map[string]string{"README": "changed\n"})
			wantOutput(t, does(t, repo, "git", "status", "--porcelain"), " M README\n")
			does(t, repo, "git", "checkout", "-q", "README")
			wantText(t, filepath.Join(repo, "README"), "hello\n")
		},
	},
	{
		"rebase",
		func(t *testing.T, dir string) {
			writeFiles(t, dir, map[string]string{"base": "1\n2\n3\n4\n5\n6\n7\n"})
			commitAll(t, dir, "base", "git", "init", "-q", "-b", "main")
			does(t, dir, "git", "switch", "-q", "-c", "topic")
			for i := range 5 {
				writeFiles(t, dir, map[string]string{fmt.Sprintf("topic/%d", i): strings.Repeat("t", i+1)})
				commitAll(t, dir, fmt.Sprintf("topic %d", i))
			}
			does(t, dir, "git", "switch", "-q", "main")
			writeFiles(t, dir, map[string]string{"base": "1\n2\n3\n4\n5\n6\nseven\n"})
			commitAll(t, dir, "main moves on")
			does(t, dir, "git", "switch", "-q", "topic")
			does(t, dir, "git", "rebase", "-q", "main")
			does(t, dir, "git", "rebase", "-q", "-i", "--exec", "true", "HEAD~3")
			writeFiles(t, dir, map[string]string{"base": "not committed\n"})
			does(t, dir, "git", "stash", "-q")
			wantText(t, filepath.Join(dir, "base"), "1\n2\n3\n4\n5\n6\nseven\n")
			does(t, dir, "git", "stash", "pop", "-q")
			does(t, dir, "git", "checkout", "-q", "base")
			does(t, dir, "git", "worktree", "add", "-q", filepath.Join(dir, "other tree"), "main")
			does(t, dir, "git", "worktree", "remove", filepath.Join(dir, "other tree"))
			does(t, dir, "git", "gc", "-q", "--prune=now")
			does(t, dir, "git", "repack", "-q", "-a", "-d", "-f")
			wantOutput(t, does(t, dir, "git", "count-objects"), "0 objects, 0 kilobytes\n")
		},
		func(t *testing.T, dir string) {
			does(t, dir, "git", "fsck", "--full", "--strict")
			wantOutput(t, does(t, dir, "git", "status", "--porcelain"), "")
			wantOutput(t, does(t, dir, "git", "log", "--format=%s"),
				"topic 4\ntopic 3\ntopic 2\ntopic 1\ntopic 0\nmain moves on\nbase\n")
			does(t, dir, "git", "gc", "-q", "--prune=now")
			does(t, dir, "git", "fsck", "--full")
		},
	},
}

// commitAll commits what there is, after one command that may make the repository.
func commitAll(t *testing.T, repo, message string, before ...string) {
	t.Helper()
	if len(before) > 0 {
		does(t, repo, before[0], before[1:]...)
	}
	does(t, repo, "git", "add", "-A")
	does(t, repo, "git", "commit", "-q", "-m", message)
}
