package session

import (
	"context"
	"fmt"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/artifacts-tui/artifacts-tui/backend"
	"github.com/artifacts-tui/artifacts-tui/backend/jobs"
	"github.com/artifacts-tui/artifacts-tui/backend/objects"
	"github.com/artifacts-tui/artifacts-tui/ui/commandline"
)

// Jobs is the part of App about long acts.
type Jobs interface {
	Jobs() *jobs.Manager
	// WatchJobs sends the state of each job that changes, until ctx ends.
	WatchJobs(ctx context.Context) <-chan jobs.Job
	// Transfer is the work of a job.
	Transfer(t backend.Transfer) jobs.Func
}

// titleOf is a transfer in a line.
func titleOf(t backend.Transfer) string {
	from := make([]string, len(t.From))
	for i, n := range t.From {
		from[i] = n.String()
	}
	switch t.Kind {
	case backend.Upload:
		return firstOf(t.Local) + " to " + t.To.String()
	case backend.Download:
		return firstOf(from) + " to " + firstOf(t.Local)
	case backend.Remove:
		return firstOf(from)
	}
	return firstOf(from) + " to " + t.To.String()
}

func firstOf(list []string) string {
	switch len(list) {
	case 0:
		return ""
	case 1:
		return list[0]
	}
	return fmt.Sprintf("%s and %d more", list[0], len(list)-1)
}

// UndoFor is how long a deletion can be taken back.
const UndoFor = 5 * time.Second

// Doomed is what is about to be deleted.
type Doomed struct {
	ID    int
	What  []objects.Name
	Until time.Time
}

// The messages about jobs.
type (
	// JobsChanged tells how jobs are now, at most 20 times a second.
	JobsChanged struct {
		Jobs []jobs.Job
		At   time.Time
		more <-chan jobs.Job
	}
	// JobActed ends a cancel or a retry.
	JobActed struct {
		Job jobs.Job // as it is then
		Err error
		At  time.Time
	}
	doom struct {
		id int
		at time.Time
	}
)

// jobsPause is the least time between two JobsChanged.
const jobsPause = 50 * time.Millisecond

func (s *Session) openJobs() tea.Cmd {
	return guard("watch the jobs", func() tea.Msg { return nextJobs(s.app.WatchJobs(s.ctx), time.Time{}) })
}

// nextJobs waits for an event and gathers what follows until the last message is jobsPause old.
func nextJobs(events <-chan jobs.Job, last time.Time) tea.Msg {
	job, ok := <-events
	if !ok {
		return nil
	}
	changed := []jobs.Job{job}
	pause := time.NewTimer(jobsPause - time.Since(last))
	defer pause.Stop()
	for {
		select {
		case job, ok := <-events:
			if ok {
				changed = append(changed, job)
				continue
			}
		case <-pause.C:
		}
		return JobsChanged{Jobs: changed, At: time.Now(), more: events}
	}
}

// StartJob starts a transfer.
func (s *Session) StartJob(t backend.Transfer) tea.Cmd {
	title := titleOf(t)
	id := s.app.Jobs().Start(string(t.Kind), title, s.app.Transfer(t))
	// How it is now may be its end already. That is news, and comes by WatchJobs.
	s.putJob(jobs.Job{ID: id, Kind: string(t.Kind), Title: title, State: jobs.Queued, Queued: s.Now})
	s.transfers[id] = t
	s.Begin(s.JobLine(id))
	if t.Kind == backend.Remove {
		s.deleting[id] = t.From
	}
	return nil
}

// JobLine is the command line that does what a job does.
func (s *Session) JobLine(id string) string { return commandline.Transfer(s.transfers[id], s.Home) }

// CancelJob ends a job, and RetryJob starts it anew.
func (s *Session) CancelJob(id string) tea.Cmd { return s.onJob(id, s.app.Jobs().Cancel) }

// RetryJob queues a job again that failed or was cancelled.
func (s *Session) RetryJob(id string) tea.Cmd { return s.onJob(id, s.app.Jobs().Retry) }

func (s *Session) onJob(id string, act func(string) error) tea.Cmd {
	return guard("act on a job", func() tea.Msg {
		err := act(id)
		j, _ := s.app.Jobs().Get(id)
		return JobActed{Job: j, Err: err, At: time.Now()}
	})
}

// ForgetJobs clears a job that has ended, or with an empty id all of them.
func (s *Session) ForgetJobs(id string) {
	kept := s.Jobs[:0:0]
	for _, j := range s.Jobs {
		if (id == "" || j.ID == id) && s.app.Jobs().Forget(j.ID) == nil {
			delete(s.transfers, j.ID)
			continue
		}
		kept = append(kept, j)
	}
	s.Jobs = kept
}

// Job finds one, or nil.
func (s *Session) Job(id string) *jobs.Job {
	for i := range s.Jobs {
		if s.Jobs[i].ID == id {
			return &s.Jobs[i]
		}
	}
	return nil
}

// JobsRunning counts those that have not ended.
func (s *Session) JobsRunning() int {
	n := 0
	for _, j := range s.Jobs {
		if !j.State.Final() {
			n++
		}
	}
	return n
}

func (s *Session) putJob(j jobs.Job) {
	if have := s.Job(j.ID); have != nil {
		*have = j
		return
	}
	s.Jobs = append(s.Jobs[:len(s.Jobs):len(s.Jobs)], j)
}

// Remove deletes when UndoFor has passed; until then Undo takes it back.
func (s *Session) Remove(what []objects.Name) tea.Cmd {
	s.dooms++
	d := Doomed{ID: s.dooms, What: what, Until: s.Now.Add(UndoFor)}
	s.Doomed = append(s.Doomed, d)
	return tea.Batch(s.hide(what, true), s.After(UndoFor, func(t time.Time) tea.Msg { return doom{d.ID, t} }))
}

// Undo takes back the last deletion that has not begun.
func (s *Session) Undo() tea.Cmd {
	n := len(s.Doomed)
	if n == 0 {
		return nil
	}
	d := s.Doomed[n-1]
	s.Doomed = s.Doomed[:n-1]
	return s.hide(d.What, false)
}

func (s *Session) applyJobs(msg tea.Msg) (tea.Cmd, bool) {
	switch msg := msg.(type) {
	case JobsChanged:
		s.at(msg.At)
		return s.applyJobsChanged(msg), true
	case JobActed:
		s.at(msg.At)
		if msg.Job.ID != "" && !msg.Job.State.Final() { // what ends is told by JobsChanged
			s.putJob(msg.Job)
		}
		return nil, true
	case doom:
		s.at(msg.at)
		for i, d := range s.Doomed {
			if d.ID == msg.id {
				s.Doomed = append(s.Doomed[:i:i], s.Doomed[i+1:]...)
				return s.StartJob(backend.Transfer{Kind: backend.Remove, From: d.What}), true
			}
		}
		return nil, true
	}
	return nil, false
}

// EndedNow reports whether a job ended between two looks at it, in another life perhaps than the
// one it was in before.
func EndedNow(before, now jobs.Job) bool {
	return now.State.Final() && (!before.State.Final() || !now.Ended.Equal(before.Ended))
}

func jobError(j jobs.Job) error {
	switch {
	case j.State == jobs.Cancelled:
		return context.Canceled
	case j.Err != nil:
		return j.Err
	case len(j.Errors) > 0:
		return j.Errors[0]
	}
	return nil
}

func (s *Session) applyJobsChanged(msg JobsChanged) tea.Cmd {
	var cmds []tea.Cmd
	if msg.more != nil {
		last := msg.At
		cmds = append(cmds, guard("watch the jobs", func() tea.Msg { return nextJobs(msg.more, last) }))
	}
	changed := false
	for _, j := range msg.Jobs {
		if was := s.Job(j.ID); was != nil && EndedNow(*was, j) {
			changed = changed || backend.TransferKind(j.Kind) != backend.Download
			s.End(s.JobLine(j.ID), jobError(j), msg.At)
			delete(s.deleting, j.ID) // what is left of it is there again when it was listed anew
		}
		s.putJob(j)
	}
	if changed {
		cmds = append(cmds, s.Again(), s.readBuckets())
	}
	return tea.Batch(cmds...)
}
