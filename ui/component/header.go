package component

import (
	"strings"

	"github.com/artifacts-tui/artifacts-tui/ui/theme"
)

// Tab is a page in the header.
type Tab struct{ Key, Name string }

// Header is the top line: the program, the tabs, and something at the right.
type Header struct {
	Name   string
	Tabs   []Tab
	Active int
	// Right is what the right end says, the longest wording first; the first
	// that fits is drawn. Each is drawn text.
	Right []string
}

// View draws the header and the rule below it. split is where the rule meets a
// wall, or -1.
func (h Header) View(width, split int, t *theme.Theme) (line, rule string) {
	left, from, to := h.left(width, t)
	used := Width(left)
	right := ""
	for _, r := range h.Right {
		if w := Width(r); used+w+2 <= width {
			right = r
			break
		}
	}
	line = left + strings.Repeat(" ", max(width-used-Width(right)-1, 0)) + right
	return Fit(line, width, Left), Rule(width, split, from, to, "", "", t.Glyph.TeeDown, t)
}

// Span is where the active tab is drawn, from its first cell to behind its last.
func (h Header) Span(width int, t *theme.Theme) (from, to int) {
	_, from, to = h.left(width, t)
	return from, to
}

// left draws name and tabs and returns where the active tab is. The name goes
// first where room is short, then the other tabs' names.
func (h Header) left(width int, t *theme.Theme) (text string, from, to int) {
	full := Width(h.Name) + 4
	for _, tab := range h.Tabs {
		full += Width(tab.Key) + 1 + Width(tab.Name) + 3
	}
	var b strings.Builder
	b.WriteString(" ")
	at := 1
	if full+16 <= width {
		b.WriteString(t.Strong.Render(h.Name) + "   ")
		at += Width(h.Name) + 3
	}
	for i, tab := range h.Tabs {
		if i > 0 {
			b.WriteString("   ")
			at += 3
		}
		label := tab.Key + " " + tab.Name
		if i == h.Active {
			from, to = at, at+Width(label)
			b.WriteString(t.Select.Render(label))
		} else {
			b.WriteString(t.Dim.Render(label))
		}
		at += Width(label)
	}
	return b.String(), from, to
}

// Rule draws a line across: heavy in the accent between from and to, with a tee
// at split, and drawn text set into it at the left and the right.
func Rule(width, split, from, to int, left, right, tee string, t *theme.Theme) string {
	if width <= 0 {
		return ""
	}
	g := t.Glyph
	start, end := 0, width
	prefix, suffix := "", ""
	if left != "" && Width(left)+4 <= width {
		prefix = t.Faint.Render(g.Rule) + " " + left + " "
		start = 3 + Width(left)
	}
	if right != "" {
		right = Cut(right, width-start-6)
	}
	if w := Width(right); right != "" && w > 3 {
		suffix = " " + right + " "
		end = width - w - 2
	}
	var b strings.Builder
	for x := start; x < end; {
		run := end
		switch {
		case x >= from && x < to:
			run = min(to, end)
			b.WriteString(t.Accent.Render(strings.Repeat(g.Heavy, run-x)))
		case x == split:
			run = x + 1
			b.WriteString(t.Faint.Render(tee))
		default:
			if split > x {
				run = min(run, split)
			}
			if from > x && to > from {
				run = min(run, from)
			}
			b.WriteString(t.Faint.Render(strings.Repeat(g.Rule, run-x)))
		}
		x = run
	}
	return prefix + b.String() + suffix
}
