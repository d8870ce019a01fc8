package reqlog_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/artifacts-tui/artifacts-tui/internal/reqlog"
)

// SPEC C9, A35: a request shows in a line, and of what proves who sent it nothing does.
func TestNothingSecretShows(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Amz-Request-Id", "R42")
		w.Header().Set("Set-Cookie", "session=hush-cookie")
		w.Header().Set("Location", "http://else/where?X-Amz-Signature=hush-location")
		w.WriteHeader(http.StatusTeapot)
	}))
	defer srv.Close()
	var mu sync.Mutex
	var lines []string
	web := &http.Client{
		Transport: reqlog.Log(func(line string) {
			mu.Lock()
			defer mu.Unlock()
			lines = append(lines, line)
		}).Wrap(http.DefaultTransport),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	send := func(method, path string, headers ...string) {
		t.Helper()
		at := strings.Replace(srv.URL, "http://", "http://hush-user:hush-password@", 1)
		req, err := http.NewRequestWithContext(context.Background(), method, at+path, strings.NewReader("hush-body"))
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i+1 < len(headers); i += 2 {
			req.Header.Set(headers[i], headers[i+1])
		}
		res, err := web.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
	}
	send("GET", "/box?list-type=2&prefix=a%2Fb", "Authorization", "AWS4-HMAC-SHA256 Credential=AKIAHUSH/2026/x, Signature=hush-signature", "X-Amz-Security-Token", "hush-session")
	send("GET", "/box/key?X-Amz-Credential=hush-credential&X-Amz-Signature=hush-presigned&X-Amz-Security-Token=hush-query&response-content-type=hush-more")
	send("POST", "/v1/peers", "Authorization", "Bearer hush-bearer", "Cookie", "hush-sent-cookie")
	send("GET", "/x", "Authorization", "hush-scheme")
	send("PUT", "/box/key", "Authorization", "Basic aHVzaC1iYXNpYw==", "X-Amz-Meta-Password", "hush-meta", "If-Match", `"tag"`)

	all := strings.Join(lines, "\n")
	if strings.Contains(strings.ToLower(all), "hush") || strings.Contains(all, "aHVzaC") {
		t.Errorf("a secret shows:\n%s", all)
	}
	host := strings.TrimPrefix(srv.URL, "http://")
	for i, want := range []string{
		"GET http://" + host + "/box?list-type=2&prefix=a%2Fb (AWS4-HMAC-SHA256 ***) [9 bytes] -> 418 I'm a teapot in ",
		"/box/key?X-Amz-Credential=***&X-Amz-Signature=***&X-Amz-Security-Token=***&response-content-type=***",
		"POST http://" + host + "/v1/peers (Bearer ***)",
		"/x (***)",
		`(Basic ***) [9 bytes, If-Match: "tag"]`,
	} {
		if i >= len(lines) || !strings.Contains(lines[i], want) || !strings.Contains(lines[i], "X-Amz-Request-Id: R42") || !strings.Contains(lines[i], "where?X-Amz-Signature=***") {
			t.Errorf("line %d of\n%s\nwants %s", i, all, want)
		}
	}
}

// What comes from others cannot move a terminal's cursor, and who gives no answer is told of.
func TestOddRequests(t *testing.T) {
	var line string
	log := reqlog.Log(func(l string) { line = l })
	web := &http.Client{Transport: log.Wrap(http.DefaultTransport)}
	if res, err := web.Get("http://127.0.0.1:1/a%1b[2J?prefix=%1b&%1b=1"); err == nil {
		_ = res.Body.Close()
		t.Fatal("somebody answers on port 1")
	}
	if strings.ContainsRune(line, '\x1b') || !strings.Contains(line, "-> no answer: ") || !strings.Contains(line, "connection refused") {
		t.Errorf("%q", line)
	}
	if reqlog.Log(nil).Wrap(http.DefaultTransport) != http.DefaultTransport {
		t.Error("nobody listens, and it is wrapped")
	}
}
