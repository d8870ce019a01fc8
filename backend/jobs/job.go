package jobs

import (
	"context"
	"time"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// State of a job.
type State string

// The states. The last three are final, but for Retry.
const (
	Queued    State = "queued"
	Running   State = "running"
	Done      State = "done"
	Failed    State = "failed"
	Cancelled State = "cancelled"
)

// Final reports whether a job in this state does nothing any more.
func (s State) Final() bool { return s == Done || s == Failed || s == Cancelled }

// Job is how a job is at one moment.
type Job struct {
	ID           string         `json:"id"`
	Kind         string         `json:"kind"`  // such as put or sync
	Title        string         `json:"title"` // one line for a person
	State        State          `json:"state"`
	Bytes        int64          `json:"bytes"`
	BytesTotal   int64          `json:"bytes_total"` // as far as it is known
	Objects      int64          `json:"objects"`
	ObjectsTotal int64          `json:"objects_total"`
	Counting     bool           `json:"counting"` // the totals still grow
	Rate         int64          `json:"rate"`     // bytes a second, smoothed; 0: nothing moves
	ETA          time.Duration  `json:"eta"`      // 0: not known
	Errors       []*fault.Error `json:"errors"`   // the first ErrorsKept
	ErrorCount   int            `json:"error_count"`
	Err          *fault.Error   `json:"error,omitempty"` // why it failed
	// Cleaning: it was cancelled, and is still taking away what it had begun.
	Cleaning bool      `json:"cleaning,omitempty"`
	Queued   time.Time `json:"queued_at"`
	Started  time.Time `json:"started_at,omitzero"`
	Ended    time.Time `json:"ended_at,omitzero"`
}

// ErrorsKept bounds Job.Errors.
const ErrorsKept = 50

// Func does the work. It returns soon after ctx ends, with nothing half done left behind.
type Func func(ctx context.Context, p *Progress) error

// Of rates and events.
const (
	eventEvery  = 50 * time.Millisecond // at most 20 events a second
	rateWindow  = 2 * time.Second       // over which a rate is smoothed
	stillAfter  = 3 * time.Second       // without a byte the rate is 0
	sampleEvery = 100 * time.Millisecond
)

// rate smooths bytes a second: each sample weighs as much as the time it covers.
type rate struct {
	perSecond float64
	at        time.Time // of the last sample
	pending   int64     // bytes since
}

func (r *rate) start(now time.Time) { *r = rate{at: now} }

func (r *rate) add(n int64, now time.Time) {
	r.pending += n
	d := now.Sub(r.at)
	if d < sampleEvery {
		return
	}
	sample := float64(r.pending) / d.Seconds()
	weight := min(1, d.Seconds()/rateWindow.Seconds())
	if r.perSecond == 0 {
		weight = 1
	}
	r.perSecond += (sample - r.perSecond) * weight
	r.at, r.pending = now, 0
}

func (r *rate) value(now time.Time) int64 {
	if now.Sub(r.at) >= stillAfter {
		return 0
	}
	return max(int64(r.perSecond), 0)
}
