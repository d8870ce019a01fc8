package dialog

import (
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/artifacts-tui/artifacts-tui/ui/action"
	"github.com/artifacts-tui/artifacts-tui/ui/component"
	"github.com/artifacts-tui/artifacts-tui/ui/keymap"
)

// revealFor is how long ctrl+r shows a secret: terminals do not tell everywhere
// when a key is let go.
const revealFor = 2 * time.Second

// fields is a form with secrets in it.
type fields struct {
	form   component.Form
	reveal int // counts the reveals, so that only the last one's end counts
}

// hide ends a reveal.
type hide struct{ reveal int }

// Capturing is always so.
func (f *fields) Capturing() bool { return true }

// Input types.
func (f *fields) Input(msg tea.Msg) { f.form.Input(msg) }

// Disabled says that revealing is for secrets.
func (f *fields) Disabled(a keymap.Action) string {
	if a == keymap.Reveal && !f.form.Focused().Input.Secret {
		return "only a secret can be revealed"
	}
	return ""
}

// move does what a key asks for within the form; false where that is the dialog's business.
func (f *fields) move(a keymap.Action) (action.Action, bool) {
	switch {
	case a == keymap.NextField, a == keymap.Confirm && !f.form.Last():
		f.form.Move(1)
	case a == keymap.PrevField:
		f.form.Move(-1)
	case a == keymap.Reveal:
		f.reveal++
		f.form.Reveal = true
		return action.After{Wait: revealFor, Msg: hide{f.reveal}}, true
	default:
		return nil, false
	}
	return nil, true
}

// hear ends a reveal whose time is over.
func (f *fields) hear(msg any) {
	if h, ok := msg.(hide); ok && h.reveal == f.reveal {
		f.form.Reveal = false
	}
}
