package backend

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/artifacts-tui/artifacts-tui/backend/workspace"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/internal/tlstrust"
	"github.com/artifacts-tui/artifacts-tui/internal/webproxy"
)

// checkWeb looks at proxies and certificate authorities (SPEC C19).
func (a *App) checkWeb(context.Context, DoctorOptions) []Finding {
	var all []Finding
	proxy := webproxy.FromEnvironment()
	switch err := proxy.Check(); {
	case err != nil:
		all = append(all, failedBy("proxy", err, ""))
	case proxy == webproxy.Settings{}:
		all = append(all, okay("proxy", "none is set"))
	default:
		all = append(all, okay("proxy", "%s", proxy))
	}
	bundle := a.opt.Getenv(tlstrust.EnvBundle)
	if bundle == "" {
		return append(all, okay("ca-bundle", "the system's authorities"))
	}
	if _, err := tlstrust.Config(bundle, ""); err != nil {
		return append(all, failedBy("ca-bundle", err, ""))
	}
	return append(all, okay("ca-bundle", "the system's authorities, and those in %s", bundle))
}

// checkCoordinator looks whether the coordinator answers, of which version it is, and at its clock.
func (a *App) checkCoordinator(ctx context.Context, opt DoctorOptions) []Finding {
	const check = "coordinator"
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	t, err := a.target()
	if err != nil {
		return []Finding{failedBy(check, err, "`artifacts context list` shows those you know")}
	}
	offhand := *a
	offhand.opt.Offhand = true // it would enrol who asks
	s, err := offhand.PeekCoordinator(ctx)
	switch {
	case err != nil:
		return []Finding{failedBy(check, err, "check the address and the network")}
	case !s.Running:
		return []Finding{okay(check, "the one of this machine does not run; the next command that needs it starts it")}
	}
	all := []Finding{okay(check, "%s answers at %s", s.Kind, s.URL)}
	if s.Version != opt.Version {
		all = append(all, warning("version", "restart the older of the two", "the coordinator is of version %s, this program of %s", s.Version, opt.Version))
	}
	for _, w := range s.Warnings {
		hint := "`artifacts storage status` and `artifacts bucket list` tell more"
		if w.Kind == "damage" {
			hint = "stop the coordinator; `artifacts coordinator restore BACKUP --damaged` brings back what a backup has of it"
		}
		all = append(all, warning(check, hint, "%s: %s", w.Kind, w.Message))
	}
	if t.url != "" {
		all = append(all, a.checkClock(ctx, s.URL, t.context.CertificatePin)...)
	}
	return all
}

// checkEndpoints looks whether the stores of one's own workspaces answer, and at their clocks. They are shown no key.
func (a *App) checkEndpoints(ctx context.Context, _ DoctorOptions) []Finding {
	seen := map[string]bool{}
	var all []Finding
	for _, w := range a.Remembered() {
		if w.Backend != workspace.BYO || w.State != workspace.Active || seen[w.Endpoint] {
			continue
		}
		seen[w.Endpoint] = true
		at := w.Endpoint
		if !strings.Contains(at, "://") {
			at = "https://" + at
		}
		ctx, cancel := context.WithTimeout(ctx, lookTime)
		all = append(all, a.checkClock(ctx, at, "")...)
		cancel()
	}
	if len(all) == 0 {
		return []Finding{skipped("endpoint", "no workspace in a bucket of your own is known here")}
	}
	return all
}

// checkClock asks an address for its time.
func (a *App) checkClock(ctx context.Context, at, pin string) []Finding {
	by, err := a.skew(ctx, at, pin)
	if err != nil {
		return []Finding{failedBy("endpoint", err, "check the address and the network")}
	}
	all := []Finding{okay("endpoint", "%s answers", at)}
	const hint = "set this computer's clock, by `timedatectl set-ntp true` or the like"
	switch ahead := by.Abs().Round(time.Second); {
	case ahead >= skewFailed:
		all = append(all, failed("clock", hint, "it differs from that of %s by %s: signed requests are refused", at, ahead))
	case ahead >= skewWarning:
		all = append(all, warning("clock", hint, "it differs from that of %s by %s; past %s requests are refused", at, ahead, skewFailed))
	default:
		all = append(all, okay("clock", "it agrees with that of %s", at))
	}
	return all
}

// skew is how far the clock at an address is ahead of this one, to a second.
func (a *App) skew(ctx context.Context, at, pin string) (time.Duration, error) {
	trust, err := tlstrust.Config(os.Getenv(tlstrust.EnvBundle), pin)
	if err != nil {
		return 0, err
	}
	u, err := url.Parse(at)
	if err != nil || u.User != nil {
		return 0, fault.New(fault.Usage, "it looks like https://s3.example.com", "the endpoint is not a URL")
	}
	transport := &http.Transport{
		Proxy: webproxy.FromEnvironment().Func(), OnProxyConnectResponse: webproxy.Refused, TLSClientConfig: trust, DisableKeepAlives: true,
	}
	web := &http.Client{Transport: a.opt.Trace.Wrap(transport), CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.Scheme+"://"+u.Host+"/", nil)
	if err != nil {
		return 0, err
	}
	began := time.Now()
	res, err := web.Do(req)
	if err != nil {
		return 0, unreachable(u.Scheme+"://"+u.Host, err)
	}
	_ = res.Body.Close()
	if res.StatusCode == http.StatusProxyAuthRequired {
		return 0, webproxy.Answered(res.StatusCode, "the proxy")
	}
	theirs, err := http.ParseTime(res.Header.Get("Date"))
	if err != nil {
		return 0, nil // it does not tell
	}
	ours := began.Add(time.Since(began) / 2)
	return theirs.Add(500 * time.Millisecond).Sub(ours), nil // a Date is cut to a second
}

// unreachable is the fault of an address that gave no answer.
func unreachable(at string, err error) error {
	var said *url.Error // its text repeats the URL
	if errors.As(err, &said) {
		err = said.Err
	}
	if proxy := webproxy.Explain(err); proxy != nil {
		return fault.Wrap(proxy.Kind, proxy, proxy.Hint, "%s cannot be reached", at)
	}
	var untrusted *tls.CertificateVerificationError
	var authority x509.UnknownAuthorityError
	if errors.As(err, &untrusted) || errors.As(err, &authority) {
		return fault.Wrap(fault.Auth, err, "give the authority that signed it: --ca-bundle FILE or "+tlstrust.EnvBundle, "the certificate of %s is not trusted", at)
	}
	return fault.Wrap(fault.Unreachable, err, "check the address and the network", "no answer from %s", at)
}
