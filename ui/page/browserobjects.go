package page

import (
	"fmt"
	"strings"

	"github.com/artifacts-tui/artifacts-tui/backend/objects"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/ui/component"
	"github.com/artifacts-tui/artifacts-tui/ui/listing"
	"github.com/artifacts-tui/artifacts-tui/ui/session"
	"github.com/artifacts-tui/artifacts-tui/ui/theme"
)

// The columns of a folder.
const (
	obName = iota
	obSize
	obTime
)

// nearEnd is how many rows from the end of what was read more is asked for.
const nearEnd = 500

// folder is what is in one. Nothing in it costs more with more entries.
type folder struct {
	s     *session.Session
	theme *theme.Theme
	grid  component.Grid

	visit  int    // of the session, that the cursor is of
	name   string // under the cursor
	wanted string // name to go to once it is there
	marks  marks
}

func newFolder(s *session.Session, t *theme.Theme) folder {
	right := component.Right
	f := folder{s: s, theme: t}
	f.grid.Columns = []component.Column{
		obName: {Title: "NAME", Min: 12, Max: 1 << 10, Flex: true},
		obSize: {Title: "SIZE", Down: true, Min: 9, Align: right},
		obTime: {Title: "MODIFIED", Down: true, Min: 12, Align: right, Drop: 1, Below: 48},
	}
	return f
}

// Len is the number of rows that are shown.
func (f *folder) Len() int {
	if f.s.Browser.AsListed {
		return f.s.Browser.List.Len()
	}
	return len(f.s.Browser.Rows)
}

// entry is what row shows, as its number in the listing.
func (f *folder) entry(row int) int {
	if f.s.Browser.AsListed {
		return row
	}
	return int(f.s.Browser.Rows[row])
}

// Cell is what a column shows of a row.
func (f *folder) Cell(row, column int) component.Cell {
	n := f.entry(row)
	e, t := f.s.Browser.List.At(n), f.theme
	switch column {
	case obName:
		style := t.Text
		if e.Folder {
			style = t.Accent
		}
		mark := ""
		if f.marks.any() {
			mark = "  "
			if f.marks.has(n) {
				mark = t.Glyph.Done + " "
				style = t.Select
			}
		}
		return component.Cell{Text: mark + component.Clean(e.Name), Style: style}
	case obSize:
		if e.Folder {
			return component.Cell{Text: "–", Style: t.Dim}
		}
		return component.Cell{Text: component.Bytes(e.Size), Style: t.Text}
	default:
		return component.Cell{Text: component.Clock(e.Modified, f.s.Now), Style: t.Dim}
	}
}

func (f *folder) setSize(width, height int) {
	f.grid.SetSize(width, height)
	f.grid.Layout(func(column int) int { return 1 << 10 }) // names take what there is
	f.grid.MoveTo(f.grid.Cursor(f), f)
}

// sync takes in that the session has changed: the cursor stays on its name.
func (f *folder) sync() {
	b := &f.s.Browser
	if f.visit != b.Visit {
		f.visit, f.name, f.marks = b.Visit, "", marks{}
		f.grid.Sorted, f.grid.Reverse = obName, false
		f.grid.MoveTo(0, f)
	}
	f.grid.Sorted, f.grid.Reverse = int(b.Order.By), b.Order.Reverse
	if row := f.grid.Cursor(f); row >= 0 && f.wanted == "" && (f.name == "" || b.List.At(f.entry(row)).Name == f.name) {
		f.grid.MoveTo(row, f)
		return // whatever came, this row is the same
	}
	if f.Len() == 0 {
		f.grid.MoveTo(0, f)
		return // until it is there again
	}
	want := f.wanted
	if want == "" {
		want = f.name
	}
	if row := f.find(want); row >= 0 {
		f.wanted = ""
		f.grid.MoveTo(row, f)
	} else {
		f.grid.MoveTo(max(f.grid.Cursor(f), 0), f)
	}
	f.remember()
}

func (f *folder) find(name string) int {
	if name == "" {
		return -1
	}
	n, ok := f.s.Browser.List.Find(name)
	if !ok {
		return -1
	}
	if f.s.Browser.AsListed {
		return n
	}
	for row, r := range f.s.Browser.Rows {
		if r == uint32(n) {
			return row
		}
	}
	return -1
}

// remember keeps the name under the cursor; until it is moved the first one is as good as any.
func (f *folder) remember() {
	f.name = ""
	if row := f.grid.Cursor(f); row > 0 {
		f.name = f.s.Browser.List.At(f.entry(row)).Name
	}
}

// current is the entry under the cursor, and its number.
func (f *folder) current() (listing.Entry, int, bool) {
	row := f.grid.Cursor(f)
	if row < 0 || row >= f.Len() {
		return listing.Entry{}, -1, false
	}
	n := f.entry(row)
	return f.s.Browser.List.At(n), n, true
}

// place is the entry's name in its store.
func (f *folder) place(e listing.Entry) objects.Name {
	return session.Folder(f.s.Browser.At, e.Name)
}

// chosen are the marked entries, or the one under the cursor.
func (f *folder) chosen() []objects.Name {
	var list []objects.Name
	for _, n := range f.marks.all() {
		if n < f.s.Browser.List.Len() {
			list = append(list, f.place(f.s.Browser.List.At(n)))
		}
	}
	if list == nil {
		if e, _, ok := f.current(); ok {
			list = append(list, f.place(e))
		}
	}
	return list
}

// markAll marks every row that is shown, or where all are, none.
func (f *folder) markAll() {
	all := true
	for row := range f.Len() {
		all = all && f.marks.has(f.entry(row))
	}
	f.marks = marks{}
	if all {
		return
	}
	for row := range f.Len() {
		f.marks.set(f.entry(row), true)
	}
}

// empty is what a folder without rows shows.
func (f *folder) empty(width int) []string {
	b, t := &f.s.Browser, f.theme
	switch {
	case b.State == session.Broken:
		e := fault.As(b.Err)
		lines := []string{t.Strong.Render("It could not be listed.")}
		for _, text := range []string{e.Error(), e.Hint} {
			if text != "" {
				for _, line := range component.Wrap(component.Clean(text), min(width, 72)) {
					lines = append(lines, t.Dim.Render(line))
				}
			}
		}
		return append(lines, t.Key.Render("R")+" tries again.")
	case b.State == session.Listing && f.s.Coordinator == session.Down:
		return downText(f.s.CoordinatorErr, width, t)
	case b.State == session.Listing:
		return []string{t.Dim.Render("Listing…")}
	case b.Order.Filter != "" && b.List.Len() > 0:
		return []string{"Nothing matches among what is loaded.", t.Dim.Render("esc clears the filter.")}
	}
	if n := f.coming(); n > 0 {
		return append([]string{t.Strong.Render("Nothing is in here yet.")},
			append(wrapped(t.Text, "What was written to the mount is uploaded: "+component.Plural(n, "file")+" to come.", width), t.Key.Render("R")+" reads again.")...)
	}
	return []string{t.Strong.Render("Nothing is in here."), t.Key.Render("p") + " uploads something."}
}

// coming is how many files of a mount of this workspace are not uploaded yet.
func (f *folder) coming() int {
	at := f.s.Browser.At
	w, ok := f.s.Workspace(at.In)
	if at.Kind != objects.Workspace || !ok {
		return 0
	}
	m := f.s.MountOf(w)
	if m == nil {
		return 0
	}
	return m.Pending()
}

// status counts what is loaded, and says of what the order and the filter are.
func (f *folder) status() string {
	b, t := &f.s.Browser, f.theme
	n := component.Count(int64(b.Known()))
	var text string
	switch b.State {
	case session.Whole:
		text = component.Plural(b.Known(), "entry")
		if b.Known() != 1 {
			text = n + " entries"
		}
		text += ", " + component.Bytes(b.List.Bytes())
	case session.Listing:
		if b.List.Len() == 0 {
			return t.Dim.Render("listing…")
		}
		text = n + " … and counting"
		if b.All {
			text += ", esc stops"
		}
	case session.Broken:
		text = n + " loaded, then it broke off"
	default:
		text = n + " of ? loaded, L loads all"
	}
	text = t.Dim.Render(text)
	if b.Order.By != listing.ByName || b.Order.Reverse {
		text += t.Dim.Render(" · by " + []string{"name", "size", "time"}[b.Order.By])
		if b.State != session.Whole {
			text += t.Warn.Render(" of these alone")
		}
	}
	if n := f.coming(); n > 0 {
		text += t.Accent.Render(" · " + component.Plural(n, "file") + " to come from the mount")
	}
	if f.marks.any() {
		text += t.Accent.Render(fmt.Sprintf(" · %s marked", component.Count(int64(f.marks.n))))
	}
	return text
}

// breadcrumbs are the folders above, the first of them the place.
func breadcrumbs(at objects.Name) []string {
	crumbs := []string{at.In}
	if p := strings.TrimSuffix(at.Path, "/"); p != "" {
		crumbs = append(crumbs, strings.Split(p, "/")...)
	}
	return crumbs
}

// marks is a set of numbers, a bit each.
type marks struct {
	bits []uint64
	n    int
}

func (m *marks) any() bool      { return m.n > 0 }
func (m *marks) has(i int) bool { return i>>6 < len(m.bits) && m.bits[i>>6]&(1<<(i&63)) != 0 }
func (m *marks) toggle(i int)   { m.set(i, !m.has(i)) }
func (m *marks) set(i int, on bool) {
	if m.has(i) == on {
		return
	}
	for i>>6 >= len(m.bits) {
		m.bits = append(m.bits, 0)
	}
	m.bits[i>>6] ^= 1 << (i & 63)
	if on {
		m.n++
	} else {
		m.n--
	}
}

func (m *marks) all() []int {
	var list []int
	for i := range 64 * len(m.bits) {
		if m.has(i) {
			list = append(list, i)
		}
	}
	return list
}
