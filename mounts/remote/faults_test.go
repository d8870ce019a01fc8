package remote_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/internal/faultproxy"
	"github.com/artifacts-tui/artifacts-tui/mounts/remote"
	"github.com/artifacts-tui/artifacts-tui/mounts/upper"
)

// behind returns a client of the bucket through a proxy, and one beside it.
func behind(t *testing.T, timeout time.Duration) (through, beside *remote.Client, p *faultproxy.Proxy) {
	t.Helper()
	s := start(t)
	p = faultproxy.Start(t, s.Endpoint())
	keys := remote.NewKeys(pair(s.AccessKey, s.Secret))
	for _, x := range []struct {
		c        **remote.Client
		endpoint string
	}{{&through, p.Endpoint()}, {&beside, s.Endpoint()}} {
		c, err := remote.New(remote.Options{Endpoint: x.endpoint, Bucket: bucket, Keys: keys, Timeout: timeout})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		*x.c = c
	}
	return through, beside, p
}

// SPEC D4: an answer that is cut off, or not a store's at all, is never taken for one: not
// for an empty directory, a missing object, a change that was made, or a file's bytes.
func TestBrokenAnswersAreNoAnswers(t *testing.T) {
	through, beside, p := behind(t, time.Minute)
	data := noise(100 << 10)
	o := put(t, beside, "d/file", data)
	calls := map[string]func() error{
		"list": func() error { _, err := through.ListDir(t.Context(), "d"); return err },
		"walk": func() error {
			return through.Walk(t.Context(), "d/", func(upper.Object) error { return nil })
		},
		"check":   func() error { return through.Check(t.Context()) },
		"look up": func() error { _, err := through.Head(t.Context(), "d/file"); return err },
		"read": func() error {
			body, err := through.ReadRange(t.Context(), "d/file", o.ETag, 0, o.Size)
			if err != nil {
				return err
			}
			defer body.Close()
			_, err = io.ReadAll(body)
			return err
		},
		"put": func() error {
			_, err := through.Put(t.Context(), "new", bytes.NewReader(data), int64(len(data)), upper.PutMeta{})
			return err
		},
		"copy":   func() error { _, err := through.Copy(t.Context(), "d/file", "copied", o.ETag); return err },
		"delete": func() error { return through.Delete(t.Context(), "d/other") },
	}
	// What tells nothing about these calls: an answer without a body cannot be cut in its body.
	whole := map[string]bool{"look up shorten": true, "put shorten": true, "delete shorten": true, "look up half 404": true}
	for _, f := range []faultproxy.Fault{
		faultproxy.Portal, faultproxy.EmptyList, faultproxy.Truncate, faultproxy.Shorten, faultproxy.ResetResponse,
		faultproxy.HalfHeaders, faultproxy.Half404, faultproxy.ResetRequest, faultproxy.SlowDown, faultproxy.Broken, faultproxy.Refuse,
	} {
		p.Set(f)
		for name, call := range calls {
			listing := name == "list" || name == "walk" || name == "check"
			if whole[name+" "+string(f)] || f == faultproxy.EmptyList && !listing {
				continue
			}
			err := call()
			switch {
			case err == nil:
				t.Errorf("%s with %s: no error", name, f)
			case errors.Is(err, upper.ErrNoObject), errors.Is(err, upper.ErrChanged):
				t.Errorf("%s with %s: taken for an answer: %v", name, f, err)
			case !fault.Is(err, fault.Unreachable) && !errors.Is(err, io.ErrUnexpectedEOF):
				t.Errorf("%s with %s: %v, want kind unreachable", name, f, err)
			case strings.Contains(err.Error(), "\n"):
				t.Errorf("%s with %s: more than a line: %q", name, f, err)
			}
		}
	}
	p.Set(faultproxy.Pass)
	for name, call := range calls {
		if err := call(); err != nil {
			t.Errorf("%s after all that: %v", name, err)
		}
	}
	if h := through.Health(); h.Err != nil {
		t.Errorf("the store answers, and its health is %v", h)
	}
}

// SPEC C6: nothing that a program waits for hangs longer than the timeout, and what may
// commit is cut off only when the client is given up.
func TestBlackHoleIsBounded(t *testing.T) {
	through, beside, p := behind(t, 500*time.Millisecond)
	put(t, beside, "file", []byte("content"))
	p.Set(faultproxy.BlackHole)
	for name, call := range map[string]func() error{
		"list":    func() error { _, err := through.ListDir(t.Context(), ""); return err },
		"look up": func() error { _, err := through.Head(t.Context(), "file"); return err },
		"read":    func() error { _, err := through.ReadRange(t.Context(), "file", "", 0, 7); return err },
	} {
		begin := time.Now()
		if err := call(); !fault.Is(err, fault.Unreachable) {
			t.Errorf("%s: %v, want kind unreachable", name, err)
		}
		t.Logf("%s gave up after %v", name, time.Since(begin).Round(time.Millisecond))
	}
	sent := make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	met := p.Met(faultproxy.BlackHole)
	go func() {
		_, err := through.Put(ctx, "new", strings.NewReader("x"), 1, upper.PutMeta{})
		sent <- err
	}()
	until(t, "the put is in the black hole", func() bool { return p.Met(faultproxy.BlackHole) > met })
	cancel()
	select {
	case err := <-sent:
		t.Fatalf("a put that may commit was given up: %v", err)
	case <-time.After(time.Second): // twice what bounds the others
	}
	through.Abandon()
	if err := <-sent; err == nil {
		t.Error("an abandoned put: no error")
	}
}

// SPEC D4: the health follows the store with nobody asking anything but one request, says
// why in a line, and is good again by itself.
func TestHealthFollowsTheStore(t *testing.T) {
	for f, want := range map[faultproxy.Fault]struct {
		kind fault.Kind
		says string
	}{
		faultproxy.Refuse:    {fault.Unreachable, "connection refused"},
		faultproxy.BlackHole: {fault.Unreachable, "answer"},
		faultproxy.SlowDown:  {fault.Unreachable, "SlowDown"},
		faultproxy.EmptyList: {fault.Unreachable, "not that of an S3 store"},
		faultproxy.Revoked:   {fault.Auth, "does not know the access key"},
		faultproxy.NoBucket:  {fault.NotFound, "the bucket does not exist"},
	} {
		t.Run(string(f), func(t *testing.T) {
			through, _, p := behind(t, 5*time.Second)
			back := make(chan struct{}, 10)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			go through.Watch(ctx, func() { back <- struct{}{} })
			if err := through.Check(t.Context()); err != nil {
				t.Fatal(err)
			}
			p.Set(f)
			begin := time.Now()
			go func() { _, _ = through.ListDir(ctx, "") }()
			until(t, "the fault shows", func() bool { return through.Health().Err != nil })
			h := through.Health()
			t.Logf("after %v: %v", time.Since(begin).Round(time.Millisecond), h)
			if !fault.Is(h.Err, want.kind) || !strings.Contains(h.String(), want.says) || strings.Contains(h.String(), "\n") {
				t.Errorf("%q of kind %s, want %q of kind %s", h, fault.As(h.Err).Kind.Code(), want.says, want.kind.Code())
			}
			p.Set(faultproxy.Pass)
			until(t, "it is good again", func() bool { return through.Health().Err == nil })
			<-back
		})
	}
}

// While the store is away one request at a time asks for it, ever more rarely; while it
// answers nobody does.
func TestProbesAreFew(t *testing.T) {
	through, _, p := behind(t, time.Minute)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go through.Watch(ctx, func() {})
	if err := through.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	calm := p.Requests()
	time.Sleep(500 * time.Millisecond)
	if n := p.Requests() - calm; n != 0 {
		t.Errorf("%d requests of a client at rest", n)
	}
	p.Set(faultproxy.BlackHole)
	go func() { _, _ = through.ListDir(ctx, "") }()
	until(t, "the fault shows", func() bool { return through.Health().Err != nil })
	if n := p.Met(faultproxy.BlackHole); n > 2 {
		t.Errorf("%d requests in the black hole, want the listing and a probe", n)
	}
}

func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited a minute until %s", what)
		}
	}
}
