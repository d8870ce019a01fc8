package component

import (
	"strings"

	"github.com/artifacts-tui/artifacts-tui/ui/theme"
)

// Column is one column of a grid. Widths are in cells.
type Column struct {
	Title string
	Min   int // never narrower; the start of the width where Fit is set
	Max   int // never wider; 0: as wide as Min
	Align Align
	Flex  bool // takes the room that is left
	Path  bool // cut from the left
	Drop  int  // the order in which columns go where room is short: 1 first, 0 never
	Below int  // gone where the grid is narrower than this
	Down  bool // in its own order the largest, or the newest, comes first
}

// Cell is what a grid shows at one place. Text must be clean (see Clean).
type Cell struct {
	Text  string
	Style theme.Style
}

// Rows is what a grid draws. It is asked for the visible window alone.
type Rows interface {
	Len() int
	Cell(row, column int) Cell
}

const (
	gap    = 2
	margin = 2 // room for the cursor mark at the left
)

// Grid is a list with columns, a cursor and a window. Its cost does not depend
// on the number of rows.
type Grid struct {
	Columns []Column
	Sorted  int // the column whose title carries the arrow
	Reverse bool

	widths        []int // 0: not shown
	width, height int   // height in rows, the titles not counted
	cursor, top   int
}

// SetSize gives the grid its room; height includes the line of titles.
func (g *Grid) SetSize(width, height int) {
	g.width, g.height = max(width, 0), max(height-1, 0)
}

// Cursor is the selected row, or -1 where there is none.
func (g *Grid) Cursor(rows Rows) int {
	if g.cursor >= rows.Len() {
		g.cursor = rows.Len() - 1
	}
	return g.cursor
}

// Window is the first row shown and how many there is room for.
func (g *Grid) Window() (top, height int) { return g.top, g.height }

// MoveTo selects row and scrolls just far enough to show it.
func (g *Grid) MoveTo(row int, rows Rows) {
	n := rows.Len()
	g.cursor = max(min(row, n-1), 0)
	if n == 0 {
		g.cursor = -1
	}
	g.top = max(min(g.top, g.cursor), g.cursor-g.height+1, 0)
	g.top = max(min(g.top, n-g.height), 0)
}

// Move moves the cursor by delta rows.
func (g *Grid) Move(delta int, rows Rows) { g.MoveTo(max(g.cursor, 0)+delta, rows) }

// Scroll moves the window by delta rows and takes the cursor along.
func (g *Grid) Scroll(delta int, rows Rows) {
	g.top = max(min(g.top+delta, rows.Len()-g.height), 0)
	g.MoveTo(max(min(g.cursor, g.top+g.height-1), g.top), rows)
}

// RowAt is the row drawn at line y of the grid (0 is the titles), or -1.
func (g *Grid) RowAt(y int, rows Rows) int {
	row := g.top + y - 1
	if y < 1 || y > g.height || row >= rows.Len() {
		return -1
	}
	return row
}

// Layout divides the width. content gives the widest text of a column, for
// columns that have a Max.
func (g *Grid) Layout(content func(column int) int) {
	want := make([]int, len(g.Columns))
	shown := make([]bool, len(g.Columns))
	for i, c := range g.Columns {
		want[i] = c.Min
		if c.Max > c.Min {
			want[i] = max(c.Min, min(c.Max, content(i)))
		}
		shown[i] = g.width >= c.Below
	}
	need := func() int {
		sum := margin - gap
		for i, w := range want {
			if shown[i] {
				if g.Columns[i].Flex {
					w = g.Columns[i].Min
				}
				sum += w + gap
			}
		}
		return sum
	}
	for need() > g.width {
		if !g.dropOne(shown) {
			break
		}
	}
	g.widths = make([]int, len(g.Columns))
	for i, c := range g.Columns {
		switch {
		case shown[i] && c.Flex:
			g.widths[i] = c.Min
		case shown[i]:
			g.widths[i] = want[i]
		}
	}
	g.grow(want, g.width-need())
	g.shrink(need() - g.width)
}

// grow gives what is left to the columns that flex, the one that needs least
// first: so most of them show all they have.
func (g *Grid) grow(want []int, left int) {
	for left > 0 {
		next := -1
		for i, w := range g.widths {
			if w > 0 && w < want[i] && (next < 0 || want[i]-w < want[next]-g.widths[next]) {
				next = i
			}
		}
		if next < 0 {
			return
		}
		more := min(want[next]-g.widths[next], left)
		g.widths[next] += more
		left -= more
	}
}

// dropOne hides the column that goes next; false where none may.
func (g *Grid) dropOne(shown []bool) bool {
	next := -1
	for i, c := range g.Columns {
		if shown[i] && c.Drop > 0 && (next < 0 || c.Drop < g.Columns[next].Drop) {
			next = i
		}
	}
	if next < 0 {
		return false
	}
	shown[next] = false
	return true
}

// shrink takes over cells from the widest columns where even those that never
// go do not fit.
func (g *Grid) shrink(over int) {
	for ; over > 0; over-- {
		widest := 0
		for i, w := range g.widths {
			if w > g.widths[widest] {
				widest = i
			}
		}
		if g.widths[widest] <= 1 {
			return
		}
		g.widths[widest]--
	}
}

// Shown reports whether there was room for the column.
func (g *Grid) Shown(column int) bool { return column < len(g.widths) && g.widths[column] > 0 }

// Draw returns the line of titles and the visible rows, each exactly as wide as
// the grid, as many lines as it was given.
func (g *Grid) Draw(rows Rows, t *theme.Theme) []string {
	lines := make([]string, 0, g.height+1)
	lines = append(lines, g.titles(t))
	n := rows.Len()
	for y := range g.height {
		row := g.top + y
		if row >= n {
			lines = append(lines, strings.Repeat(" ", g.width))
			continue
		}
		lines = append(lines, g.row(rows, row, t))
	}
	return lines
}

func (g *Grid) titles(t *theme.Theme) string {
	var b strings.Builder
	b.WriteString(strings.Repeat(" ", margin))
	used := margin
	for i, c := range g.Columns {
		w := g.widths[i]
		if w == 0 {
			continue
		}
		if used > margin {
			b.WriteString(strings.Repeat(" ", gap))
			used += gap
		}
		if i != g.Sorted {
			b.WriteString(t.Dim.Render(Fit(c.Title, w, c.Align)))
		} else {
			b.WriteString(t.Accent.Render(Fit(g.sortedTitle(c, w, t), w, c.Align)))
		}
		used += w
	}
	return g.full(&b, used)
}

// full makes a line of used cells as wide as the grid, without measuring it again.
func (g *Grid) full(b *strings.Builder, used int) string {
	if used > g.width {
		return Cut(b.String(), g.width)
	}
	b.WriteString(strings.Repeat(" ", g.width-used))
	return b.String()
}

func (g *Grid) sortedTitle(c Column, width int, t *theme.Theme) string {
	arrow := t.Glyph.Up
	if g.Reverse != c.Down {
		arrow = t.Glyph.Down
	}
	switch {
	case Width(c.Title)+1 > width:
		return c.Title
	case c.Align == Right:
		return arrow + c.Title
	default:
		return c.Title + arrow
	}
}

func (g *Grid) row(rows Rows, row int, t *theme.Theme) string {
	var b strings.Builder
	selected := row == g.cursor
	if selected {
		b.WriteString(t.Accent.Render(t.Glyph.Cursor) + " ")
	} else {
		b.WriteString(strings.Repeat(" ", margin))
	}
	used := margin
	first := true
	for i, c := range g.Columns {
		w := g.widths[i]
		if w == 0 {
			continue
		}
		if !first {
			b.WriteString(strings.Repeat(" ", gap))
			used += gap
		}
		cell := rows.Cell(row, i)
		text := cell.Text
		if c.Path {
			text = CutPath(text, w)
		}
		style := cell.Style
		if selected && first {
			style = t.Select
		}
		b.WriteString(style.Render(Fit(text, w, c.Align)))
		used += w
		first = false
	}
	return g.full(&b, used)
}
