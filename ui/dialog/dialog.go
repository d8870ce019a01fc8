package dialog

import (
	tea "charm.land/bubbletea/v2"

	"github.com/artifacts-tui/artifacts-tui/ui/action"
	"github.com/artifacts-tui/artifacts-tui/ui/component"
	"github.com/artifacts-tui/artifacts-tui/ui/keymap"
)

// Dialog is one box on the stack. The root calls it from Update and View alone.
type Dialog interface {
	Title() string
	Width() int       // of the content it would like, in cells
	Scopes() []string // of its keys
	// View draws the content; cursor is where the terminal's cursor belongs in
	// it, or nil. At most height lines are of use.
	View(width, height int) (lines []string, cursor *component.Point)
	// Command is the command line of what the dialog is about to do, or "".
	Command() string

	// Do does what a key asks for.
	Do(a keymap.Action) action.Action
	// Disabled says why an action cannot work now; "" where it can.
	Disabled(a keymap.Action) string
	// Verb is a better word than the key map's for what an action does here; ""
	// where there is none.
	Verb(a keymap.Action) string
	// Capturing reports whether text goes to a field, through Input.
	Capturing() bool
	Input(msg tea.Msg)
	// Notify tells of a message of the session, or one the dialog asked for
	// with action.After.
	Notify(msg any) action.Action
}

// confirms is the Verb of a form whose enter does verb.
func confirms(a keymap.Action, verb string) string {
	if a == keymap.Confirm {
		return verb
	}
	return ""
}

// Toned is a dialog with a tone of its own, for its border.
type Toned interface{ Tone() component.Tone }

// still is what a dialog without fields and without interest in messages does.
type still struct{}

func (still) Command() string               { return "" }
func (still) Disabled(keymap.Action) string { return "" }
func (still) Verb(keymap.Action) string     { return "" }
func (still) Capturing() bool               { return false }
func (still) Input(tea.Msg)                 {}
func (still) Notify(any) action.Action      { return nil }
func closeOn(a keymap.Action) action.Action {
	if a == keymap.Cancel {
		return action.Close{}
	}
	return nil
}
