package remote

import (
	"context"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"
	"golang.org/x/time/rate"
)

// Bandwidth bounds what objects' bytes take of a network, in bytes a second; 0: no bound.
// Listings and the like are not counted.
type Bandwidth struct {
	Up   int64 `json:"up"`
	Down int64 `json:"down"`
}

// Of a bounded direction.
const (
	smallestBurst = 4 << 10  // bytes
	aTransfer     = 32 << 10 // bytes a second below which transfers take turns: a store cuts off what crawls
	leastAtOnce   = 2        // transfers
)

// SetBandwidth takes effect at once, for what is under way too.
func (c *Client) SetBandwidth(b Bandwidth) {
	c.up.set(b.Up)
	c.down.set(b.Down)
}

// Bandwidth is what SetBandwidth set.
func (c *Client) Bandwidth() Bandwidth { return Bandwidth{Up: c.up.get(), Down: c.down.get()} }

// throttle is one direction.
type throttle struct {
	life context.Context // of the client
	now  atomic.Pointer[bound]
}

// bound is one setting of a throttle. Who waits for it starts over with the next when it ends.
type bound struct {
	perSecond int64
	tokens    *rate.Limiter
	turns     *semaphore.Weighted
	life      context.Context // until it is replaced
	end       context.CancelFunc
}

func (t *throttle) set(perSecond int64) {
	var next *bound
	if perSecond > 0 {
		burst := int(max(perSecond/10, smallestBurst))
		next = &bound{
			perSecond: perSecond, tokens: rate.NewLimiter(rate.Limit(perSecond), burst),
			turns: semaphore.NewWeighted(max(perSecond/aTransfer, leastAtOnce)),
		}
		next.life, next.end = context.WithCancel(t.life)
	}
	if last := t.now.Swap(next); last != nil {
		last.end()
	}
}

func (t *throttle) get() int64 {
	if b := t.now.Load(); b != nil {
		return b.perSecond
	}
	return 0
}

// enter waits for the turn of one transfer; the caller ends it with leave,
// which may be called again.
func (t *throttle) enter(ctx context.Context) (leave func(), err error) {
	for {
		b := t.now.Load()
		if b == nil {
			return func() {}, nil
		}
		turn, cancel := context.WithCancel(ctx)
		stop := context.AfterFunc(b.life, cancel)
		err := b.turns.Acquire(turn, 1)
		stop()
		cancel()
		switch {
		case err == nil:
			return sync.OnceFunc(func() { b.turns.Release(1) }), nil
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case t.life.Err() != nil:
			return nil, t.life.Err()
		}
	}
}

// most is how many of n bytes should pass at once, so that they trickle evenly.
func (t *throttle) most(n int) int {
	if b := t.now.Load(); b != nil {
		return min(n, b.tokens.Burst())
	}
	return n
}

// pass waits until n bytes, which have been read, may go on.
func (t *throttle) pass(ctx context.Context, n int) error {
	for n > 0 {
		b := t.now.Load()
		if b == nil {
			return nil
		}
		k := min(n, b.tokens.Burst())
		if d := b.tokens.ReserveN(time.Now(), k).Delay(); d > 0 {
			timer := time.NewTimer(d)
			select {
			case <-timer.C:
			case <-b.life.Done():
				timer.Stop()
				if err := t.life.Err(); err != nil {
					return err
				}
				continue // another bound, or none
			case <-ctx.Done():
				timer.Stop()
				return ctx.Err()
			}
		}
		n -= k
	}
	return nil
}

// trickling is a request's body that a throttle holds back. The time that takes is not
// counted against the request.
type trickling struct {
	io.ReadCloser
	ctx  context.Context
	t    *throttle
	sent *atomic.Int64 // counts the bytes
}

// Read implements io.Reader.
func (r *trickling) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p[:r.t.most(len(p))])
	r.sent.Add(int64(n))
	if told, ok := r.ctx.Value(sendingKey{}).(func(int)); ok {
		told(n)
	}
	if r.t.now.Load() == nil {
		return n, err
	}
	if deadline, ok := r.ctx.Value(patienceKey{}).(*patience); ok {
		deadline.pause()
		defer deadline.resume()
	}
	if perr := r.t.pass(r.ctx, n); perr != nil {
		return n, perr
	}
	return n, err
}
