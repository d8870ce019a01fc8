package mountd

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/keyring"
	"github.com/artifacts-tui/artifacts-tui/mounts"
)

// handleCredentials takes another pair into use (SPEC A40b): only one that lists the bucket
// and, unless the mount is read-only, may write there; else nothing changes. Files stay open
// and what is under way goes on.
func (d *daemon) handleCredentials(w http.ResponseWriter, r *http.Request) {
	q, err := readRequest[mounts.CredentialsRequest](r)
	if err != nil {
		http.Error(w, "not a request", http.StatusBadRequest)
		return
	}
	creds := q.Credentials()
	ctx, cancel := context.WithTimeout(r.Context(), checkTimeout)
	defer cancel()
	spec := d.spec()
	if spec.CertificatePin != "" && q.CertificatePin != "" { // what was trusted without a pin stays so
		spec.CertificatePin = q.CertificatePin
	}
	if err := mounts.Prove(ctx, spec, creds, !spec.ReadOnly); err != nil {
		d.log.Warn("other credentials were refused", "fingerprint", creds.Fingerprint(), "err", err)
		d.answerCredentials(w, err)
		return
	}
	d.renewal.swap.Lock()
	d.renewal.replace(q.Source, q.Profile, q.Provider)
	d.remote.Repin(spec.CertificatePin)
	d.useCredentials(creds)
	spec.CredentialSource, spec.CredentialProfile = q.Source, q.Profile
	if err := mounts.SaveSpec(d.start.Roots, spec); err != nil {
		d.log.Warn("after a crash this mount will look for its former credentials", "err", err)
	}
	d.renewal.swap.Unlock()
	d.answerCredentials(w, nil)
}

// spec is what is served, with the certificate that is pinned now.
func (d *daemon) spec() mounts.Spec {
	spec := d.start.Spec
	spec.CertificatePin = d.remote.CertificatePin()
	return spec
}

func (d *daemon) handleCredentialsState(w http.ResponseWriter, _ *http.Request) {
	d.answerCredentials(w, nil)
}

func (d *daemon) answerCredentials(w http.ResponseWriter, err error) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(mounts.CredentialsAnswer{
		Fingerprint: d.keys.Fingerprint(), FormerRequests: d.remote.FormerRequests(), Error: mounts.NewWireError(err),
	})
}

// useCredentials signs with creds from now on, and has everything that the former pair was
// refused tried again at once.
func (d *daemon) useCredentials(creds keyring.Credentials) {
	d.remote.Renew(creds)
	d.lower.StoreAnswers()
	d.upper.StoreAnswers()
	d.news.restart()
	d.log.Info("credentials replaced", "fingerprint", creds.Fingerprint())
}

// Of the renewal of pairs that end.
const (
	renewMost   = 5 * time.Minute // before the end a successor is asked for, or after three quarters of its life
	retryFirst  = time.Second
	retryMost   = 30 * time.Second
	refusalLook = time.Second // how often the store is asked whether it refuses the pair
)

// renewal is who issues the pair's successors, and how that goes.
type renewal struct {
	mu       sync.Mutex
	source   string
	profile  string
	provider *keyring.Provider
	failed   error
	changed  chan struct{} // somebody else replaced the pair
	swap     sync.Mutex    // is held from the choice of a pair to its use
}

func newRenewal(spec mounts.Spec) *renewal {
	return &renewal{
		source: spec.CredentialSource, profile: spec.CredentialProfile, provider: spec.Provider, changed: make(chan struct{}, 1),
	}
}

func (r *renewal) replace(source, profile string, p *keyring.Provider) {
	r.mu.Lock()
	r.source, r.profile, r.provider, r.failed = source, profile, p, nil
	r.mu.Unlock()
	select {
	case r.changed <- struct{}{}:
	default:
	}
}

func (r *renewal) state() (source, profile string, p *keyring.Provider, failed error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.source, r.profile, r.provider, r.failed
}

func (r *renewal) note(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed = err
}

// renewCredentials asks for a successor before the pair ends, and at once where the store
// refuses the pair, until ctx ends (SPEC A41). One that cannot be had is asked for again;
// until then the former is used, and status says so.
func (d *daemon) renewCredentials(ctx context.Context) {
	fails := 0
	due := renewAt(time.Now(), d.keys.Expires())
	for {
		_, _, provider, _ := d.renewal.state()
		if provider == nil {
			select {
			case <-d.renewal.changed:
				due, fails = renewAt(time.Now(), d.keys.Expires()), 0
				continue
			case <-ctx.Done():
				return
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-d.renewal.changed:
			due, fails = renewAt(time.Now(), d.keys.Expires()), 0
			continue
		case <-until(due):
		case <-time.After(refusalLook):
			if fails > 0 || !fault.Is(d.remote.Health().Err, fault.Auth) {
				continue
			}
		}
		creds, err := d.successor(ctx, provider)
		if ctx.Err() != nil {
			return
		}
		d.renewal.swap.Lock()
		if _, _, now, _ := d.renewal.state(); now != provider { // somebody chose another meanwhile
			d.renewal.swap.Unlock()
			continue
		}
		d.renewal.note(err)
		if err == nil && (creds.Fingerprint() != d.keys.Fingerprint() || !creds.Expires.Equal(d.keys.Expires())) {
			d.useCredentials(creds)
		}
		d.renewal.swap.Unlock()
		if err != nil {
			fails++
			d.log.Warn("no successor of the credentials", "err", err, "end", d.keys.Expires())
			due = time.Now().Add(min(retryFirst<<min(fails-1, 10), retryMost))
			continue
		}
		fails, due = 0, renewAt(time.Now(), creds.Expires)
	}
}

// successor asks for a pair and proves it, as one that a person gives is proven. The same pair
// again is no successor where the store refuses it.
func (d *daemon) successor(ctx context.Context, provider *keyring.Provider) (keyring.Credentials, error) {
	asked := *provider
	asked.Proxy = d.start.Spec.Web.Proxy
	creds, err := asked.Retrieve(ctx)
	if err != nil {
		return creds, err
	}
	if creds.Fingerprint() == d.keys.Fingerprint() {
		if refused := d.remote.Health().Err; fault.Is(refused, fault.Auth) {
			return creds, refused
		}
		return creds, nil
	}
	prove, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	return creds, mounts.Prove(prove, d.spec(), creds, !d.start.Spec.ReadOnly)
}

// renewAt is when a successor is asked for; zero: never.
func renewAt(now, end time.Time) time.Time {
	if end.IsZero() {
		return time.Time{}
	}
	// A provider may hand out the same pair until it ends: then ever more often, once a second at most.
	before := max(min(renewMost, end.Sub(now)/4), 0)
	at := end.Add(-before + rand.N(before/4+1))
	if soon := now.Add(retryFirst / 2); at.Before(soon) {
		return soon
	}
	return at
}

// until fires at t; never where t is zero.
func until(t time.Time) <-chan time.Time {
	if t.IsZero() {
		return nil
	}
	return time.After(time.Until(t))
}

// ending says that the pair ends and nobody issues another; empty where all is well.
func (d *daemon) ending() string {
	_, _, _, failed := d.renewal.state()
	end := d.keys.Expires()
	switch {
	case failed == nil && (end.IsZero() || end.After(time.Now())):
		return ""
	case failed == nil:
		return "the credentials ended at " + end.Local().Format(time.DateTime) + "; run 'artifacts mount refresh-credentials " + d.start.Spec.Mountpoint + "'"
	case end.IsZero():
		return failed.Error()
	}
	return "the credentials end at " + end.Local().Format(time.DateTime) + ": " + failed.Error()
}
