package ui

import (
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/artifacts-tui/artifacts-tui/backend"
	"github.com/artifacts-tui/artifacts-tui/backend/jobs"
	"github.com/artifacts-tui/artifacts-tui/backend/workspace"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/mounts"
	"github.com/artifacts-tui/artifacts-tui/ui/action"
	"github.com/artifacts-tui/artifacts-tui/ui/commandline"
	"github.com/artifacts-tui/artifacts-tui/ui/component"
	"github.com/artifacts-tui/artifacts-tui/ui/dialog"
	"github.com/artifacts-tui/artifacts-tui/ui/session"
)

// snapshot is what has to be compared with to tell news from what was known.
type snapshot struct {
	health      map[string]mounts.Health
	coordinator session.CoordinatorState
	jobs        map[string]jobs.Job
}

func (m *model) snapshot() snapshot {
	s := snapshot{health: map[string]mounts.Health{}, coordinator: m.session.Coordinator, jobs: map[string]jobs.Job{}}
	for _, j := range m.session.Jobs {
		s.jobs[j.ID] = j
	}
	for _, at := range m.session.Mounts {
		s.health[at.Mountpoint] = at.Health
	}
	return s
}

// settle says what a message means to the user: a toast, or an error's dialog.
func (m *model) settle(msg tea.Msg, before snapshot) tea.Cmd {
	home := m.session.Home
	switch msg := msg.(type) {
	case session.Created:
		return m.created(msg)
	case session.Mounted:
		path := component.Home(msg.Request.Mountpoint, home)
		if msg.Err != nil {
			m.fail(dialog.Failure{
				What: "Could not mount " + msg.Request.Workspace, Err: msg.Err, At: msg.At,
				Retried: action.Mount{Request: msg.Request}, Line: commandline.Mount(msg.Request.Workspace, msg.Request.Mountpoint, home),
			})
			return nil
		}
		return m.say(component.Good, "mounted "+msg.Request.Workspace+" at "+path)
	case session.Unmounted:
		return m.unmounted(msg)
	case session.Deleted:
		if msg.Err != nil {
			m.fail(dialog.Failure{
				What: "Could not delete " + msg.Name, Err: msg.Err, At: msg.At,
				Retried: action.Delete{Name: msg.Name}, Line: commandline.Delete(msg.Name),
			})
			return nil
		}
		return m.say(component.Good, "deleted "+msg.Name)
	case session.CoordinatorRead, session.WorkspacesRead:
		return m.coordinatorNews(before)
	case session.MountsRead:
		return m.healthNews(before)
	}
	return m.settleObjects(msg, before)
}

func (m *model) created(msg session.Created) tea.Cmd {
	req := msg.Request
	path := m.mountNext[req.Name]
	delete(m.mountNext, req.Name)
	if msg.Err != nil {
		m.fail(dialog.Failure{
			What: "Could not create " + req.Name, Err: msg.Err, At: msg.At,
			Retried: action.Create{Request: req}, Line: commandline.Create(req),
		})
		return nil
	}
	_, p := m.named("Workspaces")
	p.Select(req.Name)
	if path != "" {
		return m.session.Mount(backend.MountRequest{Workspace: req.Name, Mountpoint: path, CreateDir: true})
	}
	details := append([]string(nil), msg.Notices...)
	if req.Backend == workspace.Managed || len(details) == 0 {
		details = append(details, "m mounts it")
	}
	return m.say(component.Good, "created "+req.Name, details...)
}

func (m *model) unmounted(msg session.Unmounted) tea.Cmd {
	path := component.Home(msg.Mountpoint, m.session.Home)
	if msg.Err != nil {
		f := dialog.Failure{
			What: "Could not unmount " + path, Err: msg.Err, Files: msg.Drain.Failures, At: msg.At,
			Retried: action.Unmount{Workspace: msg.Workspace, Mountpoint: msg.Mountpoint},
			Line:    commandline.Unmount(msg.Mountpoint, m.session.Home),
		}
		if fault.Is(msg.Err, fault.Pending) {
			// It is unmounted; what is left goes up when it is mounted again.
			f.What = "Unmounted " + path + ", not all of it is uploaded"
			f.Retried = action.Mount{Request: backend.MountRequest{Workspace: msg.Workspace, Mountpoint: msg.Mountpoint, CreateDir: true}}
			f.Again = "mount again"
			f.Line = commandline.Mount(msg.Workspace, msg.Mountpoint, m.session.Home)
		}
		m.fail(f)
		return nil
	}
	for _, d := range m.dialogs {
		if u, ok := d.(*dialog.Unmount); ok && u.Watches(msg.Mountpoint) {
			return nil // it shows the proof itself
		}
	}
	return m.say(component.Good, dialog.Proof(msg.Drain), path)
}

// fail opens the dialog of an error.
func (m *model) fail(f dialog.Failure) {
	f.What = component.Clean(f.What)
	m.push(dialog.NewFailure(f, m.theme))
}

// coordinatorNews says once that the coordinator went away or came back.
func (m *model) coordinatorNews(before snapshot) tea.Cmd {
	now := m.session.Coordinator
	switch {
	case now == session.Down && before.coordinator != session.Down:
		m.wasDown = true
		err := m.session.CoordinatorErr
		e := fault.As(err)
		return m.tell(component.Message{Tone: component.Bad, Text: "the coordinator does not answer", Details: []string{e.Error()}, Todo: e.Hint})
	case now == session.Up && m.wasDown:
		m.wasDown = false
		return m.say(component.Good, "the coordinator answers again")
	}
	return nil
}

// healthNews says once that a mount got into trouble, or out of it (SPEC D4).
func (m *model) healthNews(before snapshot) tea.Cmd {
	var cmds []tea.Cmd
	for _, at := range m.session.Mounts {
		was, known := before.health[at.Mountpoint]
		path := component.Home(at.Mountpoint, m.session.Home)
		switch {
		case at.Health == was, at.Unmounted:
		case at.Health == mounts.Degraded:
			cmds = append(cmds, m.say(component.Warn, path+" is degraded: "+at.Reason, waiting(at.Drain)...))
		case at.Health == mounts.Stale:
			cmds = append(cmds, m.say(component.Bad, path+" is stale: its process is gone", "u clears the mountpoint; what was written is kept"))
		case known && was == mounts.Degraded && at.Health != mounts.Draining:
			cmds = append(cmds, m.say(component.Good, path+" is well again"))
		}
	}
	return tea.Batch(cmds...)
}

func waiting(d mounts.Drain) []string {
	if d.Failed == 0 {
		return nil
	}
	lines := []string{component.Plural(d.Failed, "file") + " waiting"}
	for _, f := range d.Failures {
		lines = append(lines, f.Path+": "+f.Reason)
	}
	return lines
}

// farewell says what goes on after the app was left.
func farewell(paths []string) []string {
	switch len(paths) {
	case 0:
		return nil
	case 1:
		return []string{"1 mount goes on running: " + paths[0]}
	default:
		return []string{fmt.Sprintf("%d mounts go on running: %s", len(paths), strings.Join(paths, ", "))}
	}
}
