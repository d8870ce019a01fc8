package page

import (
	tea "charm.land/bubbletea/v2"

	"github.com/artifacts-tui/artifacts-tui/ui/action"
	"github.com/artifacts-tui/artifacts-tui/ui/keymap"
)

// Page is one tab. The root calls it from Update and View alone.
type Page interface {
	Name() string
	Scope() string             // of its own keys
	SetSize(width, height int) // in cells
	Sync()                     // the session has changed
	Select(id string)          // a workspace's name or a mountpoint

	// Do does what a key asks for, which may be to ask the root for something.
	Do(a keymap.Action) action.Action
	// Disabled says why an action cannot work now; "" where it can.
	Disabled(a keymap.Action) string
	// Capturing reports whether text goes to the page (the filter), through Input.
	Capturing() bool
	Input(msg tea.Msg)
	Click(x, y int) action.Action
	Wheel(delta int)

	View() []string  // as many lines as it is high, each as wide as it is
	Split() int      // the cell of the wall between list and detail, or -1
	Status() string  // what the list holds, for the rule below it
	Command() string // the command line of the action under the cursor
}

// Crumbed is a page that one goes deeper into than its rows.
type Crumbed interface {
	// Crumbs are the places between the page and what is shown, cleaned; none at its start.
	Crumbs() []string
}

// Commander is a page that knows the command line of each of its actions.
type Commander interface {
	// CommandOf is the command line of an action on the row under the cursor; "" where it has none.
	CommandOf(a keymap.Action) string
}
