package page

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/artifacts-tui/artifacts-tui/backend"
	"github.com/artifacts-tui/artifacts-tui/keyring"
	"github.com/artifacts-tui/artifacts-tui/ui/action"
	"github.com/artifacts-tui/artifacts-tui/ui/commandline"
	"github.com/artifacts-tui/artifacts-tui/ui/component"
	"github.com/artifacts-tui/artifacts-tui/ui/keymap"
	"github.com/artifacts-tui/artifacts-tui/ui/session"
	"github.com/artifacts-tui/artifacts-tui/ui/theme"
)

// The columns of the credentials.
const (
	crName = iota
	crKey
	crStore
	crState
	crRegion
	crAge
	crUsed
	crMounts
)

// expiryWarning is how long before the end of a pair that is told.
const expiryWarning = 15 * time.Minute

// Credentials is the page of the places that credentials are found in.
type Credentials struct {
	list
	s *session.Session
}

var _ Page = (*Credentials)(nil)

// NewCredentials makes the page; it draws s with t.
func NewCredentials(s *session.Session, t *theme.Theme) *Credentials {
	p := &Credentials{s: s}
	p.list = list{src: p, theme: t, noun: "source", beside: true}
	right := component.Right
	p.grid.Columns = []component.Column{
		crName:   {Title: "SOURCE", Min: 12, Max: 28, Flex: true},
		crKey:    {Title: "ACCESS KEY", Min: 12},
		crStore:  {Title: "KEPT IN", Min: 11, Drop: 5, Below: 52},
		crState:  {Title: "STATE", Min: 18, Drop: 9, Below: 44},
		crRegion: {Title: "REGION", Min: 10, Drop: 2, Below: 72},
		crAge:    {Title: "AGE", Down: true, Min: 8, Align: right, Drop: 3, Below: 64},
		crUsed:   {Title: "USED BY", Down: true, Min: 12, Drop: 6, Below: 60},
		crMounts: {Title: "MOUNTS", Down: true, Min: 6, Align: right, Drop: 4, Below: 72},
	}
	p.Sync()
	return p
}

// Name is the tab's title.
func (p *Credentials) Name() string { return "Credentials" }

// Scope is that of the page's keys.
func (p *Credentials) Scope() string { return keymap.Keys }

// Len is the number of sources.
func (p *Credentials) Len() int { return len(p.s.Credentials) }

// ID is a source and a profile's name.
func (p *Credentials) ID(i int) string { return sourceName(p.s.Credentials[i]) }

func sourceName(c backend.CredentialSource) string {
	switch c.Source {
	case keyring.FromEnv:
		return "environment"
	case keyring.FromProfile:
		return "profile " + c.Profile
	}
	return "global"
}

// Text is what the filter looks through.
func (p *Credentials) Text(i int) string {
	c := p.s.Credentials[i]
	return strings.Join(append([]string{sourceName(c), c.Region, string(c.Store), string(c.Type)}, c.Workspaces...), "\n")
}

// Compare orders two sources by a column; the default is the order in which they are asked.
func (p *Credentials) Compare(a, b, column int) int {
	x, y := p.s.Credentials[a], p.s.Credentials[b]
	switch column {
	case crKey:
		return cmp.Compare(x.AccessKeyID, y.AccessKeyID)
	case crStore:
		return cmp.Compare(kept(x), kept(y))
	case crState:
		return cmp.Compare(p.state(x).rank, p.state(y).rank)
	case crRegion:
		return cmp.Compare(x.Region, y.Region)
	case crAge:
		return x.Changed.Compare(y.Changed)
	case crUsed:
		return -cmp.Compare(len(x.Workspaces), len(y.Workspaces))
	case crMounts:
		return -cmp.Compare(len(x.Mounts), len(y.Mounts))
	}
	return cmp.Compare(a, b)
}

// kept is where a source has its pair, in a word.
func kept(c backend.CredentialSource) string {
	switch {
	case c.Source == keyring.FromEnv:
		return "this shell"
	case c.Type == keyring.Process:
		return "command"
	case c.Type == keyring.AWS:
		return "~/.aws"
	case !c.Kept():
		return ""
	}
	return string(c.Store)
}

// state is what is most worth knowing of a source.
func (p *Credentials) state(c backend.CredentialSource) state {
	t := p.theme
	switch {
	case p.s.Verifying[c.Profile] && c.Source != keyring.FromEnv:
		return state{t.Glyph.Wait, "verifying…", t.Accent, 2}
	case c.Error != nil:
		return state{t.Glyph.Bad, "cannot be read", t.Bad, 0}
	case c.Rotating:
		return state{t.Glyph.Part, "rotation open", t.Warn, 1}
	case len(c.Stale) > 0:
		return state{t.Glyph.Warn, "stale-credentials", t.Warn, 1}
	case !c.Expires.IsZero() && !c.Expires.After(p.s.Now):
		return state{t.Glyph.Bad, "ended", t.Bad, 0}
	case !c.Expires.IsZero() && c.Expires.Sub(p.s.Now) < expiryWarning && c.Type != keyring.Process && c.Type != keyring.AWS:
		return state{t.Glyph.Warn, "ends in " + component.Elapsed(c.Expires.Sub(p.s.Now)), t.Warn, 1}
	case c.Type == keyring.Process || c.Type == keyring.AWS:
		return state{t.Glyph.On, "issued on demand", t.Good, 4}
	case !c.Kept():
		return state{t.Glyph.Off, "not set", t.Dim, 6}
	case c.VerifiedAt.IsZero():
		return state{t.Glyph.Off, "not verified", t.Dim, 5}
	case !c.Verified:
		return state{t.Glyph.Bad, "refused", t.Bad, 0}
	}
	return state{t.Glyph.On, "verified", t.Good, 3}
}

// Cell is what a column shows of a source.
func (p *Credentials) Cell(i, column int) component.Cell {
	c, t := p.s.Credentials[i], p.theme
	text := func(s string) component.Cell {
		if s == "" {
			return component.Cell{Text: "–", Style: t.Dim}
		}
		return component.Cell{Text: component.Clean(s), Style: t.Text}
	}
	switch column {
	case crName:
		return text(sourceName(c))
	case crKey:
		return text(c.AccessKeyID)
	case crStore:
		return text(kept(c))
	case crState:
		st := p.state(c)
		return component.Cell{Text: st.String(), Style: st.style}
	case crRegion:
		return text(c.Region)
	case crAge:
		return text(p.age(c.Changed))
	case crUsed:
		if len(c.Workspaces) == 0 {
			return text("")
		}
		return text(component.Plural(len(c.Workspaces), "workspace"))
	case crMounts:
		return component.Cell{Text: component.Count(int64(len(c.Mounts))), Style: t.Text}
	}
	return component.Cell{}
}

func (p *Credentials) age(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return component.Elapsed(p.s.Now.Sub(t))
}

// Detail tells all of a source; every value but the region is a mask.
func (p *Credentials) Detail(i, width int) [][]string {
	c, t := p.s.Credentials[i], p.theme
	d := newSheet(strings.ToUpper(sourceName(c)[:1])+sourceName(c)[1:], width, t)
	st := p.state(c)
	d.gap()
	d.styled("State", st.String(), st.style)
	if c.Error != nil {
		d.say(t.Bad, component.Clean(c.Error.Error()))
		d.say(t.Dim, component.Clean(c.Error.Hint))
	}
	if c.Type == "" || c.Type == keyring.Static {
		d.pair("Access key", unset(c.AccessKeyID))
		d.pair("Secret", unset(c.SecretAccessKey))
		d.pair("Token", unset(c.SessionToken))
	}
	d.pair("Command", commandOf(c))
	d.pair("Region", unset(c.Region))
	d.pair("Kept in", kept(c))
	d.pair("Path", component.Home(c.Path, p.s.Home))
	d.pair("Age", p.age(c.Changed))
	if !c.VerifiedAt.IsZero() {
		how, style := "ok, ", t.Text
		if !c.Verified {
			how, style = "refused, ", t.Bad
		}
		d.styled("Verified", how+component.Clock(c.VerifiedAt, p.s.Now), style)
	}
	if !c.Expires.IsZero() {
		d.pair("Ends", component.Clock(c.Expires, p.s.Now))
	}
	d.pair("Fingerprint", c.Fingerprint)
	d.section()
	d.names("Workspaces", c.Workspaces)
	var paths []string
	for _, path := range c.Mounts {
		path = component.Home(path, p.s.Home)
		for _, stale := range c.Stale {
			if component.Home(stale, p.s.Home) == path {
				path += " (former pair)"
			}
		}
		paths = append(paths, path)
	}
	d.names("Mounts", paths)
	if !c.Kept() && c.Error == nil && c.Source == keyring.FromCache {
		d.section()
		d.say(t.Dim, "Buckets of your own take this pair: r or e sets it. Managed and mesh workspaces need none.")
	}
	if c.Source == keyring.FromEnv {
		d.section()
		d.say(t.Dim, "ARTIFACTS_S3_* of the shell that this program was started in. It goes before all others.")
	}
	return d.sections()
}

func commandOf(c backend.CredentialSource) string {
	if c.Type == keyring.AWS {
		return "AWS profile " + c.From
	}
	return c.From
}

func unset(v string) string {
	if v == "" {
		return "(unset)"
	}
	return v
}

// names writes a label and as many names as there are, one a line.
func (d *sheet) names(label string, names []string) {
	for _, name := range names {
		d.pair(label, name)
		label = ""
	}
}

// Empty is shown before the sources are known.
func (p *Credentials) Empty(int) []string {
	if p.s.CredentialsErr != nil {
		return []string{p.theme.Bad.Render(component.Clean(p.s.CredentialsErr.Error()))}
	}
	return []string{p.theme.Dim.Render(p.theme.Glyph.Wait + " reading…")}
}

func (p *Credentials) current() *backend.CredentialSource {
	if i := p.at(); i >= 0 {
		return &p.s.Credentials[i]
	}
	return nil
}

// Disabled says why a key cannot work on the source under the cursor.
func (p *Credentials) Disabled(a keymap.Action) string {
	c := p.current()
	switch a {
	case keymap.Rotate, keymap.Edit, keymap.Forget, keymap.Verify:
		switch {
		case c == nil:
			return "nothing is known yet"
		case c.Source == keyring.FromEnv:
			return "the environment is changed in the shell"
		case a != keymap.Verify && (c.Type == keyring.Process || c.Type == keyring.AWS):
			return fmt.Sprintf("profile %s keeps no pair: it is issued on demand", c.Profile)
		case a == keymap.Forget && !c.Kept() && c.Error == nil:
			return "nothing is kept"
		case a == keymap.Verify && c.Type != keyring.Process && c.Type != keyring.AWS && !c.Kept():
			return "there is nothing to verify"
		case a == keymap.Verify && p.s.Verifying[c.Profile]:
			return "that is under way"
		}
	}
	return p.list.Disabled(a)
}

// Do does what a key asks for.
func (p *Credentials) Do(a keymap.Action) action.Action {
	if asked, done := p.handle(a); done {
		return asked
	}
	c := p.current()
	switch {
	case c == nil:
	case a == keymap.Rotate:
		return action.OpenRotate{Profile: c.Profile}
	case a == keymap.Edit, a == keymap.Open && p.Disabled(keymap.Edit) == "":
		return action.OpenEdit{Source: *c}
	case a == keymap.Verify:
		return action.Verify{Profile: c.Profile}
	case a == keymap.Forget:
		return action.OpenClear{Source: *c}
	}
	return nil
}

// Command is what shows the source under the cursor.
func (p *Credentials) Command() string {
	c := p.current()
	switch {
	case c == nil || c.Source == keyring.FromEnv:
		return commandline.Line("", "storage", "explain")
	case c.Source == keyring.FromProfile:
		return commandline.Line("", "storage", "profile", "show", c.Profile)
	}
	return commandline.Line("", "storage", "show")
}

// CommandOf is the command line of an action on the source under the cursor.
func (p *Credentials) CommandOf(a keymap.Action) string {
	profile := ""
	if c := p.current(); c != nil {
		profile = c.Profile
	}
	switch a {
	case keymap.Rotate:
		return commandline.Rotate(profile, "", "", "")
	case keymap.Edit:
		return commandline.Set(profile)
	case keymap.Verify:
		return commandline.Verify(profile)
	case keymap.Forget:
		return commandline.Forget(profile)
	}
	return ""
}
