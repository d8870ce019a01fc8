package dialog

import (
	"errors"
	"strings"

	"github.com/artifacts-tui/artifacts-tui/backend"
	"github.com/artifacts-tui/artifacts-tui/backend/coordinator/client"
	"github.com/artifacts-tui/artifacts-tui/internal/tlstrust"
	"github.com/artifacts-tui/artifacts-tui/keyring"
	"github.com/artifacts-tui/artifacts-tui/ui/action"
	"github.com/artifacts-tui/artifacts-tui/ui/commandline"
	"github.com/artifacts-tui/artifacts-tui/ui/component"
	"github.com/artifacts-tui/artifacts-tui/ui/control"
	"github.com/artifacts-tui/artifacts-tui/ui/keymap"
	"github.com/artifacts-tui/artifacts-tui/ui/session"
	"github.com/artifacts-tui/artifacts-tui/ui/theme"
)

// Contexts lists the coordinators that can be used.
type Contexts struct {
	still
	s     *session.Session
	theme *theme.Theme
	at    int
	moved bool
}

var _ Dialog = (*Contexts)(nil)

// NewContexts makes the dialog; what it shows comes with session.ContextsRead.
func NewContexts(s *session.Session, t *theme.Theme) *Contexts {
	d := &Contexts{s: s, theme: t}
	d.toActive()
	return d
}

func (d *Contexts) toActive() {
	for i, c := range d.s.Contexts {
		if c.Active && !d.moved {
			d.at = i
		}
	}
	d.at = max(min(d.at, len(d.s.Contexts)-1), 0)
}

// Title names it.
func (d *Contexts) Title() string { return "Coordinators" }

// Width is that of a name, a URL and a peer.
func (d *Contexts) Width() int { return 70 }

// Scopes are its own.
func (d *Contexts) Scopes() []string { return []string{keymap.Elsewhere} }

func (d *Contexts) current() *backend.Context {
	if d.at < len(d.s.Contexts) {
		return &d.s.Contexts[d.at]
	}
	return nil
}

// Disabled says why the context under the cursor cannot be used or left.
func (d *Contexts) Disabled(a keymap.Action) string {
	c := d.current()
	switch {
	case a == keymap.Confirm && (c == nil || c.Active):
		return "it is in use"
	case a == keymap.Logout && (c == nil || c.Name == keyring.LocalContext):
		return "nobody logs in to the coordinator of this machine, or out of it"
	}
	return ""
}

// Do moves, uses, logs in and out.
func (d *Contexts) Do(a keymap.Action) action.Action {
	c := d.current()
	switch {
	case a == keymap.Up:
		d.Wheel(-1)
	case a == keymap.Down:
		d.Wheel(1)
	case a == keymap.Login:
		return action.OpenControl{Name: keymap.Login}
	case a == keymap.Confirm && c != nil:
		return action.CloseThen{Then: action.Change{Change: control.UseContext(c.Name)}}
	case a == keymap.Logout && c != nil:
		return action.OpenControl{Name: keymap.Logout, ID: c.Name}
	}
	return closeOn(a)
}

// Wheel moves by delta rows.
func (d *Contexts) Wheel(delta int) {
	d.moved = true
	d.at = max(min(d.at+delta, len(d.s.Contexts)-1), 0)
}

// Notify takes in what was read; a login that succeeded ends the choice.
func (d *Contexts) Notify(msg any) action.Action {
	switch msg := msg.(type) {
	case session.ContextsRead:
		d.toActive()
	case session.ControlChanged:
		if msg.Err == nil && msg.Change.Moves {
			return action.Close{}
		}
	}
	return nil
}

// Command uses the context under the cursor.
func (d *Contexts) Command() string {
	if c := d.current(); c != nil && !c.Active {
		return control.UseContext(c.Name).Line
	}
	return commandline.Line("", "context", "list")
}

// View lists the contexts; a sign and a word mark the one in use.
func (d *Contexts) View(width, height int) ([]string, *component.Point) {
	t := d.theme
	var lines []string
	top := max(d.at-height+1, 0)
	longest := 0
	for _, c := range d.s.Contexts {
		longest = max(longest, component.Width(component.Clean(c.Name)))
	}
	for i, c := range d.s.Contexts {
		if i < top || i >= top+height {
			continue
		}
		where := c.URL
		if where == "" {
			where = "this machine"
		}
		if c.PeerName != "" || c.Peer != "" {
			where += " as " + c.Peer
		}
		state := ""
		if c.Active {
			state = "  " + t.Good.Render(t.Glyph.On+" in use")
		}
		name := component.Fit(component.Clean(c.Name), min(longest, 20, width/3), component.Left)
		mark := "  "
		if i == d.at {
			mark, name = t.Accent.Render(t.Glyph.Cursor)+" ", t.Select.Render(name)
		}
		room := max(width-2-component.Width(name)-2-component.Width(state), 1)
		lines = append(lines, mark+name+"  "+t.Dim.Render(component.Fit(component.Clean(where), room, component.Left))+state)
	}
	if len(lines) == 0 {
		lines = append(lines, t.Dim.Render(t.Glyph.Wait+" reading…"))
	}
	return lines, nil
}

// The fields of a login.
const (
	loginURL = iota
	loginToken
	loginName
	loginFingerprint
)

// NewLogin asks for a coordinator's address and a peer's token.
func NewLogin(s *session.Session, t *theme.Theme) *Change {
	d := &Change{s: s, theme: t, title: "Log in to a coordinator", verb: "log in"}
	request := func(v []string) backend.LoginRequest {
		return backend.LoginRequest{
			URL: strings.TrimSpace(v[loginURL]), Name: strings.TrimSpace(v[loginName]),
			Fingerprint: strings.TrimSpace(v[loginFingerprint]), Token: keyring.NewSecret(v[loginToken]),
		}
	}
	token := field("Token", "of the peer you are; over http it travels in clear, which is for a mesh that encrypts", func(v string) error {
		return keyring.CheckToken(keyring.NewSecret(v))
	})
	token.Input.Secret = true
	d.form.Fields = []*component.Field{
		field("Address", "as http://coordinator.mesh:8080", func(v string) error {
			return backend.LoginRequest{URL: strings.TrimSpace(v)}.Check()
		}),
		token,
		field("Name", "of the context; empty: the host", nil),
		field("Fingerprint", "SHA-256 of its certificate, where this system does not trust that", nil),
	}
	d.build = func(v []string) *control.Change { return control.Login(request(v)) }
	d.refused = func(err error) bool {
		var met *client.Untrusted
		if !errors.As(err, &met) {
			return false
		}
		// What is filled in is taken only when it was compared and confirmed.
		d.form.Fields[loginFingerprint].Input.SetValue(tlstrust.Colons(met.Met))
		d.form.Fail(loginFingerprint, errors.New("its certificate is not trusted: compare this with what its admin says, then enter takes it, and only it"))
		return true
	}
	return d
}

// NewLogout asks before a context and its token are forgotten.
func NewLogout(name string, s *session.Session, t *theme.Theme) *Change {
	return &Change{
		s: s, theme: t, title: "Log out of " + name + "?", verb: "log out", tone: component.Warn,
		words: [][2]string{{"Goes", "the context and its token, from this machine."}, {"Stays", "what is mounted goes on; the peer stays enrolled."}},
		build: func([]string) *control.Change { return control.Logout(name) },
	}
}
