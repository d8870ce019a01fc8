package ui

import (
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/artifacts-tui/artifacts-tui/ui/action"
	"github.com/artifacts-tui/artifacts-tui/ui/commandline"
	"github.com/artifacts-tui/artifacts-tui/ui/page"
	"github.com/artifacts-tui/artifacts-tui/ui/session"
)

// runs is an action of the program that knows its own command line.
type runs interface{ CommandLine() string }

// ends is a message that ends such an action.
type ends interface {
	Ended() (line string, err error, at time.Time)
}

// lineOf is the command line of what an action does to the program, or "" where it does nothing to it.
func (m *model) lineOf(a action.Action) string {
	home := m.session.Home
	switch a := a.(type) {
	case action.Create:
		return commandline.Create(a.Request)
	case action.Mount:
		return commandline.Mount(a.Request.Workspace, a.Request.Mountpoint, home)
	case action.Unmount:
		return commandline.Unmount(a.Mountpoint, home)
	case action.Delete:
		return commandline.Delete(a.Name)
	case action.SetStorage:
		return commandline.Set(a.Change.Profile)
	case action.ClearStorage:
		return commandline.Forget(a.Profile)
	case action.Verify:
		return commandline.Verify(a.Profile)
	case action.RefreshCredentials:
		return commandline.RefreshCredentials(a.Mountpoint, home)
	case action.Remount:
		return m.remountLine(a.Mountpoint)
	case action.SaveRotation:
		return commandline.Rotate(a.Rotation.Profile, "", "", "")
	case action.EndRotation:
		return commandline.EndRotation(a.Profile, a.Undo)
	case action.Presign:
		return commandline.Share(a.At, "1h")
	case runs:
		return a.CommandLine()
	}
	return ""
}

// ended notes the end of what lineOf began.
func (m *model) ended(msg tea.Msg) {
	s, home := m.session, m.session.Home
	switch msg := msg.(type) {
	case session.Created:
		s.End(commandline.Create(msg.Request), msg.Err, msg.At)
	case session.Mounted:
		s.End(commandline.Mount(msg.Request.Workspace, msg.Request.Mountpoint, home), msg.Err, msg.At)
	case session.Unmounted:
		s.End(commandline.Unmount(msg.Mountpoint, home), msg.Err, msg.At)
	case session.Deleted:
		s.End(commandline.Delete(msg.Name), msg.Err, msg.At)
	case session.StorageSet:
		s.End(commandline.Set(msg.Profile), msg.Err, msg.At)
	case session.StorageCleared:
		s.End(commandline.Forget(msg.Profile), msg.Err, msg.At)
	case session.Verified:
		s.End(commandline.Verify(msg.Profile), msg.Err, msg.At)
	case session.Refreshed:
		s.End(commandline.RefreshCredentials(msg.Mountpoint, home), msg.Err, msg.At)
		s.End(m.remountLine(msg.Mountpoint), msg.Err, msg.At)
	case session.RotationSaved:
		s.End(commandline.Rotate(msg.Profile, "", "", ""), msg.Err, msg.At)
	case session.RotationEnded:
		s.End(commandline.EndRotation(msg.Profile, msg.Undone), msg.Err, msg.At)
	case session.Shared:
		s.End(commandline.Share(msg.Of, "1h"), msg.Err, msg.At)
	case ends:
		s.End(msg.Ended())
	}
}

func (m *model) remountLine(path string) string {
	name := ""
	if at := m.session.MountAt(path); at != nil {
		name = at.Workspace
	}
	return commandline.Remount(name, path, m.session.Home)
}

// begin notes what an action is about to run.
func (m *model) begin(a action.Action) {
	if line := m.lineOf(a); line != "" {
		m.session.Begin(line)
	}
}

// rereadLog reads the log file that is being looked at now.
func (m *model) rereadLog() tea.Cmd {
	if p, ok := m.page().(*page.Log); ok {
		return m.session.ReadTail(p.File(), true)
	}
	return nil
}

// followLog reads the log file that is being looked at, where it is due. It has no clock of its
// own: what moves on the screen, a key or news of a mount, brings the file's news along.
func (m *model) followLog() tea.Cmd {
	if p, ok := m.page().(*page.Log); ok && m.top() == nil {
		return m.session.ReadTail(p.File(), false)
	}
	return nil
}
