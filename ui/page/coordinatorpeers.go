package page

import (
	"cmp"
	"strings"
	"time"

	"github.com/artifacts-tui/artifacts-tui/backend/coordinator"
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
type peers struct{ rows[coordinator.PeerInfo] }

func newPeers(s *session.Session, t *theme.Theme) *peers {
	p := &peers{rows[coordinator.PeerInfo]{
		s: s, title: "Peers", keys: keymap.Peers,
		of:   func(st control.State) []coordinator.PeerInfo { return st.Peers },
		made: keymap.PeerAdd, acts: []keymap.Action{keymap.PeerRotate, keymap.PeerRemove, keymap.RoleBind, keymap.RoleUnbind}, may: adminOnly,
	}}
	p.none = func(width int) []string {
		return forAdmins("The peers are told to admins of the mesh alone.", s, width, t)
	}
	p.over(p, "peer", t, []component.Column{
		peName:  {Title: "NAME", Min: 8, Max: 24},
		peID:    {Title: "ID", Min: 10, Max: 28, Drop: 3, Below: 64},
		peRoles: {Title: "ROLES", Min: 14, Max: 56, Flex: true},
		peSeen:  {Title: "LAST SEEN", Down: true, Min: 12, Drop: 2, Below: 60},
		peMade:  {Title: "CREATED", Down: true, Min: 12, Drop: 1, Below: 78},
	})
	return p
}

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

// forAdmins says why a section is empty for who is no admin, and who that is.
func forAdmins(why string, s *session.Session, width int, t *theme.Theme) []string {
	who := plane(s).Who
	return append(wrapped(t.Strong, why, width), wrapped(t.Dim, component.Clean("You are "+who.Peer+": "+rolesText(who)+"."), width)...)
}

func (p *peers) refuse(a keymap.Action) string {
	reason := p.rows.refuse(a)
	if x := p.current(); reason == "" && a == keymap.RoleUnbind && len(x.Bindings) == 0 {
		return x.Name + " has no role that could be taken away"
	}
	return reason
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
