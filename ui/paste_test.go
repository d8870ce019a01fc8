package ui

import (
	"io"
	"os"
	"strings"
	"testing"
)

// SPEC D7: escapes inside of a paste do not reach what would wait for their end; all else is as it was
// typed, however it is cut.
func TestPastes(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"abc\x1b[A\x1b", "abc\x1b[A\x1b"},
		{"\x1b[200~text\x1b[201~j", "\x1b[200~text\x1b[201~j"},
		{"\x1b[200~a\x1b]0;b\x1b[201~\x1b[B", "\x1b[200~a\x1f]0;b\x1b[201~\x1b[B"},
		{"\x1b[200~\x1b\x1b[20\x1b[201~", "\x1b[200~\x1f\x1f[20\x1b[201~"},
		{"\x1b[200~\x1bPq\x1b\\\x1b[201~\x1b]11;rgb:0/0/0\x07", "\x1b[200~\x1fPq\x1f\\\x1b[201~\x1b]11;rgb:0/0/0\x07"},
		{"\x1b\x1b[200~\x1b[200~\x1b[201~\x1b[201~", "\x1b\x1b[200~\x1f[200~\x1b[201~\x1b[201~"},
	} {
		for size := range len(c.in) {
			p := &pastes{}
			var got []byte
			for rest := c.in; rest != ""; {
				n := min(size+1, len(rest))
				got = p.clean(got, []byte(rest[:n]))
				rest = rest[n:]
			}
			if string(got) != c.want {
				t.Errorf("%q in pieces of %d: %q, want %q", c.in, size+1, got, c.want)
			}
		}
	}
}

// What is read from a file is all there, and ends where the file does.
func TestPastesRead(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Repeat("\x1b[200~some text\x1b[201~keys", 5000)
	go func() {
		_, _ = w.WriteString(want)
		_ = w.Close()
	}()
	got, err := io.ReadAll(&pastes{File: r})
	if err != nil || string(got) != want {
		t.Errorf("%d bytes of %d, %v", len(got), len(want), err)
	}
}
