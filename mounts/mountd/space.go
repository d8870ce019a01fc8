package mountd

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/artifacts-tui/artifacts-tui/mounts"
	"github.com/artifacts-tui/artifacts-tui/mounts/remote"
)

// spaceKept is how old an answer to df may get, and older where the store took its time: it
// looks at every key for a new one, and should spend a twentieth of its time on that at most.
const (
	spaceKept  = 30 * time.Second
	spaceShare = 20
)

// spacious asks a coordinator's store for the space of a mount: rarely, only while somebody
// wants to know, and never in the way of who does.
type spacious struct {
	ask    func(context.Context) (remote.Space, bool, error)
	latest atomic.Pointer[remote.Space]
	due    atomic.Int64 // when the next question may be asked, in nanoseconds since 1970
	wanted chan struct{}
}

func newSpacious(ask func(context.Context) (remote.Space, bool, error)) *spacious {
	return &spacious{ask: ask, wanted: make(chan struct{}, 1)}
}

// space is what is known; it returns at once, and has it asked for anew where it is old.
func (s *spacious) space() (remote.Space, bool) {
	known := s.latest.Load()
	if s.isDue() {
		select {
		case s.wanted <- struct{}{}:
		default:
		}
	}
	if known != nil {
		return *known, true
	}
	return remote.Space{}, false
}

func (s *spacious) isDue() bool { return time.Now().UnixNano() >= s.due.Load() }

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
		if !s.isDue() {
			continue
		}
		begin := time.Now()
		space, known, err := s.ask(ctx)
		pause := max(spaceKept, spaceShare*time.Since(begin))
		s.due.Store(time.Now().Add(pause).UnixNano())
		switch {
		case err != nil:
		case known:
			s.latest.Store(&space)
		default:
			return
		}
	}
}

// hasSpace reports whether a workspace is in a coordinator's store. A bucket elsewhere has no
// size that a client could ask for.
func hasSpace(spec mounts.Spec) bool { return spec.Backend == "managed" || spec.Backend == "mesh" }
