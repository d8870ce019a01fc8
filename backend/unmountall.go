package backend

import (
	"context"
	"sync"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/mounts"
)

// Unmounted is what became of one of several mounts.
type Unmounted struct {
	Workspace  string `json:"workspace"`
	Mountpoint string `json:"mountpoint"`
	mounts.Drain
	Error *fault.Error `json:"error,omitempty"`
}

// UnmountAll unmounts everything that is mounted, side by side, as Unmount does each. The
// error is of the worst one's kind; each has its own in the list.
func (a *App) UnmountAll(ctx context.Context, opt mounts.UnmountOptions) ([]Unmounted, error) {
	list, err := a.mounts.List(ctx)
	if err != nil {
		return nil, err
	}
	results := []Unmounted{}
	for _, m := range list {
		if !m.Unmounted && !m.Foreign() {
			results = append(results, Unmounted{Workspace: m.Workspace, Mountpoint: m.Mountpoint})
		}
	}
	var (
		wg  sync.WaitGroup
		sum = newSum(len(results), opt.Progress)
	)
	for i := range results {
		wg.Go(func() {
			one := opt
			one.Progress = func(d mounts.Drain) { sum.update(i, d) }
			d, err := a.mounts.Unmount(ctx, results[i].Mountpoint, one)
			sum.update(i, mounts.Drain{})
			results[i].Drain, results[i].Error = d, fault.As(err)
		})
	}
	wg.Wait()
	return results, worst(results)
}

// severity orders kinds of errors: data that is not in the store comes before a mount that stays.
var severity = map[fault.Kind]int{fault.Pending: 4, fault.Interrupted: 3, fault.Failure: 2, fault.Conflict: 1}

func worst(results []Unmounted) error {
	var bad *fault.Error
	failed := 0
	for _, r := range results {
		if r.Error == nil {
			continue
		}
		failed++
		if bad == nil || severity[r.Error.Kind] > severity[bad.Kind] {
			bad = r.Error
		}
	}
	if bad == nil {
		return nil
	}
	return fault.New(bad.Kind, bad.Hint, "%d of %d mounts did not end with everything in the store: %v", failed, len(results), bad)
}

// sum adds up what several drains have left.
type sum struct {
	mu    sync.Mutex
	parts []mounts.Drain
	tell  func(mounts.Drain)
}

func newSum(n int, tell func(mounts.Drain)) *sum {
	return &sum{parts: make([]mounts.Drain, n), tell: tell}
}

func (s *sum) update(i int, d mounts.Drain) {
	if s.tell == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.parts[i] = d
	var all mounts.Drain
	for _, p := range s.parts {
		all.Queued += p.Queued
		all.InProgress += p.InProgress
		all.Failed += p.Failed
		all.PendingBytes += p.PendingBytes
		all.Uploaded += p.Uploaded
	}
	s.tell(all)
}
