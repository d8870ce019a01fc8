package disk

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/artifacts-tui/artifacts-tui/internal/xdg"
)

func TestTail(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "log")
	var text strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&text, "line %04d of a log\n", i)
	}
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	lines, err := Tail(path)
	if err != nil || len(lines) != tailLines || lines[len(lines)-1].Text != "line 4999 of a log" {
		t.Fatalf("%d lines, %v", len(lines), err)
	}
	for _, l := range lines {
		if got := text.String()[l.At:][:len(l.Text)]; got != l.Text {
			t.Fatalf("at %d is %q, not %q", l.At, got, l.Text)
		}
	}
	// A pipe is refused rather than waited for.
	pipe := filepath.Join(dir, "pipe")
	if err := unix.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Tail(pipe); err == nil {
		t.Error("a pipe was read")
	}
}

func TestStateAndReports(t *testing.T) {
	d := &Disk{Roots: xdg.Roots{State: filepath.Join(t.TempDir(), "state")}, Version: "1.2.3"}
	if d.Load(&struct{}{}) {
		t.Error("found a state that was never kept")
	}
	if err := d.Keep(map[string]string{"page": "Mounts"}); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	if !d.Load(&got) || got["page"] != "Mounts" {
		t.Errorf("loaded %v", got)
	}
	var path string
	for i := range reportsKept + 3 {
		var err error
		if path, err = d.Report(fmt.Sprintf("crash %d", i), []string{"size: 80x24"}, []byte("goroutine 1")); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"1.2.3", "size: 80x24", "goroutine 1"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%q is not in %s", want, text)
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
	if left, _ := filepath.Glob(filepath.Join(d.Roots.State, reportPrefix+"*")); len(left) != reportsKept {
		t.Errorf("%d reports are kept", len(left))
	}
}
