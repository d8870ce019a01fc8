package component

import (
	"fmt"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"

	"github.com/artifacts-tui/artifacts-tui/ui/theme"
)

// counted is a million rows, and counts which of them are asked for.
type counted struct {
	n, asked int
}

func (c *counted) Len() int { return c.n }

func (c *counted) Cell(row, column int) Cell {
	c.asked++
	return Cell{Text: fmt.Sprintf("r%d c%d", row, column)}
}

func newGrid(width, height int) *Grid {
	g := &Grid{Columns: []Column{
		{Title: "NAME", Min: 8, Max: 20, Flex: true},
		{Title: "B", Min: 6, Drop: 3},
		{Title: "SIZE", Min: 6, Align: Right, Drop: 2},
		{Title: "OBJECTS", Min: 7, Align: Right, Drop: 1},
		{Title: "STATE", Min: 6},
	}}
	g.SetSize(width, height)
	g.Layout(func(int) int { return 10 })
	return g
}

// Only the visible window is drawn, wherever it is.
func TestGridDrawsTheWindowAlone(t *testing.T) {
	th := theme.New(theme.Options{})
	rows := &counted{n: 1_000_000}
	g := newGrid(80, 21)
	for _, to := range []int{0, 999_999, 500_000} {
		rows.asked = 0
		g.MoveTo(to, rows)
		lines := g.Draw(rows, &th)
		if rows.asked > 20*5 {
			t.Errorf("%d cells were asked for", rows.asked)
		}
		if text := ansi.Strip(strings.Join(lines, "\n")); !strings.Contains(text, fmt.Sprintf("r%d c0", to)) {
			t.Errorf("row %d is not in sight", to)
		}
	}
}

// SPEC D7: columns go in their order as the room gets less.
func TestGridDropsColumns(t *testing.T) {
	th := theme.New(theme.Options{})
	rows := &counted{n: 1}
	for width, want := range map[int]string{
		80: "NAME B SIZE OBJECTS STATE", 45: "NAME B SIZE OBJECTS STATE", 42: "NAME B SIZE STATE", 32: "NAME B STATE", 24: "NAME STATE",
	} {
		titles := strings.Fields(strings.NewReplacer("↑", "").Replace(ansi.Strip(newGrid(width, 3).Draw(rows, &th)[0])))
		if got := strings.Join(titles, " "); got != want {
			t.Errorf("%d cells: %s, want %s", width, got, want)
		}
	}
}

func TestGridKeepsTheCursorInSight(t *testing.T) {
	rows := &counted{n: 50}
	g := newGrid(80, 11)
	inSight := func() {
		t.Helper()
		top, height := g.Window()
		if c := g.Cursor(rows); c < top || c >= top+height || top < 0 || top > max(rows.n-height, 0) {
			t.Fatalf("cursor %d, window %d+%d of %d", c, top, height, rows.n)
		}
	}
	for _, delta := range []int{1, 30, -3, 500, -500, 7} {
		g.Move(delta, rows)
		inSight()
		g.Scroll(delta, rows)
		inSight()
	}
	g.MoveTo(49, rows)
	rows.n = 5 // most of it went away
	g.MoveTo(g.Cursor(rows), rows)
	inSight()
	rows.n = 0
	g.MoveTo(0, rows)
	if g.Cursor(rows) != -1 {
		t.Error("an empty grid has a cursor")
	}
}

func BenchmarkGridKey(b *testing.B) {
	th := theme.New(theme.Options{})
	rows := &counted{n: 1_000_000}
	g := newGrid(120, 50)
	for b.Loop() {
		g.Move(1, rows)
		g.Draw(rows, &th)
	}
}

// SPEC D7: ↑ is the smallest first, ↓ the largest or newest, whatever a column begins with.
func TestGridArrow(t *testing.T) {
	th := theme.New(theme.Options{})
	rows := &counted{n: 1}
	for _, c := range []struct {
		down, reverse bool
		want          string
	}{{false, false, "NAME↑"}, {false, true, "NAME↓"}, {true, false, "NAME↓"}, {true, true, "NAME↑"}} {
		g := newGrid(80, 3)
		g.Columns[0].Down, g.Reverse = c.down, c.reverse
		if line := ansi.Strip(g.Draw(rows, &th)[0]); !strings.Contains(line, c.want) {
			t.Errorf("down %v, reverse %v: %q", c.down, c.reverse, line)
		}
	}
}
