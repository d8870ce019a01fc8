package remote

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// How soon silence is told. A mount says so within 2 s (SPEC D4), so that a store which
// has not said anything for a while is asked before that.
const (
	silentAfter  = 1500 * time.Millisecond
	silentMost   = 30 * time.Second // for requests that a store may work on for minutes, such as a COPY
	attendEvery  = 100 * time.Millisecond
	probeFirst   = 250 * time.Millisecond
	probeMost    = 5 * time.Second  // between probes, and for one
	probesForget = 10 * time.Second // of good answers until probes begin quickly again
)

// Health is what the requests of a Client say about its store.
type Health struct {
	Err    error     // a fault that says why the store does not serve; nil while it does
	Since  time.Time // of the first sign
	Silent bool      // requests wait, and none has been answered
}

// health judges the store by the requests under way and by their outcomes. One failure may
// be an idle connection that the store had closed, and one refusal may be of one key: a
// probe tells.
type health struct {
	mu        sync.Mutex
	exchanges map[*exchange]struct{} // requests without an answer
	heard     time.Time              // the store said anything
	fails     int                    // in a row
	firstFail time.Time
	refusal   error  // of some request; a probe has to tell whether it is one of all
	state     Health // as it is known
	probes    int    // without a good answer
	probeAt   time.Time
	silent    bool      // look may have said so of a request that has ended since
	good      time.Time // the store served, after look had said otherwise
	wake      chan struct{}
}

// exchange is one request, or one read of a body, that waits for the store.
type exchange struct {
	last  time.Time     // it began, or a piece of the request's body was taken
	limit time.Duration // of silence
	over  bool          // it is answered, or has failed
}

func newHealth() *health {
	return &health{exchanges: map[*exchange]struct{}{}, wake: make(chan struct{}, 1)}
}

// Health is how the store is now. It asks nobody.
func (c *Client) Health() Health { return c.health.look(time.Now()) }

func (h *health) look(now time.Time) Health {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.state.Err != nil {
		return h.state
	}
	if from, silent := h.quiet(now); silent {
		return Health{Since: from, Silent: true, Err: fault.New(fault.Unreachable, mountHints.Reach,
			"the store has not answered for %s", now.Sub(from).Round(time.Second))}
	}
	return Health{}
}

// quiet reports whether a request waits for longer than it should, and since when. h.mu is held.
func (h *health) quiet(now time.Time) (since time.Time, silent bool) {
	if now.Sub(h.heard) < silentAfter {
		return time.Time{}, false // no limit is less
	}
	for x := range h.exchanges {
		if from := h.silence(x); now.Sub(from) >= x.limit {
			return from, true
		}
	}
	return time.Time{}, false
}

// silence is since when x has waited while nobody heard anything. h.mu is held.
func (h *health) silence(x *exchange) time.Time {
	if h.heard.After(x.last) {
		return h.heard
	}
	return x.last
}

func (h *health) begin(x *exchange) *exchange {
	h.mu.Lock()
	x.limit, x.over = silentAfter, false
	h.mu.Unlock()
	h.resume(x)
	return x
}

// pause has x wait for nobody: the next piece of its body is being fetched, or held back.
func (h *health) pause(x *exchange) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.exchanges, x)
}

// resume has x wait for the store from now on, unless it is answered.
func (h *health) resume(x *exchange) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if x.over {
		return
	}
	x.last = time.Now()
	if h.exchanges[x] = struct{}{}; len(h.exchanges) == 1 {
		h.stir()
	}
}

// end notes that x is answered, or has failed.
func (h *health) end(x *exchange, answered bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	if _, silent := h.quiet(now); silent { // the watcher may not have looked meanwhile
		h.silent = true
	}
	delete(h.exchanges, x)
	x.over = true
	if answered {
		h.heard = now
		if h.state.Err == nil {
			h.clear(now)
		}
	}
}

// note takes account of how a request went, its body included.
func (h *health) note(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	switch {
	case errors.Is(err, context.Canceled):
		return
	case fault.Is(err, fault.Unreachable):
		if h.fails++; h.fails == 1 {
			h.firstFail = now
		}
		if h.fails > 1 && h.state.Err == nil {
			h.state = Health{Err: err, Since: h.firstFail}
		}
		h.stir()
		return
	}
	h.fails = 0
	if fault.Is(h.state.Err, fault.Unreachable) || err == nil {
		h.refusal = nil
		h.clear(now)
	}
	if refuses(err) {
		h.refusal = err
		h.stir()
	}
}

// refuses reports whether err may be what every request is answered.
func refuses(err error) bool {
	return fault.Is(err, fault.Auth) || fault.Is(err, fault.NotFound) || fault.Is(err, fault.Usage)
}

// clear ends the state, or the silence, that look told of. h.mu is held.
func (h *health) clear(now time.Time) {
	if h.state.Err == nil && !h.silent {
		return
	}
	h.state, h.silent, h.good = Health{}, false, now
	h.stir()
}

// lastGood is when the store served again; zero: it was never known not to.
func (h *health) lastGood() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.good
}

// probed takes account of a probe. Its outcome was noted too.
func (h *health) probed(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	if err == nil {
		h.probes = 0
		for x := range h.exchanges { // the store is alive: what it works on may take its time
			x.limit = min(2*x.limit, silentMost)
		}
		return
	}
	if refuses(err) && h.state.Err == nil {
		h.state = Health{Err: err, Since: now}
	}
	h.probes++
	pause := probeMost
	if h.probes < 6 {
		pause = min(probeFirst<<(h.probes-1), probeMost)
	}
	h.probeAt = now.Add(pause/2 + rand.N(pause/2+1))
}

// due reports whether a probe is wanted now, and whether there is anything to watch.
func (h *health) due(now time.Time) (probe, busy bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	doubt := h.state.Err != nil || h.fails > 0 || h.refusal != nil
	for x := range h.exchanges {
		doubt = doubt || now.Sub(h.silence(x)) >= x.limit/2
	}
	if h.state.Err == nil && h.probes > 0 && now.Sub(h.good) > probesForget {
		h.probes, h.probeAt = 0, time.Time{}
	}
	return doubt && !now.Before(h.probeAt), doubt || len(h.exchanges) > 0
}

// forgive forgets a refusal, which was of credentials that are gone.
func (h *health) forgive() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.refusal = nil
	if refuses(h.state.Err) {
		h.clear(time.Now())
	}
	h.stir()
}

func (h *health) stir() {
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

// Watch asks the store, one request at a time and ever more rarely, while its health is in
// doubt, until ctx ends. Each time it serves again after Health had said otherwise, back is
// called.
func (c *Client) Watch(ctx context.Context, back func()) {
	c.health.watch(ctx, back, func() error {
		ctx, cancel := context.WithTimeout(ctx, probeMost)
		defer cancel()
		return c.Check(ctx)
	})
}

func (h *health) watch(ctx context.Context, back func(), probe func() error) {
	var (
		probing = make(chan error, 1)
		asked   bool // a probe is under way
		ill     bool
		good    = h.lastGood()
	)
	tick := time.NewTicker(attendEvery)
	defer tick.Stop()
	for {
		was, since := ill, good
		ill, good = h.look(time.Now()).Err != nil, h.lastGood()
		if !ill && (was || good.After(since)) { // it may have come and gone between two looks
			back()
		}
		wanted, busy := h.due(time.Now())
		if wanted && !asked {
			asked = true
			go func() { probing <- probe() }()
		}
		next := tick.C
		if !busy && !asked && !ill {
			next = nil // at rest
		}
		select {
		case <-ctx.Done():
			return
		case err := <-probing:
			asked = false
			h.probed(err)
		case <-next:
		case <-h.wake:
		}
	}
}

// String is empty while the store serves, and otherwise one line that says why it does not.
func (s Health) String() string {
	switch {
	case s.Err == nil:
		return ""
	case fault.Is(s.Err, fault.Unreachable) && !s.Silent:
		return fmt.Sprintf("the store does not answer: since %s: %v", s.Since.Format(time.TimeOnly), s.Err)
	}
	return s.Err.Error()
}
