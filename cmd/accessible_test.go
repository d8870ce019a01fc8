//go:build linux

package cmd_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// escapes are sequences that move the cursor or colour text.
var escapes = regexp.MustCompile(`\x1b\[[0-9;?]*[A-Za-z]`)

// The journey in lines: create, mount, write, status, credentials, unmount, leave; not one escape
// sequence is written, and each act says its command.
func TestJourneyInLines(t *testing.T) {
	home := t.TempDir()
	term := openTerminal(t, home, 100, 50, "--accessible")
	say := func(answer string, want ...string) {
		t.Helper()
		term.press(answer + enter)
		term.see(want...)
	}
	term.see("1 list: list the workspaces", "What to do: ")
	say("create", "Its name: ")
	say("notes", "2 byo")
	say("1", "$ artifacts workspace create notes", "Created workspace notes")
	say("mount", "1 notes", "Which workspace: ")
	say("1", "Where [", "mnt/notes]")
	say("", "$ artifacts mount notes", "Mounted notes at")
	if err := os.WriteFile(filepath.Join(home, "mnt", "notes", "hello.txt"), []byte("in lines"), 0o600); err != nil {
		t.Fatal(err)
	}
	say("5", "$ artifacts status", "Coordinator: embedded")
	say("credentials", "$ artifacts storage show")
	say("nonsense", `"nonsense" is none of 1 to 7.`)
	say("unm", "Which mount: ")
	say("1", "$ artifacts unmount", "0 queued, 0 in progress, 0 failed")
	term.press("quit" + enter)
	select {
	case err := <-term.ended:
		if err != nil {
			t.Errorf("it ended with %v\n%s", err, term.text())
		}
	case <-time.After(time.Minute):
		t.Fatalf("quit did not leave; the screen is\n%s", term.text())
	}
	term.mu.Lock()
	defer term.mu.Unlock()
	if found := escapes.FindString(term.raw.String()); found != "" {
		t.Errorf("%q was written", found)
	}
	for _, r := range term.raw.String() {
		if r > 0x7e {
			t.Fatalf("%q is not ASCII", r)
		}
	}
}

// In lines --read-only disables what changes something, and ctrl+c leaves a question.
func TestLinesReadOnly(t *testing.T) {
	term := openTerminal(t, t.TempDir(), 100, 50, "--accessible", "--read-only")
	term.see("What to do: ")
	term.press("create" + enter)
	term.see("create is disabled: the app was opened with --read-only.")
	term.press("\x03")
	select {
	case err := <-term.ended:
		if err == nil {
			t.Error("ctrl+c counts as a success")
		}
	case <-time.After(time.Minute):
		t.Fatalf("ctrl+c did not leave; the screen is\n%s", term.text())
	}
	if text := term.text(); strings.Contains(text, "Its name") {
		t.Error("it asked for a name")
	}
}
