package ui

import (
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/artifacts-tui/artifacts-tui/backend"
	"github.com/artifacts-tui/artifacts-tui/backend/jobs"
	"github.com/artifacts-tui/artifacts-tui/backend/workspace"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/ui/action"
	"github.com/artifacts-tui/artifacts-tui/ui/component"
	"github.com/artifacts-tui/artifacts-tui/ui/dialog"
	"github.com/artifacts-tui/artifacts-tui/ui/session"
)

// actObjects does what the browser and the jobs ask for.
func (m *model) actObjects(a action.Action) tea.Cmd {
	s := m.session
	switch a := a.(type) {
	case action.Browse:
		return s.Browse(a.At)
	case action.LoadMore:
		return s.More(a.All)
	case action.StopListing:
		s.StopListing()
	case action.Arrange:
		return s.Arrange(a.Order)
	case action.Look:
		return s.Look(a.At)
	case action.OpenInfo:
		cmd := s.Look(a.At)
		m.push(dialog.NewInfo(a.At, s, m.theme))
		return cmd
	case action.Presign:
		return s.Share(a.At)
	case action.OpenUpload:
		m.push(dialog.NewUpload(a.To, s, m.theme))
	case action.OpenDownload:
		m.push(dialog.NewDownload(a.From, s, m.theme))
	case action.OpenCopy:
		m.push(dialog.NewCopy(a.From, a.Move, s, m.theme))
	case action.Complete:
		return s.Complete(a.Text)
	case action.Transfer:
		m.toasts.Dismiss() // they were about what came before
		return tea.Batch(s.StartJob(a.Transfer), m.say(component.Info, string(a.Transfer.Kind)+" has begun", "page 5 shows how far it is"))
	case action.Remove:
		return m.remove5s(a)
	case action.Restore:
		m.toasts.Dismiss()
		return tea.Batch(s.Undo(), m.say(component.Good, "the deletion was taken back"))
	case action.OpenMountPlace:
		m.push(dialog.NewMountPlace(a.At, s, m.theme))
	case action.MountPlace:
		m.mountNext[a.Name] = a.Mountpoint
		return s.Create(backend.CreateRequest{Name: a.Name, Backend: workspace.Mesh, Bucket: a.At.In, Prefix: a.At.Path})
	case action.CancelJob:
		return s.CancelJob(a.ID)
	case action.RetryJob:
		return s.RetryJob(a.ID)
	case action.ForgetJobs:
		s.ForgetJobs(a.ID)
	default:
		return m.actCredentials(a)
	}
	return nil
}

// remove5s deletes in five seconds, and says how to take that back.
func (m *model) remove5s(a action.Remove) tea.Cmd {
	what := component.Clean(a.What[0].String())
	if n := len(a.What); n > 1 {
		what = component.Count(int64(n)) + " entries"
	}
	m.toasts.Dismiss()
	return tea.Batch(m.session.Remove(a.What), m.tellFor(session.UndoFor, component.Message{
		Tone: component.Warn, Text: "deleting " + what + " in 5 s", Details: []string{"u undo"},
	}))
}

// wants does what the page that is shown would have read.
func (m *model) wants() tea.Cmd {
	var cmds []tea.Cmd
	if p, ok := m.page().(interface{ Typed() action.Action }); ok {
		if a := p.Typed(); a != nil {
			cmds = append(cmds, m.act(a))
		}
	}
	if p, ok := m.page().(interface{ Want() action.Action }); ok {
		if a := p.Want(); a != nil {
			cmds = append(cmds, m.act(a))
		}
	}
	return tea.Batch(cmds...)
}

// settleObjects says what a message of the browser or the jobs means.
func (m *model) settleObjects(msg tea.Msg, before snapshot) tea.Cmd {
	switch msg := msg.(type) {
	case session.Shared:
		if msg.Err != nil {
			e := fault.As(msg.Err)
			return m.tell(component.Message{Tone: component.Bad, Text: "no link was made", Details: []string{e.Error()}, Todo: e.Hint})
		}
		details := []string{msg.Link.Place + ", until " + component.Clock(msg.Link.Expires, m.session.Now), "whoever has the link can read it"}
		if !msg.Link.Sooner.IsZero() {
			details[0] = msg.Link.Place + ", until " + component.Clock(msg.Link.Sooner, m.session.Now) + ", when the keys end"
		}
		return tea.Batch(toClipboard(msg.Link.URL), m.say(component.Good, "copied a link", details...))
	case session.JobActed:
		if msg.Err != nil {
			return m.say(component.Warn, fault.As(msg.Err).Error())
		}
	case session.JobsChanged:
		var cmds []tea.Cmd
		for i := range msg.Jobs {
			j := &msg.Jobs[i]
			if session.EndedNow(before.jobs[j.ID], *j) {
				cmds = append(cmds, m.jobEnded(j))
			}
			before.jobs[j.ID] = *j // it may be told of twice at once
		}
		return tea.Batch(cmds...)
	default:
		return m.settleCredentials(msg)
	}
	return nil
}

var ended = map[backend.TransferKind]string{
	backend.Upload: "uploaded", backend.Download: "downloaded", backend.CopyTo: "copied", backend.MoveTo: "moved", backend.Remove: "deleted",
}

// jobEnded says how a job ended.
func (m *model) jobEnded(j *jobs.Job) tea.Cmd {
	switch {
	case j.State == jobs.Cancelled:
		return m.say(component.Info, "cancelled: "+j.Kind+" "+j.Title)
	case j.State == jobs.Failed:
		todo := "page 5, r tries again"
		if j.Err.Hint != "" {
			todo = j.Err.Hint + "; " + todo
		}
		return m.tell(component.Message{Tone: component.Bad, Text: j.Kind + " failed: " + j.Title, Details: []string{j.Err.Error()}, Todo: todo})
	case j.ErrorCount > 0:
		lines := []string{fmt.Sprintf("%d objects failed", j.ErrorCount)}
		for _, e := range j.Errors {
			lines = append(lines, e.Error())
		}
		return m.say(component.Bad, j.Kind+" is not complete: "+j.Title, lines...)
	}
	return m.say(component.Good, ended[backend.TransferKind(j.Kind)]+" "+component.Plural(int(j.Objects), "object")+amount(j), j.Title)
}

func amount(j *jobs.Job) string {
	if j.Bytes == 0 {
		return ""
	}
	return ", " + component.Bytes(j.Bytes)
}

// jobsRunning names the jobs that leaving would end, and the deletions that have not begun.
func (m *model) jobsRunning() []string {
	var names []string
	for _, j := range m.session.Jobs {
		if !j.State.Final() || j.Cleaning {
			names = append(names, j.Kind+" "+strings.ReplaceAll(j.Title, m.session.Home+"/", "~/"))
		}
	}
	for _, d := range m.session.Doomed {
		names = append(names, fmt.Sprintf("delete %s: not begun, they stay", component.Plural(len(d.What), "object")))
	}
	return names
}
