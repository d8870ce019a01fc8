package session

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/artifacts-tui/artifacts-tui/backend"
	"github.com/artifacts-tui/artifacts-tui/backend/coordinator"
	"github.com/artifacts-tui/artifacts-tui/backend/jobs"
	"github.com/artifacts-tui/artifacts-tui/backend/objects"
	"github.com/artifacts-tui/artifacts-tui/backend/workspace"
	"github.com/artifacts-tui/artifacts-tui/mounts"
	"github.com/artifacts-tui/artifacts-tui/ui/control"
)

// stub is a program whose answers the test sets.
type stub struct {
	Credentials // what no test here asks for
	control.App
	Objects
	working
	mu      sync.Mutex
	reads   int
	list    []mounts.Status
	events  chan backend.Event
	unmount func(mounts.UnmountOptions) (mounts.Drain, error)
}

func (s *stub) CredentialSources(context.Context) ([]backend.CredentialSource, error) {
	return nil, nil
}
func (s *stub) RotationDraft() *backend.RotationDraft { return nil }

type working interface{ Jobs }

func (s *stub) Buckets(context.Context) ([]coordinator.Bucket, error) { return nil, nil }

func (s *stub) WatchJobs(context.Context) <-chan jobs.Job {
	none := make(chan jobs.Job)
	close(none)
	return none
}

func (s *stub) Workspaces(context.Context) ([]workspace.Workspace, error) { return nil, nil }

func (s *stub) CreateWorkspace(context.Context, backend.CreateRequest) (workspace.Workspace, []string, error) {
	panic("boom")
}
func (s *stub) DeleteWorkspace(context.Context, string) error { return errors.New("no") }

func (s *stub) Mounts(context.Context) ([]mounts.Status, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads++
	return s.list, nil
}

func (s *stub) Mount(context.Context, backend.MountRequest) (mounts.Status, error) {
	return mounts.Status{}, nil
}

func (s *stub) Unmount(_ context.Context, _ string, o mounts.UnmountOptions) (mounts.Drain, error) {
	return s.unmount(o)
}

func (s *stub) Coordinator(context.Context) (backend.CoordinatorStatus, error) {
	return backend.CoordinatorStatus{}, nil
}
func (s *stub) Watch(context.Context) <-chan backend.Event { return s.events }
func (s *stub) Remembered() []workspace.Workspace          { return nil }
func (s *stub) DefaultMountpoint(string) string            { return "/mnt/x" }

var now = time.Date(2026, 11, 21, 9, 12, 0, 0, time.UTC)

func newSession(app App) *Session {
	s := New(context.Background(), app, "/home/ada", now)
	s.After = func(time.Duration, func(time.Time) tea.Msg) tea.Cmd { return nil }
	return s
}

// While a read is under way another is not started; what was asked meanwhile is
// read once, afterwards.
func TestReadsDoNotPileUp(t *testing.T) {
	app := &stub{}
	s := newSession(app)
	first := s.readMounts()
	for range 5 {
		if s.readMounts() != nil {
			t.Fatal("a second read was started beside the first")
		}
	}
	again := s.Apply(first())
	if again == nil {
		t.Fatal("what was asked meanwhile is not read")
	}
	if next := s.again("mounts", s.readMounts); next != nil {
		t.Fatal("it is read more than once")
	}
}

func TestCommandsCatchPanics(t *testing.T) {
	s := newSession(&stub{})
	batch, ok := s.Create(backend.CreateRequest{Name: "x"})().(tea.BatchMsg)
	if !ok {
		batch = tea.BatchMsg{s.Create(backend.CreateRequest{Name: "x"})}
	}
	for _, cmd := range batch {
		if cmd == nil {
			continue
		}
		if p, ok := cmd().(Panicked); ok {
			if p.Err.Op != "create a workspace" || p.Err.Value != "boom" || len(p.Err.Stack) == 0 {
				t.Errorf("%+v", p.Err)
			}
			return
		}
	}
	t.Error("no Panicked message came")
}

// A burst of events is one message, and a closed channel ends the watch.
func TestEventsAreGathered(t *testing.T) {
	events := make(chan backend.Event, 8)
	for range 3 {
		events <- backend.Event{Kind: backend.MountsChanged}
		events <- backend.Event{Kind: backend.WorkspacesChanged}
	}
	changed, ok := nextChange(events).(Changed)
	if !ok || len(changed.Kinds) != 2 || len(events) != 0 {
		t.Fatalf("%+v, %d left", changed, len(events))
	}
	close(events)
	if msg := nextChange(events); msg != nil {
		t.Errorf("a closed channel gave %v", msg)
	}
}

// Whoever drains never waits for the screen, and the newest news is what arrives.
func TestProgressNeverWaits(t *testing.T) {
	l := &latest{ready: make(chan struct{}, 1), done: make(chan struct{})}
	for i := range 1000 {
		l.put(mounts.Drain{Queued: i})
	}
	<-l.ready
	if got := l.get().Queued; got != 999 {
		t.Errorf("got the news number %d", got)
	}
}

func TestRatesAndProgress(t *testing.T) {
	app := &stub{}
	s := newSession(app)
	m := mounts.Status{PID: 7}
	m.Mountpoint, m.Workspace = "/mnt/x", "x"
	read := func(after time.Duration, bytes int64) {
		m.BytesRead = bytes
		s.Apply(MountsRead{List: []mounts.Status{m}, At: now.Add(after)})
	}
	read(0, 0)
	read(2*time.Second, 100)
	if r := s.RateOf("/mnt/x"); r.Read != 50 {
		t.Errorf("read at %v bytes a second", r.Read)
	}
	read(2*time.Second+10*time.Millisecond, 1000) // too soon to tell
	if r := s.RateOf("/mnt/x"); r.Read != 50 {
		t.Errorf("read at %v bytes a second", r.Read)
	}
	m.PID = 8 // another process: its counters begin anew
	read(4*time.Second, 10)
	if r := s.RateOf("/mnt/x"); r.Read != 0 || len(r.History) != 0 {
		t.Errorf("%+v", r)
	}

	s.begin("x", Unmounting, "/mnt/x")
	s.Apply(Draining{Mountpoint: "/mnt/x", Drain: mounts.Drain{PendingBytes: 100, Uploaded: 500}, At: now.Add(5 * time.Second)})
	s.Apply(Draining{Mountpoint: "/mnt/x", Drain: mounts.Drain{PendingBytes: 25, Uploaded: 575}, At: now.Add(7 * time.Second)})
	op := s.Unmounting("/mnt/x")
	if op.Fraction() != 0.75 || op.Rate != 25 || op.Left() != time.Second {
		t.Errorf("%v done, %v bytes a second, %v left", op.Fraction(), op.Rate, op.Left())
	}
}

// Two workspaces may have had the same name; a mount belongs to an ID.
func TestMountOf(t *testing.T) {
	s := newSession(&stub{})
	old := mounts.Status{}
	old.ID, old.Workspace, old.Mountpoint = "1", "notes", "/mnt/old"
	stale := mounts.Status{Health: mounts.Stale}
	stale.Workspace, stale.Mountpoint = "lost", "/mnt/lost"
	s.Mounts = []mounts.Status{old, stale}
	if m := s.MountOf(workspace.Workspace{ID: "2", Name: "notes"}); m != nil {
		t.Errorf("the new workspace has the old one's mount %+v", m)
	}
	if m := s.MountOf(workspace.Workspace{ID: "1", Name: "notes"}); m == nil {
		t.Error("the mount was not found by its ID")
	}
	if m := s.MountOf(workspace.Workspace{ID: "3", Name: "lost"}); m == nil {
		t.Error("a stale mount without an ID was not found by its name")
	}
}

// What a mount left behind is in the list, but its workspace is not mounted: it can be.
func TestMountOfLeavesOutWhatIsNotMounted(t *testing.T) {
	s := newSession(&stub{})
	w := workspace.Workspace{ID: "a1", Name: "notes"}
	left := mounts.Status{Spec: mounts.Spec{ID: "a1", Workspace: "notes", Mountpoint: "/mnt/x"}, Health: mounts.Stale, Unmounted: true}
	live := left
	live.Unmounted, live.Health = false, mounts.OK
	s.Mounts = []mounts.Status{left}
	if m := s.MountOf(w); m != nil {
		t.Errorf("mounted as %+v", m)
	}
	if s.MountAt("/mnt/x") == nil {
		t.Error("the list does not show it")
	}
	s.Mounts = []mounts.Status{left, live}
	if m := s.MountOf(w); m == nil || m.Health != mounts.OK {
		t.Errorf("mounted as %+v, want the live one", m)
	}
}

// What a coordinator still answers when another one is in use is not taken for that one's.
func TestLateAnswers(t *testing.T) {
	s := New(t.Context(), &stub{}, "/home/ada", time.Now())
	workspaces, buckets := s.readWorkspaces(), s.readBuckets()
	s.forget()
	s.Apply(workspaces())
	s.Apply(buckets())
	if s.WorkspacesKnown || s.Browser.BucketsKnown {
		t.Error("an answer of the former coordinator was taken")
	}
	s.Apply(s.readWorkspaces()())
	if !s.WorkspacesKnown {
		t.Error("an answer of this one was not")
	}
}

// atOnce is a program whose jobs have ended before anyone looks.
type atOnce struct {
	*stub
	m *jobs.Manager
}

func (a atOnce) Jobs() *jobs.Manager { return a.m }
func (a atOnce) Transfer(backend.Transfer) jobs.Func {
	return func(context.Context, *jobs.Progress) error { return nil }
}

// A job may have ended when it is looked at first: that it did is news all the same, and what it
// was to delete is not hidden for ever.
func TestJobsThatEndAtOnce(t *testing.T) {
	app := atOnce{&stub{}, jobs.New(4)}
	s := newSession(app)
	for range 300 {
		s.StartJob(backend.Transfer{Kind: backend.Remove, From: []objects.Name{{Kind: objects.Bucket, In: "b", Path: "k"}}})
		before := s.Jobs[len(s.Jobs)-1]
		ended, err := app.m.Wait(t.Context(), before.ID)
		if err != nil {
			t.Fatal(err)
		}
		if !EndedNow(before, ended) {
			t.Fatalf("the end of a job that was %s is no news", before.State)
		}
		s.Apply(JobsChanged{Jobs: []jobs.Job{ended}, At: now})
		if EndedNow(*s.Job(ended.ID), ended) || len(s.deleting) > 0 {
			t.Fatal("it ends twice, or for nothing")
		}
	}
}

// A second life ends too, however short it was.
func TestSecondLifeEnds(t *testing.T) {
	first := jobs.Job{State: jobs.Failed, Ended: now}
	if again := (jobs.Job{State: jobs.Done, Ended: now.Add(time.Second)}); !EndedNow(first, again) || EndedNow(again, again) {
		t.Error("the end of a second life is not told from that of the first")
	}
}
