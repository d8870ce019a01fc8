//go:build linux

package cmd_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/hinshun/vt10x"
	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"

	"github.com/artifacts-tui/artifacts-tui/mounts"
)

// terminal is the program in a real terminal of a given size.
type terminal struct {
	t      *testing.T
	home   string
	env    []string
	pty    *os.File
	screen vt10x.Terminal
	ended  chan error

	mu  sync.Mutex
	raw strings.Builder // every byte the program drew
}

func openTerminal(t *testing.T, home string, columns, rows int, args ...string) *terminal {
	t.Helper()
	return openProgram(t, home, columns, rows, filepath.Join(programDir, "artifacts-tui"), args...)
}

func openProgram(t *testing.T, home string, columns, rows int, program string, args ...string) *terminal {
	t.Helper()
	term := &terminal{
		t: t, home: home, screen: vt10x.New(vt10x.WithSize(columns, rows)), ended: make(chan error, 1),
		env: []string{"HOME=" + home, "PATH=" + programDir + ":" + os.Getenv("PATH"), "TERM=xterm-256color", "LANG=C.UTF-8"},
	}
	c := exec.Command(program, args...)
	c.Env, c.Dir = term.env, home
	var err error
	term.pty, err = pty.StartWithSize(c, &pty.Winsize{Cols: uint16(columns), Rows: uint16(rows)})
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		buf := make([]byte, 32<<10)
		for {
			n, err := term.pty.Read(buf)
			term.mu.Lock()
			term.raw.Write(buf[:n])
			term.mu.Unlock()
			_, _ = term.screen.Write(buf[:n])
			if err != nil {
				break
			}
		}
		term.ended <- c.Wait()
	}()
	t.Cleanup(func() {
		_ = c.Process.Kill()
		_ = term.pty.Close()
		term.cleanUp()
	})
	return term
}

func (term *terminal) command(args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, filepath.Join(programDir, "artifacts-tui"), args...)
	c.Env, c.Dir = term.env, term.home
	return c.Output()
}

func (term *terminal) cleanUp() {
	var list []mounts.Status
	out, _ := term.command("mount", "list", "--format", "json")
	_ = json.Unmarshal(out, &list)
	for _, m := range list {
		_, _ = term.command("unmount", "--timeout", "5s", m.Mountpoint)
	}
	_, _ = term.command("coordinator", "stop")
	left, _ := mountinfo.GetMounts(mountinfo.PrefixFilter(term.home))
	for _, m := range left {
		abortConnection(m)
		_ = unix.Unmount(m.Mountpoint, unix.MNT_DETACH)
	}
}

func (term *terminal) press(keys string) {
	term.t.Helper()
	if _, err := io.WriteString(term.pty, keys); err != nil {
		term.t.Fatal(err)
	}
}

func (term *terminal) text() string {
	term.screen.Lock()
	defer term.screen.Unlock()
	columns, rows := term.screen.Size()
	var b strings.Builder
	for y := range rows {
		for x := range columns {
			if c := term.screen.Cell(x, y).Char; c != 0 {
				b.WriteRune(c)
			} else {
				b.WriteByte(' ')
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// see waits until every text is on the screen at once.
func (term *terminal) see(texts ...string) {
	term.t.Helper()
	term.until(fmt.Sprintf("%q on the screen", texts), func(screen string) bool {
		for _, text := range texts {
			if !strings.Contains(screen, text) {
				return false
			}
		}
		return true
	})
}

// lose waits until a text has left the screen.
func (term *terminal) lose(text string) {
	term.t.Helper()
	term.until(fmt.Sprintf("%q to leave the screen", text), func(screen string) bool { return !strings.Contains(screen, text) })
}

func (term *terminal) until(what string, ok func(screen string) bool) {
	term.t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(time.Minute)
	for !ok(term.text()) {
		select {
		case <-tick.C:
		case <-deadline:
			term.t.Fatalf("waited for %s; the screen is\n%s", what, term.text())
		}
	}
}

const (
	enter  = "\r"
	escape = "\x1b"
)

// SPEC E12: the main journey by keys alone, at three sizes: create, mount, see it listed,
// work in it, unmount with its proof, delete by typing the name, leave.
func TestJourneyByKeys(t *testing.T) {
	for _, size := range []struct{ columns, rows int }{{80, 24}, {40, 10}, {200, 60}} {
		t.Run(fmt.Sprintf("%dx%d", size.columns, size.rows), func(t *testing.T) {
			home := t.TempDir()
			term := openTerminal(t, home, size.columns, size.rows)
			term.see("No workspaces yet")
			term.press("n")
			term.see("New workspace")
			term.press("notes" + enter)
			term.lose("New workspace")
			term.see("notes")

			term.press("m")
			term.see("mnt/notes")
			term.press(enter)
			file := filepath.Join(home, "mnt", "notes", "hello.txt")
			term.until("the mount", func(string) bool {
				mounted, err := mountinfo.Mounted(filepath.Dir(file))
				return err == nil && mounted
			})
			if err := os.WriteFile(file, []byte("written through the mount"), 0o600); err != nil {
				t.Fatal(err)
			}
			term.press("2")
			term.see("notes", "ok")

			// What a command does elsewhere shows by itself.
			if _, err := term.command("workspace", "create", "elsewhere"); err != nil {
				t.Fatal(err)
			}
			term.press("1")
			term.see("elsewhere")

			term.press("2u")
			term.see("unmounted: 0 queued")
			if mounted, err := mountinfo.Mounted(filepath.Dir(file)); err != nil || mounted {
				t.Errorf("still mounted: %v %v", mounted, err)
			}
			// An escape with a key right behind it would be that key with alt.
			term.press(escape)
			term.lose("unmounted: 0 queued")
			term.press("1")
			term.see("elsewhere")
			term.press("?")
			term.see("─ Keys ─")
			term.press(escape)
			term.lose("─ Keys ─")
			term.press("q")
			select {
			case err := <-term.ended:
				if err != nil {
					t.Errorf("the app ended with %v\n%s", err, term.text())
				}
			case <-time.After(time.Minute):
				t.Fatalf("q did not leave; the screen is\n%s", term.text())
			}
			out, err := term.command("workspace", "show", "notes")
			// The file, and the sheet with its attributes.
			if err != nil || !regexp.MustCompile(`\(\d+ bytes\), 2 objects`).Match(out) {
				t.Errorf("after the journey: %s %v", out, err)
			}
			term.mu.Lock()
			defer term.mu.Unlock()
			if strings.Contains(term.raw.String(), "mesh_") {
				t.Error("a token was on the screen")
			}
		})
	}
}

// SPEC E12, D8: the browser by keys on a real store: in and out of a bucket, an upload as a job, a
// deletion that is taken back and one that is not, a link on the clipboard and not on the screen.
func TestBrowseByKeys(t *testing.T) {
	for _, size := range []struct{ columns, rows int }{{80, 24}, {40, 10}, {200, 60}} {
		t.Run(fmt.Sprintf("%dx%d", size.columns, size.rows), func(t *testing.T) {
			home := t.TempDir()
			for name, text := range map[string]string{"a.txt": "the first\n", "b.txt": "the second\n", "later.txt": "uploaded by keys\n"} {
				if err := os.WriteFile(filepath.Join(home, name), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			term := openTerminal(t, home, size.columns, size.rows)
			term.see("No workspaces yet")
			run := func(args ...string) string {
				t.Helper()
				out, err := term.command(args...)
				if err != nil {
					t.Fatalf("%q: %v %s", args, err, out)
				}
				return string(out)
			}
			run("bucket", "create", "data")
			run("object", "put", filepath.Join(home, "a.txt"), filepath.Join(home, "b.txt"), "data/deep/")

			term.press("3R")
			term.see("▸ data")
			term.press(enter)
			term.see("▸ deep/")
			term.press(enter)
			term.see("▸ a.txt", "b.txt")
			term.press(enter) // the object itself
			term.see("the first")
			term.press("h")
			term.see("b.txt")

			term.press("p")
			term.see("Upload")
			term.press("~/lat\t")
			term.see("~/later.txt")
			term.press(enter)
			term.see("uploaded 1 object")
			term.press(escape)
			term.lose("uploaded 1 object")
			term.see("later.txt")

			term.press("x") // a.txt
			term.see("deleting")
			term.press("u")
			term.see("taken back", "a.txt")
			term.press("jx") // b.txt
			term.see("deleting")
			term.see("deleted 1 object")
			term.press(escape)
			term.lose("deleted 1 object")
			term.see("a.txt", "later.txt")
			term.lose("b.txt")

			term.press("gP")
			term.see("copied a link")
			if term.text(); strings.Contains(term.text(), "X-Amz") {
				t.Error("the link is on the screen")
			}
			term.mu.Lock()
			raw := term.raw.String()
			term.mu.Unlock()
			_, rest, _ := strings.Cut(raw, "\x1b]52;c;")
			link, _, _ := strings.Cut(rest, "\x07")
			url, err := base64.StdEncoding.DecodeString(link)
			if err != nil {
				t.Fatalf("on the clipboard: %q, %v", link, err)
			}
			answer, err := http.Get(string(url))
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(answer.Body)
			_ = answer.Body.Close()
			if string(body) != "the first\n" {
				t.Errorf("the link opens %q", body)
			}
			if got := run("object", "list", "data/deep/"); !strings.Contains(got, "a.txt") || strings.Contains(got, "b.txt") || !strings.Contains(got, "later.txt") {
				t.Errorf("in the end there is\n%s", got)
			}
			term.press("5")
			term.see("done")
			term.press("q")
			select {
			case err := <-term.ended:
				if err != nil {
					t.Errorf("the app ended with %v", err)
				}
			case <-time.After(time.Minute):
				t.Fatalf("q did not leave; the screen is\n%s", term.text())
			}
		})
	}
}

// With --read-only nothing is started and nothing written: without a coordinator the app says that
// there is none, with one it shows what there is.
func TestReadOnlyInATerminal(t *testing.T) {
	home := t.TempDir()
	look := func(see string) {
		t.Helper()
		term := openTerminal(t, home, 120, 30, "--read-only")
		term.see("read-only", see)
		for _, page := range []string{"2", "3", "4", "5", "6", "7", "1"} {
			term.press(page)
		}
		term.press("n")
		term.see("--read-only is on")
		term.press("q")
		select {
		case err := <-term.ended:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(time.Minute):
			t.Fatalf("q did not leave; the screen is\n%s", term.text())
		}
	}
	look("no coordinator")
	for _, root := range []string{".config/tonbo", ".cache", ".local"} { // rclone, as a library, makes its own folder
		if _, err := os.Stat(filepath.Join(home, root)); err == nil {
			t.Errorf("looking made %s", root)
		}
	}

	term := &terminal{t: t, home: home, env: []string{"HOME=" + home, "PATH=" + programDir + ":" + os.Getenv("PATH"), "LANG=C.UTF-8"}}
	if _, err := term.command("workspace", "create", "notes"); err != nil {
		t.Fatal(err)
	}
	before := map[string]string{}
	filesBelow(t, filepath.Join(home, ".config"), before)
	look("notes")
	after := map[string]string{}
	filesBelow(t, filepath.Join(home, ".config"), after)
	if !maps.Equal(before, after) {
		t.Errorf("looking changed the configuration: %v", after)
	}
	if _, err := os.Stat(filepath.Join(home, ".local/state/tonbo/artifacts/tui.json")); err == nil {
		t.Error("how the app was left was kept")
	}
}

// SPEC D8: the command line that is shown, and copied, begins with what a shell finds the program by:
// its short name where that is installed, else its own, else the path that it was started with.
func TestCommandLinesNameTheProgram(t *testing.T) {
	program := filepath.Join(programDir, "artifacts-tui")
	for _, test := range []struct{ installed, shown string }{
		{"artifacts", "$ artifacts mount list"},
		{"artifacts-tui", "$ artifacts-tui mount list"},
		{"another", "$ my/build mount list"},
	} {
		t.Run(test.installed, func(t *testing.T) {
			home := t.TempDir()
			for _, link := range []string{"bin/" + test.installed, "my/build"} {
				if err := os.MkdirAll(filepath.Dir(filepath.Join(home, link)), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.Symlink(program, filepath.Join(home, link)); err != nil {
					t.Fatal(err)
				}
			}
			term := openProgram(t, home, 120, 30, "/bin/sh", "-c", "PATH=$HOME/bin:/usr/bin:/bin exec my/build --read-only")
			term.press("2")
			term.see(test.shown)
			term.press("q")
			if err := <-term.ended; err != nil {
				t.Error(err)
			}
		})
	}
}
