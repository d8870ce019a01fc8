package remote

import (
	"bytes"
	"context"
	"errors"
	"io"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// The clock of these tests is that of the bubble: it jumps to when somebody waits for.

func trickle(ctx context.Context, t *throttle, n int) *trickling {
	return &trickling{ReadCloser: io.NopCloser(bytes.NewReader(make([]byte, n))), ctx: ctx, t: t, sent: new(atomic.Int64)}
}

// SPEC C18: bytes pass at the rate that is set, however many transfers share it.
func TestThrottleRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := &throttle{life: t.Context()}
		th.set(100 << 10)
		begin := time.Now()
		const transfers, size = 4, 1 << 20
		done := make(chan int64, transfers)
		for range transfers {
			go func() {
				n, _ := io.Copy(io.Discard, trickle(t.Context(), th, size))
				done <- n
			}()
		}
		for range transfers {
			if n := <-done; n != size {
				t.Errorf("%d bytes passed, want %d", n, size)
			}
		}
		want := time.Duration(transfers*size-th.now.Load().tokens.Burst()) * time.Second / (100 << 10)
		if took := time.Since(begin); took < want || took > want+time.Second {
			t.Errorf("%d bytes took %v, want %v", transfers*size, took, want)
		}
	})
}

// SPEC C18: a change reaches what is under way at once.
func TestThrottleChangesLive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := &throttle{life: t.Context()}
		th.set(8 << 10)
		begin := time.Now()
		var took time.Duration
		done := make(chan struct{})
		go func() {
			defer close(done)
			_, _ = io.Copy(io.Discard, trickle(t.Context(), th, 1<<20)) // 128 s at this rate
			took = time.Since(begin)
		}()
		time.Sleep(8 * time.Second)
		th.set(32 << 10) // from here on 32 s for all, and 30 for what is left
		time.Sleep(10 * time.Second)
		select {
		case <-done:
			t.Fatal("it did not wait for the second rate")
		default:
		}
		th.set(0)
		synctest.Wait()
		<-done
		if took != 18*time.Second {
			t.Errorf("it ended after %v, want at once when the bound went, after 18s", took)
		}
	})
}

// What waits ends with its request and with the client.
func TestThrottleEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		life, abandon := context.WithCancel(t.Context())
		th := &throttle{life: life}
		th.set(8 << 10)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 2)
		go func() { _, err := io.Copy(io.Discard, trickle(ctx, th, 1<<20)); ended <- err }()
		time.Sleep(time.Second)
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("its request was cancelled: %v", err)
		}
		go func() { _, err := io.Copy(io.Discard, trickle(t.Context(), th, 1<<20)); ended <- err }()
		for range 2 { // both turns
			if _, err := th.enter(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		go func() { _, err := th.enter(t.Context()); ended <- err }()
		time.Sleep(time.Second)
		abandon()
		for range 2 {
			if err := <-ended; !errors.Is(err, context.Canceled) {
				t.Errorf("the client was abandoned: %v", err)
			}
		}
	})
}

// A small bandwidth is not spread so thin that the store takes every transfer for dead.
func TestThrottleTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := &throttle{life: t.Context()}
		th.set(96 << 10) // three at once
		in := make(chan func(), 10)
		for range 5 {
			go func() {
				if leave, err := th.enter(t.Context()); err == nil {
					in <- leave
				}
			}()
		}
		synctest.Wait()
		if len(in) != 3 {
			t.Fatalf("%d are in, want 3", len(in))
		}
		leave := <-in
		leave()
		leave() // as a body that is closed twice
		synctest.Wait()
		if len(in) != 3 {
			t.Errorf("%d are in after one left, want 3", len(in))
		}
		th.set(0)
		synctest.Wait()
		if len(in) != 4 {
			t.Errorf("%d are in without a bound, want 4", len(in))
		}
	})
}

// The time that a request is held back on purpose is neither counted against it, nor taken
// for the silence of the store.
func TestHeldBackIsNotSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := &throttle{life: t.Context()}
		th.set(8 << 10)
		call := withPatience(t.Context(), 10*time.Second)
		defer call.end()
		ctx, cancel := context.WithCancel(call) // as the observer's
		defer cancel()
		h := newHealth()
		x := h.begin(&exchange{})
		body := &sentBody{ReadCloser: trickle(ctx, th, 1<<20), health: h, x: x}
		begin := time.Now()
		buf := make([]byte, 64<<10)
		for {
			_, err := body.Read(buf)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("after %v: %v", time.Since(begin), err)
			}
			if health := h.look(time.Now()); health.Err != nil {
				t.Fatalf("after %v: %v", time.Since(begin), health.Err)
			}
		}
		if took := time.Since(begin); took < 2*time.Minute {
			t.Errorf("it took %v", took)
		}
		// Now it is the store's turn, and that is counted.
		time.Sleep(2 * time.Second)
		if h.look(time.Now()).Err == nil {
			t.Error("2 s without an answer are no silence")
		}
		time.Sleep(10 * time.Second)
		if !errors.Is(call.verdict(ctx.Err()), context.DeadlineExceeded) {
			t.Errorf("past the deadline: %v", ctx.Err())
		}
		h.end(x, false)
		h.resume(x) // a body that is still read after the answer
		if len(h.exchanges) != 0 {
			t.Error("an answered request waits for the store")
		}
	})
}
