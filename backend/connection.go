package backend

import (
	"cmp"
	"context"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/artifacts-tui/artifacts-tui/backend/coordinator"
	"github.com/artifacts-tui/artifacts-tui/backend/coordinator/client"
	"github.com/artifacts-tui/artifacts-tui/backend/coordinator/embedded"
	"github.com/artifacts-tui/artifacts-tui/internal/eventstream"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/internal/tlstrust"
	"github.com/artifacts-tui/artifacts-tui/keyring"
	"github.com/artifacts-tui/artifacts-tui/mounts"
)

// target is a coordinator, and how it is reached: by one of URL and socket.
type target struct {
	name    string          // as Options.Coordinator has it
	url     string          // scheme://host[:port]
	socket  string          // of its local admin
	context keyring.Context // that names it; the zero value: none does
}

// embedded reports whether it is the one of this user, which is started where none runs.
func (t target) embedded() bool { return t.name == keyring.LocalContext }

// kept is the name that finds it again, also where the context has got another URL.
func (t target) kept() string {
	if t.context.Name != "" {
		return t.context.Name
	}
	return t.name
}

// coordinatorLink is a coordinator that answered, and who this user is to it.
type coordinatorLink struct {
	*client.Client
	target target
	status coordinator.Status
	id     keyring.Identity
}

// reach says in spec how the coordinator's store is reached: over the network, or through the
// socket, on which there is no TLS.
func (l coordinatorLink) reach(spec *mounts.Spec) {
	if l.target.url != "" {
		spec.Endpoint, spec.CertificatePin = l.target.url+"/s3", l.target.context.CertificatePin
		spec.Events = l.target.url + eventstream.Path
		return
	}
	_, host, _ := strings.Cut(l.status.URL, "://")
	spec.Endpoint, spec.Socket = "http://"+host+"/s3", l.target.socket
	spec.Events = "http://" + host + eventstream.Path
}

// me asks whose token the peer's is. The local admin needs none, and so may have one that is over.
func (l coordinatorLink) me(ctx context.Context) (coordinator.WhoAmI, error) {
	who, err := l.As(l.id.Token.Reveal()).WhoAmI(ctx)
	if fault.Is(err, fault.Auth) && l.target.socket != "" {
		err = fault.New(fault.Auth, "run `artifacts login "+l.status.URL+"` with a peer's token of now",
			"the coordinator does not know the token of peer %s any more: it was removed, or its token replaced", l.id.Peer)
	}
	return who, err
}

// peerCredentials are what the peer itself signs with: its id and its token (SPEC B6, A5b).
func (l coordinatorLink) peerCredentials(ctx context.Context) (keyring.Resolved, error) {
	if _, err := l.me(ctx); err != nil {
		return keyring.Resolved{}, err
	}
	return keyring.Resolved{Credentials: keyring.Credentials{AccessKeyID: l.id.Peer, SecretAccessKey: l.id.Token}, PairSource: fromLogin}, nil
}

// target is the coordinator to speak to: the one that Options name, else that of the active
// context, else the local one (SPEC B21).
func (a *App) target() (target, error) {
	list, active, err := a.contexts.List()
	if err != nil {
		return target{}, err
	}
	name := cmp.Or(a.opt.Coordinator, active, keyring.LocalContext)
	switch {
	case name == keyring.LocalContext:
		return target{name: name, socket: embedded.Socket(a.opt.Roots)}, nil
	case filepath.IsAbs(name):
		return target{name: name, socket: name}, nil
	case strings.Contains(name, "://"):
		return targetURL(name, list, active)
	}
	for _, c := range list {
		if c.Name == name {
			return target{name: name, url: c.URL, context: c}, nil
		}
	}
	return target{}, fault.New(fault.Usage, "give a context that `artifacts context list` shows, http://HOST:PORT, or the absolute path of a socket",
		"%q is not a coordinator", name)
}

// targetURL is the coordinator at a URL, as the context with that URL; the active one where
// several have it.
func targetURL(text string, list []keyring.Context, active string) (target, error) {
	at, err := coordinatorURL(text)
	if err != nil {
		return target{}, err
	}
	t := target{name: at, url: at}
	for _, c := range list {
		if c.URL == at && (t.context.Name == "" || c.Name == active) {
			t.context = c
		}
	}
	return t, nil
}

// coordinatorURL is a coordinator's address as it is kept: scheme://host[:port], without the
// port where it is the scheme's. That of its store is taken too. Its errors do not repeat
// the text where that may hold a secret.
func coordinatorURL(text string) (string, error) {
	const hint = "it looks like http://coordinator.mesh:8080"
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return "", fault.New(fault.Usage, hint, "that is not a coordinator's URL")
	case u.User != nil:
		return "", fault.New(fault.Usage, "a mesh token does not belong in a URL", "the coordinator's URL holds a user or password")
	case u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.RawQuery != "" || u.Fragment != "" ||
		!slices.Contains([]string{"", "/", "/s3", "/s3/"}, u.Path):
		return "", fault.New(fault.Usage, hint, "that is not a coordinator's URL")
	}
	host := strings.ToLower(u.Host)
	if u.Port() == map[string]string{"http": "80", "https": "443"}[u.Scheme] {
		host = strings.TrimSuffix(host, ":"+u.Port())
	}
	return u.Scheme + "://" + host, nil
}

// connect finds the coordinator, and starts the local one where none runs. The caller closes
// the link.
func (a *App) connect(ctx context.Context) (coordinatorLink, error) {
	t, err := a.target()
	if err != nil {
		return coordinatorLink{}, err
	}
	if a.opt.ReadOnly {
		link, err := a.open(ctx, t)
		if fault.Is(err, fault.Unreachable) && t.embedded() {
			err = fault.New(fault.Unreachable, "without --read-only it is started", "no coordinator runs, and --read-only starts none")
		}
		return link, err
	}
	if t.embedded() && !a.opt.Offhand {
		if err := a.ensureLocalRoots(); err != nil {
			return coordinatorLink{}, err
		}
		exe, err := a.exe()
		if err != nil {
			return coordinatorLink{}, err
		}
		if _, err := embedded.Ensure(ctx, a.opt.Roots, exe); err != nil {
			return coordinatorLink{}, err
		}
	}
	return a.open(ctx, t)
}

// open connects to a coordinator that runs.
func (a *App) open(ctx context.Context, t target) (link coordinatorLink, err error) {
	link.target = t
	switch {
	case t.socket != "":
		link.Client = client.Local(t.socket).Traced(a.opt.Trace)
	case t.context.Name != "":
		link.Client, link.id, err = a.remoteAsPeer(t)
	default:
		link.Client, link.id, err = a.remoteAsLocalPeer(ctx, t.url)
	}
	if err != nil {
		return link, err
	}
	if link.status, err = link.Status(ctx); err == nil && t.socket != "" {
		link.id, err = a.enrol(ctx, link)
		link.ActFor(link.id.Peer)
	}
	if err != nil {
		link.Close()
	}
	return link, err
}

// remoteAsPeer is the coordinator of a context.
func (a *App) remoteAsPeer(t target) (*client.Client, keyring.Identity, error) {
	if a.opt.Offhand && t.context.Store == keyring.InKeyring {
		return nil, keyring.Identity{}, fault.New(fault.Auth, "", "the token is in the OS keyring, which is not asked")
	}
	c, err := a.contexts.Get(t.context.Name)
	if errors.Is(err, keyring.ErrNotFound) { // removed a moment ago
		err = noContext(t.context.Name)
	}
	if err != nil {
		return nil, keyring.Identity{}, err
	}
	remote, err := a.remote(t.url, c.Token, c.CertificatePin)
	return remote, keyring.Identity{Coordinator: c.Coordinator, Peer: c.Peer, Token: c.Token}, err
}

// remote is the coordinator at a URL, shown a token. It may be the zero one.
func (a *App) remote(at string, token keyring.Secret, pin string) (*client.Client, error) {
	trust, err := tlstrust.Config(os.Getenv(tlstrust.EnvBundle), pin)
	if err != nil {
		return nil, err
	}
	return client.RemoteTLS(at, token.Reveal(), trust).Traced(a.opt.Trace), nil
}

// remoteAsLocalPeer is the coordinator at a URL that nobody has logged in to: it is shown the token
// of the local identity where that is one of its own.
func (a *App) remoteAsLocalPeer(ctx context.Context, at string) (*client.Client, keyring.Identity, error) {
	stranger, err := a.remote(at, keyring.Secret{}, "")
	if err != nil {
		return nil, keyring.Identity{}, err
	}
	met, err := stranger.Meet(ctx)
	if err != nil {
		stranger.Close()
		return nil, keyring.Identity{}, err
	}
	id, err := a.identities.Of(met.Coordinator)
	if err == nil {
		return stranger.As(id.Token.Reveal()), id, nil
	}
	stranger.Close()
	if !errors.Is(err, keyring.ErrNotFound) {
		return nil, keyring.Identity{}, err
	}
	return nil, keyring.Identity{}, fault.New(fault.Auth, "`artifacts login "+at+"` with the token of a peer", "you are not logged in to the coordinator at %s", at)
}

// through is the App that speaks to a certain coordinator, named as Options.Coordinator does;
// to that of a where name is empty.
func (a *App) through(name string) *App {
	if name == "" || name == a.opt.Coordinator {
		return a
	}
	other := *a
	other.opt.Coordinator = name
	return &other
}
