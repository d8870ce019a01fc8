package dialog

import (
	"sort"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/artifacts-tui/artifacts-tui/ui/action"
	"github.com/artifacts-tui/artifacts-tui/ui/component"
	"github.com/artifacts-tui/artifacts-tui/ui/keymap"
	"github.com/artifacts-tui/artifacts-tui/ui/theme"
)

// Entry is one command of the palette.
type Entry struct {
	Action  keymap.Action
	Title   string // what it does, in words
	Key     string // as people read it; may be empty
	Command string // the command line that does the same; may be empty
	Reason  string // why it cannot work here; empty: it can
}

// Palette finds a command by a few letters of what it does.
type Palette struct {
	still
	entries []Entry
	theme   *theme.Theme
	search  component.Input
	found   []int // of entries, the best first
	at, top int   // of found: under the cursor, the first shown
	room    int   // rows there is room for
}

var _ Dialog = (*Palette)(nil)

// NewPalette makes the palette of entries, in the order they are to have before anything is typed.
func NewPalette(entries []Entry, t *theme.Theme) *Palette {
	d := &Palette{entries: entries, theme: t, room: 1}
	d.search.Ghost = "what to do"
	d.find()
	return d
}

// Title names it.
func (d *Palette) Title() string { return "Commands" }

// Width is that of a sentence, a key and a command line.
func (d *Palette) Width() int { return paletteWidth }

// Scopes are those of a search.
func (d *Palette) Scopes() []string { return []string{keymap.Searching} }

// Capturing is always so.
func (d *Palette) Capturing() bool { return true }

// Input types into the search.
func (d *Palette) Input(msg tea.Msg) {
	switch msg := msg.(type) {
	case tea.KeyPressMsg:
		d.search.Key(msg)
	case tea.PasteMsg:
		_ = d.search.Paste(msg.Content) // text with line breaks finds nothing anyway
	}
	d.find()
}

// find looks for what was typed. What works here comes before what does not.
func (d *Palette) find() {
	needle := d.search.Value()
	scores := make([]int, len(d.entries))
	d.found, d.at, d.top = d.found[:0], 0, 0
	for i, e := range d.entries {
		score, ok := component.Fuzzy(needle, e.Title)
		if !ok {
			// The name of the action, its key and its command line count less than the words one sees.
			if score, ok = component.Fuzzy(needle, string(e.Action)+" "+e.Key+" "+e.Command); !ok {
				continue
			}
			score /= 2
		}
		if e.Reason != "" {
			score -= unusable
		}
		scores[i] = score
		d.found = append(d.found, i)
	}
	sort.SliceStable(d.found, func(a, b int) bool {
		x, y := d.found[a], d.found[b]
		return scores[x] > scores[y]
	})
}

func (d *Palette) current() *Entry {
	if d.at >= len(d.found) {
		return nil
	}
	return &d.entries[d.found[d.at]]
}

// Disabled says why the command under the cursor cannot work.
func (d *Palette) Disabled(a keymap.Action) string {
	if a != keymap.Confirm {
		return ""
	}
	if e := d.current(); e != nil {
		return e.Reason
	}
	return "no command is called that"
}

// Do moves, or does what is under the cursor.
func (d *Palette) Do(a keymap.Action) action.Action {
	switch a {
	case keymap.Up:
		d.move(-1)
	case keymap.Down:
		d.move(1)
	case keymap.HalfUp:
		d.move(-max(d.room-1, 1))
	case keymap.HalfDown:
		d.move(max(d.room-1, 1))
	case keymap.Confirm:
		if e := d.current(); e != nil {
			return action.CloseThen{Then: action.Invoke{Name: string(e.Action)}}
		}
	}
	return closeOn(a)
}

func (d *Palette) move(delta int) {
	d.at = max(min(d.at+delta, len(d.found)-1), 0)
	d.top = max(min(d.top, d.at), d.at-d.room+1)
}

// Wheel moves by delta rows.
func (d *Palette) Wheel(delta int) { d.move(delta) }

// Click puts the cursor on the row at line y of the content; a second click does it.
func (d *Palette) Click(_, y int) action.Action {
	row := d.top + y - paletteHead
	if y < paletteHead || y >= paletteHead+d.room || row >= len(d.found) {
		return nil
	}
	if row == d.at && d.current().Reason == "" {
		return d.Do(keymap.Confirm)
	}
	d.at = row
	return nil
}

// ShowsCommand says by being there that the command line is in the dialog already.
func (d *Palette) ShowsCommand() {}

// Command is the command line of what is under the cursor.
func (d *Palette) Command() string {
	if e := d.current(); e != nil {
		return e.Command
	}
	return ""
}

const (
	paletteWidth = 92
	paletteHead  = 2  // lines above the rows
	paletteRows  = 14 // shown at most
	paletteTitle = 34 // cells of the words
	paletteKey   = 12 // cells of the key
	unusable     = 60 // off the score of what cannot work: a whole word found there still beats scattered letters
	paletteWide  = 70 // from this width the command line has a column
)

// SetSize tells how much room there is.
func (d *Palette) SetSize(_, height int) {
	d.room = max(min(height-paletteHead-1, paletteRows), 1)
	d.move(0)
}

// View draws the search, the rows, and at the end what the row under the cursor is as a command
// or why it cannot work.
func (d *Palette) View(width, height int) ([]string, *component.Point) {
	t := d.theme
	prompt := t.Accent.Render(":") + " "
	text, at := d.search.View(max(width-2, 1), false, t)
	lines := []string{prompt + text, t.Faint.Render(strings.Repeat(t.Glyph.Rule, width))}
	d.SetSize(width, height)
	for r := d.top; r < d.top+d.room; r++ {
		if r >= len(d.found) {
			lines = append(lines, "") // the box keeps its height while one types
			continue
		}
		lines = append(lines, d.row(&d.entries[d.found[r]], r == d.at, width))
	}
	if len(d.found) == 0 {
		lines[paletteHead] = t.Dim.Render("  No command is called that.")
	}
	return append(lines, d.foot(width)), &component.Point{X: 2 + at, Y: 0}
}

func (d *Palette) row(e *Entry, selected bool, width int) string {
	t := d.theme
	mark, style := "  ", t.Text
	switch {
	case selected:
		mark, style = t.Accent.Render(t.Glyph.Cursor)+" ", t.Select
	case e.Reason != "":
		mark, style = t.Dim.Render(t.Glyph.Off)+" ", t.Dim
	}
	key := component.Fit(t.Glyph.Key(e.Key), min(paletteKey, max(width/4, 1)), component.Left)
	title := max(min(width-4-component.Width(key), paletteTitle), 1)
	if width < paletteWide {
		title = max(width-4-component.Width(key), 1)
	}
	line := mark + style.Render(component.Fit(component.Clean(e.Title), title, component.Left)) + "  " + t.Key.Render(key)
	if room := width - component.Width(line) - 2; width >= paletteWide {
		last := t.Dim.Render(component.Cut(component.Clean(e.Command), room))
		if e.Reason != "" {
			last = t.Warn.Render(component.Cut(component.Clean(e.Reason), room))
		}
		line += "  " + last
	}
	return line
}

func (d *Palette) foot(width int) string {
	t, e := d.theme, d.current()
	switch {
	case e == nil:
		return ""
	case e.Reason != "":
		return t.Warn.Render(component.Cut(t.Glyph.Off+" "+component.Clean(e.Reason), width))
	case e.Command != "":
		return t.Dim.Render(component.Cut("$ "+component.Clean(e.Command), width))
	}
	return ""
}
