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

// What df shows is asked for rarely, the more so where asking is much work, never waited for,
// and kept while the store does not answer.
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
		go s.run(ctx)
		poll := func(d time.Duration) (last int64) {
			for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(time.Second) {
				begin := time.Now()
				space, _ := s.space()
				if last = space.Used; time.Since(begin) > 0 {
					t.Errorf("df waited for %v", time.Since(begin))
				}
			}
			return last
		}
		if _, known := s.space(); known {
			t.Error("it is known before it was asked")
		}
		time.Sleep(time.Hour)
		if n := asked.Load(); n != 1 {
			t.Errorf("asked %d times while nobody wanted to know", n)
		}
		poll(10 * time.Minute)
		if n := asked.Load(); n < 19 || n > 22 {
			t.Errorf("asked %d times in ten minutes, want 20", n)
		}
		took.Store(int64(10 * time.Second))
		asked.Store(0)
		poll(time.Hour)
		if n := asked.Load(); n < 15 || n > 19 {
			t.Errorf("asked %d times in an hour where it takes 10 s, want 17", n)
		}
		fail.Store(true)
		if last := poll(10 * time.Minute); last == 0 {
			t.Error("what was known is forgotten when the store does not answer")
		}
	})
}
