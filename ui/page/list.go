package page

import (
	"fmt"
	"sort"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/artifacts-tui/artifacts-tui/ui/action"
	"github.com/artifacts-tui/artifacts-tui/ui/component"
	"github.com/artifacts-tui/artifacts-tui/ui/keymap"
	"github.com/artifacts-tui/artifacts-tui/ui/theme"
)

// source is the data of a list. i counts all rows, whether shown or not.
type source interface {
	Len() int
	ID(i int) string
	Text(i int) string // what the filter looks through
	Compare(a, b, column int) int
	Cell(i, column int) component.Cell
	// Detail is in sections; width is what each of them has.
	Detail(i, width int) [][]string
	Empty(width int) []string // instead of the list, where it has no rows
}

const (
	wideFrom    = 100 // from this width the detail stands beside the list
	detailMin   = 34
	detailMax   = 60
	shallow     = 12 // below this height an open detail takes all of the room
	wheelStep   = 3
	wallPadding = 3 // " │ "
)

// list is a filtered, sorted view of a source with a cursor that stays on its
// row whatever happens to the others, and a detail of that row.
type list struct {
	src   source
	theme *theme.Theme
	noun  string

	grid      component.Grid
	index     []int // shown rows, as rows of src
	filter    component.Input
	filtering bool
	selected  string // ID of the row under the cursor
	wanted    string // ID to go to once it is there

	width, height int
	beside, below bool // whether the detail is shown, where it is beside or below
}

// Len and Cell make the shown rows component.Rows.
func (l *list) Len() int { return len(l.index) }

// Cell is the cell of shown row r.
func (l *list) Cell(r, column int) component.Cell { return l.src.Cell(l.index[r], column) }

// at is the source's row under the cursor, or -1.
func (l *list) at() int {
	c := l.grid.Cursor(l)
	if c < 0 || c >= len(l.index) {
		return -1
	}
	return l.index[c]
}

// Sync takes in what changed in the source.
func (l *list) Sync() {
	needle := strings.ToLower(l.filter.Value())
	l.index = l.index[:0]
	for i := range l.src.Len() {
		if needle == "" || strings.Contains(strings.ToLower(l.src.Text(i)), needle) {
			l.index = append(l.index, i)
		}
	}
	sort.SliceStable(l.index, func(a, b int) bool {
		c := l.src.Compare(l.index[a], l.index[b], l.grid.Sorted)
		if c == 0 && l.grid.Sorted != 0 {
			return l.src.Compare(l.index[a], l.index[b], 0) < 0
		}
		if l.grid.Reverse {
			return c > 0
		}
		return c < 0
	})
	l.follow()
	l.layout()
}

// follow puts the cursor back on the row it was on, or where that row was.
func (l *list) follow() {
	if l.wanted != "" && l.moveToID(l.wanted) {
		l.wanted = ""
		return
	}
	// Until the user has chosen a row the first one is as good as any.
	if l.selected == "" || !l.moveToID(l.selected) {
		l.grid.MoveTo(l.grid.Cursor(l), l)
	}
}

func (l *list) moveToID(id string) bool {
	for r, i := range l.index {
		if l.src.ID(i) == id {
			l.moveTo(r)
			return true
		}
	}
	return false
}

func (l *list) moveTo(row int) {
	l.grid.MoveTo(row, l)
	l.remember()
}

func (l *list) remember() {
	if i := l.at(); i >= 0 {
		l.selected = l.src.ID(i)
	}
}

// Select goes to the row with this ID, now or when it comes.
func (l *list) Select(id string) {
	if !l.moveToID(id) {
		l.wanted = id
	}
}

// SetSize gives the page its room.
func (l *list) SetSize(width, height int) {
	l.width, l.height = width, height
	l.layout()
}

func (l *list) isWide() bool { return l.width >= wideFrom }

// detailWidth is the room of a detail beside the list, 0 where there is none.
func (l *list) detailWidth() int {
	if !l.isWide() || !l.beside || l.src.Len() == 0 {
		return 0
	}
	return max(detailMin, min(l.width*3/10, detailMax))
}

// detailHeight is the room of a detail below the list, its rule included.
func (l *list) detailHeight() int {
	switch {
	case l.isWide() || !l.below || len(l.index) == 0:
		return 0
	case l.height < shallow:
		return l.height
	default: // more than half where the list leaves room
		return max(l.height/2, l.height-l.src.Len()-3)
	}
}

func (l *list) layout() {
	w := l.width
	if d := l.detailWidth(); d > 0 {
		w -= d + wallPadding
	}
	l.grid.SetSize(w, l.height-l.detailHeight())
	l.grid.Layout(func(column int) int {
		widest := 0
		for i := range l.src.Len() {
			widest = max(widest, component.Width(l.src.Cell(i, column).Text))
		}
		return widest
	})
	l.grid.MoveTo(l.grid.Cursor(l), l)
}

// Split is where the wall to the detail stands, or -1.
func (l *list) Split() int {
	if d := l.detailWidth(); d > 0 {
		return l.width - d - 2
	}
	return -1
}

// View draws list and detail.
func (l *list) View() []string {
	if l.src.Len() == 0 {
		return centered(l.src.Empty(l.width), l.width, l.height)
	}
	if d := l.detailWidth(); d > 0 {
		lines := component.Clip(l.rows(), l.width-d-wallPadding, l.height)
		wall := l.theme.Faint.Render(l.theme.Glyph.Wall)
		detail := component.Clip(l.detail(d-1, l.height), d-1, l.height)
		for i := range lines {
			lines[i] += " " + wall + " " + detail[i] + " "
		}
		return lines
	}
	h := l.detailHeight()
	if h == 0 {
		return component.Clip(l.rows(), l.width, l.height)
	}
	room := max(h-1, 1)
	if h == l.height {
		room = h
	}
	detail := component.Clip(l.detailBelow(max(l.width-4, 1), room), max(l.width-4, 1), room)
	for i := range detail {
		detail[i] = "  " + detail[i]
	}
	if h == l.height {
		return component.Clip(detail, l.width, l.height)
	}
	lines := append(l.rows(), l.theme.Faint.Render(strings.Repeat(l.theme.Glyph.Rule, l.width)))
	return component.Clip(append(lines, detail...), l.width, l.height)
}

func (l *list) rows() []string {
	lines := l.grid.Draw(l, l.theme)
	if len(l.index) == 0 && len(lines) > 2 {
		lines[2] = component.Fit("  "+l.theme.Dim.Render("Nothing matches. esc clears the filter."), component.Width(lines[2]), component.Left)
	}
	return lines
}

// detail sets the sections one below the other; what does not fit is counted.
func (l *list) detail(width, height int) []string {
	i := l.at()
	if i < 0 {
		return nil
	}
	var lines []string
	for n, section := range l.src.Detail(i, width) {
		if n > 0 {
			lines = append(lines, "")
		}
		lines = append(lines, section...)
	}
	return l.fit(lines, height)
}

// fit cuts lines to height, and counts what is missing.
func (l *list) fit(lines []string, height int) []string {
	if over := len(lines) - height; over > 0 && height > 1 {
		lines = append(lines[:height-1:height-1], l.theme.Dim.Render(fmt.Sprintf("… %d more lines", over+1)))
	}
	return lines
}

// detailBelow sets the first section at the left and the others at the right,
// where there is room for that.
func (l *list) detailBelow(width, height int) []string {
	half := (width - 4) / 2
	i := l.at()
	if half < detailMin-2 || i < 0 {
		return l.detail(width, height)
	}
	sections := l.src.Detail(i, half)
	if len(sections) < 2 {
		return l.detail(width, height)
	}
	left := component.Clip(l.fit(sections[0], height), half, height)
	var rest []string
	for n, section := range sections[1:] {
		if n > 0 {
			rest = append(rest, "")
		}
		rest = append(rest, section...)
	}
	right := component.Clip(l.fit(rest, height), half, height)
	for y := range left {
		left[y] += "    " + right[y]
	}
	return left
}

// Do moves, sorts and filters; false where a means nothing to a list.
func (l *list) Do(a keymap.Action) bool {
	_, page := l.grid.Window()
	switch a {
	case keymap.Up:
		l.grid.Move(-1, l)
	case keymap.Down:
		l.grid.Move(1, l)
	case keymap.Top:
		l.grid.MoveTo(0, l)
	case keymap.Bottom:
		l.grid.MoveTo(len(l.index)-1, l)
	case keymap.HalfUp:
		l.grid.Move(-max(page/2, 1), l)
	case keymap.HalfDown:
		l.grid.Move(max(page/2, 1), l)
	case keymap.Sort:
		l.nextSort()
	case keymap.Reverse:
		l.grid.Reverse = !l.grid.Reverse
		l.Sync()
	case keymap.Detail:
		if l.isWide() {
			l.beside = !l.beside
		} else {
			l.below = !l.below
		}
		l.layout()
	case keymap.Filter:
		l.filtering = true
	default:
		return false
	}
	l.remember()
	return true
}

// handle is Do, and what esc and q do on a page that is a list; false where a means nothing to it.
func (l *list) handle(a keymap.Action) (asked action.Action, done bool) {
	switch {
	case l.Do(a):
	case a == keymap.Clear:
		l.Back()
	case a == keymap.Back:
		if !l.Back() {
			return action.Quit{}, true
		}
	default:
		return nil, false
	}
	return nil, true
}

// Disabled says that an empty list cannot be searched or opened.
func (l *list) Disabled(a keymap.Action) string {
	switch a {
	case keymap.Open, keymap.Detail, keymap.Filter, keymap.Sort, keymap.Reverse:
		if l.src.Len() == 0 {
			return "there are no " + l.noun + "s"
		}
	}
	return ""
}

// Back undoes the innermost thing the list is in; false where there is nothing.
func (l *list) Back() bool {
	switch {
	case l.filter.Value() != "":
		l.filter.SetValue("")
		l.Sync()
	case l.detailHeight() > 0:
		l.below = false
		l.layout()
	default:
		return false
	}
	return true
}

// Verb is a better word than the key map's for what an action does here; "" where there is none.
func (l *list) Verb(a keymap.Action) string {
	if a == keymap.Back && (l.filter.Value() != "" || l.detailHeight() > 0) {
		return "back"
	}
	return ""
}

// nextSort goes to the next column that is shown, so that the arrow is seen.
func (l *list) nextSort() {
	for range l.grid.Columns {
		l.grid.Sorted = (l.grid.Sorted + 1) % len(l.grid.Columns)
		if l.grid.Shown(l.grid.Sorted) {
			break
		}
	}
	l.grid.Reverse = false
	l.Sync()
}

// Capturing reports whether the filter is being typed.
func (l *list) Capturing() bool { return l.filtering }

// Filtering does what keys ask for while the filter is typed.
func (l *list) Filtering(a keymap.Action) {
	switch a {
	case keymap.Confirm:
		l.filtering = false
	case keymap.Cancel:
		l.filtering = false
		l.filter.SetValue("")
		l.Sync()
	default:
		l.Do(a)
	}
}

// Input types into the filter.
func (l *list) Input(msg tea.Msg) {
	switch msg := msg.(type) {
	case tea.KeyPressMsg:
		l.filter.Key(msg)
	case tea.PasteMsg:
		_ = l.filter.Paste(msg.Content) // a filter with line breaks finds nothing anyway
	}
	l.Sync()
}

// Click selects the row at x, y, and asks for nothing.
func (l *list) Click(x, y int) action.Action {
	s := l.Split()
	if row := l.grid.RowAt(y, l); row >= 0 && l.src.Len() > 0 && (s < 0 || x < s) {
		l.moveTo(row)
	}
	return nil
}

// Wheel scrolls by delta notches.
func (l *list) Wheel(delta int) {
	l.grid.Scroll(delta*wheelStep, l)
	l.remember()
}

// Status counts the rows, and says what the filter is.
func (l *list) Status() string {
	n := l.src.Len()
	if l.filtering || l.filter.Value() != "" {
		cursor := ""
		if l.filtering {
			cursor = l.theme.Caret.Render(" ")
		}
		text := l.theme.Accent.Render("/" + component.Clean(l.filter.Value()))
		return text + cursor + l.theme.Dim.Render(fmt.Sprintf(" %s of %s", component.Count(int64(len(l.index))), component.Count(int64(n))))
	}
	if n == 0 {
		return ""
	}
	return l.theme.Dim.Render(component.Plural(n, l.noun))
}

// centered puts text in the middle of the room, left-aligned in itself.
func centered(text []string, width, height int) []string {
	widest := 0
	for _, line := range text {
		widest = max(widest, component.Width(line))
	}
	left := max((width-widest)/2, 0)
	if left < 2 {
		left = min(1, max(width-widest, 0))
	}
	lines := make([]string, max((height-len(text))*2/5, 0))
	for _, line := range text {
		lines = append(lines, strings.Repeat(" ", left)+line)
	}
	return component.Clip(lines, width, height)
}

// wrapped is a text in lines of at most width cells, in one style.
func wrapped(style theme.Style, text string, width int) (lines []string) {
	for _, line := range component.Wrap(text, width) {
		lines = append(lines, style.Render(line))
	}
	return lines
}
