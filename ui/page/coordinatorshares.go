package page

import (
	"cmp"
	"strings"

	"github.com/artifacts-tui/artifacts-tui/backend/coordinator"
	"github.com/artifacts-tui/artifacts-tui/ui/commandline"
	"github.com/artifacts-tui/artifacts-tui/ui/component"
	"github.com/artifacts-tui/artifacts-tui/ui/control"
	"github.com/artifacts-tui/artifacts-tui/ui/keymap"
	"github.com/artifacts-tui/artifacts-tui/ui/session"
	"github.com/artifacts-tui/artifacts-tui/ui/theme"
)

// The columns of the shares.
const (
	shName = iota
	shPlace
	shOwner
	shExpires
	shKey
)

// shares is the section of the shares: this user's, or all of them to an admin.
type shares struct{ rows[coordinator.Share] }

func newShares(s *session.Session, t *theme.Theme) *shares {
	p := &shares{rows[coordinator.Share]{
		s: s, title: "Shares", keys: keymap.Shares,
		of:   func(st control.State) []coordinator.Share { return st.Shares },
		made: keymap.ShareCreate, acts: []keymap.Action{keymap.ShareRevoke}, may: unknown,
	}}
	p.none = func(width int) []string {
		return []string{
			t.Strong.Render("No shares."),
			t.Key.Render("n") + " lets a guest read a bucket.",
		}
	}
	p.over(p, "share", t, []component.Column{
		shName:    {Title: "SHARE", Min: 10, Max: 28},
		shPlace:   {Title: "PLACE", Min: 14, Max: 56, Flex: true, Path: true},
		shOwner:   {Title: "OWNER", Min: 8, Max: 20, Drop: 2, Below: 64},
		shExpires: {Title: "EXPIRES", Min: 12, Drop: 3, Below: 48},
		shKey:     {Title: "ACCESS KEY", Min: 12, Max: 24, Drop: 1, Below: 84},
	})
	return p
}

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
