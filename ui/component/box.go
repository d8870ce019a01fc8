package component

import (
	"strings"

	"github.com/charmbracelet/x/ansi"

	"github.com/artifacts-tui/artifacts-tui/ui/theme"
)

// Point is a cell, counted from the top left.
type Point struct{ X, Y int }

// BoxPadding is the width a box takes beside its content, both sides together.
const BoxPadding = 6

// Box frames content, which is width cells wide, with its title in the border.
func Box(title string, content []string, width int, border func(...string) string, t *theme.Theme) []string {
	g := t.Glyph
	inner := width + BoxPadding - 2
	head := Cut(title, inner-4)
	rest := inner - 3 - Width(head)
	top := border(g.TopLeft+g.Rule) + " " + t.Strong.Render(head) + " " + border(strings.Repeat(g.Rule, max(rest, 0))+g.TopRight)
	if head == "" {
		top = border(g.TopLeft + strings.Repeat(g.Rule, inner) + g.TopRight)
	}
	lines := []string{top}
	wall := border(g.Wall)
	for _, line := range content {
		lines = append(lines, wall+"  "+Fit(line, width, Left)+"  "+wall)
	}
	return append(lines, border(g.BotLeft+strings.Repeat(g.Rule, inner)+g.BotRight))
}

// Overlay lays box over lines with its top left corner at x, y. Lines keep their
// width; what would fall outside is not drawn.
func Overlay(lines, box []string, x, y int) {
	for i, over := range box {
		row := y + i
		if row < 0 || row >= len(lines) {
			continue
		}
		under := lines[row]
		w, have := Width(over), Width(under)
		if x >= have {
			continue
		}
		if x+w > have {
			over = ansi.Truncate(over, have-x, "")
			w = Width(over)
		}
		// A wide sign that is cut in two leaves a blank.
		left, right := Fit(ansi.Cut(under, 0, x), x, Left), ansi.Cut(under, x+w, have)
		lines[row] = left + over + Fit(right, have-x-w, Right)
	}
}

// Recede draws lines as what lies behind a dialog: faint and without colours.
func Recede(lines []string, t *theme.Theme) {
	for i, line := range lines {
		lines[i] = t.Faint.Render(ansi.Strip(line))
	}
}

// Clip makes lines exactly width × height: nothing is ever drawn outside.
func Clip(lines []string, width, height int) []string {
	if len(lines) > height {
		lines = lines[:max(height, 0)]
	}
	for i, line := range lines {
		lines[i] = Fit(line, width, Left)
	}
	for len(lines) < height {
		lines = append(lines, strings.Repeat(" ", width))
	}
	return lines
}
