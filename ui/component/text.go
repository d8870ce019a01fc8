package component

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
)

// Align says to which side of its column a text keeps.
type Align int

// The sides.
const (
	Left Align = iota
	Right
)

// Width is the number of terminal cells s takes, escape sequences not counted.
func Width(s string) int {
	width := 0
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c >= 0x20 && c <= 0x7e:
			width++
			i++
		case c == 0x1b && i+1 < len(s) && s[i+1] == '[':
			i += 2
			for i < len(s) && s[i] < 0x40 { // parameters
				i++
			}
			i++ // the final byte
		default:
			r, n := utf8.DecodeRuneInString(s[i:])
			if !narrow(r) {
				return ansi.StringWidth(s) // wide, combining, control: ask who knows
			}
			width++
			i += n
		}
	}
	return width
}

// narrow reports whether r surely takes one cell: Latin letters, and the
// punctuation, arrows, lines and shapes the screen is made of. A sign that
// changes the one before it is not narrow.
func narrow(r rune) bool {
	switch {
	case r >= 0xa1 && r <= 0x2ff:
		return r != 0xad // soft hyphen
	case r >= 0x2010 && r <= 0x2027, r >= 0x2190 && r <= 0x2193, r >= 0x2500 && r <= 0x25cf:
		return true
	}
	return r == '⏎' || r == '✓' || r == '✗' || r == '◐' || r == '�'
}

// Fit makes s exactly width cells wide: padded, or cut with "…".
func Fit(s string, width int, align Align) string {
	if width <= 0 {
		return ""
	}
	have := Width(s)
	if have > width {
		s = Cut(s, width)
		have = Width(s)
	}
	pad := strings.Repeat(" ", width-have)
	if align == Right {
		return pad + s
	}
	return s + pad
}

// Cut shortens s to at most width cells, with "…" where something is missing.
func Cut(s string, width int) string {
	if width <= 0 {
		return ""
	}
	have := Width(s)
	switch {
	case have <= width:
		return s
	case have == len(s) && strings.IndexByte(s, 0x1b) < 0: // plain ASCII
		return s[:width-1] + "…"
	}
	return ansi.Truncate(s, width, "…")
}

// CutPath shortens a path from its left, for the end tells paths apart. The
// result is at most width cells wide. s must be free of escape sequences.
func CutPath(s string, width int) string {
	if width <= 0 {
		return ""
	}
	over := Width(s) - width
	if over <= 0 {
		return s
	}
	if width == 1 {
		return "…"
	}
	return ansi.TruncateLeft(s, over+1, "…")
}

// Clean makes text from outside harmless on a terminal: control characters
// (escape sequences among them), bidirectional overrides and invalid UTF-8
// become "�", line breaks and tabs a space.
func Clean(s string) string {
	bad := func(r rune) bool {
		return r == utf8.RuneError || unicode.IsControl(r) || unicode.Is(unicode.Cf, r) && r != '\u200d'
	}
	if strings.IndexFunc(s, bad) < 0 {
		return s
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			return ' '
		case bad(r):
			return '�'
		}
		return r
	}, s)
}

// hyphen stands for one that no line is broken at.
const hyphen = "\u2011"

// Wrap breaks s into lines of at most width cells, long words too.
func Wrap(s string, width int) []string {
	if width <= 0 {
		return nil
	}
	if Width(s) <= width {
		return []string{s}
	}
	// A name with hyphens is broken only where it is longer than a line.
	var kept strings.Builder
	for rest := s; rest != ""; {
		end := strings.IndexAny(rest, " /") + 1
		if end == 0 {
			end = len(rest)
		}
		name := rest[:end]
		if rest = rest[end:]; Width(name) <= width {
			name = strings.ReplaceAll(name, "-", hyphen)
		}
		kept.WriteString(name)
	}
	lines := strings.Split(ansi.Wrap(kept.String(), width, "/"), "\n")
	for i := range lines {
		lines[i] = strings.ReplaceAll(strings.TrimRight(lines[i], " "), hyphen, "-")
	}
	return lines
}

// Bytes is n for people, in powers of 1024: "212 B", "3.4 MiB", "812 MiB".
func Bytes(n int64) string {
	if n < 1024 {
		return strconv.FormatInt(n, 10) + " B"
	}
	v, unit := float64(n), 0
	for v >= 1023.95 && unit < 6 {
		v /= 1024
		unit++
	}
	format := "%.1f %ciB"
	if v >= 99.95 {
		format = "%.0f %ciB"
	}
	return fmt.Sprintf(format, v, " KMGTPE"[unit])
}

// Count is n with thousands kept apart: "418,112".
func Count(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Plural is "1 file" or "3 files".
func Plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return Count(int64(n)) + " " + noun + "s"
}

// Elapsed is a duration in two figures at most: "0.4 s", "12 s", "3 min", "5 h", "12 days".
func Elapsed(d time.Duration) string {
	switch {
	case d < 0:
		return "0.0 s"
	case d < 10*time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < 2*time.Minute:
		return fmt.Sprintf("%.0f s", d.Seconds())
	case d < 2*time.Hour:
		return fmt.Sprintf("%.0f min", d.Minutes())
	case d < 48*time.Hour:
		return fmt.Sprintf("%.0f h", d.Hours())
	default:
		return fmt.Sprintf("%.0f days", d.Hours()/24)
	}
}

// Clock is when t was, seen from now: the time of day for the last day, the
// date before.
func Clock(t, now time.Time) string {
	if t.IsZero() {
		return ""
	}
	t = t.Local()
	if now.Sub(t) < 24*time.Hour {
		return t.Format("15:04")
	}
	return t.Format("2 Jan 15:04")
}

// Home writes path with "~" for home, the way a shell reads it.
func Home(path, home string) string {
	if home == "" || home == "/" {
		return path
	}
	if path == home {
		return "~"
	}
	if rest, ok := strings.CutPrefix(path, strings.TrimSuffix(home, "/")+"/"); ok {
		return "~/" + rest
	}
	return path
}
