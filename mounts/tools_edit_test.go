//go:build linux

package mounts_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var editTools = []tool{
	{
		"vim",
		func(t *testing.T, dir string) {
			for _, copies := range []string{"no", "yes"} { // renames the old file away, or writes over it
				name := "copies-" + copies
				writeFiles(t, dir, map[string]string{name: "one\ntwo\n"})
				does(t, dir, "vim.tiny", "-u", "NONE", "-N", "-es", "-c", "set backup backupskip= swapfile updatecount=1 backupcopy="+copies,
					"-c", "%s/one/ONE/", "-c", "preserve", "-c", "silent !ls -A >seen-"+copies, "-c", "w", "-c", "%s/two/TWO/", "-c", "wq", name)
				wantText(t, filepath.Join(dir, name), "ONE\nTWO\n")
				wantText(t, filepath.Join(dir, name+"~"), "ONE\ntwo\n")
				seen, err := os.ReadFile(filepath.Join(dir, "seen-"+copies))
				if !strings.Contains(string(seen), "."+name+".swp") {
					t.Errorf("while it was edited there were %q, %v", seen, err)
				}
				if _, err := os.Stat(filepath.Join(dir, "."+name+".swp")); err == nil {
					t.Error("the swap file is left")
				}
			}
		},
		func(t *testing.T, dir string) {
			does(t, dir, "vim.tiny", "-u", "NONE", "-N", "-es", "-c", "%s/ONE/three/", "-c", "wq", "copies-no")
			wantText(t, filepath.Join(dir, "copies-no"), "three\nTWO\n")
		},
	},
	{
		"sed-patch",
		func(t *testing.T, dir string) {
			writeFiles(t, dir, map[string]string{"a/f": strings.Repeat("line\n", 1000), "b/f": strings.Repeat("line\n", 500) + strings.Repeat("LINE\n", 500)})
			diff := refuses(t, dir, "diff", "-u", "a/f", "b/f") // exit 1: they differ
			writeFiles(t, dir, map[string]string{"change.diff": diff})
			does(t, dir, "patch", "-b", "-p1", "-d", "a", "-i", "../change.diff")
			does(t, dir, "cmp", "a/f", "b/f")
			does(t, dir, "patch", "-R", "-p1", "-d", "a", "-i", "../change.diff")
			wantText(t, filepath.Join(dir, "a/f"), strings.Repeat("line\n", 1000))
			does(t, dir, "sed", "-i.bak", "s/LINE/sed/", "b/f")
			wantText(t, filepath.Join(dir, "b/f"), strings.Repeat("line\n", 500)+strings.Repeat("sed\n", 500))
			wantText(t, filepath.Join(dir, "b/f.bak"), strings.Repeat("line\n", 500)+strings.Repeat("LINE\n", 500))
			does(t, dir, "sort", "-u", "-o", "b/f", "b/f")
			wantText(t, filepath.Join(dir, "b/f"), "line\nsed\n")
		},
		nil,
	},
	{
		"dd-truncate-fallocate",
		func(t *testing.T, dir string) {
			want := pattern(1, 1<<20)
			must(t, os.WriteFile(filepath.Join(dir, "f"), want, 0o644))
			writeFiles(t, dir, map[string]string{"piece": strings.Repeat("p", 1000)})
			does(t, dir, "dd", "if=piece", "of=f", "bs=1000", "seek=100", "conv=notrunc", "status=none")
			copy(want[100_000:], strings.Repeat("p", 1000))
			wantText(t, filepath.Join(dir, "f"), string(want))
			does(t, dir, "dd", "if=piece", "of=f", "bs=100", "oflag=append", "conv=notrunc,fsync", "status=none")
			want = append(want, strings.Repeat("p", 1000)...)
			wantText(t, filepath.Join(dir, "f"), string(want))
			does(t, dir, "truncate", "-s", "700K", "f")
			does(t, dir, "truncate", "-s", "+100", "f")
			want = append(want[:700<<10], make([]byte, 100)...)
			wantText(t, filepath.Join(dir, "f"), string(want))
			does(t, dir, "fallocate", "-l", "800K", "f")
			want = append(want, make([]byte, 800<<10-len(want))...)
			does(t, dir, "fallocate", "-p", "-o", "5000", "-l", "5000", "f")
			clear(want[5000:10_000])
			does(t, dir, "fallocate", "-z", "-o", "50000", "-l", "5000", "f")
			clear(want[50_000:55_000])
			wantText(t, filepath.Join(dir, "f"), string(want))
		},
		nil,
	},
	{
		"flock",
		func(t *testing.T, dir string) {
			holder := command(t, dir, "flock", "lock", "sh", "-c", "echo held; read go; echo done >out")
			in, err := holder.StdinPipe()
			must(t, err)
			out, err := holder.StdoutPipe()
			must(t, err)
			must(t, holder.Start())
			t.Cleanup(func() { _ = holder.Process.Kill() })
			if _, err := out.Read(make([]byte, 5)); err != nil {
				t.Fatal(err)
			}
			refuses(t, dir, "flock", "--nonblock", "lock", "true")
			must(t, in.Close())
			does(t, dir, "flock", "--timeout", "30", "lock", "cat", "out")
			_ = holder.Wait() // read(1) fails at the end of its input
			wantText(t, filepath.Join(dir, "out"), "done\n")
		},
		nil,
	},
	{
		"python",
		func(t *testing.T, dir string) {
			writeFiles(t, dir, map[string]string{"script.py": pythonScript})
			wantOutput(t, does(t, dir, "/usr/bin/python3", "script.py"), "all well\n")
			wantText(t, filepath.Join(dir, "result"), "replaced")
		},
		func(t *testing.T, dir string) {
			must(t, os.RemoveAll(filepath.Join(dir, "tree")))
			wantOutput(t, does(t, dir, "/usr/bin/python3", "script.py"), "all well\n")
		},
	},
}

const pythonScript = `
import fcntl, mmap, os, shutil, tempfile, zipfile

os.makedirs("tree/a/b", exist_ok=True)
for i in range(20):
    with open(f"tree/a/b/{i}", "w") as f:
        f.write("x" * i)
shutil.copytree("tree", "copy", symlinks=True)
shutil.move("copy/a/b", "copy/moved")
assert sorted(os.listdir("copy/moved"), key=int) == [str(i) for i in range(20)]
shutil.copy2("tree/a/b/19", "copied")
assert os.stat("copied").st_mtime_ns == os.stat("tree/a/b/19").st_mtime_ns
shutil.make_archive("archive", "zip", "tree")
with zipfile.ZipFile("archive.zip") as z:
    assert z.testzip() is None and len([n for n in z.namelist() if not n.endswith("/")]) == 20
shutil.rmtree("copy")
assert not os.path.exists("copy")

with tempfile.TemporaryFile(dir=".") as f:
    f.write(b"nameless")
    f.seek(0)
    assert f.read() == b"nameless"
with tempfile.TemporaryDirectory(dir=".") as d:
    open(os.path.join(d, "f"), "w").close()
with tempfile.NamedTemporaryFile(dir=".", delete=False) as f:
    f.write(b"replaced")
    f.flush()
    os.fsync(f.fileno())
os.replace(f.name, "result")

with open("mapped", "wb") as f:
    f.truncate(1 << 20)
with open("mapped", "r+b") as f:
    with mmap.mmap(f.fileno(), 0) as m:
        m[4096:4104] = b"by a map"
        m.flush()
        assert m.find(b"by a map") == 4096
with open("mapped", "rb") as f:
    f.seek(4096)
    assert f.read(8) == b"by a map"

with open("locked", "w") as f:
    fcntl.lockf(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
    pid = os.fork()
    if pid == 0:
        try:
            with open("locked", "w") as g:
                fcntl.lockf(g, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os._exit(0)
        os._exit(1)
    assert os.waitpid(pid, 0)[1] == 0, "a lock that is held was given again"

with os.scandir("tree/a/b") as entries:
    assert sum(e.stat().st_size for e in entries) == sum(range(20))
print("all well")
`
