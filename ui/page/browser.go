package page

import (
	"strings"

	"github.com/artifacts-tui/artifacts-tui/ui/action"
	"github.com/artifacts-tui/artifacts-tui/ui/component"
	"github.com/artifacts-tui/artifacts-tui/ui/keymap"
	"github.com/artifacts-tui/artifacts-tui/ui/session"
	"github.com/artifacts-tui/artifacts-tui/ui/theme"
)

// Browser is the page of what buckets and workspaces hold: first the places, then what is in
// one of them.
type Browser struct {
	s      *session.Session
	theme  *theme.Theme
	places list
	folder folder

	width, height int
	beside        bool // the preview stands beside the list, where there is room
	open          bool // the preview takes all of the room
	top           int  // line of the preview it is scrolled to
	lines         int  // it has
	room          int  // there is for them
	filtering     bool
	filter        component.Input
	visit         int
}

var _ Page = (*Browser)(nil)

// NewBrowser makes the page; it draws s with t.
func NewBrowser(s *session.Session, t *theme.Theme) *Browser {
	p := &Browser{s: s, theme: t, beside: true, folder: newFolder(s, t)}
	p.places = list{src: &places{s: s, theme: t}, theme: t, noun: "place"}
	p.places.grid.Columns = placeColumns()
	p.Sync()
	return p
}

// Name is the tab's title.
func (p *Browser) Name() string { return "Browser" }

// atPlaces reports whether the places are shown, and no folder.
func (p *Browser) atPlaces() bool { return p.s.Browser.At.Kind == "" }

// Scope is that of the page's keys.
func (p *Browser) Scope() string {
	switch {
	case p.atPlaces():
		return keymap.Places
	case p.open:
		return keymap.Viewing
	default:
		return keymap.Browser
	}
}

// Scopes are those of the places, of a folder and of an object, for the palette.
func (p *Browser) Scopes() []string {
	return []string{keymap.Places, keymap.Browser, keymap.Viewing}
}

// SetSize gives the page its room.
func (p *Browser) SetSize(width, height int) {
	p.width, p.height = width, height
	p.places.SetSize(width, max(height-p.crumbLines(), 0))
	w := width
	if d := p.previewWidth(); d > 0 {
		w -= d + wallPadding
	}
	p.folder.setSize(w, max(height-p.crumbLines(), 0))
}

// previewWidth is the room of the preview beside the list, 0 where there is none.
func (p *Browser) previewWidth() int {
	if p.atPlaces() || p.open || !p.beside || p.width < wideFrom || p.folder.Len() == 0 {
		return 0
	}
	return max(detailMin, p.width*2/5)
}

// Sync takes in that the session has changed.
func (p *Browser) Sync() {
	if p.visit != p.s.Browser.Visit {
		p.visit, p.open, p.filtering, p.top = p.s.Browser.Visit, false, false, 0
		p.filter.SetValue("")
		p.places.filtering = false
	}
	p.places.Sync()
	p.folder.sync()
	if p.open && p.folder.Len() == 0 {
		p.open = false
	}
	p.SetSize(p.width, p.height)
}

// Select goes to a place, or to a name in the folder that is shown.
func (p *Browser) Select(id string) {
	p.places.Select(id)
	p.folder.wanted = id
}

// Want is what the page would have read now that a key was pressed, or news came: more of
// the listing, or what is under the cursor. The root asks while the page is shown.
func (p *Browser) Want() action.Action {
	b := &p.s.Browser
	if p.atPlaces() {
		return nil
	}
	if row := p.folder.grid.Cursor(&p.folder); b.State == session.Paused && b.Order.Plain() && row >= p.folder.Len()-nearEnd {
		return action.LoadMore{}
	}
	if p.previewWidth() == 0 && !p.open {
		return nil
	}
	e, _, ok := p.folder.current()
	if !ok || e.Folder {
		return nil
	}
	if at := p.folder.place(e); b.Preview.Of != at {
		p.top = 0
		return action.Look{At: at}
	}
	return nil
}

// Click selects a row, or goes to a folder of the breadcrumbs.
func (p *Browser) Click(x, y int) action.Action {
	y -= p.crumbLines()
	switch {
	case y < 0:
		return p.clickCrumb(x)
	case p.atPlaces():
		p.places.Click(x, y)
	case !p.open && (p.Split() < 0 || x < p.Split()):
		if row := p.folder.grid.RowAt(y, &p.folder); row >= 0 {
			p.folder.grid.MoveTo(row, &p.folder)
			p.folder.remember()
		}
	}
	return nil
}

// Wheel scrolls by delta notches.
func (p *Browser) Wheel(delta int) {
	switch {
	case p.atPlaces():
		p.places.Wheel(delta)
	case p.open:
		p.top = max(min(p.top+delta*wheelStep, p.lines-p.room), 0)
	default:
		p.folder.grid.Scroll(delta*wheelStep, &p.folder)
		p.folder.remember()
	}
}

// Split is where the wall to the preview stands, or -1.
func (p *Browser) Split() int {
	if p.atPlaces() {
		return p.places.Split()
	}
	if d := p.previewWidth(); d > 0 {
		return p.width - d - 2
	}
	return -1
}

// View draws the breadcrumbs, the list and the preview.
func (p *Browser) View() []string {
	height := max(p.height-p.crumbLines(), 0)
	var lines []string
	switch {
	case p.atPlaces():
		lines = p.places.View()
	case p.open:
		e, _, _ := p.folder.current()
		w := max(p.width-4, 1)
		p.room = max(height-3, 1)
		text, total := drawPreview(p.s, e.Name, p.top, w, height, p.theme)
		p.lines = total
		for _, line := range component.Clip(text, w, height) {
			lines = append(lines, "  "+line+"  ")
		}
	case p.folder.Len() == 0:
		lines = centered(p.folder.empty(p.width), p.width, height)
	default:
		lines = p.folder.grid.Draw(&p.folder, p.theme)
		if d := p.previewWidth(); d > 0 {
			lines = component.Clip(lines, p.width-d-wallPadding, height)
			p.besideList(lines, d-1, height)
		}
	}
	lines = component.Clip(lines, p.width, height)
	if p.crumbLines() > 0 {
		width := p.width
		if s := p.Split(); s >= 0 {
			width = s
		}
		crumbs := p.crumbs(width)
		if rest := p.width - width; rest > 0 {
			crumbs += p.theme.Faint.Render(p.theme.Glyph.Wall) + strings.Repeat(" ", rest-1)
		}
		lines = append([]string{crumbs}, lines...)
	}
	return lines
}

func (p *Browser) besideList(lines []string, width, height int) {
	wall := p.theme.Faint.Render(p.theme.Glyph.Wall)
	var text []string
	if e, n, ok := p.folder.current(); ok && !e.Folder {
		text, _ = drawPreview(p.s, e.Name, 0, width, height, p.theme)
	} else if ok {
		text = []string{p.theme.Strong.Render(component.Cut(component.Clean(e.Name), width)), p.theme.Dim.Render("folder, " + p.theme.Glyph.Enter + " goes in")}
		_ = n
	}
	for i, line := range component.Clip(text, width, height) {
		lines[i] += " " + wall + " " + line + " "
	}
}

// Status counts what is there, and says what the filter is.
func (p *Browser) Status() string {
	if p.atPlaces() {
		return p.places.Status()
	}
	t := p.theme
	text := p.folder.status()
	if p.filtering || p.filter.Value() != "" {
		caret := ""
		if p.filtering {
			caret = t.Caret.Render(" ")
		}
		text = t.Accent.Render("/"+component.Clean(p.filter.Value())) + caret +
			t.Dim.Render(" "+component.Count(int64(p.folder.Len()))+" of ") + text
	}
	return text
}
