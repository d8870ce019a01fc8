package session

import (
	"runtime/debug"
	"sync"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/artifacts-tui/artifacts-tui/backend"
	"github.com/artifacts-tui/artifacts-tui/mounts"
)

const (
	pollEvery = time.Second // how often mounts are read while there are some
	pollSlack = 50 * time.Millisecond
	// usageEvery bounds how often sizes are read while mounts upload.
	usageEvery = 3 * time.Second
	opTick     = 100 * time.Millisecond // how often elapsed times are drawn again
	// A burst of events is answered by one read.
	eventPause = 30 * time.Millisecond
)

// guard makes a command out of f whose panic ends in a Panicked message rather
// than in a dead terminal.
func guard(op string, f func() tea.Msg) tea.Cmd {
	return func() (msg tea.Msg) {
		defer func() {
			if r := recover(); r != nil {
				msg = Panicked{&PanicError{Op: op, Value: r, Stack: debug.Stack()}}
			}
		}()
		return f()
	}
}

// read runs f unless the same read is under way; then it runs once more after it.
func (s *Session) read(what string, f func() tea.Msg) tea.Cmd {
	if _, busy := s.reading[what]; busy {
		s.reading[what] = true
		return nil
	}
	s.reading[what] = false
	return guard("read "+what, f)
}

func (s *Session) again(what string, f func() tea.Cmd) tea.Cmd {
	wanted := s.reading[what]
	delete(s.reading, what)
	if wanted {
		return f()
	}
	return nil
}

func (s *Session) readWorkspaces() tea.Cmd {
	of := s.coordinator
	return s.read("workspaces", func() tea.Msg {
		list, err := s.app.Workspaces(s.ctx)
		return WorkspacesRead{List: list, Err: err, At: time.Now(), of: of}
	})
}

// readUsage reads the workspaces again, for their sizes, some time after mounts
// have uploaded something.
func (s *Session) readUsage() tea.Cmd {
	if s.Coordinator != Up || s.uploads() == s.uploaded || s.Now.Sub(s.usageAt) < usageEvery {
		return nil
	}
	return s.readWorkspaces()
}

func (s *Session) readMounts() tea.Cmd {
	return s.read("mounts", func() tea.Msg {
		list, err := s.app.Mounts(s.ctx)
		return MountsRead{List: list, Err: err, At: time.Now()}
	})
}

func (s *Session) readCoordinator() tea.Cmd {
	of := s.coordinator
	return s.read("coordinator", func() tea.Msg {
		status, err := s.app.Coordinator(s.ctx)
		return CoordinatorRead{Status: status, Err: err, At: time.Now(), of: of}
	})
}

// Create creates a workspace.
func (s *Session) Create(req backend.CreateRequest) tea.Cmd {
	s.begin(req.Name, Creating, "")
	return tea.Batch(s.tick(), guard("create a workspace", func() tea.Msg {
		w, notices, err := s.app.CreateWorkspace(s.ctx, req)
		return Created{Request: req, Workspace: w, Notices: notices, Err: err, At: time.Now()}
	}))
}

// Mount mounts a workspace.
func (s *Session) Mount(req backend.MountRequest) tea.Cmd {
	s.begin(req.Workspace, Mounting, req.Mountpoint)
	return tea.Batch(s.tick(), guard("mount", func() tea.Msg {
		status, err := s.app.Mount(s.ctx, req)
		return Mounted{Request: req, Status: status, Err: err, At: time.Now()}
	}))
}

// Delete deletes a workspace.
func (s *Session) Delete(name string) tea.Cmd {
	s.begin(name, Deleting, "")
	return tea.Batch(s.tick(), guard("delete a workspace", func() tea.Msg {
		err := s.app.DeleteWorkspace(s.ctx, name)
		return Deleted{Name: name, Err: err, At: time.Now()}
	}))
}

// Unmount drains and unmounts, with Draining messages on the way.
func (s *Session) Unmount(workspace, path string) tea.Cmd {
	s.begin(workspace, Unmounting, path)
	news := &latest{ready: make(chan struct{}, 1), done: make(chan struct{})}
	return tea.Batch(s.tick(), s.waitDrain(path, news), guard("unmount", func() tea.Msg {
		defer close(news.done)
		drain, err := s.app.Unmount(s.ctx, path, mounts.UnmountOptions{Progress: news.put})
		return Unmounted{Workspace: workspace, Mountpoint: path, Drain: drain, Err: err, At: time.Now()}
	}))
}

// waitDrain waits for the next news of an unmount; it ends without a message
// when the unmount has ended.
func (s *Session) waitDrain(path string, news *latest) tea.Cmd {
	if news == nil {
		return nil
	}
	return guard("watch an unmount", func() tea.Msg {
		select {
		case <-news.ready:
			return Draining{Mountpoint: path, Drain: news.get(), At: time.Now(), more: news}
		case <-news.done:
			return nil
		}
	})
}

// latest hands over the newest value alone: who puts never waits.
type latest struct {
	mu    sync.Mutex
	value mounts.Drain
	ready chan struct{}
	done  chan struct{}
}

func (l *latest) put(d mounts.Drain) {
	l.mu.Lock()
	l.value = d
	l.mu.Unlock()
	select {
	case l.ready <- struct{}{}:
	default: // the reader has not been here since; it will see d
	}
}

func (l *latest) get() mounts.Drain {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.value
}

// openWatch begins to watch for changes made elsewhere.
func (s *Session) openWatch() tea.Cmd {
	return guard("watch for changes", func() tea.Msg { return nextChange(s.app.Watch(s.ctx)) })
}

// watch waits for the next events.
func (s *Session) watch(events <-chan backend.Event) tea.Cmd {
	if events == nil {
		return nil
	}
	return guard("watch for changes", func() tea.Msg { return nextChange(events) })
}

// nextChange waits for an event and gathers those that follow at once; nil when
// the channel is closed.
func nextChange(events <-chan backend.Event) tea.Msg {
	first, ok := <-events
	if !ok {
		return nil
	}
	kinds := map[backend.EventKind]bool{first.Kind: true}
	pause := time.NewTimer(eventPause)
	defer pause.Stop()
	for {
		select {
		case e, ok := <-events:
			if ok {
				kinds[e.Kind] = true
				continue
			}
		case <-pause.C:
		}
		return Changed{Kinds: kinds, At: time.Now(), events: events}
	}
}

// tick moves the clock while something on the screen depends on it: often while
// something runs, once a second while there are mounts, else not at all.
func (s *Session) tick() tea.Cmd {
	wait := opTick
	switch {
	case len(s.ops) > 0:
	case len(s.Mounts) > 0:
		wait = pollEvery
	default:
		return nil
	}
	if s.ticking > 0 && s.ticking <= wait {
		return nil // the one under way comes soon enough
	}
	s.ticking = wait
	s.ticks++
	n := s.ticks
	return s.After(wait, func(t time.Time) tea.Msg { return Tick{At: t, n: n} })
}
