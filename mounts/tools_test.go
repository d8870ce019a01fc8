//go:build linux

package mounts_test

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// tool is a program that people run in a directory. Both functions get that of the tool,
// in the mount: work before the mount is taken down, again in the one that follows, which
// knows only the bucket.
type tool struct {
	name  string
	work  func(t *testing.T, dir string)
	again func(t *testing.T, dir string)
}

// What people's tools do in a mount works, and is in the bucket: a mount with nothing
// cached shows the same tree, and the tools go on in it. SPEC C3.
func TestTools(t *testing.T) {
	for _, group := range []struct {
		name  string
		tools []tool
	}{
		{"git", gitTools},
		{"databases", databaseTools},
		{"builds", buildTools},
		{"copies", copyTools},
		{"editors", editTools},
	} {
		t.Run(group.name, func(t *testing.T) {
			w := newWorld(t)
			w.mount()
			trees := map[string]map[string]string{}
			for _, tool := range group.tools {
				t.Run(tool.name, func(t *testing.T) {
					dir := w.path(tool.name)
					must(t, os.Mkdir(dir, 0o755))
					tool.work(t, dir)
					trees[tool.name] = treeOf(t, dir)
				})
			}
			w.unmount()
			must(t, os.RemoveAll(w.roots.Cache))
			w.mount()
			for _, tool := range group.tools {
				before, worked := trees[tool.name]
				if !worked {
					continue // it has failed already
				}
				t.Run(tool.name+"-again", func(t *testing.T) {
					dir := w.path(tool.name)
					wantSameTree(t, treeOf(t, dir), before)
					if tool.again != nil {
						tool.again(t, dir)
					}
				})
			}
			w.unmount()
		})
	}
}

// treeOf says what each name below dir is and holds, and its mode, owner, time and
// user.* attributes; the time of a directory is kept where somebody set it, and is left out.
func treeOf(t *testing.T, dir string) map[string]string {
	t.Helper()
	tree := map[string]string{}
	must(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(dir, path)
		st := stat(t, path)
		look := fmt.Sprintf("; mode %o, owner %d:%d%s", st.Mode&0o7777, st.Uid, st.Gid, xattrsOf(path))
		if !d.IsDir() {
			look += fmt.Sprintf(", of %d.%09d", st.Mtim.Sec, st.Mtim.Nsec)
		}
		switch {
		case d.IsDir():
			tree[name] = "a directory" + look
		case d.Type() == fs.ModeSymlink:
			target, err := os.Readlink(path)
			tree[name] = "a link to " + target + look
			return err
		default:
			data, err := os.ReadFile(path)
			tree[name] = fmt.Sprintf("%d bytes, sha256 %x%s", len(data), sha256.Sum256(data), look)
			return err
		}
		return nil
	}))
	return tree
}

// contentsOf is treeOf without modes, owners, times and attributes.
func contentsOf(t *testing.T, dir string) map[string]string {
	t.Helper()
	tree := treeOf(t, dir)
	for name, what := range tree {
		tree[name], _, _ = strings.Cut(what, "; ")
	}
	return tree
}

// xattrsOf are the user.* attributes of path.
func xattrsOf(path string) (text string) {
	buf := make([]byte, 64<<10)
	n, _ := unix.Llistxattr(path, buf)
	for name := range strings.SplitSeq(string(buf[:max(n, 0)]), "\x00") {
		if !strings.HasPrefix(name, "user.") {
			continue
		}
		value := make([]byte, 64<<10)
		n, _ := unix.Lgetxattr(path, name, value)
		text += fmt.Sprintf(", %s=%q", name, value[:max(n, 0)])
	}
	return text
}

func wantSameTree(t *testing.T, got, want map[string]string) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if got[name] != want[name] {
			t.Errorf("%s is %q, was %q", name, got[name], want[name])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(got)) {
		if _, ok := want[name]; !ok {
			t.Errorf("%s is there, and was not", name)
		}
	}
}

// writeFiles makes files of text below dir, with their directories.
func writeFiles(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, name)
		must(t, os.MkdirAll(filepath.Dir(path), 0o755))
		must(t, os.WriteFile(path, []byte(text), 0o644))
	}
}

func wantText(t *testing.T, path, want string) {
	t.Helper()
	if got, err := os.ReadFile(path); err != nil || string(got) != want {
		t.Errorf("%s holds %s, want %q; %v", filepath.Base(path), brief(got), want, err)
	}
}

func wantOutput(t *testing.T, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("printed %q, want %q", got, want)
	}
}

// command is a tool with nothing of the user's: no configuration, no network.
func command(t *testing.T, dir, name string, args ...string) *exec.Cmd {
	t.Helper()
	home := t.TempDir()
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	for _, pair := range os.Environ() {
		if upper := strings.ToUpper(pair); !strings.HasPrefix(upper, "GIT_") && !strings.HasPrefix(upper, "NPM_CONFIG_") && !strings.HasPrefix(upper, "MAKE") {
			cmd.Env = append(cmd.Env, pair)
		}
	}
	cache, err := os.UserCacheDir()
	must(t, err)
	cmd.Env = append(cmd.Env,
		"HOME="+home, "LC_ALL=C.UTF-8", "TZ=UTC", "TERM=dumb",
		"GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1", "GIT_EDITOR=true",
		"GIT_AUTHOR_NAME=t", "GIT_AUTHOR_EMAIL=t@example.test", "GIT_COMMITTER_NAME=t", "GIT_COMMITTER_EMAIL=t@example.test",
		"GOFLAGS=-mod=mod -buildvcs=false", "GOPROXY=off", "GOWORK=off", "GOTOOLCHAIN=local",
		"GOCACHE="+filepath.Join(cache, "go-build"), "GOPATH="+filepath.Join(home, "go"),
		"NPM_CONFIG_CACHE="+filepath.Join(home, "npm"), "NPM_CONFIG_UPDATE_NOTIFIER=false",
		"NPM_CONFIG_AUDIT=false", "NPM_CONFIG_FUND=false", "NPM_CONFIG_OFFLINE=true")
	return cmd
}

// does runs a tool that must succeed, and returns what it printed.
func does(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	out, err := command(t, dir, name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// refuses runs a tool that must fail, and returns what it printed.
func refuses(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	out, err := command(t, dir, name, args...).CombinedOutput()
	if err == nil {
		t.Errorf("%s %s succeeded and printed %q", name, strings.Join(args, " "), out)
	}
	return string(out)
}
