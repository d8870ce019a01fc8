package page

import (
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/artifacts-tui/artifacts-tui/backend/objects"
	"github.com/artifacts-tui/artifacts-tui/ui/action"
	"github.com/artifacts-tui/artifacts-tui/ui/commandline"
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

// Verb is a better word than the key map's for what an action does here; "" where there is none.
func (p *Browser) Verb(a keymap.Action) string {
	switch {
	case a == keymap.Open && p.open:
		return "close"
	case a == keymap.Open:
		return "open"
	case a == keymap.Detail && p.atPlaces():
		return "info"
	case a == keymap.Detail:
		return "mark"
	}
	return ""
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

// crumbLines is the room of the breadcrumbs.
func (p *Browser) crumbLines() int {
	if p.height < 6 {
		return 0
	}
	return 1
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

// Capturing reports whether a filter is being typed.
func (p *Browser) Capturing() bool {
	if p.atPlaces() {
		return p.places.Capturing()
	}
	return p.filtering
}

// Input types into the filter.
func (p *Browser) Input(msg tea.Msg) {
	if p.atPlaces() {
		p.places.Input(msg)
		return
	}
	switch msg := msg.(type) {
	case tea.KeyPressMsg:
		p.filter.Key(msg)
	case tea.PasteMsg:
		_ = p.filter.Paste(msg.Content) // a filter with line breaks finds nothing anyway
	}
}

// Typed is what the filter asks for; the root asks after Input and Filtering.
func (p *Browser) Typed() action.Action {
	if o := p.s.Browser.Order; !p.atPlaces() && o.Filter != p.filter.Value() {
		o.Filter = p.filter.Value()
		return action.Arrange{Order: o}
	}
	return nil
}

// Filtering does what keys ask for while the filter is typed.
func (p *Browser) Filtering(a keymap.Action) {
	if p.atPlaces() {
		p.places.Filtering(a)
		return
	}
	switch a {
	case keymap.Confirm:
		p.filtering = false
	case keymap.Cancel:
		p.filtering = false
		p.filter.SetValue("")
	default:
		p.move(a)
	}
}

// move moves the cursor, or scrolls an open preview; false where a does neither.
func (p *Browser) move(a keymap.Action) bool {
	f := &p.folder
	_, page := f.grid.Window()
	step := map[keymap.Action]int{
		keymap.Up: -1, keymap.Down: 1, keymap.HalfUp: -max(page/2, 1), keymap.HalfDown: max(page/2, 1),
		keymap.Top: -1 << 40, keymap.Bottom: 1 << 40,
	}[a]
	switch {
	case step == 0:
		return false
	case p.open:
		p.top = max(min(p.top+step, p.lines-p.room), 0)
	default:
		f.grid.MoveTo(max(min(f.grid.Cursor(f)+step, f.Len()-1), 0), f)
		f.remember()
	}
	return true
}

// Do does what a key asks for.
func (p *Browser) Do(a keymap.Action) action.Action {
	if a == keymap.In {
		if a = keymap.Open; p.open {
			return nil
		}
	}
	if p.atPlaces() {
		return p.doPlaces(a)
	}
	if p.move(a) {
		return nil
	}
	b, f := &p.s.Browser, &p.folder
	e, n, ok := f.current()
	switch a {
	case keymap.Open:
		switch {
		case p.open:
			p.open = false
		case ok && e.Folder:
			return action.Browse{At: f.place(e)}
		case ok:
			p.open, p.top = true, 0
		}
		p.SetSize(p.width, p.height)
	case keymap.Out:
		return p.out()
	case keymap.Clear, keymap.Back:
		return p.back(a)
	case keymap.Filter:
		p.filtering = true
	case keymap.Sort:
		o := b.Order
		o.By, o.Reverse = (o.By+1)%3, false
		return action.Arrange{Order: o}
	case keymap.Reverse:
		o := b.Order
		o.Reverse = !o.Reverse
		return action.Arrange{Order: o}
	case keymap.Preview:
		if p.width < wideFrom {
			p.open = ok && !e.Folder
		} else {
			p.beside = !p.beside
		}
		p.SetSize(p.width, p.height)
	case keymap.Detail:
		if ok {
			f.marks.toggle(n)
			p.move(keymap.Down)
		}
	case keymap.MarkAll:
		f.markAll()
	case keymap.LoadAll:
		return action.LoadMore{All: true}
	case keymap.Upload:
		return action.OpenUpload{To: b.At}
	case keymap.MakeBucket:
		return action.OpenBucket{}
	case keymap.Quota:
		return action.OpenQuota{Bucket: b.At.In}
	case keymap.Mount:
		if e.Folder {
			return action.OpenMountPlace{At: f.place(e)}
		}
		return action.OpenMountPlace{At: b.At}
	case keymap.Restore:
		return action.Restore{}
	default:
		return p.doChosen(a, f.chosen())
	}
	return nil
}

// doChosen does what is done to marked entries, or to the one under the cursor.
func (p *Browser) doChosen(a keymap.Action, chosen []objects.Name) action.Action {
	if len(chosen) == 0 {
		return nil
	}
	switch a {
	case keymap.CopyTo, keymap.MoveTo:
		return action.OpenCopy{From: chosen, Move: a == keymap.MoveTo}
	case keymap.Download:
		return action.OpenDownload{From: chosen}
	case keymap.Remove:
		p.folder.marks = marks{}
		return action.Remove{What: chosen}
	case keymap.Presign:
		return action.Presign{At: chosen[0]}
	case keymap.Info:
		return action.OpenInfo{At: chosen[0]}
	}
	return nil
}

func (p *Browser) doPlaces(a keymap.Action) action.Action {
	if p.places.Do(a) {
		return nil
	}
	row, ok := p.place()
	switch a {
	case keymap.Open:
		if ok {
			return action.Browse{At: row.name}
		}
	case keymap.Clear, keymap.Out:
		p.places.Back()
	case keymap.Back:
		if !p.places.Back() {
			return action.Quit{}
		}
	case keymap.Info:
		p.places.Do(keymap.Detail)
	case keymap.MakeBucket:
		return action.OpenBucket{}
	case keymap.Quota:
		return action.OpenQuota{Bucket: row.name.In}
	case keymap.Mount:
		if row.workspace != nil {
			return action.OpenMount{Workspace: row.name.In}
		}
		return action.OpenMountPlace{At: row.name}
	case keymap.Restore:
		return action.Restore{}
	}
	return nil
}

func (p *Browser) place() (place, bool) {
	if i := p.places.at(); i >= 0 {
		return p.places.src.(*places).at(i), true
	}
	return place{}, false
}

// out goes to the folder above, with the cursor on this one.
func (p *Browser) out() action.Action {
	if p.open {
		p.open = false
		p.SetSize(p.width, p.height)
		return nil
	}
	at := p.s.Browser.At
	above := session.Above(at)
	if above.Kind == "" {
		p.places.Select(at.String())
	} else {
		p.folder.wanted = strings.TrimPrefix(at.Path, above.Path)
	}
	return action.Browse{At: above}
}

// back undoes the innermost thing the page is in.
func (p *Browser) back(a keymap.Action) action.Action {
	b := &p.s.Browser
	switch {
	case p.open:
		p.open = false
		p.SetSize(p.width, p.height)
	case b.All && b.State == session.Listing:
		return action.StopListing{}
	case p.folder.marks.any():
		p.folder.marks = marks{}
	case p.filter.Value() != "":
		p.filter.SetValue("")
		return p.Typed()
	case a == keymap.Back:
		return p.out()
	}
	return nil
}

// Disabled says why an action cannot work now.
func (p *Browser) Disabled(a keymap.Action) string {
	if p.open && (a == keymap.Detail || a == keymap.Filter || a == keymap.Sort || a == keymap.Reverse) {
		return "close the object first"
	}
	if a == keymap.Restore && len(p.s.Doomed) == 0 {
		return "there is no deletion to take back"
	}
	if p.atPlaces() {
		return p.disabledAtPlaces(a)
	}
	b := &p.s.Browser
	e, _, ok := p.folder.current()
	switch a {
	case keymap.Open, keymap.In, keymap.Detail, keymap.MarkAll, keymap.CopyTo, keymap.MoveTo, keymap.Remove, keymap.Download:
		if !ok {
			return "there is nothing here"
		}
	case keymap.Preview, keymap.Info, keymap.Presign:
		switch {
		case !ok:
			return "there is nothing here"
		case e.Folder:
			return "that is a folder, not an object"
		}
	case keymap.Filter, keymap.Sort, keymap.Reverse:
		if b.List.Len() == 0 {
			return "there is nothing here"
		}
	case keymap.LoadAll:
		if b.State == session.Whole {
			return "all of it is here"
		}
	case keymap.Quota:
		if b.At.Kind != objects.Bucket {
			return "a quota is set for a bucket of the mesh"
		}
	case keymap.Mount:
		if b.At.Kind != objects.Bucket {
			return "this is in a workspace; page 1 mounts it"
		}
	}
	return ""
}

func (p *Browser) disabledAtPlaces(a keymap.Action) string {
	if a == keymap.In {
		a = keymap.Open
	}
	row, ok := p.place()
	switch a {
	case keymap.Quota:
		switch {
		case !ok:
			return "there are no buckets"
		case row.bucket == nil:
			return "a quota is set for a bucket of the mesh"
		}
	case keymap.Info:
		return p.places.Disabled(keymap.Detail)
	case keymap.Mount:
		switch {
		case !ok:
			return "there are no places"
		case row.workspace != nil && p.s.MountOf(*row.workspace) != nil:
			return row.name.In + " is mounted"
		}
	case keymap.Open:
		if ok && row.workspace != nil && !p.s.WorkspacesKnown {
			return "the workspaces are not read yet"
		}
	}
	return p.places.Disabled(a)
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

func (p *Browser) clickCrumb(x int) action.Action {
	at := p.s.Browser.At
	if at.Kind == "" {
		return nil
	}
	end := 2 + len("places") + 1
	if x < end {
		return action.Browse{}
	}
	path := ""
	for i, crumb := range breadcrumbs(at) {
		if i > 0 {
			path += crumb + "/"
		}
		end += 3 + component.Width(component.Clean(crumb))
		if x < end && path != at.Path {
			return action.Browse{At: at.At(path)}
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

// crumbs is the line that says where this is.
func (p *Browser) crumbs(width int) string {
	t, at := p.theme, p.s.Browser.At
	if at.Kind == "" {
		return component.Fit("  "+t.Strong.Render("Places"), width, component.Left)
	}
	list := breadcrumbs(at)
	for i := range list {
		list[i] = component.Clean(list[i])
	}
	sep := t.Faint.Render(" › ")
	// The folders in the middle go where room is short.
	for i := 1; crumbsWidth(list) > width-4 && len(list) > 2 && i < len(list)-1; {
		if list[i] == "…" {
			list = append(list[:i], list[i+1:]...)
		} else {
			list[i] = "…"
		}
	}
	out := "  " + t.Dim.Render("places")
	for i, crumb := range list {
		if i == len(list)-1 {
			out += sep + t.Strong.Render(crumb)
		} else {
			out += sep + t.Text.Render(crumb)
		}
	}
	return component.Fit(out, width, component.Left)
}

func crumbsWidth(list []string) int {
	sum := len("  places")
	for _, crumb := range list {
		sum += 3 + component.Width(crumb)
	}
	return sum
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

// Command is what downloads the object under the cursor, or lists the folder.
func (p *Browser) Command() string {
	if p.atPlaces() {
		if row, ok := p.place(); ok {
			return commandline.List(row.name)
		}
		return commandline.Line("", "bucket", "list")
	}
	e, _, ok := p.folder.current()
	switch {
	case !ok:
		return commandline.List(p.s.Browser.At)
	case e.Folder:
		return commandline.List(p.folder.place(e))
	default:
		return commandline.Download([]objects.Name{p.folder.place(e)}, ".", "")
	}
}

// CommandOf is the command line of an action on what is chosen.
func (p *Browser) CommandOf(a keymap.Action) string {
	at := p.s.Browser.At
	var chosen []objects.Name
	if p.atPlaces() {
		if row, ok := p.place(); ok {
			at, chosen = row.name, []objects.Name{row.name}
		}
	} else {
		chosen = p.folder.chosen()
	}
	one := at
	if len(chosen) > 0 {
		one = chosen[0]
	}
	to := objects.Name{Kind: objects.Bucket, In: "BUCKET", Path: "KEY"}
	switch a {
	case keymap.Open:
		return p.Command()
	case keymap.Upload:
		return commandline.Upload([]string{"FILE"}, at, "")
	case keymap.Download:
		return commandline.Download(chosen, ".", "")
	case keymap.CopyTo:
		return commandline.Copy(chosen, to)
	case keymap.MoveTo:
		return commandline.Move(chosen, to)
	case keymap.Remove:
		return commandline.Remove(chosen)
	case keymap.Presign:
		return commandline.Share(one, "1h")
	case keymap.Info:
		return commandline.Info(one)
	case keymap.MakeBucket:
		return commandline.MakeBucket("NAME", "")
	case keymap.Quota:
		return commandline.SetQuota(at.In, "SIZE")
	case keymap.Mount:
		return commandline.MountPlace("NAME", at, "PATH", "")
	}
	return ""
}
