// Package webproxy is the HTTP proxies of the environment (SPEC C19), which may hold a password:
// nothing here shows it, nor hands it to a child's environ. Of this module it imports internal/fault
// alone.
package webproxy

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/net/http/httpproxy"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// Settings say which proxy a request goes through. The zero value is none. It holds passwords: it is for a
// pipe to the own child, not for people.
type Settings struct {
	HTTP  string `json:"http,omitempty"`  // URL of the proxy for http URLs
	HTTPS string `json:"https,omitempty"` // and for https URLs
	None  string `json:"none,omitempty"`  // hosts to reach without one, as NO_PROXY has them
}

// FromEnvironment reads HTTPS_PROXY, HTTP_PROXY and NO_PROXY, or their names in lower case.
func FromEnvironment() Settings {
	c := httpproxy.FromEnvironment()
	s := Settings{HTTP: c.HTTPProxy, HTTPS: c.HTTPSProxy, None: c.NoProxy}
	if c.CGI { // a client's header may have set it: https://httpoxy.org
		s.HTTP = ""
	}
	return s
}

// String masks passwords.
func (s Settings) String() string {
	var parts []string
	for _, p := range []struct{ name, value string }{{"HTTPS_PROXY", Mask(s.HTTPS)}, {"HTTP_PROXY", Mask(s.HTTP)}, {"NO_PROXY", s.None}} {
		if p.value != "" {
			parts = append(parts, p.name+"="+p.value)
		}
	}
	return strings.Join(parts, " ")
}

// Check returns a fault of kind Usage where a proxy cannot be used.
func (s Settings) Check() error {
	for _, p := range []struct{ name, value string }{{"HTTPS_PROXY", s.HTTPS}, {"HTTP_PROXY", s.HTTP}} {
		if p.value == "" {
			continue
		}
		if u := parse(p.value); u == nil || u.Hostname() == "" {
			return fault.New(fault.Usage, "it looks like http://proxy.example:3128, or http://USER:PASSWORD@proxy.example:3128 with what is special in them as %40",
				"%s is not the URL of a proxy", p.name)
		}
	}
	return nil
}

// Func is what http.Transport.Proxy wants. A proxy that cannot be used is an error of the
// request, which is not sent past it.
func (s Settings) Func() func(*http.Request) (*url.URL, error) {
	if s == (Settings{}) {
		return nil
	}
	bad := s.Check()
	find := (&httpproxy.Config{HTTPProxy: s.HTTP, HTTPSProxy: s.HTTPS, NoProxy: s.None}).ProxyFunc()
	return func(req *http.Request) (*url.URL, error) {
		if bad != nil {
			return nil, bad
		}
		return find(req.URL)
	}
}

// Uses reports whether a request for u goes through a proxy.
func (s Settings) Uses(u *url.URL) bool {
	find := s.Func()
	if find == nil {
		return false
	}
	proxy, err := find(&http.Request{URL: u})
	return err == nil && proxy != nil
}

// schemes are those that http.Transport speaks to proxies.
var schemes = map[string]bool{"http": true, "https": true, "socks5": true, "socks5h": true}

// parse is nil for what is no URL. A proxy without a scheme is one of http.
func parse(text string) *url.URL {
	u, err := url.Parse(text)
	if err != nil || !schemes[u.Scheme] {
		if strings.Contains(text, "://") {
			return nil
		}
		if u, err = url.Parse("http://" + text); err != nil {
			return nil
		}
	}
	return u
}

// Mask is a proxy's URL without its password; all of it where it cannot be read.
func Mask(text string) string {
	u := parse(text)
	switch {
	case text == "":
		return ""
	case u == nil:
		return "***"
	case u.User == nil:
		return text
	}
	if _, has := u.User.Password(); !has {
		return u.Scheme + "://***@" + u.Host // a token alone, as some proxies take it
	}
	return u.Scheme + "://" + url.User(u.User.Username()).String() + ":***@" + u.Host
}

// Secret reports whether a proxy's URL holds what nobody should see.
func Secret(text string) bool { return Mask(text) != text }

const hint = "check HTTPS_PROXY, HTTP_PROXY and NO_PROXY"

// Refused is for http.Transport.OnProxyConnectResponse.
func Refused(_ context.Context, proxy *url.URL, _ *http.Request, res *http.Response) error {
	if res.StatusCode == http.StatusOK {
		return nil
	}
	return Answered(res.StatusCode, "the proxy "+proxy.Host)
}

// Answered is the fault of a status that who, a proxy, answered instead of passing a request on.
func Answered(status int, who string) error {
	if status == http.StatusProxyAuthRequired {
		return fault.New(fault.Unreachable, "put them into its URL: http://USER:PASSWORD@HOST:PORT", "%s wants a user and password", who)
	}
	return fault.New(fault.Unreachable, hint, "%s refused: %d %s", who, status, http.StatusText(status))
}

// Explain is the fault in an error of a transport that a proxy is to blame for; nil for others.
func Explain(err error) *fault.Error {
	var said *fault.Error
	if errors.As(err, &said) {
		return said
	}
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "proxyconnect" {
		return fault.Wrap(fault.Unreachable, op.Err, hint, "no answer from the proxy")
	}
	return nil
}
