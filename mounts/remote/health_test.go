package remote

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

var errTimeout = fault.New(fault.Unreachable, "", "no answer from the store: timed out")

// SPEC D4: a store that says nothing is told of within 2 s of the request, and one that
// answers anybody is not.
func TestSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHealth()
		var alive atomic.Bool
		alive.Store(true)
		ctx, cancel := context.WithCancel(t.Context())
		var backs atomic.Int64
		go h.watch(ctx, func() { backs.Add(1) }, func() error {
			x := h.begin(&exchange{})
			if !alive.Load() {
				time.Sleep(probeMost)
				h.end(x, false)
				h.note(errTimeout)
				return errTimeout
			}
			h.end(x, true)
			h.note(nil)
			return nil
		})
		slow := h.begin(&exchange{}) // a COPY: the store works on it and says nothing
		for range 100 {
			time.Sleep(time.Second)
			if err := h.look(time.Now()).Err; err != nil {
				t.Fatalf("one request waits, probes are answered: %v", err)
			}
		}
		alive.Store(false)
		begin := time.Now()
		h.begin(&exchange{})
		for h.look(time.Now()).Err == nil {
			time.Sleep(10 * time.Millisecond)
		}
		if took := time.Since(begin); took > 2*time.Second {
			t.Errorf("silence was told of after %v", took)
		}
		alive.Store(true)
		h.end(slow, true)
		time.Sleep(probeMost + time.Second)
		if err := h.look(time.Now()).Err; err != nil || backs.Load() == 0 {
			t.Errorf("it answers again: %v; told %d times", err, backs.Load())
		}
		cancel()
		synctest.Wait()
	})
}

// SPEC D4: what waits for the store is woken also when the fault began and ended between two
// looks of the watcher, and somebody else saw it.
func TestFaultsBetweenLooks(t *testing.T) {
	for name, pass := range map[string]func(h *health){
		"silence": func(h *health) {
			x := h.begin(&exchange{})
			time.Sleep(silentAfter + attendEvery/2)
			if !h.look(time.Now()).Silent {
				t.Error("the silence does not show")
			}
			h.end(x, true)
			h.note(nil)
		},
		"silence, a failure, an answer": func(h *health) {
			x := h.begin(&exchange{})
			time.Sleep(silentAfter + attendEvery/2)
			h.end(x, false)
			h.note(errTimeout)
			x = h.begin(&exchange{})
			h.end(x, true)
			h.note(nil)
		},
		"failures": func(h *health) {
			h.note(errTimeout)
			h.note(errTimeout)
			h.note(nil)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHealth()
				ctx, cancel := context.WithCancel(t.Context())
				back := make(chan struct{}, 10)
				// Probes are stuck: they tell nothing here.
				go h.watch(ctx, func() { back <- struct{}{} }, func() error { <-ctx.Done(); return ctx.Err() })
				synctest.Wait()
				pass(h)
				if err := h.look(time.Now()).Err; err != nil {
					t.Fatalf("it serves again: %v", err)
				}
				select {
				case <-back:
				case <-time.After(time.Minute):
					t.Error("nobody was woken")
				}
				cancel()
				synctest.Wait()
			})
		})
	}
}

// Probes of a dead store come ever more rarely, one every 2.5 to 5 s at last.
func TestProbesBackOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHealth()
		ctx, cancel := context.WithCancel(t.Context())
		var probes atomic.Int64
		go h.watch(ctx, func() {}, func() error { probes.Add(1); h.note(errTimeout); return errTimeout })
		h.note(errTimeout)
		time.Sleep(100 * time.Millisecond)
		if h.look(time.Now()).Err == nil {
			t.Error("a failure and a failed probe do not show")
		}
		time.Sleep(time.Minute)
		if n := probes.Load(); n < 12 || n > 32 {
			t.Errorf("%d probes in a minute", n)
		}
		cancel()
		synctest.Wait()
	})
}
