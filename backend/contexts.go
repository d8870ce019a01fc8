package backend

import (
	"cmp"
	"context"
	"errors"
	"net"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/internal/tlstrust"
	"github.com/artifacts-tui/artifacts-tui/keyring"
)

// Context is a coordinator that this user has logged in to, or the local one, as people may see it.
type Context struct {
	Name           string        `json:"name"`
	Active         bool          `json:"active"`
	URL            string        `json:"url,omitempty"`         // empty: the local one, on whatever port it has
	Coordinator    string        `json:"coordinator,omitempty"` // its id
	Peer           string        `json:"peer,omitempty"`        // id of the peer this user is
	PeerName       string        `json:"peer_name,omitempty"`
	CertificatePin string        `json:"certificate_pin,omitempty"` // SHA-256 of its certificate, in hex
	Store          keyring.Store `json:"store"`                     // where the token is kept
	Path           string        `json:"path"`                      // of the file that has the token, or points to it
}

func (a *App) seen(c keyring.Context, active string) Context {
	return Context{
		Name: c.Name, Active: c.Name == active, URL: c.URL, Coordinator: c.Coordinator, Peer: c.Peer, PeerName: c.PeerName,
		CertificatePin: c.CertificatePin, Store: c.Store, Path: a.contexts.Path,
	}
}

// Contexts are the local coordinator and those that this user has logged in to (SPEC C12). Nobody
// is asked.
func (a *App) Contexts() ([]Context, error) {
	known, active, err := a.contexts.List()
	if err != nil {
		return nil, err
	}
	local := Context{Name: keyring.LocalContext, Active: active == "", Store: keyring.InFile, Path: a.IdentityFile()}
	if id, err := a.identities.Last(); err == nil {
		local.Peer, local.Coordinator = id.Peer, id.Coordinator
	}
	list := []Context{local}
	for _, c := range known {
		list = append(list, a.seen(c, active))
	}
	return list, nil
}

// Context is one by name; the active one where name is empty. fault.NotFound where there is none.
func (a *App) Context(name string) (Context, error) {
	list, err := a.Contexts()
	if err != nil {
		return Context{}, err
	}
	for _, c := range list {
		if c.Name == name || name == "" && c.Active {
			return c, nil
		}
	}
	return Context{}, noContext(name)
}

func noContext(name string) error {
	return fault.New(fault.NotFound, "`artifacts context list` shows those there are", "no context is named %q", name)
}

// UseContext makes a context the one that commands speak to; LocalContext is the local coordinator.
func (a *App) UseContext(name string) error {
	err := a.contexts.Use(name)
	if errors.Is(err, keyring.ErrNotFound) {
		return noContext(name)
	}
	return err
}

// RemoveContext forgets a context and its token. fault.NotFound where there is none.
func (a *App) RemoveContext(name string) error {
	removed, err := a.Logout(name)
	if err == nil && len(removed) == 0 {
		return noContext(name)
	}
	return err
}

// Logout forgets contexts and their tokens, in the OS keyring too, and returns the names of those
// that were there. Mounts that run go on.
func (a *App) Logout(names ...string) ([]string, error) {
	if slices.Contains(names, keyring.LocalContext) {
		return nil, fault.New(fault.Usage, "`artifacts coordinator stop` stops it", "nobody logs in to the coordinator of this machine, or out of it")
	}
	return a.contexts.Remove(names...)
}

// LogoutAll forgets every context. A file that cannot be read is removed all the same.
func (a *App) LogoutAll() ([]string, error) { return a.contexts.Clear() }

// Meeting is what a coordinator's address tells before it is shown a token.
type Meeting struct {
	URL         string // as it is kept
	Coordinator string // its id
	InClear     bool   // who is on the way to it reads what is sent
	pin         string // of its certificate, in hex; empty: it is a trusted one
	renewed     keyring.Context
}

// MeetCoordinator asks who answers at the request's URL, and shows no token. Where the certificate
// is neither trusted nor pinned, by the request or an earlier login, it is a fault of kind Auth
// with client.Untrusted in it.
func (a *App) MeetCoordinator(ctx context.Context, req LoginRequest) (Meeting, error) {
	m := Meeting{}
	var err error
	if m.URL, err = coordinatorURL(req.URL); err != nil {
		return m, err
	}
	if m.renewed, err = a.renewed(req, m.URL); err != nil {
		return m, err
	}
	m.pin = m.renewed.CertificatePin
	if req.Fingerprint != "" {
		if m.pin, err = tlstrust.ParseFingerprint(req.Fingerprint); err != nil {
			return m, err
		}
	}
	remote, err := a.remote(m.URL, keyring.Secret{}, m.pin)
	if err != nil {
		return m, err
	}
	defer remote.Close()
	met, err := remote.Meet(ctx)
	if err != nil {
		return m, err
	}
	m.Coordinator = met.Coordinator
	u, err := url.Parse(m.URL)
	m.InClear = err == nil && u.Scheme == "http" && (a.web().Proxy.Uses(u) || met.Address != nil && !ownNetwork(met.Address))
	return m, nil
}

// ownNetwork reports whether an address is of this machine, of a private network or of a mesh
// such as Tailscale's (RFC 6598).
func ownNetwork(ip net.IP) bool {
	carrierNAT := net.IPNet{IP: net.IPv4(100, 64, 0, 0), Mask: net.CIDRMask(10, 32)}
	return ip.IsLoopback() || ip.IsPrivate() || ip.IsLinkLocalUnicast() || carrierNAT.Contains(ip)
}

// LoginRequest asks for a context.
type LoginRequest struct {
	URL         string
	Name        string // empty: that of the context with this URL, else the URL's host
	Peer        string // that the token has to be of; empty: any
	Token       keyring.Secret
	Fingerprint string        // of the one certificate to take, as tlstrust.ParseFingerprint reads it; empty: a trusted one
	Store       keyring.Store // empty: as it was, else the file
}

// Check refuses what is wrong with the request itself, the token aside.
func (r LoginRequest) Check() error {
	at, err := coordinatorURL(r.URL)
	if err != nil {
		return err
	}
	if r.Name != "" {
		if err := keyring.CheckContextName(r.Name); err != nil {
			return err
		}
	}
	if r.Fingerprint != "" {
		if _, err := tlstrust.ParseFingerprint(r.Fingerprint); err != nil {
			return err
		}
		if u, err := url.Parse(at); err != nil || u.Scheme != "https" {
			return fault.New(fault.Usage, "leave it out, or give an https URL", "--fingerprint is of a certificate, and %s has none", at)
		}
	}
	if r.Store != "" {
		return keyring.CheckStore(r.Store)
	}
	return nil
}

// Login proves a peer's token to a coordinator, keeps both and makes that the active context (SPEC
// C12). Where it fails nothing has changed.
func (a *App) Login(ctx context.Context, req LoginRequest) (Context, error) {
	if err := req.Check(); err != nil {
		return Context{}, err
	}
	if err := keyring.CheckToken(req.Token); err != nil {
		return Context{}, err
	}
	met, err := a.MeetCoordinator(ctx, req) // who is no coordinator is not shown the token
	if err != nil {
		return Context{}, err
	}
	remote, err := a.remote(met.URL, req.Token, met.pin)
	if err != nil {
		return Context{}, err
	}
	defer remote.Close()
	who, err := remote.WhoAmI(ctx)
	switch {
	case err != nil:
		return Context{}, err
	case !plain(who.Peer) || !plain(who.Coordinator):
		return Context{}, fault.New(fault.Failure, "is that a coordinator's address?", "%s does not say whose token that is", met.URL)
	case who.Coordinator != met.Coordinator:
		return Context{}, fault.New(fault.Failure, "try it again; a proxy before several coordinators must lead to one", "two coordinators answer at %s", met.URL)
	case req.Peer != "" && req.Peer != who.Peer:
		return Context{}, fault.New(fault.Auth, "give the token of that peer, or leave --peer out", "the token is that of peer %q, not of %q", who.Peer, req.Peer)
	}
	if err := a.ensureRoot(a.opt.Roots.Config, "config"); err != nil {
		return Context{}, err
	}
	c := keyring.Context{
		Name: met.renewed.Name, URL: met.URL, Coordinator: who.Coordinator, Peer: who.Peer, PeerName: strings.Map(printable, who.Name),
		CertificatePin: met.pin, Store: cmp.Or(req.Store, met.renewed.Store, keyring.InFile), Token: req.Token,
	}
	return a.seen(c, c.Name), a.contexts.Put(c)
}

// plain reports whether an id can be kept and printed as it is.
func plain(id string) bool {
	return id != "" && len(id) <= 128 && !strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r > '~' })
}

// printable drops what a terminal would not print.
func printable(r rune) rune {
	if unicode.IsPrint(r) {
		return r
	}
	return -1
}

// renewed is the context that a login renews; a new one has its name alone.
func (a *App) renewed(req LoginRequest, at string) (keyring.Context, error) {
	name := req.Name
	if name == "" {
		var err error
		if name, err = a.nameOf(at); err != nil {
			return keyring.Context{}, err
		}
	}
	list, _, err := a.contexts.List()
	for _, c := range list {
		if c.Name == name && c.URL == at {
			return c, nil
		}
	}
	return keyring.Context{Name: name}, err
}

// nameOf is the name of the context that has a URL, the active one where several have, or what a new
// one is called.
func (a *App) nameOf(at string) (string, error) {
	list, active, err := a.contexts.List()
	if err != nil {
		return "", err
	}
	t, err := targetURL(at, list, active)
	if err != nil || t.context.Name != "" {
		return t.context.Name, err
	}
	u, err := url.Parse(at)
	if err != nil {
		return "", err
	}
	name := u.Hostname()
	if u.Port() != "" {
		name += ":" + u.Port()
	}
	if keyring.CheckContextName(name) != nil {
		return "", fault.New(fault.Usage, "give it one with --name", "%q is no name for a context", name)
	}
	return name, nil
}

// Me is who this user is to the coordinator that commands speak to.
type Me struct {
	Peer        string        `json:"peer"` // its id
	Name        string        `json:"name"`
	Coordinator string        `json:"coordinator"` // its id
	URL         string        `json:"url"`
	Context     string        `json:"context"`
	Store       keyring.Store `json:"store"`                     // where the token is kept
	Path        string        `json:"path"`                      // of the file that has the token, or points to it
	Pin         string        `json:"certificate_pin,omitempty"` // SHA-256 of its certificate, in hex
}

// WhoAmI asks the coordinator, which proves that the token still serves.
func (a *App) WhoAmI(ctx context.Context) (Me, error) {
	link, err := a.connect(ctx)
	if err != nil {
		return Me{}, err
	}
	defer link.Close()
	who, err := link.me(ctx)
	if err != nil {
		return Me{}, err
	}
	me := Me{
		Peer: who.Peer, Name: who.Name, Coordinator: who.Coordinator, URL: describe(link).URL, Context: link.target.kept(),
		Store: keyring.InFile, Path: a.IdentityFile(), Pin: link.target.context.CertificatePin,
	}
	if link.target.context.Name != "" {
		me.Store, me.Path = link.target.context.Store, a.contexts.Path
	}
	return me, nil
}
