package jobs_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/artifacts-tui/artifacts-tui/backend/jobs"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

func wait(t *testing.T, m *jobs.Manager, id string) jobs.Job {
	t.Helper()
	j, err := m.Wait(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// SPEC C10: a job's numbers, its smoothed rate, and the time that is left.
func TestProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := jobs.New(1)
		halfway, goOn := make(chan struct{}), make(chan struct{})
		id := m.Start("put", "two objects", func(_ context.Context, p *jobs.Progress) error {
			p.Expect(2, 2000, true)
			p.Expect(0, 0, false)
			for range 10 {
				time.Sleep(100 * time.Millisecond)
				p.Advance(100)
			}
			p.Finish()
			close(halfway)
			<-goOn
			p.Advance(1000)
			p.Finish()
			p.Fail(errors.New("one of them"))
			return nil
		})
		<-halfway
		j, _ := m.Get(id)
		if j.Bytes != 1000 || j.BytesTotal != 2000 || j.Objects != 1 || j.ObjectsTotal != 2 || j.State != jobs.Running {
			t.Errorf("half way: %v", j)
		}
		if j.Rate != 1000 || j.ETA != time.Second {
			t.Errorf("rate %d B/s, %s left; want 1000 and 1s", j.Rate, j.ETA)
		}
		time.Sleep(5 * time.Second)
		if j, _ = m.Get(id); j.Rate != 0 || j.ETA != 0 {
			t.Errorf("nothing has moved for 5 s: rate %d, %s left", j.Rate, j.ETA)
		}
		close(goOn)
		if j = wait(t, m, id); j.State != jobs.Done || j.ErrorCount != 1 || len(j.Errors) != 1 || j.Ended.Before(j.Started) {
			t.Errorf("at its end: %+v", j)
		}
	})
}

// At most 20 events a second a job, none when nothing moves, and the last one is of the end.
func TestEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := jobs.New(1)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		events := m.Subscribe(ctx)
		moving := time.Second
		rest := make(chan struct{})
		id := m.Start("get", "many steps", func(_ context.Context, p *jobs.Progress) error {
			for range 1000 {
				time.Sleep(moving / 1000)
				p.Advance(1)
			}
			<-rest
			return nil
		})
		count, last := 0, jobs.Job{}
		drain := func() {
			for {
				synctest.Wait()
				select {
				case last = <-events:
					count++
				default:
					return
				}
			}
		}
		for range 2000 {
			time.Sleep(moving / 1000)
			drain()
		}
		if count < 10 || count > 23 { // 20, and those of queued, running and of the end
			t.Errorf("%d events in a second", count)
		}
		if last.Bytes != 1000 {
			t.Errorf("the last event says %d bytes", last.Bytes)
		}
		time.Sleep(4 * time.Second)
		drain() // the rate is 0 now
		if last.Rate != 0 {
			t.Errorf("after 4 s of nothing the rate is %d", last.Rate)
		}
		count = 0
		time.Sleep(time.Hour)
		drain()
		if count != 0 {
			t.Errorf("%d events in an hour of nothing", count)
		}
		close(rest)
		wait(t, m, id)
		drain()
		if last.State != jobs.Done {
			t.Errorf("the last event says %s", last.State)
		}
	})
}

// A job is cancelled at once, while it takes away what it had begun; Retry waits for that.
func TestCancelAndRetry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := jobs.New(1)
		lives, cleaned := 0, false
		id := m.Start("put", "one", func(ctx context.Context, p *jobs.Progress) error {
			if lives++; lives > 1 {
				if !cleaned {
					t.Error("the second life began before the first had cleaned up")
				}
				return nil
			}
			<-ctx.Done()
			p.Advance(1 << 20)
			time.Sleep(time.Minute)
			cleaned = true
			return ctx.Err()
		})
		waiting := m.Start("put", "behind it", func(context.Context, *jobs.Progress) error {
			t.Error("a job that was cancelled in the queue ran")
			return nil
		})
		synctest.Wait()
		if j, _ := m.Get(waiting); j.State != jobs.Queued {
			t.Errorf("beside another: %s", j.State)
		}
		begin := time.Now()
		for _, id := range []string{id, waiting} {
			if err := m.Cancel(id); err != nil {
				t.Fatal(err)
			}
		}
		j, _ := m.Get(id)
		if j.State != jobs.Cancelled || !j.Cleaning || time.Since(begin) > 100*time.Millisecond {
			t.Errorf("%s after the cancel: %+v", time.Since(begin), j)
		}
		if err := m.Retry(id); err != nil {
			t.Fatal(err)
		}
		if j = wait(t, m, id); j.State != jobs.Done || j.Bytes != 0 {
			t.Errorf("second life: %+v", j)
		}
		if err := m.Retry(id); !fault.Is(err, fault.Conflict) {
			t.Errorf("retry of what is done: %v", err)
		}
		if j = wait(t, m, waiting); j.State != jobs.Cancelled {
			t.Errorf("in the queue: %s", j.State)
		}
	})
}

func TestFailures(t *testing.T) {
	m := jobs.New(2)
	quota := m.Start("put", "too much", func(_ context.Context, p *jobs.Progress) error {
		for i := range 3 * jobs.ErrorsKept {
			p.Fail(fmt.Errorf("object %d", i))
		}
		return fault.New(fault.Quota, "", "full")
	})
	broken := m.Start("put", "broken", func(context.Context, *jobs.Progress) error { panic("as it happens") })
	j := wait(t, m, quota)
	if j.State != jobs.Failed || j.Err.Kind != fault.Quota || len(j.Errors) != jobs.ErrorsKept || j.ErrorCount != 3*jobs.ErrorsKept {
		t.Errorf("%+v", j)
	}
	if j := wait(t, m, broken); j.State != jobs.Failed {
		t.Errorf("%+v", j)
	}
	if list := m.List(); len(list) != 2 || list[0].ID != quota || list[1].ID != broken {
		t.Errorf("list: %v", list)
	}
	if err := m.Forget(quota); err != nil || len(m.List()) != 1 {
		t.Error("forget:", err)
	}
	if _, err := m.Get(quota); !fault.Is(err, fault.NotFound) {
		t.Error("a job that was forgotten:", err)
	}
}
