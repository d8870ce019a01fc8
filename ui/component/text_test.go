package component

import (
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
)

func TestBytes(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 3565158: "3.4 MiB", 102400: "100 KiB", 851443712: "812 MiB",
		1<<20 - 1: "1.0 MiB", 1319413953331: "1.2 TiB", 1 << 62: "4.0 EiB",
	} {
		if got := Bytes(n); got != want {
			t.Errorf("Bytes(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestCount(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 418112: "418,112", 1234567: "1,234,567", -1000: "-1,000", -100: "-100"} {
		if got := Count(n); got != want {
			t.Errorf("Count(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestElapsed(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second: "0.0 s", 400 * time.Millisecond: "0.4 s", 12 * time.Second: "12 s", 3 * time.Minute: "3 min", 5 * time.Hour: "5 h", 12 * 24 * time.Hour: "12 days",
	} {
		if got := Elapsed(d); got != want {
			t.Errorf("Elapsed(%v) = %q, want %q", d, got, want)
		}
	}
}

// What Width takes to be narrow without asking is.
func TestNarrow(t *testing.T) {
	for r := rune(0x80); r < 0x30000; r++ {
		if narrow(r) && ansi.StringWidth(string(r)) != 1 {
			t.Errorf("%U %q takes %d cells", r, r, ansi.StringWidth(string(r)))
		}
	}
	for _, s := range []string{"", "plain", "\x1b[1;38;2;60;207;192mbold\x1b[m …", "日本", "e\u0301", "▸\ufe0f", "\x1b[", "\x1b", "\x1b]52;c;eA==\x07x", "\u009b31mx", "a\x00b"} {
		if got, want := Width(s), ansi.StringWidth(s); got != want {
			t.Errorf("Width(%q) = %d, want %d", s, got, want)
		}
	}
}

func TestFit(t *testing.T) {
	for _, c := range []struct {
		s     string
		width int
		align Align
		want  string
	}{
		{"ab", 4, Left, "ab  "},
		{"ab", 4, Right, "  ab"},
		{"abcdef", 4, Left, "abc…"},
		{"日本語", 5, Left, "日本…"},
		{"日本語", 4, Left, "日… "}, // a wide sign is not cut in two
		{"x", 0, Left, ""},
		{"\x1b[31mred\x1b[m", 5, Left, "\x1b[31mred\x1b[m  "},
	} {
		got := Fit(c.s, c.width, c.align)
		if got != c.want || Width(got) != c.width {
			t.Errorf("Fit(%q, %d) = %q (%d cells), want %q", c.s, c.width, got, Width(got), c.want)
		}
	}
}

func TestCutPath(t *testing.T) {
	for _, c := range []struct {
		s     string
		width int
		want  string
	}{{"~/mnt/notes", 11, "~/mnt/notes"}, {"~/mnt/notes", 8, "…t/notes"}, {"abc", 1, "…"}, {"abc", 0, ""}} {
		if got := CutPath(c.s, c.width); got != c.want {
			t.Errorf("CutPath(%q, %d) = %q, want %q", c.s, c.width, got, c.want)
		}
	}
}

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"plain – ünïcode ✓": "plain – ünïcode ✓",
		"\x1b[31mred":       "�[31mred",
		"two\nlines\t.":     "two lines .",
		"abc\u202edef":      "abc�def", // right-to-left override
		"bad\xffutf8":       "bad�utf8",
		"c1\u009b31m":       "c1�31m",
	} {
		if got := Clean(in); got != want {
			t.Errorf("Clean(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestHome(t *testing.T) {
	for _, c := range [][3]string{
		{"/home/ada/mnt", "/home/ada", "~/mnt"},
		{"/home/ada", "/home/ada", "~"},
		{"/home/adam/x", "/home/ada", "/home/adam/x"},
		{"/x", "", "/x"},
		{"/x", "/", "/x"},
		{"/home/ada/x", "/home/ada/", "~/x"},
	} {
		if got := Home(c[0], c[1]); got != c[2] {
			t.Errorf("Home(%q, %q) = %q, want %q", c[0], c[1], got, c[2])
		}
	}
}

func TestClock(t *testing.T) {
	at := time.Date(2026, 11, 21, 9, 12, 0, 0, time.Local)
	if got := Clock(at, at.Add(5*time.Hour)); got != "09:12" {
		t.Error(got)
	}
	if got := Clock(at, at.Add(50*time.Hour)); got != "21 Nov 09:12" {
		t.Error(got)
	}
}

// A name is not broken at its hyphens, unless it is longer than a line.
func TestWrap(t *testing.T) {
	for _, c := range []struct {
		s     string
		width int
		want  string
	}{
		{"type old-runs to delete it", 14, "type old-runs|to delete it"},
		{"this is not its name; type old-runs", 32, "this is not its name; type|old-runs"},
		{"~/.config/artifacts/byo-credentials", 22, "~/.config/artifacts/|byo-credentials"},
		{"bucket-write:build-artifacts", 20, "bucket-write:build-|artifacts"},
		{"short", 10, "short"},
	} {
		if got := strings.Join(Wrap(c.s, c.width), "|"); got != c.want {
			t.Errorf("Wrap(%q, %d) = %q, want %q", c.s, c.width, got, c.want)
		}
	}
}
