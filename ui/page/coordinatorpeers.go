package page

import (
	"cmp"
	"strings"
	"time"

	"github.com/artifacts-tui/artifacts-tui/backend/coordinator"
	"github.com/artifacts-tui/artifacts-tui/ui/action"
	"github.com/artifacts-tui/artifacts-tui/ui/commandline"
	"github.com/artifacts-tui/artifacts-tui/ui/component"
	"github.com/artifacts-tui/artifacts-tui/ui/control"
	"github.com/artifacts-tui/artifacts-tui/ui/keymap"
	"github.com/artifacts-tui/artifacts-tui/ui/session"
	"github.com/artifacts-tui/artifacts-tui/ui/theme"
)

// The columns of the peers.
const (
	peName = iota
	peID
	peRoles
	peSeen
	peMade
)

// peers is the section of the peers, which admins alone are told of.
type peers struct {
	list
	s *session.Session
}

func newPeers(s *session.Session, t *theme.Theme) *peers {
	p := &peers{s: s}
	p.list = list{src: p, theme: t, noun: "peer", beside: true}
	p.grid.Columns = []component.Column{
		peName:  {Title: "NAME", Min: 8, Max: 24},
		peID:    {Title: "ID", Min: 10, Max: 28, Drop: 3, Below: 64},
		peRoles: {Title: "ROLES", Min: 14, Max: 56, Flex: true},
		peSeen:  {Title: "LAST SEEN", Min: 12, Drop: 2, Below: 60},
		peMade:  {Title: "CREATED", Min: 12, Drop: 1, Below: 78},
	}
	return p
}

func (p *peers) name() string  { return "Peers" }
func (p *peers) scope() string { return keymap.Peers }
func (p *peers) count() int    { return p.Len() }

// Len is the number of peers.
func (p *peers) Len() int { return len(plane(p.s).Peers) }

func (p *peers) row(i int) coordinator.PeerInfo { return plane(p.s).Peers[i] }

// ID is a peer's id.
func (p *peers) ID(i int) string { return p.row(i).ID }

// Text is what the filter looks through.
func (p *peers) Text(i int) string {
	x := p.row(i)
	return strings.Join(append(roles(x), x.Name, x.ID), "\n")
}

func roles(p coordinator.PeerInfo) []string {
	list := make([]string, len(p.Bindings))
	for i, b := range p.Bindings {
		list[i] = b.String()
	}
	return list
}

// Compare orders two peers by a column; of times the newest come first.
func (p *peers) Compare(a, b, column int) int {
	x, y := p.row(a), p.row(b)
	switch column {
	case peID:
		return cmp.Compare(x.ID, y.ID)
	case peRoles:
		return cmp.Compare(strings.Join(roles(x), " "), strings.Join(roles(y), " "))
	case peSeen:
		return y.LastSeen.Compare(x.LastSeen)
	case peMade:
		return y.Created.Compare(x.Created)
	}
	return cmp.Or(cmp.Compare(strings.ToLower(x.Name), strings.ToLower(y.Name)), cmp.Compare(x.ID, y.ID))
}

// Cell is what a column shows of a peer.
func (p *peers) Cell(i, column int) component.Cell {
	x, t := p.row(i), p.theme
	when := func(at time.Time, never string) component.Cell {
		if at.IsZero() {
			return component.Cell{Text: never, Style: t.Dim}
		}
		return component.Cell{Text: component.Clock(at, p.s.Now), Style: t.Text}
	}
	switch column {
	case peName:
		return component.Cell{Text: component.Clean(x.Name), Style: t.Text}
	case peID:
		return component.Cell{Text: component.Clean(x.ID), Style: t.Dim}
	case peRoles:
		if len(x.Bindings) == 0 {
			return component.Cell{Text: "none", Style: t.Dim}
		}
		return component.Cell{Text: component.Clean(strings.Join(roles(x), " ")), Style: t.Text}
	case peSeen:
		return when(x.LastSeen, "–")
	}
	return when(x.Created, "")
}

// Detail tells all of a peer but its token.
func (p *peers) Detail(i, width int) [][]string {
	x, t := p.row(i), p.theme
	d := newSheet(x.Name, width, t)
	d.gap()
	d.pair("Id", x.ID)
	d.styled("Token", "not shown", t.Dim)
	if !x.Rotated.IsZero() {
		d.pair("Rotated", component.Clock(x.Rotated, p.s.Now))
	}
	if x.PreviousUntil.After(p.s.Now) {
		d.styled("Old token", "valid until "+x.PreviousUntil.Local().Format("2 Jan 15:04"), t.Warn)
	}
	seen := "not since the coordinator's start"
	if !x.LastSeen.IsZero() {
		seen = component.Clock(x.LastSeen, p.s.Now)
	}
	d.pair("Last seen", seen)
	d.pair("Created", x.Created.Local().Format("2 Jan 2006 15:04"))
	if x.ID == plane(p.s).Who.Peer {
		d.styled("", "this is you", t.Accent)
	}
	d.section()
	d.names("Roles", roles(x))
	d.names("Buckets", x.Buckets)
	return d.sections()
}

// Empty says why there are none.
func (p *peers) Empty(width int) []string {
	if lines := notKnown(p.s, width, p.theme); lines != nil {
		return lines
	}
	return forAdmins("The peers are told to admins of the mesh alone.", p.s, width, p.theme)
}

// forAdmins says why a section is empty for who is no admin, and who that is.
func forAdmins(why string, s *session.Session, width int, t *theme.Theme) []string {
	who := plane(s).Who
	return []string{
		t.Strong.Render(component.Cut(why, width)),
		t.Dim.Render(component.Cut(component.Clean("You are "+who.Peer+": "+rolesText(who)+"."), width)),
	}
}

func (p *peers) current() *coordinator.PeerInfo {
	if i := p.at(); i >= 0 {
		x := p.row(i)
		return &x
	}
	return nil
}

func (p *peers) refuse(a keymap.Action) string {
	switch a {
	case keymap.PeerAdd, keymap.PeerRotate, keymap.PeerRemove, keymap.RoleBind, keymap.RoleUnbind:
	default:
		return ""
	}
	x := p.current()
	reason := adminOnly(p.s)
	switch {
	case reason != "" || a == keymap.PeerAdd:
		return reason
	case x == nil:
		return "no peer is selected"
	case a == keymap.RoleUnbind && len(x.Bindings) == 0:
		return x.Name + " has no role that could be taken away"
	}
	return ""
}

func (p *peers) own(a keymap.Action) action.Action {
	x := p.current()
	switch a {
	case keymap.PeerAdd:
		return action.OpenControl{Name: a}
	case keymap.PeerRotate, keymap.PeerRemove, keymap.RoleBind, keymap.RoleUnbind:
		if x != nil {
			return action.OpenControl{Name: a, ID: x.ID}
		}
	}
	return nil
}

func (p *peers) line(a keymap.Action) string {
	id, binding := "PEER", coordinator.Binding{ID: "BINDING"}
	x := p.current()
	if x != nil {
		id = x.ID
		if len(x.Bindings) == 1 {
			binding = x.Bindings[0]
		}
	}
	switch a {
	case keymap.PeerAdd:
		return control.AddPeer("", "").Line
	case keymap.PeerRotate:
		return control.RotatePeer(id, "").Line
	case keymap.PeerRemove:
		return control.RemovePeer(id).Line
	case keymap.RoleBind:
		return control.Bind(id, "").Line
	case keymap.RoleUnbind:
		return control.Unbind(binding).Line
	case "":
		if x != nil {
			return commandline.Line("", "peer", "show", x.ID)
		}
		return commandline.Line("", "peer", "list")
	}
	return ""
}
