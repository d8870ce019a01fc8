package faultproxy_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/artifacts-tui/artifacts-tui/internal/faultproxy"
)

const content = "twelve bytes and some more, so that half of it is something"

// seen is what a client makes of one request, in a few words.
func seen(t *testing.T, method, url string) string {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: time.Minute}
	req, err := http.NewRequest(method, url, strings.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	req.Host = "store.example"
	res, err := client.Do(req)
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return "refused"
	case err != nil:
		return "no answer"
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return res.Status[:3] + " cut off"
	}
	return res.Status[:3] + " " + string(body)
}

// Each fault is what its name says, and the one after it finds the store as it was.
func TestFaults(t *testing.T) {
	reached := 0
	store := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		reached++
		if r.Host != "store.example" {
			t.Errorf("the store was asked as %s", r.Host)
		}
		_, _ = io.WriteString(w, content)
	}))
	defer store.Close()
	p := faultproxy.Start(t, store.URL)
	for _, c := range []struct {
		fault   faultproxy.Fault
		want    string
		forward bool
	}{
		{faultproxy.Pass, "200 " + content, true},
		{faultproxy.Refuse, "refused", false},
		{faultproxy.SlowDown, "503 <?xml", false},
		{faultproxy.Broken, "500 <?xml", false},
		{faultproxy.ResetRequest, "no answer", false},
		{faultproxy.ResetResponse, "cut off", true},
		{faultproxy.Truncate, "200 cut off", true},
		{faultproxy.Shorten, "200 " + content[:len(content)/2], true},
		{faultproxy.HalfHeaders, "no answer", true},
		{faultproxy.Half404, "404 cut off", false},
		{faultproxy.Slow, "200 " + content, true},
		{faultproxy.Revoked, "403 <?xml", false},
		{faultproxy.QuotaFull, "403 <?xml", false},
		{faultproxy.NoBucket, "404 <?xml", false},
		{faultproxy.Portal, "200 <html>", false},
	} {
		before := reached
		p.Set(c.fault)
		got := seen(t, http.MethodPut, p.Endpoint())
		if c.fault == faultproxy.ResetResponse { // the reset may overtake the bytes before it
			got = strings.Replace(strings.TrimPrefix(got, "200 "), "no answer", "cut off", 1)
		}
		if !strings.HasPrefix(got, c.want) || c.fault == faultproxy.Shorten && got != c.want {
			t.Errorf("%s: %q, want %q", c.fault, got, c.want)
		}
		if (reached > before) != c.forward {
			t.Errorf("%s: the store was asked: %v", c.fault, reached > before)
		}
	}
	p.Set(faultproxy.EmptyList)
	if got := seen(t, http.MethodGet, p.Endpoint()+"/?list-type=2"); got != "200 " {
		t.Errorf("empty list: %q", got)
	}
}

// Who is in a black hole hears nothing until it ends, and then of a reset.
func TestBlackHole(t *testing.T) {
	store := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer store.Close()
	p := faultproxy.Start(t, store.URL)
	p.Set(faultproxy.BlackHole)
	heard := make(chan string, 1)
	go func() { heard <- seen(t, http.MethodGet, p.Endpoint()) }()
	for deadline := time.Now().Add(time.Minute); p.Met(faultproxy.BlackHole) == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the request did not arrive within a minute")
		}
	}
	select {
	case got := <-heard:
		t.Fatalf("an answer: %q", got)
	default:
	}
	p.Set(faultproxy.Pass)
	if got := <-heard; got != "no answer" {
		t.Errorf("after it: %q", got)
	}
}

// A mix is drawn by its seed.
func TestMix(t *testing.T) {
	store := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, content) }))
	defer store.Close()
	p := faultproxy.Start(t, store.URL)
	var runs [2]string
	for i := range runs {
		p.Mix(7, 0.5, faultproxy.SlowDown, faultproxy.Revoked)
		for range 40 {
			runs[i] += seen(t, http.MethodPut, p.Endpoint())[:3] + " "
		}
	}
	if runs[0] != runs[1] {
		t.Errorf("the same seed gave\n%s\n%s", runs[0], runs[1])
	}
	for _, status := range []string{"200", "503", "403"} {
		if !strings.Contains(runs[0], status) {
			t.Errorf("no %s among %s", status, runs[0])
		}
	}
}
