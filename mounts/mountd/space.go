package mountd

import (
	"context"
	"sync"
	"time"

	"github.com/artifacts-tui/artifacts-tui/mounts"
	"github.com/artifacts-tui/artifacts-tui/mounts/remote"
)

// spaceKept is how old an answer to df may get, and older where the store took its time: it
// should spend a twentieth of its time on new ones at most. Who wants to know waits for a new one no
// longer than spacePatience.
const (
	spaceKept     = 5 * time.Second
	spaceShare    = 20
	spacePatience = 250 * time.Millisecond
)

// spacious asks a coordinator's store for the space of a mount: rarely, and only while somebody
// wants to know.
type spacious struct {
	ask    func(context.Context) (remote.Space, bool, error) // nil: there is nobody to ask
	wanted chan struct{}

	mu     sync.Mutex
	latest *remote.Space
	due    time.Time     // when the next question may be asked
	asked  time.Time     // when the one that is under way was wanted; zero: none is
	answer chan struct{} // closed when it is answered
}

func newSpacious(ask func(context.Context) (remote.Space, bool, error)) *spacious {
	return &spacious{ask: ask, wanted: make(chan struct{}, 1)}
}

// want has the store asked anew where what is known is old. Its answer closes the channel; nil:
// nobody has to wait.
func (s *spacious) want() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ask == nil {
		return nil
	}
	now := time.Now()
	if s.asked.IsZero() && !now.Before(s.due) {
		s.asked, s.answer = now, make(chan struct{})
		s.wanted <- struct{}{} // there is room: none is under way
	}
	if s.asked.IsZero() || now.Sub(s.asked) >= spacePatience {
		return nil
	}
	return s.answer
}

// space is what is known, not older than spaceKept where the store answers at once.
func (s *spacious) space() (remote.Space, bool) {
	if answer := s.want(); answer != nil {
		select {
		case <-answer:
		case <-time.After(spacePatience):
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.latest == nil {
		return remote.Space{}, false
	}
	return *s.latest, true
}

// forStatfs is what statfs(2) tells of: the Space of a layer.
func (s *spacious) forStatfs() (used, free int64, known bool) {
	space, known := s.space()
	if free = space.Free; !space.Bounded {
		free = -1
	}
	return space.Used, free, known
}

// run asks when it is wanted, until ctx ends or the store turns out not to know. An error
// leaves the last answer.
func (s *spacious) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.wanted:
		}
		begin := time.Now()
		space, known, err := s.ask(ctx)
		s.answered(space, known, err, max(spaceKept, spaceShare*time.Since(begin)))
		if err == nil && !known {
			return
		}
	}
}

func (s *spacious) answered(space remote.Space, known bool, err error, pause time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.answer)
	s.due = time.Now().Add(pause)
	switch {
	case err == nil && !known:
		return // nobody asks again: the question stays open
	case err == nil:
		s.latest = &space
	}
	s.asked = time.Time{}
}

// hasSpace reports whether a workspace is in a coordinator's store. A bucket elsewhere has no
// size that a client could ask for.
func hasSpace(spec mounts.Spec) bool { return spec.Backend == "managed" || spec.Backend == "mesh" }
