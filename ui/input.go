package ui

import (
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/artifacts-tui/artifacts-tui/ui/action"
	"github.com/artifacts-tui/artifacts-tui/ui/component"
	"github.com/artifacts-tui/artifacts-tui/ui/dialog"
	"github.com/artifacts-tui/artifacts-tui/ui/keymap"
	"github.com/artifacts-tui/artifacts-tui/ui/page"
	"github.com/artifacts-tui/artifacts-tui/ui/screen"
)

// scopes are those whose keys work now, the narrowest first.
func (m *model) scopes() []string {
	switch d := m.top(); {
	case d != nil:
		return append(append([]string(nil), d.Scopes()...), keymap.Always)
	case m.page().Capturing():
		return []string{keymap.Filtering, keymap.Always}
	default:
		return []string{m.page().Scope(), keymap.List, keymap.Everywhere, keymap.Always}
	}
}

// capturing reports whether text goes to a field.
func (m *model) capturing() bool {
	if d := m.top(); d != nil {
		return d.Capturing()
	}
	return m.page().Capturing()
}

// doubleClick is how soon after the first the second click has to come.
const doubleClick = 400 * time.Millisecond

// key finds what a key asks for. Where a field has the focus, text is text.
func (m *model) key(msg tea.KeyPressMsg) tea.Cmd {
	if m.tooSmall() {
		// What is not seen is not done; leaving, suspending and drawing again are.
		if a, ok := m.keys.Lookup(msg.String(), keymap.Always); ok && a != keymap.Copy {
			return m.do(a)
		}
		return nil
	}
	if m.capturing() && msg.Key().Text != "" {
		m.input(msg)
		return nil
	}
	a, ok := m.keys.Lookup(msg.String(), m.scopes()...)
	if !ok {
		if m.capturing() {
			m.input(msg)
		}
		return nil
	}
	return m.do(a)
}

func (m *model) input(msg tea.Msg) {
	switch d := m.top(); {
	case d != nil:
		d.Input(msg)
	case m.page().Capturing():
		m.page().Input(msg)
	}
}

// do does what a key asks for: the root's own actions here, all others are the
// dialog's or the page's. One that cannot work says why.
func (m *model) do(a keymap.Action) tea.Cmd {
	if reason := m.disabled(a); reason != "" {
		return m.say(component.Warn, reason)
	}
	switch a {
	case keymap.Redraw:
		return func() tea.Msg { return screen.Redraw{} }
	case keymap.Suspend:
		return tea.Suspend
	case keymap.Leave:
		return tea.Quit
	case keymap.Copy:
		return m.copyText(m.copies())
	}
	if d := m.top(); d != nil {
		return m.act(d.Do(a))
	}
	p := m.page()
	if f, ok := p.(interface{ Filtering(keymap.Action) }); ok && p.Capturing() {
		f.Filtering(a)
		return nil
	}
	if m.showNumbered(a) {
		return nil
	}
	switch a {
	case keymap.NextPage:
		m.show(m.active + 1)
	case keymap.PrevPage:
		m.show(m.active - 1)
	case keymap.Help:
		m.push(dialog.NewHelp(m.keys, []string{p.Scope(), keymap.List}, m.theme))
	case keymap.Commands:
		m.push(dialog.NewPalette(m.paletteEntries(), m.theme))
	case keymap.Contexts:
		return m.act(action.OpenControl{Name: a})
	case keymap.Messages:
		m.openMessages()
	case keymap.Refresh:
		return tea.Batch(m.session.Refresh(), m.rereadLog())
	case keymap.Clear:
		if !m.toasts.Dismiss() {
			m.act(p.Do(a))
		}
	default:
		return m.act(p.Do(a))
	}
	return nil
}

func (m *model) disabled(a keymap.Action) string {
	switch {
	case a == keymap.Copy:
		if text, _ := m.copies(); text == "" {
			return "there is no command line for this"
		}
		return ""
	case m.readOnly && !reading[a]:
		return readOnlyReason
	}
	if d := m.top(); d != nil {
		return d.Disabled(a)
	}
	return m.page().Disabled(a)
}

// command is the command line of what is under the cursor (SPEC D8).
func (m *model) command() string {
	if d := m.top(); d != nil {
		return d.Command()
	}
	return m.page().Command()
}

// copies is what y copies: the command line, or what the page has in its place.
func (m *model) copies() (text, what string) {
	if c, ok := m.page().(interface{ Copies() (string, string) }); ok && m.top() == nil {
		return c.Copies()
	}
	return m.command(), "the command line"
}

// openMessages shows the newest message that has more to it, while it is on the screen; else all
// of them.
func (m *model) openMessages() {
	if msg := m.toasts.NewestWithMore(); msg != nil {
		m.push(dialog.NewNotice(*msg, m.theme))
	} else {
		m.push(dialog.NewMessages(m.toasts.All(), m.session.Now, m.theme))
	}
	m.toasts.Dismiss()
}

func (m *model) show(i int) { m.active = (i + len(m.pages)) % len(m.pages) }

// click selects a row or a tab; a second one at once opens the row. Behind a dialog nothing can
// be clicked.
func (m *model) click(at tea.Mouse) tea.Cmd {
	if at.Button != tea.MouseLeft || m.tooSmall() {
		return nil
	}
	now := m.clock()
	double := at.X == m.clicked.x && at.Y == m.clicked.y && now.Sub(m.clicked.at) < doubleClick
	m.clicked.x, m.clicked.y, m.clicked.at = at.X, at.Y, now
	if d := m.top(); d != nil {
		return m.clickDialog(d, at)
	}
	if at.Y == 0 {
		for i := range m.pages {
			h := m.header()
			h.Active = i
			if from, to := h.Span(m.width, m.theme); at.X >= from && at.X < to {
				m.show(i)
			}
		}
		return nil
	}
	y := at.Y - m.bodyTop()
	if y < 0 || y >= m.bodyHeight() {
		return nil
	}
	if double {
		m.clicked.at = time.Time{} // a third click is a first one again
		return m.do(keymap.Open)
	}
	return m.act(m.page().Click(at.X, y))
}

// clickDialog hands a click on the content of a dialog to it, where it takes any.
func (m *model) clickDialog(d dialog.Dialog, at tea.Mouse) tea.Cmd {
	c, ok := d.(interface{ Click(x, y int) action.Action })
	if !ok {
		return nil
	}
	box := m.place(d)
	x, y := at.X-box.x-3, at.Y-box.y-box.above
	if x < 0 || x >= box.width {
		return nil
	}
	return m.act(c.Click(x, y))
}

func (m *model) wheel(at tea.Mouse) {
	if m.tooSmall() {
		return
	}
	delta := 0
	switch at.Button {
	case tea.MouseWheelUp:
		delta = -1
	case tea.MouseWheelDown:
		delta = 1
	}
	switch d := m.top().(type) {
	case nil:
		m.page().Wheel(delta)
	case interface{ Wheel(int) }:
		d.Wheel(delta)
	}
}

// named finds a page.
func (m *model) named(name string) (int, page.Page) {
	for i, p := range m.pages {
		if p.Name() == name {
			return i, p
		}
	}
	return m.active, m.page()
}
