package ui

import (
	tea "charm.land/bubbletea/v2"

	"github.com/artifacts-tui/artifacts-tui/ui/action"
	"github.com/artifacts-tui/artifacts-tui/ui/component"
	"github.com/artifacts-tui/artifacts-tui/ui/dialog"
	"github.com/artifacts-tui/artifacts-tui/ui/keymap"
	"github.com/artifacts-tui/artifacts-tui/ui/session"
)

// actControl is act for what is about the control plane and the contexts.
func (m *model) actControl(a action.Action) tea.Cmd {
	switch a := a.(type) {
	case action.Change:
		return m.session.Change(a.Change)
	case action.ReadBin:
		return m.session.ReadBin(a.Bucket)
	case action.ReadControl:
		return m.session.ReadControl()
	case action.OpenControl:
		m.toasts.Dismiss()
		return m.openControl(a)
	}
	return nil
}

func (m *model) openControl(a action.OpenControl) tea.Cmd {
	switch a.Name {
	case keymap.BucketBin:
		m.push(dialog.NewBin(a.ID, m.session, m.theme))
		return m.session.ReadBin(a.ID)
	case keymap.Contexts:
		m.push(dialog.NewContexts(m.session, m.theme))
		return m.session.ReadContexts()
	case keymap.Login:
		m.push(dialog.NewLogin(m.session, m.theme))
	case keymap.Logout:
		m.push(dialog.NewLogout(a.ID, m.session, m.theme))
	default:
		d := dialog.NewControl(a.Name, a.ID, m.session, m.theme)
		if d == nil {
			return m.say(component.Warn, a.ID+" is no longer there")
		}
		m.push(d)
	}
	return nil
}

// settleControl is settle for what is about the control plane. A secret goes to its dialog alone.
func (m *model) settleControl(msg tea.Msg) tea.Cmd {
	end, ok := msg.(session.ControlChanged)
	if !ok {
		return nil
	}
	if end.Err == nil {
		if name := end.Change.Bucket; name != "" {
			_, p := m.named("Browser")
			p.Select(name + "/")
		}
		if end.Outcome.Once != nil {
			m.push(dialog.NewOnce(end.Outcome.Once, m.theme))
		}
		return m.say(component.Good, end.Outcome.Text, end.Outcome.Details...)
	}
	f := dialog.Failure{What: end.Change.Failed, Err: end.Err, At: end.At, Line: end.Change.Line, Retried: action.Change{Change: end.Change}}
	for _, d := range m.dialogs {
		if form, ok := d.(*dialog.Change); ok {
			shows, mine := form.Handles(end.Change, end.Err)
			if shows {
				return nil
			}
			if mine {
				f.Retried = nil // the form is still there, as it was filled
			}
		}
	}
	m.fail(f)
	return nil
}

// opening does f, and what the page that it has shown wants read.
func (m *model) opening(f func() tea.Cmd) tea.Cmd {
	before := m.active
	cmd := f()
	if o, ok := m.page().(interface{ Opened() action.Action }); ok && m.active != before {
		return tea.Batch(cmd, m.act(o.Opened()))
	}
	return cmd
}
