package session

import (
	"context"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/artifacts-tui/artifacts-tui/backend"
	"github.com/artifacts-tui/artifacts-tui/backend/jobs"
	"github.com/artifacts-tui/artifacts-tui/backend/objects"
	"github.com/artifacts-tui/artifacts-tui/backend/workspace"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/mounts"
	"github.com/artifacts-tui/artifacts-tui/ui/control"
	"github.com/artifacts-tui/artifacts-tui/ui/disk"
)

// CoordinatorState is how the coordinator is.
type CoordinatorState int

// The states.
const (
	Starting CoordinatorState = iota
	Up
	Down
)

// Session is the state that pages and dialogs draw. Only the root's Update
// changes it, through Apply and the commands; everyone else reads.
type Session struct {
	Home string
	Now  time.Time // as of the last message

	Workspaces       []workspace.Workspace
	WorkspacesKnown  bool // false: Workspaces is what the last run knew
	WorkspacesErr    error
	Mounts           []mounts.Status
	MountsKnown      bool
	MountsErr        error
	Coordinator      CoordinatorState
	CoordinatorInfo  backend.CoordinatorStatus
	CoordinatorErr   error
	CoordinatorSince time.Time // of the state
	Credentials      []backend.CredentialSource
	CredentialsKnown bool
	CredentialsErr   error
	Draft            *backend.RotationDraft // of a rotation that was left; may be nil
	Verifying        map[string]bool        // profiles whose credentials are being tried; "" is the global pair
	Ran              []Ran                  // what was run in this session, oldest first
	Tails            map[string]Tail        // the ends of log files that were looked at, by path

	// TailFile is disk.Tail; tests put files of their own here.
	TailFile func(path string) ([]disk.Line, error)

	Control    *control.State    // as of the last read; nil: not known
	ControlErr error             // of the last read
	Backup     *control.Outcome  // of the last one in this run; nil: there was none
	Contexts   []backend.Context // coordinators that can be used

	// OpenControl opens the control plane of the coordinator in use; nil: there is none to show.
	OpenControl func(ctx context.Context) (control.Client, error)
	Browser     Browser
	Jobs        []jobs.Job // in the order they were started
	Doomed      []Doomed   // deletions that can be taken back

	// After is tea.Tick; tests put a clock of their own here.
	After func(time.Duration, func(time.Time) tea.Msg) tea.Cmd

	app         App
	ctx         context.Context
	coordinator coordinatorID  // that is in use
	ops         map[string]*Op // by workspace name
	rates       map[string]*Rate
	reading     map[string]bool // reads under way, and whether another is wanted
	lastRead    time.Time       // of the mounts
	uploaded    int64           // by all mounts, as of the last reading of the workspaces
	usageAt     time.Time       // when that was
	ticking     time.Duration   // between ticks; 0: the clock stands
	ticks       int
	ranID       int
	dooms       int
	deleting    map[string][]objects.Name   // by jobs that run
	transfers   map[string]backend.Transfer // by the ids of their jobs
	stopTry     context.CancelFunc          // of the pair that a rotation tries; may be nil
}

// New starts from what the last run knew. It does no I/O but that of Remembered.
func New(ctx context.Context, app App, home string, now time.Time) *Session {
	return &Session{
		Home: home, Now: now, CoordinatorSince: now,
		Workspaces: app.Remembered(),
		After:      tea.Tick,
		TailFile:   disk.Tail, Tails: map[string]Tail{},
		app: app, ctx: ctx,
		ops: map[string]*Op{}, rates: map[string]*Rate{}, reading: map[string]bool{},
		Verifying: map[string]bool{}, deleting: map[string][]objects.Name{}, transfers: map[string]backend.Transfer{},
		Browser: Browser{AsListed: true},
	}
}

// Start looks for the coordinator and the mounts and begins to watch. The
// workspaces are read once the coordinator answers, for that may start it.
func (s *Session) Start() tea.Cmd {
	return tea.Batch(s.readCoordinator(), s.readMounts(), s.readCredentials(), s.openWatch(), s.openJobs())
}

// Refresh reads everything again; a coordinator that is down gets another try.
func (s *Session) Refresh() tea.Cmd {
	if s.Coordinator != Up {
		s.setCoordinator(Starting, s.Now)
		return tea.Batch(s.readCoordinator(), s.readMounts(), s.readCredentials())
	}
	return tea.Batch(s.readWorkspaces(), s.readMounts(), s.readCredentials(), s.ReadControl(), s.readBuckets(), s.Again())
}

// DefaultMountpoint is the path proposed for a workspace.
func (s *Session) DefaultMountpoint(name string) string { return s.app.DefaultMountpoint(name) }

// Workspace finds one by name.
func (s *Session) Workspace(name string) (workspace.Workspace, bool) {
	for _, w := range s.Workspaces {
		if w.Name == name {
			return w, true
		}
	}
	return workspace.Workspace{}, false
}

// MountOf finds the mount of a workspace, or nil. Two workspaces of the same
// name, one after the other, have different IDs.
func (s *Session) MountOf(w workspace.Workspace) *mounts.Status {
	for i := range s.Mounts {
		m := &s.Mounts[i]
		if m.Unmounted { // what it left is taken up by the next mount
			continue
		}
		if m.ID != "" && w.ID != "" {
			if m.ID == w.ID {
				return m
			}
			continue
		}
		if m.Workspace == w.Name {
			return m
		}
	}
	return nil
}

// MountAt finds the mount at a path, or nil.
func (s *Session) MountAt(path string) *mounts.Status {
	for i := range s.Mounts {
		if s.Mounts[i].Mountpoint == path {
			return &s.Mounts[i]
		}
	}
	return nil
}

// Apply takes in a message and returns what has to follow. Messages of others
// pass without effect.
func (s *Session) Apply(msg tea.Msg) tea.Cmd {
	var next tea.Cmd
	switch msg := msg.(type) {
	case WorkspacesRead:
		next = s.applyWorkspaces(msg)
	case MountsRead:
		next = s.applyMounts(msg)
	case CoordinatorRead:
		next = s.applyCoordinator(msg)
	case Changed:
		next = s.applyChanged(msg)
	case Created:
		s.at(msg.At)
		s.finish(msg.Request.Name, Creating)
		if msg.Err == nil {
			s.put(msg.Workspace)
		}
		next = tea.Batch(s.readWorkspaces(), s.readCredentials())
	case Mounted:
		s.at(msg.At)
		s.finish(msg.Request.Workspace, Mounting)
		if msg.Err == nil {
			s.putMount(msg.Status)
		}
		next = tea.Batch(s.readMounts(), s.readCredentials())
	case Draining:
		s.at(msg.At)
		s.applyDraining(msg)
		next = s.waitDrain(msg.Mountpoint, msg.more)
	case Unmounted:
		s.at(msg.At)
		s.finish(msg.Workspace, Unmounting)
		if msg.Err == nil {
			s.dropMount(msg.Mountpoint)
		}
		next = tea.Batch(s.readMounts(), s.readWorkspaces(), s.readCredentials())
	case Deleted:
		s.at(msg.At)
		s.finish(msg.Name, Deleting)
		if msg.Err == nil {
			s.drop(msg.Name)
		}
		next = s.readWorkspaces()
	case TailRead:
		s.at(msg.Tail.At)
		s.Tails[msg.Path] = msg.Tail
		return s.again("log "+msg.Path, func() tea.Cmd { return s.ReadTail(msg.Path, true) })
	case Tick:
		s.at(msg.At)
		if msg.n != s.ticks {
			return nil
		}
		s.ticking = 0
		if len(s.Mounts) > 0 && s.Now.Sub(s.lastRead) >= pollEvery-pollSlack {
			next = tea.Batch(s.readMounts(), s.readUsage())
		}
	default:
		var known bool
		if next, known = s.applyCredentials(msg); known {
			break
		}
		if next, known = s.applyControl(msg); known {
			break
		}
		if next, known = s.applyBrowser(msg); known {
			break
		}
		if next, known = s.applyJobs(msg); !known {
			return nil
		}
	}
	return tea.Batch(next, s.tick())
}

// At moves the clock: something happened, such as a key, that is no message of this package.
func (s *Session) At(t time.Time) { s.at(t) }

func (s *Session) at(t time.Time) {
	if t.After(s.Now) {
		s.Now = t
	}
}

func (s *Session) applyWorkspaces(msg WorkspacesRead) tea.Cmd {
	if msg.of != s.coordinator {
		return nil
	}
	s.at(msg.At)
	s.WorkspacesErr = msg.Err
	s.uploaded, s.usageAt = s.uploads(), msg.At
	if msg.Err == nil {
		s.Workspaces, s.WorkspacesKnown = msg.List, true
	} else if fault.Is(msg.Err, fault.Unreachable) {
		s.CoordinatorErr = msg.Err
		s.setCoordinator(Down, msg.At)
	}
	return s.again("workspaces", s.readWorkspaces)
}

func (s *Session) applyMounts(msg MountsRead) tea.Cmd {
	s.at(msg.At)
	s.MountsErr = msg.Err
	s.lastRead = msg.At
	if msg.Err == nil {
		s.Mounts, s.MountsKnown = msg.List, true
		s.measure(msg.At)
	}
	return s.again("mounts", s.readMounts)
}

func (s *Session) applyCoordinator(msg CoordinatorRead) tea.Cmd {
	if msg.of != s.coordinator {
		return nil
	}
	s.at(msg.At)
	next := s.again("coordinator", s.readCoordinator)
	if msg.Err != nil {
		s.CoordinatorErr = msg.Err
		s.setCoordinator(Down, msg.At)
		return next
	}
	s.CoordinatorErr, s.CoordinatorInfo = nil, msg.Status
	s.setCoordinator(Up, msg.At)
	return tea.Batch(next, s.readWorkspaces(), s.ReadControl(), s.readBuckets(), s.visit())
}

func (s *Session) applyChanged(msg Changed) tea.Cmd {
	s.at(msg.At)
	cmds := []tea.Cmd{s.watch(msg.events)}
	if msg.Kinds[backend.CoordinatorChanged] {
		cmds = append(cmds, s.readCoordinator())
	} else if msg.Kinds[backend.WorkspacesChanged] {
		cmds = append(cmds, s.readWorkspaces(), s.ReadControl())
	}
	if msg.Kinds[backend.MountsChanged] {
		cmds = append(cmds, s.readMounts())
	}
	return tea.Batch(cmds...)
}

// setCoordinator keeps the time of the first failure while it stays down.
func (s *Session) setCoordinator(state CoordinatorState, at time.Time) {
	if s.Coordinator != state {
		s.Coordinator, s.CoordinatorSince = state, at
	}
}

func (s *Session) put(w workspace.Workspace) {
	for i := range s.Workspaces {
		if s.Workspaces[i].Name == w.Name {
			s.Workspaces[i] = w
			return
		}
	}
	s.Workspaces = append(s.Workspaces[:len(s.Workspaces):len(s.Workspaces)], w)
}

func (s *Session) drop(name string) {
	var kept []workspace.Workspace
	for _, w := range s.Workspaces {
		if w.Name != name {
			kept = append(kept, w)
		}
	}
	s.Workspaces = kept
}

func (s *Session) putMount(m mounts.Status) {
	if have := s.MountAt(m.Mountpoint); have != nil {
		*have = m
		return
	}
	s.Mounts = append(s.Mounts[:len(s.Mounts):len(s.Mounts)], m)
}

func (s *Session) dropMount(path string) {
	var kept []mounts.Status
	for _, m := range s.Mounts {
		if m.Mountpoint != path {
			kept = append(kept, m)
		}
	}
	s.Mounts = kept
}
