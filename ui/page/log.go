package page

import (
	"cmp"
	"strings"
	"time"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/ui/action"
	"github.com/artifacts-tui/artifacts-tui/ui/component"
	"github.com/artifacts-tui/artifacts-tui/ui/keymap"
	"github.com/artifacts-tui/artifacts-tui/ui/session"
	"github.com/artifacts-tui/artifacts-tui/ui/theme"
)

// The columns of the log. A view shows those it has something for.
const (
	lgWhen = iota
	lgResult
	lgTook
	lgText
)

// The views of the log; behind them come the log files.
const (
	viewCommands = iota
	viewNotices
	viewFiles
)

// logFile is a log file that can be looked at.
type logFile struct{ name, path string }

// Log is the page of what was done and said in this session, and of the log files.
type Log struct {
	list
	s        *session.Session
	notices  func() []component.Message
	embedded string // path of the local coordinator's log; may be empty
	view     int
	file     string // path of the file that is looked at, in a view of one
}

var _ Page = (*Log)(nil)

// NewLog makes the page; it draws s and the notices with t.
func NewLog(s *session.Session, notices func() []component.Message, coordinatorLog string, t *theme.Theme) *Log {
	p := &Log{s: s, notices: notices, embedded: coordinatorLog}
	p.list = list{src: p, theme: t, beside: true}
	p.setView(viewCommands)
	return p
}

// Name is the tab's title.
func (p *Log) Name() string { return "Log" }

// Scope is that of the page's keys.
func (p *Log) Scope() string { return keymap.Log }

// files are the log files there are: the local coordinator's and those of the mounts.
func (p *Log) files() []logFile {
	var files []logFile
	if p.embedded != "" {
		files = append(files, logFile{"coordinator", p.embedded})
	}
	for _, m := range p.s.Mounts {
		if m.Log != "" {
			files = append(files, logFile{component.Home(m.Mountpoint, p.s.Home), m.Log})
		}
	}
	return files
}

// File is the path of the log file that is looked at, or "".
func (p *Log) File() string {
	if p.view < viewFiles {
		return ""
	}
	return p.file
}

func (p *Log) setView(view int) {
	files := p.files()
	n := viewFiles + len(files)
	p.view = (view + n) % n
	p.noun = map[int]string{viewCommands: "command", viewNotices: "notice"}[p.view]
	if p.view >= viewFiles {
		p.noun, p.file = "line", files[p.view-viewFiles].path
	}
	hidden := component.Column{Min: 1, Drop: 1, Below: 1 << 20}
	columns := []component.Column{
		lgWhen:   {Title: "WHEN", Down: true, Min: 8, Drop: 2, Below: 60},
		lgResult: {Title: "RESULT", Min: 9},
		lgTook:   {Title: "TOOK", Down: true, Min: 7, Align: component.Right, Drop: 1, Below: 52},
		lgText:   {Title: "COMMAND", Min: 16, Max: 400, Flex: true},
	}
	switch {
	case p.view == viewNotices:
		columns[lgResult], columns[lgTook], columns[lgText].Title = hidden, hidden, "NOTICE"
	case p.view >= viewFiles:
		columns[lgWhen], columns[lgResult], columns[lgTook], columns[lgText].Title = hidden, hidden, hidden, "LINE"
	}
	p.grid.Columns, p.grid.Sorted, p.grid.Reverse = columns, lgWhen, false
	if p.view >= viewFiles {
		p.grid.Sorted = lgText
	}
	p.filter.SetValue("")
	p.selected = ""
	p.beside = p.view < viewFiles // a line of a file wants all the room
	p.SetSize(p.width, p.height+1)
	p.Sync()
	p.toNewest()
}

// toNewest goes to where the news is: the first row, or the last of a file.
func (p *Log) toNewest() {
	if p.view >= viewFiles {
		p.list.Do(keymap.Bottom)
		return
	}
	p.list.Do(keymap.Top)
}

// SetSize keeps a line for the names of the views.
func (p *Log) SetSize(width, height int) { p.list.SetSize(width, max(height-1, 0)) }

// Sync takes in the news, and stays at the newest row where the cursor was there.
func (p *Log) Sync() {
	if p.view >= viewFiles && !p.keepsFile() {
		p.setView(viewCommands) // its mount is gone
		return
	}
	at := p.grid.Cursor(p)
	newest := at <= 0 && p.view < viewFiles || p.view >= viewFiles && at == len(p.index)-1
	p.list.Sync()
	if newest {
		p.toNewest()
	}
}

// keepsFile finds the view of the file again; false where it is gone.
func (p *Log) keepsFile() bool {
	for i, f := range p.files() {
		if f.path == p.file {
			p.view = viewFiles + i
			return true
		}
	}
	return false
}

// ran is command i, the newest first.
func (p *Log) ran(i int) *session.Ran { return &p.s.Ran[len(p.s.Ran)-1-i] }

// notice is notice i, the newest first.
func (p *Log) notice(i int) component.Message {
	all := p.notices()
	return all[len(all)-1-i]
}

// Len is the number of rows of the view.
func (p *Log) Len() int {
	switch p.view {
	case viewCommands:
		return len(p.s.Ran)
	case viewNotices:
		return len(p.notices())
	}
	return len(p.s.Tails[p.file].Lines)
}

// ID tells rows apart.
func (p *Log) ID(i int) string {
	switch p.view {
	case viewCommands:
		return component.Count(int64(p.ran(i).ID))
	case viewNotices:
		n := p.notice(i)
		return n.At.Format(time.RFC3339Nano) + n.Text
	}
	return component.Count(p.s.Tails[p.file].Lines[i].At)
}

// Text is what the filter looks through.
func (p *Log) Text(i int) string {
	switch p.view {
	case viewCommands:
		return p.ran(i).Line
	case viewNotices:
		n := p.notice(i)
		return strings.Join(append([]string{n.Text}, n.Details...), "\n")
	}
	return p.s.Tails[p.file].Lines[i].Text
}

// Compare orders rows by a column; the default is the newest first, and a file's own order.
func (p *Log) Compare(a, b, column int) int {
	if p.view == viewCommands {
		x, y := p.ran(a), p.ran(b)
		switch column {
		case lgResult:
			return cmp.Or(cmp.Compare(p.result(x).rank, p.result(y).rank), cmp.Compare(a, b))
		case lgTook:
			return cmp.Or(-cmp.Compare(x.Took, y.Took), cmp.Compare(a, b))
		case lgText:
			return cmp.Or(cmp.Compare(x.Line, y.Line), cmp.Compare(a, b))
		}
	}
	return cmp.Compare(a, b)
}

func (p *Log) result(r *session.Ran) state {
	t := p.theme
	switch {
	case !r.Done:
		return state{t.Glyph.Wait, "running", t.Accent, 1}
	case r.Err != nil:
		return state{t.Glyph.Bad, "failed", t.Bad, 0}
	}
	return state{t.Glyph.Done, "done", t.Good, 2}
}

func stamp(at, now time.Time) string {
	at = at.Local()
	if now.Sub(at) < 24*time.Hour {
		return at.Format("15:04:05")
	}
	return at.Format("2 Jan")
}

// Cell is what a column shows.
func (p *Log) Cell(i, column int) component.Cell {
	t := p.theme
	switch {
	case p.view >= viewFiles:
		if column != lgText {
			return component.Cell{}
		}
		return component.Cell{Text: component.Clean(p.s.Tails[p.file].Lines[i].Text), Style: t.Text}
	case p.view == viewNotices:
		n := p.notice(i)
		if column == lgWhen {
			return component.Cell{Text: stamp(n.At, p.s.Now), Style: t.Dim}
		}
		style, glyph := n.Tone.Style(t)
		if n.Tone == component.Info || n.Tone == component.Good {
			style = t.Text
		}
		return component.Cell{Text: glyph + " " + n.Text, Style: style}
	}
	r := p.ran(i)
	switch column {
	case lgWhen:
		return component.Cell{Text: stamp(r.Began, p.s.Now), Style: t.Dim}
	case lgResult:
		st := p.result(r)
		return component.Cell{Text: st.String(), Style: st.style}
	case lgTook:
		if !r.Done {
			return component.Cell{Text: "–", Style: t.Dim}
		}
		return component.Cell{Text: component.Elapsed(r.Took), Style: t.Dim}
	}
	return component.Cell{Text: component.Clean(r.Line), Style: t.Text}
}

// Detail tells all there is to know of a row.
func (p *Log) Detail(i, width int) [][]string {
	t := p.theme
	switch {
	case p.view >= viewFiles:
		d := newSheet("Line", width, t)
		d.gap()
		d.say(t.Text, component.Clean(p.s.Tails[p.file].Lines[i].Text))
		return d.sections()
	case p.view == viewNotices:
		n := p.notice(i)
		d := newSheet("Notice", width, t)
		style, glyph := n.Tone.Style(t)
		d.say(style, glyph+" "+n.Text)
		d.gap()
		d.pair("When", n.At.Local().Format("2 Jan 2006 15:04:05"))
		for _, line := range n.Details {
			d.say(t.Dim, line)
		}
		if n.Todo != "" {
			d.gap()
			d.say(t.Text, n.Todo)
		}
		return d.sections()
	}
	r := p.ran(i)
	d := newSheet("Command", width, t)
	st := p.result(r)
	d.say(st.style, st.String())
	d.gap()
	d.say(t.Text, "$ "+component.Clean(r.Line))
	d.gap()
	d.pair("Began", r.Began.Local().Format("2 Jan 2006 15:04:05"))
	if r.Done {
		d.pair("Took", component.Elapsed(r.Took))
	}
	if r.Err != nil {
		e := fault.As(r.Err)
		d.section()
		d.say(t.Bad, t.Glyph.Bad+" "+component.Clean(e.Error()))
		d.say(t.Dim, component.Clean(e.Hint))
	}
	return d.sections()
}

// Empty says what will be here.
func (p *Log) Empty(width int) []string {
	t := p.theme
	switch p.view {
	case viewCommands:
		return append([]string{t.Strong.Render("Nothing was run yet.")}, wrapped(t.Dim, "What you do is kept here as a command line.", width)...)
	case viewNotices:
		return []string{t.Dim.Render("Nothing has been said yet.")}
	}
	tail, read := p.s.Tails[p.file]
	switch {
	case !read:
		return []string{t.Dim.Render(t.Glyph.Wait + " reading…")}
	case tail.Err != nil:
		return append([]string{t.Strong.Render("There is no log to read.")}, wrapped(t.Dim, component.Clean(tail.Err.Error()), min(width, 72))...)
	}
	return []string{t.Dim.Render("The log is empty.")}
}

// View draws the names of the views over the list.
func (p *Log) View() []string {
	return append([]string{p.viewsLine()}, p.list.View()...)
}

// viewsLine names the views, the present one in the accent, as many as there is room for around it.
func (p *Log) viewsLine() string {
	t := p.theme
	names := []string{"commands", "notices"}
	for _, f := range p.files() {
		names = append(names, component.Clean(f.name))
	}
	from, width := 0, p.width-4
	used := func() (w int) {
		for _, name := range names[from : p.view+1] {
			w += component.Width(name) + 3
		}
		return w
	}
	for from < p.view && used() > width {
		from++
	}
	text := "  "
	if from > 0 {
		text = t.Dim.Render("… ")
	}
	for i := from; i < len(names); i++ {
		if i > from {
			text += t.Faint.Render(" · ")
		}
		style := t.Dim
		if i == p.view {
			style = t.Select
		}
		text += style.Render(names[i])
	}
	if s := p.Split(); s >= 0 {
		return component.Fit(text, s-1, component.Left) + " " + t.Faint.Render(t.Glyph.Wall) + strings.Repeat(" ", p.width-s-1)
	}
	return component.Fit(text, p.width, component.Left)
}

// Disabled says that there is nothing to open.
func (p *Log) Disabled(a keymap.Action) string {
	if a == keymap.Open && p.at() < 0 {
		return "there is nothing to open"
	}
	return p.list.Disabled(a)
}

// Do does what a key asks for.
func (p *Log) Do(a keymap.Action) action.Action {
	switch a {
	case keymap.NextView:
		p.setView(p.view + 1)
		return nil
	case keymap.PrevView:
		p.setView(p.view - 1)
		return nil
	case keymap.Open:
		return p.open()
	}
	asked, _ := p.handle(a)
	return asked
}

// open shows a row as a whole: a notice in its dialog, anything else in the detail.
func (p *Log) open() action.Action {
	i := p.at()
	switch {
	case i < 0:
		return nil
	case p.view == viewNotices:
		n := p.notice(i)
		return action.OpenNotice{Text: n.Text, Details: n.Details, Todo: n.Todo, At: n.At, Tone: int(n.Tone)}
	}
	p.list.Do(keymap.Detail)
	return nil
}

// Click selects a row, or a view by its name.
func (p *Log) Click(x, y int) action.Action {
	if y > 0 {
		p.list.Click(x, y-1)
	}
	return nil
}

// Command is the command line under the cursor.
func (p *Log) Command() string {
	if i := p.at(); i >= 0 && p.view == viewCommands {
		return p.ran(i).Line
	}
	return ""
}

// Copies is what y copies where there is no command line: the row.
func (p *Log) Copies() (text, what string) {
	i := p.at()
	switch {
	case i < 0:
		return "", ""
	case p.view == viewCommands:
		return p.ran(i).Line, "the command line"
	case p.view == viewNotices:
		return p.Text(i), "the notice"
	}
	return component.Clean(p.Text(i)), "the line"
}
