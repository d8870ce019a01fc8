package eventstream_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/artifacts-tui/artifacts-tui/internal/eventstream"
)

func TestReader(t *testing.T) {
	text := ": hello\n\nid: 1\nevent: put\ndata: {\"key\":\"a\"}\n\n\n:\nid: 2\n\n" +
		"event:delete\r\ndata:x\r\ndata: y\r\n\r\nevent: nothing\n\ndata\n\nid: 3\nevent: put\ndata: cut off"
	want := []eventstream.Event{
		{},
		{Name: "put", Data: []byte(`{"key":"a"}`), ID: "1"},
		{ID: "2"},
		{Name: "delete", Data: []byte("x\ny"), ID: "2"},
		{ID: "2"},
		{Name: "message", Data: []byte{}, ID: "2"},
	}
	r := eventstream.NewReader(strings.NewReader(text))
	for i, w := range want {
		e, err := r.Next()
		if err != nil {
			t.Fatal(i, err)
		}
		if e.Name != w.Name || string(e.Data) != string(w.Data) || e.ID != w.ID {
			t.Errorf("event %d is %+v, want %+v", i, e, w)
		}
	}
	if e, err := r.Next(); !errors.Is(err, io.EOF) {
		t.Errorf("what was cut off is %+v, %v", e, err)
	}
	if _, err := eventstream.NewReader(strings.NewReader("data: " + strings.Repeat("x", 100_000) + "\n\n")).Next(); err == nil || errors.Is(err, io.EOF) {
		t.Errorf("a line without end: %v", err)
	}
}

// follower notes what it is told, a word each.
type follower struct {
	eventstream.Follower
	mu    sync.Mutex
	words []string
	last  error
	came  chan struct{}
}

func follow(t *testing.T, h http.Handler, silence time.Duration) *follower {
	server := httptest.NewServer(h)
	f := &follower{came: make(chan struct{}, 1)}
	say := func(format string, args ...any) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.words = append(f.words, fmt.Sprintf(format, args...))
		select {
		case f.came <- struct{}{}:
		default:
		}
	}
	f.Follower = eventstream.Follower{
		HTTP: server.Client(), Silence: silence,
		Request: func(ctx context.Context, after string) (*http.Request, error) {
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL, nil)
			req.Header.Set(eventstream.LastID, after)
			return req, err
		},
		Missed: func(why string) { say("missed %s", why) },
		Heard: func(list []eventstream.Change) {
			for _, c := range list {
				say("%s %s %s", c.Kind, c.Key, c.ETag)
			}
		},
		Live: func() { say("live") },
		Broken: func(err error) {
			f.mu.Lock()
			f.last = err
			f.mu.Unlock()
			say("broken")
		},
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	t.Cleanup(func() { cancel(); <-ended; server.Close() })
	go func() {
		defer close(ended)
		f.Run(ctx)
	}()
	return f
}

// until waits until the words are there, in this order among others.
func (f *follower) until(t *testing.T, words ...string) {
	t.Helper()
	timeout := time.After(time.Minute)
	for {
		f.mu.Lock()
		all, left := slices.Clone(f.words), words
		f.mu.Unlock()
		for _, w := range all {
			if len(left) > 0 && w == left[0] {
				left = left[1:]
			}
		}
		if len(left) == 0 {
			return
		}
		select {
		case <-f.came:
		case <-timeout:
			t.Fatalf("%q came, want %q in them", all, words)
		}
	}
}

func stream(w http.ResponseWriter, events ...string) {
	w.Header().Set("Content-Type", eventstream.Type)
	for _, e := range events {
		fmt.Fprint(w, e)
	}
	_ = http.NewResponseController(w).Flush()
}

// SPEC D5: a stream that ends is taken up where it ended, one that says nothing is given up, and
// what is no stream is said in words.
func TestFollower(t *testing.T) {
	asked := make(chan string, 10)
	n := 0
	f := follow(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n++
		asked <- r.Header.Get(eventstream.LastID)
		switch n {
		case 1:
			stream(w, "id: p1\nevent: begin\ndata: {}\n\n", "id: p2\nevent: put\ndata: {\"key\":\"a\",\"etag\":\"e\"}\n\n", ":\nid: p3\n\n")
		case 2:
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprint(w, `{"error":{"code":"auth","message":"no more"}}`)
		case 3:
			stream(w, "id: p9\nevent: lost\ndata: {\"reason\":\"too slow\"}\n\n", "id: p10\nevent: delete\ndata: {\"key\":\"b\"}\n\nid: p11\nevent: bucket-deleted\ndata: {}\n\nid: p12\nevent: put\nda")
		default:
			stream(w, ":\n\n")
			<-r.Context().Done()
		}
	}), 0)
	f.until(t, "missed ", "live", "put a e", "broken", "broken", "missed too slow", "live", "delete b ", "bucket-deleted  ", "broken", "live")
	for i, want := range []string{"", "p3", "p3", "p11"} {
		if got := <-asked; got != want {
			t.Errorf("request %d goes on after %q, want %q", i, got, want)
		}
	}
}

func TestFollowerTellsWhy(t *testing.T) {
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   string
	}{
		"an older coordinator": {http.NotFound, "older version"},
		"a portal":             {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") }, "not a coordinator"},
		"too many": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusTooManyRequests)
		}, "429"},
		"nonsense": {func(w http.ResponseWriter, _ *http.Request) { stream(w, "event: put\ndata: {\n\n") }, "cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			f := follow(t, c.answer, 0)
			f.until(t, "broken")
			f.mu.Lock()
			defer f.mu.Unlock()
			if !strings.Contains(f.last.Error(), c.want) {
				t.Errorf("%v", f.last)
			}
		})
	}
}

// A proxy that holds the answer back, or a coordinator that is gone without a word, counts as
// broken after a while.
func TestFollowerSilence(t *testing.T) {
	f := follow(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		stream(w)
		<-r.Context().Done()
	}), 50*time.Millisecond)
	f.until(t, "broken", "broken")
	f.mu.Lock()
	defer f.mu.Unlock()
	if slices.Contains(f.words, "live") || !strings.Contains(f.last.Error(), "proxy") {
		t.Errorf("%q, %v", f.words, f.last)
	}
}

// Restart connects again with a request made anew, and is no failure.
func TestFollowerRestart(t *testing.T) {
	asked := make(chan string, 10)
	f := follow(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.Header.Get(eventstream.LastID)
		stream(w, "id: p1\nevent: begin\ndata: {}\n\n")
		<-r.Context().Done()
	}), 0)
	f.until(t, "live")
	f.Restart()
	f.until(t, "live", "live")
	f.mu.Lock()
	defer f.mu.Unlock()
	if first, second := <-asked, <-asked; slices.Contains(f.words, "broken") || first != "" || second != "p1" {
		t.Errorf("%q after %q and %q", f.words, first, second)
	}
}
