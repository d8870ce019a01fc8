package component

import (
	"strings"

	"github.com/artifacts-tui/artifacts-tui/ui/theme"
)

// Tab is a page in the header. Short is its name where room is short.
type Tab struct{ Key, Name, Short string }

// Header is the top line: the program, the tabs, and something at the right.
type Header struct {
	Name   string
	Tabs   []Tab
	Active int
	Crumbs []string // where one is within the page; set into the right end of the rule
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
		if w := Width(r); used+w+3 <= width {
			right = r
			break
		}
	}
	line = left + strings.Repeat(" ", max(width-used-Width(right)-1, 0)) + right
	// The way goes to that side of the active tab where there is more room.
	before, behind := "", ""
	if from > width-to {
		before = h.crumbs(from-5, t)
	} else {
		behind = h.crumbs(width-to-5, t)
	}
	return Fit(line, width, Left), Rule(width, split, from, to, before, behind, t.Glyph.TeeDown, t)
}

const crumbsMin = 8

// crumbs draws the way to where one is; the beginning goes first where room is short, and all of
// it where there is next to none.
func (h Header) crumbs(width int, t *theme.Theme) string {
	if len(h.Crumbs) < 2 {
		return ""
	}
	for from := range len(h.Crumbs) - 1 {
		text := strings.Join(h.Crumbs[from:], " › ")
		if from > 0 {
			text = "… › " + text
		}
		if Width(text) <= width {
			return t.Dim.Render(text)
		}
	}
	if width < crumbsMin {
		return ""
	}
	return t.Dim.Render(CutPath(h.Crumbs[len(h.Crumbs)-1], width))
}

// Span is where the active tab is drawn, from its first cell to behind its last.
func (h Header) Span(width int, t *theme.Theme) (from, to int) {
	_, from, to = h.left(width, t)
	return from, to
}

// The room that the right end wants, for all its words, for some, and for its sign alone.
const (
	rightLong  = 28
	rightShort = 17
	rightSign  = 3
)

// left draws name and tabs and returns where the active tab is. Where room is short the
// program's name goes first, then the tabs' long names, then the names of all but the active one.
func (h Header) left(width int, t *theme.Theme) (text string, from, to int) {
	long := func(i int) string { return h.Tabs[i].Key + " " + h.Tabs[i].Name }
	short := func(i int) string { return h.Tabs[i].Key + " " + h.Tabs[i].Short }
	for _, try := range []struct {
		name  string
		label func(int) string
		apart int
		spare int
	}{{h.Name, long, 3, rightLong}, {"", long, 3, rightShort}, {"", long, 2, rightSign}, {"", short, 2, rightSign}} {
		if text, from, to = h.tabs(try.name, try.label, try.apart, t); Width(text)+try.spare <= width {
			return text, from, to
		}
	}
	return h.tabs("", func(i int) string {
		if i == h.Active || h.Tabs[i].Key == "" {
			return short(i)
		}
		return h.Tabs[i].Key
	}, 2, t)
}

func (h Header) tabs(name string, label func(int) string, apart int, t *theme.Theme) (text string, from, to int) {
	var b strings.Builder
	b.WriteString(" ")
	at := 1
	if name != "" {
		b.WriteString(t.Strong.Render(name) + "   ")
		at += Width(name) + 3
	}
	for i := range h.Tabs {
		if i > 0 {
			b.WriteString(strings.Repeat(" ", apart))
			at += apart
		}
		text := label(i)
		if i == h.Active {
			from, to = at, at+Width(text)
			b.WriteString(t.Select.Render(text))
		} else {
			b.WriteString(t.Dim.Render(text))
		}
		at += Width(text)
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
