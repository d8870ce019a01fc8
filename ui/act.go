package ui

import (
	"sort"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/artifacts-tui/artifacts-tui/mounts"
	"github.com/artifacts-tui/artifacts-tui/ui/action"
	"github.com/artifacts-tui/artifacts-tui/ui/component"
	"github.com/artifacts-tui/artifacts-tui/ui/dialog"
	"github.com/artifacts-tui/artifacts-tui/ui/keymap"
	"github.com/artifacts-tui/artifacts-tui/ui/screen"
	"github.com/artifacts-tui/artifacts-tui/ui/session"
)

// act does what a page or the topmost dialog asked for.
func (m *model) act(a action.Action) tea.Cmd {
	if m.readOnly && !reads(a) {
		return m.say(component.Warn, readOnlyReason)
	}
	var cmd tea.Cmd
	switch a.(type) {
	case action.OpenCreate, action.OpenMount, action.OpenDelete, action.OpenUnmount, action.OpenRotate, action.OpenEdit, action.OpenClear:
		m.toasts.Dismiss() // they were about what came before
	}
	m.begin(a)
	switch a := a.(type) {
	case nil:
		return nil
	case action.OpenCreate:
		m.push(dialog.NewCreate(a.Backend, m.session, m.theme))
	case action.OpenMount:
		m.push(dialog.NewMount(a.Workspace, m.session, m.theme))
	case action.OpenDelete:
		m.push(dialog.NewDelete(a.Workspace, m.session, m.theme))
		cmd = m.session.Refresh() // what it says about the objects should be true
	case action.OpenUnmount:
		cmd = m.openUnmount(a)
	case action.Create:
		cmd = m.session.Create(a.Request)
	case action.Mount:
		cmd = m.session.Mount(a.Request)
	case action.Unmount:
		cmd = m.session.Unmount(a.Workspace, a.Mountpoint)
	case action.Delete:
		cmd = m.session.Delete(a.Name)
	case action.OpenRotate:
		m.push(dialog.NewRotate(a.Profile, m.session, m.theme))
	case action.OpenEdit:
		m.push(dialog.NewEdit(a.Source, m.session, m.theme))
	case action.OpenClear:
		m.push(dialog.NewForget(a.Source, m.session, m.theme))
	case action.OpenNotice:
		m.push(dialog.NewNotice(component.Message{Text: a.Text, Details: a.Details, Todo: a.Todo, Tone: component.Tone(a.Tone), At: a.At}, m.theme))
	case action.OpenMessages:
		m.push(dialog.NewMessages(m.toasts.All(), m.session.Now, m.theme))
	case action.Invoke:
		cmd = m.do(keymap.Action(a.Name))
	case action.Refresh:
		cmd = m.session.Refresh()
	case action.Show:
		i, p := m.named(a.Page)
		m.show(i)
		p.Select(a.ID)
		if a.Then != nil {
			cmd = m.act(a.Then)
		}
	case action.Copy:
		cmd = m.copyText(a.Text, a.What)
	case action.Close:
		m.pop()
	case action.CloseThen:
		m.pop()
		cmd = m.act(a.Then)
	case action.After:
		cmd = m.session.After(a.Wait, func(time.Time) tea.Msg { return a.Msg })
	case action.Quit:
		cmd = m.quit(a)
	default:
		cmd = m.actObjects(a)
	}
	for _, p := range m.pages {
		p.Sync() // what has begun shows at once
	}
	return cmd
}

// openUnmount starts an unmount. One with nothing to upload needs no dialog: its
// row and the proof at the end say it all. Where programs use the mount it is
// refused and nothing has changed.
func (m *model) openUnmount(a action.OpenUnmount) tea.Cmd {
	if m.session.Unmounting(a.Mountpoint) != nil {
		m.push(dialog.NewUnmount(a.Mountpoint, m.session, m.theme))
		return nil
	}
	at := m.session.MountAt(a.Mountpoint)
	cmd := m.act(action.Unmount(a))
	if at != nil && at.Pending() > 0 {
		m.push(dialog.NewUnmount(a.Mountpoint, m.session, m.theme))
	}
	return cmd
}

// copyText puts text on the clipboard, and says so.
func (m *model) copyText(text, what string) tea.Cmd {
	return tea.Batch(toClipboard(text), m.say(component.Info, "copied "+what))
}

// toClipboard puts text on the clipboard of the terminal (OSC 52).
func toClipboard(text string) tea.Cmd { return func() tea.Msg { return screen.Clipboard(text) } }

// quit leaves, and asks first while something would be cut off.
func (m *model) quit(a action.Quit) tea.Cmd {
	if !a.Sure {
		if running := m.running(); len(running) > 0 {
			m.push(dialog.NewQuit(running, m.theme))
			return nil
		}
	}
	return tea.Quit
}

// running names what leaving would cut off. A drain is not among it: the mount's
// own process goes on with that.
func (m *model) running() []string {
	verbs := map[session.OpKind]string{session.Creating: "creating ", session.Mounting: "mounting ", session.Deleting: "deleting "}
	var names []string
	for name, op := range m.session.Running() {
		if verb := verbs[op.Kind]; verb != "" {
			names = append(names, verb+name)
		}
	}
	sort.Strings(names)
	return append(names, m.jobsRunning()...)
}

// farewell is what the user should know after leaving.
func (m *model) farewell() []string {
	var paths []string
	for _, at := range m.session.Mounts {
		if at.Health != mounts.Stale {
			paths = append(paths, component.Clean(component.Home(at.Mountpoint, m.session.Home)))
		}
	}
	return farewell(paths)
}

// read makes a message of lines that came together. Those that name the program's folders on first use
// get a heading.
func (n notice) read(home string) (text string, details []string) {
	for _, line := range n {
		details = append(details, strings.ReplaceAll(line, home+"/", "~/"))
	}
	switch label, _, _ := strings.Cut(details[0], ": "); label {
	case "state", "cache", "config":
		return "first use: this is where things are kept", details
	}
	return details[0], details[1:]
}
