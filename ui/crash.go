package ui

import (
	"fmt"
	"regexp"
	"runtime"
	"runtime/debug"

	tea "charm.land/bubbletea/v2"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/keyring"
	"github.com/artifacts-tui/artifacts-tui/ui/session"
)

// guarded is the model with its panics caught: one of Update, View or a command ends the app with
// the terminal restored and a report on disk, and the stack never reaches the screen.
type guarded struct{ *model }

// Init begins.
func (g guarded) Init() tea.Cmd { return guardAll(g.model.Init()) }

// Update routes one message.
func (g guarded) Update(msg tea.Msg) (next tea.Model, cmd tea.Cmd) {
	defer func() {
		if r := recover(); r != nil {
			g.broke("Update", r, debug.Stack())
			next, cmd = g, tea.Quit
		}
	}()
	if g.err != nil {
		return g, tea.Quit // it has broken: nothing more is to be done to it
	}
	_, cmd = g.model.Update(msg)
	return g, guardAll(cmd)
}

// View draws the screen; nothing after a panic.
func (g guarded) View() (v tea.View) {
	defer func() {
		if r := recover(); r != nil {
			g.broke("View", r, debug.Stack())
			v = tea.View{}
			if g.quitNow != nil { // View cannot end the program itself
				go g.quitNow()
			}
		}
	}()
	if g.err != nil {
		return tea.View{}
	}
	return g.model.View()
}

// onScreen has frames drawn by show, and none by Bubble Tea.
type onScreen struct {
	guarded
	show func(frame func() tea.View)
}

// Update routes one message.
func (s onScreen) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	_, cmd := s.guarded.Update(msg)
	return s, cmd
}

// View shows the screen as it is now, or a little later.
func (s onScreen) View() tea.View {
	s.show(s.guarded.View)
	return tea.View{}
}

// guardAll has the panic of a command, or of those it is a batch of, end in session.Panicked.
func guardAll(cmd tea.Cmd) tea.Cmd {
	if cmd == nil {
		return nil
	}
	return func() (msg tea.Msg) {
		defer func() {
			if r := recover(); r != nil {
				msg = session.Panicked{Err: &session.PanicError{Op: "a command", Value: r, Stack: debug.Stack()}}
			}
		}()
		msg = cmd()
		if batch, ok := msg.(tea.BatchMsg); ok {
			for i := range batch {
				batch[i] = guardAll(batch[i])
			}
		}
		return msg
	}
}

// broke ends the app because of a panic of op.
func (m *model) broke(op string, value any, stack []byte) {
	if m.err != nil {
		return
	}
	m.err = fault.New(fault.Failure, "mounts are not affected; start it again", "the terminal app broke: %s: panic: %s", op, panicText(value))
	m.crashed = append([]byte{}, stack...)
}

// token is what could be a key or a part of one.
var token = regexp.MustCompile(`[A-Za-z0-9+/=_-]{16,}`)

// panicText is the value of a panic without anything that could be a secret.
func panicText(value any) string {
	if err, ok := value.(runtime.Error); ok {
		return err.Error()
	}
	return token.ReplaceAllStringFunc(fmt.Sprint(value), keyring.Mask)
}

// report writes what is known of a panic to disk and has the error point to it.
func (m *model) report(o Options) error {
	if m.crashed == nil {
		return m.err
	}
	names := make([]string, len(m.dialogs))
	for i, d := range m.dialogs {
		names[i] = fmt.Sprintf("%T", d)
	}
	path, err := o.Disk.Report(m.err.Error(), []string{
		fmt.Sprintf("size:    %dx%d", m.width, m.height),
		"term:    " + getenv(o.Env, "TERM"),
		"page:    " + m.page().Name(),
		fmt.Sprintf("dialogs: %v", names),
	}, m.crashed)
	e := fault.As(m.err)
	switch {
	case err != nil:
		e.Hint = "mounts are not affected; start it again. No report could be written: " + err.Error()
	case path != "":
		e.Hint = "mounts are not affected; start it again. What happened is in " + path
	}
	return e
}
