//go:build linux

package cmd_test

import (
	"context"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// SPEC C13: in a real bash, names of workspaces, mounts, profiles, buckets, peers and objects complete.
func TestCompletionInBash(t *testing.T) {
	const library = "/usr/share/bash-completion/bash_completion"
	if _, err := os.Stat(library); err != nil {
		t.Fatalf("bash-completion is missing (make test installs it): %v", err)
	}
	home := t.TempDir()
	term := openProgram(t, home, 160, 30, "bash", "--norc", "--noprofile", "-i")
	must := func(args ...string) {
		t.Helper()
		if out, err := term.command(args...); err != nil {
			t.Fatalf("%q: %v\n%s", args, err, out)
		}
	}
	if err := os.WriteFile(filepath.Join(home, "myfile"), []byte("content"), 0o600); err != nil {
		t.Fatal(err)
	}
	must("workspace", "create", "notes")
	must("mount", "notes", filepath.Join(home, "mnt"), "--create")
	must("bucket", "create", "build-artifacts")
	must("object", "put", "myfile", "build-artifacts/v1.0/myapp")
	must("object", "put", "myfile", "build-artifacts/v1.0/other thing")
	must("object", "put", "myfile", "workspace:notes/todo.md")
	must("peer", "add", "ada")
	must("storage", "profile", "add", "production")

	term.press("PS1='> '; bind 'set bell-style none'; bind 'set enable-bracketed-paste off'; source " + library + "\r")
	for _, name := range []string{"artifacts-tui", "artifacts", "tunnelmesh"} {
		term.press("source <(" + name + " completion bash)\r")
	}
	term.press("clear; echo ready-$((40+2))\r")
	term.see("ready-42")
	for _, c := range []struct{ typed, becomes string }{
		{"artifacts-tui workspace show no", "workspace show notes "},
		{"artifacts mount no", "mount notes "},
		{"artifacts unmount /", "unmount " + filepath.Join(home, "mnt")},
		{"artifacts unmount m", "unmount mnt"},
		{"artifacts storage profile show pro", "show production "},
		{"artifacts storage show --profile pro", "--profile production "},
		{"tunnelmesh bucket usage bu", "bucket usage build-artifacts "},
		{"tunnelmesh buckets info bu", "buckets info build-artifacts "},
		{"artifacts-tui peer show ad", "peer show ada "},
		{"artifacts-tui object get bui", "object get build-artifacts/"},
		{"artifacts-tui object get build-artifacts/v", "get build-artifacts/v1.0/"},
		{"artifacts-tui object get build-artifacts/v1.0/my", "build-artifacts/v1.0/myapp "},
		{"artifacts-tui object list workspace:no", "list workspace:notes/"},
		{"artifacts-tui object cat workspace:notes/to", "cat workspace:notes/todo.md "},
		{"artifacts-tui object put my", "object put myfile "},
		{"artifacts-tui mount notes x --cache-profile b", "--cache-profile benchmark "},
		{"artifacts-tui work", "artifacts-tui workspace "},
	} {
		// A completion that takes too long offers nothing, as on a machine that is busy: then it is asked for again.
		for deadline := time.Now().Add(3 * time.Minute); ; {
			term.press("\x15") // forget the line
			term.press("clear\r" + c.typed + "\t")
			if term.shows(c.becomes, 10*time.Second) {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("%q does not become %q:\n%s", c.typed, c.becomes, term.text())
			}
		}
	}
	term.press("\x15")
	term.press("exit\r")
}

// shows waits for a text on the screen.
func (term *terminal) shows(text string, limit time.Duration) bool {
	for deadline := time.Now().Add(limit); ; time.Sleep(20 * time.Millisecond) { // between two looks
		if strings.Contains(term.text(), text) {
			return true
		}
		if time.Now().After(deadline) {
			return false
		}
	}
}

// complete asks as the shells' scripts do.
func complete(t *testing.T, env []string, args ...string) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, filepath.Join(programDir, "artifacts-tui"), append([]string{"__complete"}, args...)...)
	c.Env = env
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%q: %v", args, err)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	last := len(lines) - 1
	if !strings.HasPrefix(lines[last], ":") {
		t.Fatalf("%q: %q", args, lines)
	}
	return lines[:last]
}

// SPEC C13: a completion starts no coordinator, writes nothing, and ends where one never answers; it then
// knows the workspaces that were seen last.
func TestCompletionStartsNothing(t *testing.T) {
	home := t.TempDir()
	env := []string{"HOME=" + home, "PATH=" + os.Getenv("PATH")}
	asked := [][]string{
		{"workspace", "show", ""},
		{"unmount", ""},
		{"bucket", "usage", ""},
		{"object", "get", ""},
		{"object", "get", "build-artifacts/"},
		{"object", "list", "workspace:notes/"},
		{"peer", "show", ""},
		{"storage", "profile", "show", ""},
		{"context", "use", ""},
		{"share", "revoke", ""},
		{"workspace", "restore", ""},
		{"role", "unbind", ""},
		{"mount", "quarantine", "list", ""},
		{"--coordinator", ""},
	}
	for _, args := range asked {
		for _, line := range complete(t, env, args...) {
			if name, _, _ := strings.Cut(line, "\t"); name != "local" {
				t.Errorf("%q offers %q", args, line)
			}
		}
	}
	var left []string
	_ = filepath.WalkDir(home, func(path string, _ fs.DirEntry, _ error) error {
		if path != home {
			left = append(left, path)
		}
		return nil
	})
	if len(left) > 0 {
		t.Errorf("completions left %q", left)
	}

	silent, err := net.Listen("tcp", "127.0.0.1:0") // it takes connections, and says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	state := filepath.Join(home, ".local/state/tonbo/artifacts")
	if err := os.MkdirAll(state, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(state, "workspaces.json"), []byte(`[{"name":"remembered","backend":"managed","state":"active"}]`), 0o600); err != nil {
		t.Fatal(err)
	}
	env = append(env, "ARTIFACTS_COORDINATOR=http://"+silent.Addr().String())
	for _, args := range asked {
		complete(t, env, args...)
	}
	// On a machine that is busy the time may be over before what is known is read.
	var got []string
	for range 50 {
		if got = complete(t, env, "workspace", "show", ""); len(got) > 0 {
			break
		}
	}
	if len(got) != 1 || !strings.HasPrefix(got[0], "remembered\t") {
		t.Errorf("workspaces that were seen last: %q", got)
	}
}

// SPEC C13: every shell gets a script, for the name that the program was started by.
func TestCompletionScripts(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		out, err := exec.Command(filepath.Join(programDir, "artifacts"), "completion", shell).Output()
		if err != nil || !strings.Contains(string(out), "artifacts") || strings.Contains(string(out), "artifacts-tui") {
			t.Errorf("completion of %s: %v", shell, err)
		}
	}
}
