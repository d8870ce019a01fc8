package ui

import (
	"cmp"
	"net/url"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/ui/component"
	"github.com/artifacts-tui/artifacts-tui/ui/dialog"
	"github.com/artifacts-tui/artifacts-tui/ui/keymap"
	"github.com/artifacts-tui/artifacts-tui/ui/page"
	"github.com/artifacts-tui/artifacts-tui/ui/session"
)

// rulesFrom is the height from which there is room for the rules.
const rulesFrom = 8

func (m *model) bodyTop() int {
	if m.height >= rulesFrom {
		return 2
	}
	return 1
}

func (m *model) bodyHeight() int { return max(m.height-2*m.bodyTop(), 0) }

// layout tells everyone how much room there is.
func (m *model) layout() {
	for _, p := range m.pages {
		p.SetSize(m.width, m.bodyHeight())
	}
	for _, d := range m.dialogs {
		if s, ok := d.(interface{ SetSize(width, height int) }); ok {
			s.SetSize(m.dialogRoom(d))
		}
	}
}

// View draws the frame, the page, and what lies over it.
func (m *model) View() tea.View {
	lines, cursor := m.frame()
	if m.look.ASCII {
		for i, line := range lines {
			lines[i] = plain.Replace(line)
		}
	}
	v := tea.NewView(strings.Join(lines, "\n"))
	v.Cursor = cursor
	if u, ok := m.top().(*dialog.Unmount); ok {
		if f, running := u.Fraction(); running {
			v.ProgressBar = tea.NewProgressBar(tea.ProgressBarDefault, int(100*f))
		}
	}
	return v
}

// plain writes the few signs that are in texts, not in the theme, in ASCII; each
// as wide as it was.
var plain = strings.NewReplacer("…", "~", "–", "-", "·", "-", "�", "?", "“", `"`, "”", `"`, "›", ">", "×", "x")

// The smallest terminal that the app is drawn in.
const (
	minWidth  = 40
	minHeight = 10
)

// tooSmall reports whether there is no room for the app.
func (m *model) tooSmall() bool { return m.width < minWidth || m.height < minHeight }

// small asks for more room.
func (m *model) small() []string {
	lines := make([]string, max((m.height-2)/2, 0))
	lines = append(lines, component.Wrap("Please make the terminal 40×10 or larger.", m.width)...)
	return component.Clip(lines, m.width, m.height)
}

func (m *model) frame() ([]string, *tea.Cursor) {
	if m.width <= 0 || m.height <= 0 {
		return nil, nil
	}
	if m.tooSmall() {
		return m.small(), nil
	}
	p := m.page()
	split := p.Split()
	head, rule := m.header().View(m.width, split, m.theme)
	lines := []string{head}
	rules := m.height >= rulesFrom
	if rules {
		lines = append(lines, rule)
	}
	body := component.Clip(p.View(), m.width, m.bodyHeight())
	lines = append(lines, body...)
	if rules {
		command := ""
		c := m.command()
		if _, shown := m.top().(interface{ ShowsCommand() }); shown {
			c = ""
		}
		if c != "" {
			command = m.theme.Dim.Render("$ " + component.Clean(c))
		}
		lines = append(lines, component.Rule(m.width, split, 0, 0, p.Status(), command, m.theme.Glyph.TeeUp, m.theme))
	}
	lines = append(lines, m.hints())
	lines = component.Clip(lines, m.width, m.height)
	if m.top() == nil {
		m.overlayToasts(lines)
		return lines, nil
	}
	return lines, m.overlayDialogs(lines)
}

// header is the top line; its right end says how the coordinator is.
func (m *model) header() component.Header {
	h := component.Header{Name: "artifacts", Active: m.active, Right: m.coordinatorText()}
	if m.readOnly {
		// Where there is no room for the words the keys still say it.
		var marked []string
		for _, right := range h.Right {
			marked = append(marked, m.theme.Warn.Render("read-only")+"  "+right)
		}
		if m.session.Coordinator != session.Down {
			marked = append(marked, m.theme.Warn.Render("read-only"))
		}
		h.Right = append(marked, h.Right...)
	}
	if c, ok := m.page().(page.Crumbed); ok {
		h.Crumbs = append([]string{m.page().Name()}, c.Crumbs()...)
	}
	for _, p := range m.pages {
		h.Tabs = append(h.Tabs, m.tab(p))
	}
	return h
}

func (m *model) coordinatorText() []string {
	t, s := m.theme, m.session
	switch s.Coordinator {
	case session.Up:
		on := t.Good.Render(t.Glyph.On)
		info := s.CoordinatorInfo
		where := info.URL
		if u, err := url.Parse(info.URL); err == nil && u.Host != "" {
			where = u.Host
		}
		where = component.Clean(where)
		if info.Context != "" && info.Context != where {
			where = component.Clean(info.Context) + " " + where
		}
		return []string{on + t.Dim.Render(" "+component.Clean(info.Kind)+" "+where), on + t.Dim.Render(" "+where), on + t.Dim.Render(" "+component.Clean(info.Kind)), on + t.Dim.Render(" up"), on}
	case session.Down:
		since := component.Clock(s.CoordinatorSince, s.Now)
		bad := t.Bad.Render(t.Glyph.Bad)
		why := t.Bad.Render(" " + reason(s.CoordinatorErr))
		short := t.Bad.Render(" " + reasonWord(s.CoordinatorErr))
		again := t.Dim.Render(" · ") + t.Key.Render("R") + t.Dim.Render(" retries")
		return []string{
			bad + why + t.Dim.Render(" since "+since) + again,
			bad + why + t.Dim.Render(" "+since) + again,
			bad + short + t.Dim.Render(" since "+since) + again,
			bad + short + t.Dim.Render(" "+since) + again,
			bad + short + t.Dim.Render(" "+since), bad + short, bad,
		}
	default:
		wait := t.Dim.Render(t.Glyph.Wait)
		return []string{wait + t.Dim.Render(" starting…"), wait}
	}
}

// reason is an error's kind in a word or two.
func reason(err error) string {
	switch fault.As(err).Kind {
	case fault.Unreachable:
		return "no coordinator"
	case fault.Auth:
		return "coordinator refuses"
	default:
		return "coordinator failed"
	}
}

// reasonWord is reason where room is short.
func reasonWord(err error) string {
	switch fault.As(err).Kind {
	case fault.Unreachable:
		return "down"
	case fault.Auth:
		return "refuses"
	default:
		return "failed"
	}
}

// hints is the bottom line: what can be done here, or behind a dialog nothing.
func (m *model) hints() string {
	if m.top() != nil {
		return ""
	}
	return " " + component.Hints(m.bindings(), m.disabled, m.width-2, m.theme)
}

// toastsFrom is the height of a page from which messages have boxes: on a lower
// one a box would lie on the rows.
const toastsFrom = 12

func (m *model) overlayToasts(lines []string) {
	var box []string
	if m.bodyHeight() >= toastsFrom {
		box = m.toasts.View(m.width-2, m.bodyHeight()*2/3, m.theme)
	}
	if len(box) == 0 {
		m.lineToast(lines)
		return
	}
	component.Overlay(lines, box, m.width-component.Width(box[0])-1, m.bodyTop()+m.bodyHeight()-len(box))
}

// lineToast draws the newest message in the bottom line, where there is no room
// for more.
func (m *model) lineToast(lines []string) {
	if msg := m.toasts.Newest(); msg != nil {
		style, glyph := msg.Tone.Style(m.theme)
		lines[m.height-1] = component.Fit(" "+style.Render(glyph)+" "+msg.Text, m.width, component.Left)
	}
}

// dialogRoom is the width and height a dialog's content gets.
func (m *model) dialogRoom(d dialog.Dialog) (width, height int) {
	edge := 4
	if m.width < 50 {
		edge = 0
	}
	width = max(min(d.Width(), m.width-component.BoxPadding-edge), 1)
	// The border takes two lines, the hints one, with blanks around; the bottom
	// line stays free for messages.
	height = m.height - 2 - m.hintLines()
	if m.height >= rulesFrom {
		height--
	}
	return width, max(height, 1)
}

// hintLines is what the hints of a dialog take, with the blanks around its content.
func (m *model) hintLines() int {
	switch {
	case m.height < 8:
		return 0
	case m.height < 14:
		return 1
	default:
		return 3
	}
}

// verbs are the bindings of a dialog with the words it prefers.
func (m *model) verbs(d dialog.Dialog) []keymap.Binding {
	bindings := m.keys.Bindings(d.Scopes()...)
	for i := range bindings {
		if verb := d.Verb(bindings[i].Action); verb != "" && bindings[i].Hint != "" {
			bindings[i].Hint = verb
		}
	}
	return bindings
}

// overlayDialogs draws the topmost dialog over what recedes behind it and
// returns where the cursor belongs.
func (m *model) overlayDialogs(lines []string) *tea.Cursor {
	d := m.top()
	if d == nil {
		return nil
	}
	component.Recede(lines, m.theme)
	b := m.place(d)
	if b.x > 0 {
		for i, line := range b.lines {
			b.lines[i] = " " + line + " "
		}
		component.Overlay(lines, b.lines, b.x-1, b.y)
	} else {
		component.Overlay(lines, b.lines, 0, b.y)
	}
	if m.height >= rulesFrom {
		m.lineToast(lines)
	}
	_, shown := d.(interface{ ShowsCommand() })
	if c := m.command(); c != "" && !shown && m.height >= rulesFrom && b.y+len(b.lines) < m.height-1 {
		// What the dialog is about to do stays in sight, below it.
		text := m.theme.Dim.Render("$ " + component.Clean(c))
		lines[m.height-2] = component.Rule(m.width, -1, 0, 0, "", text, "", m.theme)
	}
	if b.cursor == nil || b.y+b.above+b.cursor.Y >= m.height || b.x+3+b.cursor.X >= m.width {
		return nil
	}
	cursor := tea.NewCursor(b.x+3+b.cursor.X, b.y+b.above+b.cursor.Y)
	cursor.Shape = tea.CursorBar
	cursor.Color = m.theme.Cursor
	return cursor
}

// placed is a dialog's box and where it is on the screen.
type placed struct {
	lines  []string
	x, y   int // of the box's top left corner
	above  int // lines of the box above the content
	width  int // of the content
	cursor *component.Point
}

// place draws a dialog's box.
func (m *model) place(d dialog.Dialog) placed {
	width, height := m.dialogRoom(d)
	content, at := d.View(width, height)
	if len(content) > height {
		content = content[:height]
	}
	above := 1 // lines of the box above the content
	if n := m.hintLines(); n > 0 {
		if n > 1 {
			content = append(append([]string{""}, content...), "")
			above++
		}
		content = append(content, component.Hints(m.verbs(d), d.Disabled, width, m.theme))
	}
	border := m.theme.Accent
	if toned, ok := d.(dialog.Toned); ok {
		border, _ = toned.Tone().Style(m.theme)
	}
	box := component.Box(d.Title(), content, width, border.Render, m.theme)
	return placed{
		lines: box, above: above, width: width, cursor: at,
		x: max((m.width-width-component.BoxPadding)/2, 0), y: max((m.height-len(box))*2/5, 0),
	}
}

// bindings are those that apply now, in the words of the page.
func (m *model) bindings() []keymap.Binding {
	worded := slices.Clone(m.applying(m.scopes()))
	v, verbs := m.page().(interface{ Verb(keymap.Action) string })
	h, hides := m.page().(interface{ Hides(keymap.Action) bool })
	for i := range worded {
		b := &worded[i]
		if verbs && b.Hint != "" {
			b.Hint = cmp.Or(v.Verb(b.Action), b.Hint)
		}
		if hides && m.top() == nil && h.Hides(b.Action) {
			b.Hint = ""
		}
		if b.Action == keymap.Refresh && m.session.Coordinator == session.Down {
			b.Hint = "retry"
		}
	}
	return worded
}

// applying are the bindings of scopes without those whose action or keys a narrower scope has. It
// is asked for each frame, and stays the same.
func (m *model) applying(scopes []string) []keymap.Binding {
	of := strings.Join(scopes, " ")
	if kept, known := m.applies[of]; known {
		return kept
	}
	var kept []keymap.Binding
	taken, bound := map[string]bool{}, map[keymap.Action]bool{}
	for _, b := range m.keys.Bindings(scopes...) {
		free := false
		for _, key := range b.Keys {
			free = free || !taken[key]
			taken[key] = true
		}
		if free && !bound[b.Action] {
			kept = append(kept, b)
		}
		bound[b.Action] = true
	}
	m.applies[of] = kept
	return kept
}
