package session

import (
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/artifacts-tui/artifacts-tui/backend"
	"github.com/artifacts-tui/artifacts-tui/backend/coordinator"
	"github.com/artifacts-tui/artifacts-tui/backend/objects"
	"github.com/artifacts-tui/artifacts-tui/ui/control"
)

// The messages about the control plane.
type (
	// ControlRead ends a read of the control plane.
	ControlRead struct {
		State control.State
		Err   error
		At    time.Time
		of    coordinatorID
	}
	// ControlChanged ends a Change. Its outcome may hold a secret, in a type that masks it.
	ControlChanged struct {
		Change  *control.Change
		Outcome control.Outcome
		Err     error
		At      time.Time
	}
	// ContextsRead ends a read of the contexts.
	ContextsRead struct {
		List []backend.Context
		Err  error
		At   time.Time
	}
	// BinRead ends a read of a bucket's deleted objects.
	BinRead struct {
		Bucket string
		List   []coordinator.RecycledObject
		Err    error
		At     time.Time
	}
)

// Ended is how the change ended, for the log.
func (c ControlChanged) Ended() (line string, err error, at time.Time) { //nolint:staticcheck // the order of Session.End
	return c.Change.Line, c.Err, c.At
}

func (s *Session) program() control.Program {
	return control.Program{App: s.app, Open: s.OpenControl}
}

// ReadControl reads the control plane, where there is one to show.
func (s *Session) ReadControl() tea.Cmd {
	if s.OpenControl == nil {
		return nil
	}
	of := s.coordinator
	return s.read("control", func() tea.Msg {
		state, err := control.Read(s.ctx, s.program())
		return ControlRead{State: state, Err: err, At: time.Now(), of: of}
	})
}

// Change asks the control plane for something.
func (s *Session) Change(c *control.Change) tea.Cmd {
	return guard("change the control plane", func() tea.Msg {
		outcome, err := c.Run(s.ctx, s.program())
		return ControlChanged{Change: c, Outcome: outcome, Err: err, At: time.Now()}
	})
}

// ReadContexts reads which coordinators can be used.
func (s *Session) ReadContexts() tea.Cmd {
	return guard("read the contexts", func() tea.Msg {
		list, err := s.app.Contexts()
		return ContextsRead{List: list, Err: err, At: time.Now()}
	})
}

// ReadBin reads the deleted objects of a bucket.
func (s *Session) ReadBin(bucket string) tea.Cmd {
	return guard("read a recycle bin", func() tea.Msg {
		c, err := s.OpenControl(s.ctx)
		if err != nil {
			return BinRead{Bucket: bucket, Err: err, At: time.Now()}
		}
		defer c.Close()
		list, err := c.DeletedObjects(s.ctx, bucket, "")
		return BinRead{Bucket: bucket, List: list, Err: err, At: time.Now()}
	})
}

// applyControl is Apply for the messages of this file; false for any other.
func (s *Session) applyControl(msg tea.Msg) (tea.Cmd, bool) {
	switch msg := msg.(type) {
	case ControlRead:
		if msg.of != s.coordinator {
			return nil, true
		}
		s.at(msg.At)
		if s.ControlErr = msg.Err; msg.Err == nil {
			s.Control = &msg.State
		}
		return s.again("control", s.ReadControl), true
	case ControlChanged:
		s.at(msg.At)
		switch {
		case msg.Err != nil:
			return s.ReadControl(), true
		case msg.Change.Moves:
			return tea.Batch(s.forget(), s.ReadContexts()), true
		case msg.Change.Backup:
			s.Backup = &msg.Outcome
		}
		return tea.Batch(s.ReadControl(), s.readWorkspaces(), s.readMounts(), s.readBuckets()), true
	case ContextsRead:
		s.at(msg.At)
		if msg.Err == nil {
			s.Contexts = msg.List
		}
	case BinRead:
		s.at(msg.At)
	default:
		return nil, false
	}
	return nil, true
}

// Bucket finds a bucket of the mesh by its name, as far as this user may see it.
func (s *Session) Bucket(name string) (coordinator.Bucket, bool) {
	lists := [][]coordinator.Bucket{s.Browser.Buckets}
	if s.Control != nil {
		lists = append(lists, s.Control.Buckets)
	}
	for _, list := range lists {
		for _, b := range list {
			if b.Name == name {
				return b, true
			}
		}
	}
	return coordinator.Bucket{}, false
}

// forget drops what is known of a coordinator and asks the one that is in use now. What the
// former one still answers is dropped.
func (s *Session) forget() tea.Cmd {
	s.coordinator++
	for _, what := range []string{"coordinator", "workspaces", "control", "buckets"} {
		delete(s.reading, what) // nobody waits for it any more
	}
	s.Control, s.ControlErr = nil, nil
	s.Workspaces, s.WorkspacesKnown, s.WorkspacesErr = nil, false, nil
	s.Browser.Buckets, s.Browser.BucketsKnown, s.Browser.BucketsErr = nil, false, nil
	s.setCoordinator(Starting, s.Now)
	return tea.Batch(s.Browse(objects.Name{}), s.readCoordinator(), s.readMounts())
}
