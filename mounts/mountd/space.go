package mountd

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/artifacts-tui/artifacts-tui/mounts"
	"github.com/artifacts-tui/artifacts-tui/mounts/remote"
)

// spaceKept is how old an answer to df may get: the store looks at every key for a new one.
const spaceKept = 30 * time.Second

// spacious asks a coordinator's store for the space of a mount: rarely, only while somebody
// wants to know, and never in the way of who does.
type spacious struct {
	ask    func(context.Context) (remote.Space, bool, error)
	latest atomic.Pointer[remote.Space]
	asked  atomic.Int64 // when, in nanoseconds since 1970; of the last question
	wanted chan struct{}
}

func newSpacious(ask func(context.Context) (remote.Space, bool, error)) *spacious {
	return &spacious{ask: ask, wanted: make(chan struct{}, 1)}
}

// space is what is known; it returns at once, and has it asked for anew where it is old.
func (s *spacious) space() (remote.Space, bool) {
	if time.Since(time.Unix(0, s.asked.Load())) >= spaceKept {
		select {
		case s.wanted <- struct{}{}:
		default:
		}
	}
	if known := s.latest.Load(); known != nil {
		return *known, true
	}
	return remote.Space{}, false
}

// forStatfs is fusefs.Options.Space.
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
		if time.Since(time.Unix(0, s.asked.Load())) < spaceKept {
			continue
		}
		space, known, err := s.ask(ctx)
		s.asked.Store(time.Now().UnixNano())
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
