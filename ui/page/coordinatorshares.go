package page

import (
	"cmp"
	"strings"

	"github.com/artifacts-tui/artifacts-tui/backend/coordinator"
	"github.com/artifacts-tui/artifacts-tui/ui/action"
	"github.com/artifacts-tui/artifacts-tui/ui/commandline"
	"github.com/artifacts-tui/artifacts-tui/ui/component"
	"github.com/artifacts-tui/artifacts-tui/ui/control"
	"github.com/artifacts-tui/artifacts-tui/ui/keymap"
	"github.com/artifacts-tui/artifacts-tui/ui/session"
	"github.com/artifacts-tui/artifacts-tui/ui/theme"
)

// shares is the section of the shares: this user's, or all of them to an admin.
type shares struct {
	list
	s *session.Session
}

// The columns of the shares.
const (
	shName = iota
	shPlace
	shOwner
	shExpires
	shKey
)

func newShares(s *session.Session, t *theme.Theme) *shares {
	p := &shares{s: s}
	p.list = list{src: p, theme: t, noun: "share", beside: true}
	p.grid.Columns = []component.Column{
		shName:    {Title: "SHARE", Min: 10, Max: 28},
		shPlace:   {Title: "PLACE", Min: 14, Max: 56, Flex: true, Path: true},
		shOwner:   {Title: "OWNER", Min: 8, Max: 20, Drop: 2, Below: 64},
		shExpires: {Title: "EXPIRES", Min: 12, Drop: 3, Below: 48},
		shKey:     {Title: "ACCESS KEY", Min: 12, Max: 24, Drop: 1, Below: 84},
	}
	return p
}

func (p *shares) name() string  { return "Shares" }
func (p *shares) scope() string { return keymap.Shares }
func (p *shares) count() int    { return p.Len() }

// Len is the number of shares.
func (p *shares) Len() int { return len(plane(p.s).Shares) }

func (p *shares) row(i int) coordinator.Share { return plane(p.s).Shares[i] }

// ID is a share's name.
func (p *shares) ID(i int) string { return p.row(i).Name }

func shared(s coordinator.Share) string { return strings.TrimSuffix(s.Bucket+"/"+s.Prefix, "/") }

// Text is what the filter looks through.
func (p *shares) Text(i int) string {
	return p.row(i).Name + "\n" + shared(p.row(i)) + "\n" + p.row(i).Owner
}

// Compare orders two shares by a column; those that end first come first.
func (p *shares) Compare(a, b, column int) int {
	x, y := p.row(a), p.row(b)
	switch column {
	case shPlace:
		return cmp.Compare(shared(x), shared(y))
	case shOwner:
		return cmp.Compare(x.Owner, y.Owner)
	case shExpires:
		if x.Expires.IsZero() != y.Expires.IsZero() {
			return map[bool]int{true: 1, false: -1}[x.Expires.IsZero()]
		}
		return x.Expires.Compare(y.Expires)
	case shKey:
		return cmp.Compare(x.AccessKeyID, y.AccessKeyID)
	}
	return cmp.Compare(x.Name, y.Name)
}

func (p *shares) expires(s coordinator.Share) (string, theme.Style) {
	switch {
	case s.Expires.IsZero():
		return "never", p.theme.Dim
	case !s.Expires.After(p.s.Now):
		return "has ended", p.theme.Bad
	}
	return s.Expires.Local().Format("2 Jan 15:04"), p.theme.Text
}

// Cell is what a column shows of a share.
func (p *shares) Cell(i, column int) component.Cell {
	s, t := p.row(i), p.theme
	switch column {
	case shName:
		return component.Cell{Text: component.Clean(s.Name), Style: t.Text}
	case shPlace:
		return component.Cell{Text: component.Clean(shared(s)), Style: t.Text}
	case shOwner:
		return component.Cell{Text: component.Clean(cmp.Or(s.Owner, "local admin")), Style: t.Dim}
	case shExpires:
		text, style := p.expires(s)
		return component.Cell{Text: text, Style: style}
	}
	return component.Cell{Text: component.Clean(s.AccessKeyID), Style: t.Dim}
}

// Detail tells all of a share but its secret.
func (p *shares) Detail(i, width int) [][]string {
	s, t := p.row(i), p.theme
	d := newSheet(s.Name, width, t)
	d.gap()
	d.pair("Place", "s3://"+shared(s))
	d.pair("Owner", cmp.Or(s.Owner, "the local admin"))
	d.pair("Access key", s.AccessKeyID)
	d.styled("Secret key", "not shown", t.Dim)
	d.pair("Created", s.Created.Local().Format("2 Jan 2006 15:04"))
	text, style := p.expires(s)
	d.styled("Expires", text, style)
	return d.sections()
}

// Empty says what shares are for.
func (p *shares) Empty(width int) []string {
	t := p.theme
	if lines := notKnown(p.s, width, t); lines != nil {
		return lines
	}
	return []string{
		t.Strong.Render("No shares."),
		t.Key.Render("n") + component.Cut(" lets somebody without a token read a bucket.", max(width-1, 0)),
	}
}

func (p *shares) current() *coordinator.Share {
	if i := p.at(); i >= 0 {
		s := p.row(i)
		return &s
	}
	return nil
}

func (p *shares) refuse(a keymap.Action) string {
	switch a {
	case keymap.ShareCreate:
		return unknown(p.s)
	case keymap.ShareRevoke:
		if reason := unknown(p.s); reason != "" {
			return reason
		}
		if p.current() == nil {
			return "no share is selected"
		}
	}
	return ""
}

func (p *shares) own(a keymap.Action) action.Action {
	switch s := p.current(); {
	case a == keymap.ShareCreate:
		return action.OpenControl{Name: a}
	case a == keymap.ShareRevoke && s != nil:
		return action.OpenControl{Name: a, ID: s.Name}
	}
	return nil
}

func (p *shares) line(a keymap.Action) string {
	name := "NAME"
	if s := p.current(); s != nil {
		name = s.Name
	}
	switch a {
	case keymap.ShareCreate:
		return control.CreateShare("", "", "").Line
	case keymap.ShareRevoke:
		return control.RevokeShare(name).Line
	case "":
		return commandline.Line("", "share", "list")
	}
	return ""
}
