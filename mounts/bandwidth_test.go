//go:build linux

package mounts_test

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/mounts"
)

// SPEC C18: rates are written as for rclone.
func TestParseBandwidth(t *testing.T) {
	for text, want := range map[string]mounts.Bandwidth{
		"10M": {Up: 10 << 20, Down: 10 << 20}, "1M:512k": {Up: 1 << 20, Down: 512 << 10}, "off": {}, "0": {}, "OFF:2G": {Down: 2 << 30},
		"100": {Up: 100 << 10, Down: 100 << 10}, "1.5M": {Up: 3 << 19, Down: 3 << 19}, "64Ki:off": {Up: 64 << 10}, "65536b": {Up: 64 << 10, Down: 64 << 10}, "99991b:off": {Up: 99991},
	} {
		got, err := mounts.ParseBandwidth(text)
		if err != nil || got != want {
			t.Errorf("%q: %+v, %v; want %+v", text, got, err, want)
		}
		if again, err := mounts.ParseBandwidth(mounts.BandwidthText(got)); err != nil || again != got {
			t.Errorf("%q: written as %q, read as %+v, %v", text, mounts.BandwidthText(got), again, err)
		}
	}
	for _, text := range []string{"", "fast", "-1M", "1M:", "1M:2M:3M", "1k", "10M/s", "08:00,512k"} {
		if got, err := mounts.ParseBandwidth(text); !fault.Is(err, fault.Usage) || fault.As(err).Hint == "" {
			t.Errorf("%q: %+v, %v; want a usage error with a hint", text, got, err)
		}
	}
}

// SPEC C18: a mount keeps to its bandwidth in both directions, stays well meanwhile, and a
// running one takes another at once.
func TestBandwidthOfAMount(t *testing.T) {
	w := newWorld(t)
	const rate = 256 << 10
	w.spec.Options.Bandwidth = mounts.Bandwidth{Up: rate, Down: rate}
	w.putObject("down", pattern(1, 3*rate))
	w.putObject("much", pattern(4, 20<<20))
	w.mount()
	if s := w.status(); s.Options.Bandwidth != w.spec.Options.Bandwidth {
		t.Errorf("the mount tells %+v", s.Options.Bandwidth)
	}
	healths := make(chan string, 1000)
	ctx, cancel := context.WithCancel(t.Context())
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		for ctx.Err() == nil {
			if s, err := w.m.Find(ctx, "alpha"); err == nil && s.Health != mounts.OK && s.Health != mounts.Busy {
				healths <- string(s.Health) + ": " + s.Reason
			}
			time.Sleep(50 * time.Millisecond)
		}
	}()

	begin := time.Now()
	w.wantFile("down", pattern(1, 3*rate))
	if took := time.Since(begin); took < 2*time.Second {
		t.Errorf("reading %d bytes took %v at %d a second", 3*rate, took, rate)
	}
	begin = time.Now()
	w.write("up", pattern(2, 3*rate))
	w.drained()
	if took := time.Since(begin); took < 2*time.Second {
		t.Errorf("uploading %d bytes took %v at %d a second", 3*rate, took, rate)
	}

	// At this rate the rest would take 20 minutes.
	_, err := w.m.SetBandwidth(t.Context(), "alpha", mounts.Bandwidth{Up: 16 << 10, Down: 16 << 10})
	must(t, err)
	w.write("more", pattern(3, 20<<20))
	w.until("it is on its way", func() bool { return w.status().InProgress > 0 })
	read := make(chan error, 1)
	go func() { _, err := os.ReadFile(w.path("much")); read <- err }()
	select {
	case err := <-read:
		t.Fatalf("20 MiB were read at once: %v", err)
	case <-time.After(time.Second):
	}
	cancel()
	<-watched
	select {
	case bad := <-healths:
		t.Errorf("while it kept to its bandwidth the mount said %s", bad)
	default:
	}
	s, err := w.m.SetBandwidth(t.Context(), w.spec.Mountpoint, mounts.Bandwidth{})
	if err != nil || s.Options.Bandwidth != (mounts.Bandwidth{}) || w.status().Options.Bandwidth != (mounts.Bandwidth{}) {
		t.Errorf("%+v, %v", s.Options.Bandwidth, err)
	}
	must(t, <-read)
	w.unmount()
	w.wantObjects(map[string][]byte{
		"down": pattern(1, 3*rate), "up": pattern(2, 3*rate), "more": pattern(3, 20<<20), "much": pattern(4, 20<<20),
	})
	if _, err := w.m.SetBandwidth(t.Context(), "alpha", mounts.Bandwidth{}); !fault.Is(err, fault.NotFound) {
		t.Errorf("of a mount that is not there: %v", err)
	}
}
