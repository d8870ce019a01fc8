package remote

import (
	"context"
	"errors"
	"sync"
	"time"
)

// patience is the context of a request whose deadline can be put off: the time that it is
// held back on purpose is not the store's.
type patience struct {
	context.Context
	cancel context.CancelFunc

	mu    sync.Mutex
	timer *time.Timer
	until time.Time     // while it runs
	left  time.Duration // while it is paused
	over  bool          // the deadline passed
}

type patienceKey struct{}

func withPatience(ctx context.Context, d time.Duration) *patience {
	p := &patience{until: time.Now().Add(d)}
	p.Context, p.cancel = context.WithCancel(ctx)
	p.timer = time.AfterFunc(d, p.expire)
	return p
}

func (p *patience) expire() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if time.Now().Before(p.until) || p.left > 0 {
		return // it was put off just now
	}
	p.over = true
	p.cancel()
}

// Value implements context.Context.
func (p *patience) Value(key any) any {
	if key == (patienceKey{}) {
		return p
	}
	return p.Context.Value(key)
}

func (p *patience) pause() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.timer.Stop() {
		p.left = max(time.Until(p.until), time.Nanosecond)
	}
}

func (p *patience) resume() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.left > 0 {
		p.until = time.Now().Add(p.left)
		p.timer.Reset(p.left)
		p.left = 0
	}
}

func (p *patience) end() {
	p.timer.Stop()
	p.cancel()
}

// verdict is err, or the deadline where that is what ended the request.
func (p *patience) verdict(err error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over && errors.Is(err, context.Canceled) {
		return context.DeadlineExceeded
	}
	return err
}
