//go:build linux

package cmd_test

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/creack/pty"
)

// SPEC C9, C10: a progress bar is drawn where standard error is a terminal, and nowhere else, nor with --quiet.
func TestProgressBar(t *testing.T) {
	home := t.TempDir()
	env := []string{"HOME=" + home, "PATH=" + os.Getenv("PATH"), "TERM=xterm-256color"}
	program := filepath.Join(programDir, "artifacts-tui")
	run := func(args ...string) string {
		t.Helper()
		c := exec.Command(program, args...)
		c.Env, c.Dir = env, home
		out, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("%q: %v\n%s", args, err, out)
		}
		return string(out)
	}
	run("bucket", "create", "data")
	t.Cleanup(func() { run("coordinator", "stop") })
	if err := os.WriteFile(filepath.Join(home, "big"), bytes.Repeat([]byte("x"), 6<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	drawn := func(args ...string) string {
		t.Helper()
		c := exec.Command(program, args...)
		c.Env, c.Dir = env, home
		terminal, err := pty.StartWithSize(c, &pty.Winsize{Cols: 100, Rows: 20})
		if err != nil {
			t.Fatal(err)
		}
		defer terminal.Close()
		out, _ := io.ReadAll(terminal) // it ends with an error when the program does (pty(7))
		if err := c.Wait(); err != nil {
			t.Fatalf("%q: %v\n%s", args, err, out)
		}
		return string(out)
	}
	put := []string{"object", "put", "big", "data/", "--always", "--bwlimit", "4M"}
	out := drawn(put...)
	if !regexp.MustCompile(`\[#+\.+\] 0/1 objects  [0-9.]+ MiB of 6\.0 MiB  [0-9.]+ [KM]iB/s`).MatchString(out) {
		t.Errorf("no bar:\n%q", out)
	}
	if last := out[strings.LastIndex(out, "\x1b[K")+3:]; !strings.HasPrefix(last, "Transferred 1 object (6.0 MiB)") {
		t.Errorf("the bar stays:\n%q", out)
	}
	if out := drawn(append(put, "--quiet")...); out != "" {
		t.Errorf("quiet: %q", out)
	}
	if out := run(put...); strings.ContainsAny(out, "\r\x1b[") {
		t.Errorf("without a terminal: %q", out)
	}
}
