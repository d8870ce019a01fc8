package webproxy_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/internal/webproxy"
)

// SPEC C19: a proxy's password never shows, however its URL is written.
func TestMask(t *testing.T) {
	for text, want := range map[string]string{
		"":                                  "",
		"http://proxy:3128":                 "http://proxy:3128",
		"proxy:3128":                        "proxy:3128",
		"http://joe:hush@proxy:3128":        "http://joe:***@proxy:3128",
		"joe:hush@proxy:3128":               "http://joe:***@proxy:3128",
		"https://hush@proxy":                "https://***@proxy",
		"http://joe:hu%sh@proxy":            "***",
		"socks5://joe:hush@proxy:1080/":     "socks5://joe:***@proxy:1080",
		"ftp://joe:hush@proxy":              "***",
		"http://joe:hush\x1b@proxy":         "***",
		"http://joe:hush@proxy:3128?a=hush": "http://joe:***@proxy:3128",
	} {
		if got := webproxy.Mask(text); got != want || webproxy.Secret(text) != (text != want) {
			t.Errorf("%q is shown as %q, want %q", text, got, want)
		}
	}
	s := webproxy.Settings{HTTP: "http://a:hush@p", HTTPS: "b:hush@q", None: ".example"}
	if got, want := fmt.Sprint(s), "HTTPS_PROXY=http://b:***@q HTTP_PROXY=http://a:***@p NO_PROXY=.example"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// SPEC C19: which request goes through which proxy; one that cannot be used is no reason to go past it.
func TestFunc(t *testing.T) {
	through := func(s webproxy.Settings, at string) string {
		req, err := http.NewRequest(http.MethodGet, at, nil)
		if err != nil {
			t.Fatal(err)
		}
		f := s.Func()
		if f == nil {
			return "direct"
		}
		u, err := f(req)
		switch {
		case err != nil:
			if !fault.Is(err, fault.Usage) || strings.Contains(fmt.Sprintf("%s %+v", err, err), "hush") {
				t.Errorf("%v", err)
			}
			return "error"
		case u == nil:
			return "direct"
		}
		return u.Host
	}
	s := webproxy.Settings{HTTP: "http://plain:1", HTTPS: "joe:hush@tls:2", None: "inside.example,10.0.0.0/8"}
	for at, want := range map[string]string{
		"http://a.example/": "plain:1", "https://a.example/": "tls:2", "https://inside.example/": "direct",
		"https://b.inside.example:8443/": "direct", "http://10.1.2.3/": "direct", "http://127.0.0.1:8080/": "direct",
	} {
		if got := through(s, at); got != want {
			t.Errorf("%s goes through %s, want %s", at, got, want)
		}
	}
	if got := through(webproxy.Settings{}, "http://a.example/"); got != "direct" {
		t.Error(got)
	}
	if got := through(webproxy.Settings{HTTPS: "http://joe:hu%sh@proxy"}, "https://a.example/"); got != "error" {
		t.Error(got)
	}
}
