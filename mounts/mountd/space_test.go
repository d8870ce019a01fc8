package mountd

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/artifacts-tui/artifacts-tui/mounts/remote"
)

// What df shows is asked for rarely, the more so where asking is much work. It is new where the store
// answers at once, waited for a moment where it does not, and kept while it fails. SPEC B26
func TestSpaceIsAskedRarely(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var (
			asked atomic.Int64
			took  atomic.Int64 // nanoseconds
			fail  atomic.Bool
		)
		s := newSpacious(func(context.Context) (remote.Space, bool, error) {
			time.Sleep(time.Duration(took.Load()))
			if n := asked.Add(1); !fail.Load() {
				return remote.Space{Used: n}, true, nil
			}
			return remote.Space{}, false, errors.New("no answer")
		})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		s.want()
		go s.run(ctx)
		poll := func(d time.Duration) (last int64) {
			for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(time.Second) {
				begin := time.Now()
				space, _ := s.space()
				if last = space.Used; time.Since(begin) > spacePatience {
					t.Errorf("df waited for %v", time.Since(begin))
				}
			}
			return last
		}
		time.Sleep(time.Hour)
		if n := asked.Load(); n != 1 {
			t.Errorf("asked %d times while nobody wanted to know", n)
		}
		if space, known := s.space(); !known || space.Used != 2 {
			t.Errorf("df shows %+v of an hour ago", space)
		}
		asked.Store(0)
		poll(10 * time.Minute)
		if n := asked.Load(); n < 115 || n > 121 {
			t.Errorf("asked %d times in ten minutes, want 120", n)
		}
		took.Store(int64(10 * time.Second))
		asked.Store(0)
		poll(time.Hour)
		if n := asked.Load(); n < 15 || n > 19 {
			t.Errorf("asked %d times in an hour where it takes 10 s, want 17", n)
		}
		begin := time.Now()
		for range 1000 { // a question that is not answered is waited for once
			s.space()
		}
		if took := time.Since(begin); took > spacePatience {
			t.Errorf("df waited for %v", took)
		}
		fail.Store(true)
		if last := poll(10 * time.Minute); last == 0 {
			t.Error("what was known is forgotten when the store does not answer")
		}
	})
}

// Another store has no answer: it is asked once, and a bucket elsewhere not at all.
func TestSpaceIsNotKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		s := newSpacious(func(context.Context) (remote.Space, bool, error) { asked++; return remote.Space{}, false, nil })
		go s.run(t.Context())
		for _, s := range []*spacious{s, newSpacious(nil)} {
			for range 3 {
				begin := time.Now()
				if _, known := s.space(); known || time.Since(begin) > 0 {
					t.Errorf("known: %v, after %v", known, time.Since(begin))
				}
				time.Sleep(time.Hour)
			}
		}
		if asked != 1 {
			t.Errorf("asked %d times", asked)
		}
	})
}
