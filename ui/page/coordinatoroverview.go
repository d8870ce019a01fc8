package page

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/artifacts-tui/artifacts-tui/backend/coordinator"
	"github.com/artifacts-tui/artifacts-tui/ui/action"
	"github.com/artifacts-tui/artifacts-tui/ui/commandline"
	"github.com/artifacts-tui/artifacts-tui/ui/component"
	"github.com/artifacts-tui/artifacts-tui/ui/keymap"
	"github.com/artifacts-tui/artifacts-tui/ui/session"
	"github.com/artifacts-tui/artifacts-tui/ui/theme"
)

// overview is how the coordinator is, and who this user is to it.
type overview struct {
	prose
	s *session.Session
}

func newOverview(s *session.Session, t *theme.Theme) *overview {
	o := &overview{prose: prose{theme: t}, s: s}
	o.write = o.text
	return o
}

func (o *overview) name() string                    { return "Overview" }
func (o *overview) scope() string                   { return keymap.Overview }
func (o *overview) own(keymap.Action) action.Action { return nil }
func (o *overview) refuse(keymap.Action) string     { return "" }
func (o *overview) line(a keymap.Action) string {
	switch {
	case a == keymap.Contexts:
		return commandline.Line("", "context", "list")
	case a != "":
		return ""
	case plane(o.s).Who.Admin:
		return commandline.Line("", "storage", "status")
	}
	return commandline.Line("", "whoami")
}

// text sets what is about the coordinator at the left and what it holds at the right, where there is
// room for both.
func (o *overview) text(width, height int) []string {
	if lines := notKnown(o.s, width, o.theme); lines != nil {
		return centered(lines, width, height)
	}
	const margin, between = 2, 4
	room := max(width-2*margin, 8)
	column := min(room, 76)
	beside := width >= wideFrom
	if beside {
		column = min((room-between)/2, 76)
	}
	left, right := o.about(column), o.holds(column)
	var lines []string
	if beside {
		for y := range max(len(left), len(right)) {
			var l, r string
			if y < len(left) {
				l = left[y]
			}
			if y < len(right) {
				r = right[y]
			}
			lines = append(lines, "  "+component.Fit(l, column+between, component.Left)+r)
		}
		return lines
	}
	// What wants to be looked at comes first where not all of it is in sight.
	for _, line := range append(append(right, ""), left...) {
		lines = append(lines, "  "+line)
	}
	return lines
}

func joined(sections [][]string) []string {
	var lines []string
	for i, s := range sections {
		if i > 0 {
			lines = append(lines, "")
		}
		lines = append(lines, s...)
	}
	return lines
}

// about is the coordinator itself, and this user.
func (o *overview) about(width int) []string {
	info, who, t := o.s.CoordinatorInfo, plane(o.s).Who, o.theme
	d := newSheet("Coordinator", width, t)
	d.pair("Address", info.URL)
	d.pair("Kind", info.Kind)
	d.pair("Context", info.Context)
	if !info.Since.IsZero() {
		d.pair("Since", component.Clock(info.Since, o.s.Now)+", for "+component.Elapsed(o.s.Now.Sub(info.Since)))
	}
	if info.PID > 0 {
		d.pair("Process", strconv.Itoa(info.PID))
	}
	d.pair("Version", info.Version)
	d.pair("Data", component.Home(info.DataDir, o.s.Home))
	if info.Fingerprint != "" {
		d.pair("Certificate", info.Fingerprint)
	} else {
		d.styled("Certificate", "none: plain HTTP", t.Dim)
	}
	d.pair("Id", who.Coordinator)
	d.section()
	d.say(t.Strong, "You")
	switch {
	case who.Peer == "":
		d.pair("Peer", "the admin of this machine")
	case who.Name != "" && who.Name != who.Peer:
		d.pair("Peer", who.Peer+" ("+who.Name+")")
	default:
		d.pair("Peer", who.Peer)
	}
	d.pair("Roles", rolesText(who))
	d.gap()
	d.lines = append(d.lines, t.Key.Render("C")+t.Dim.Render(" uses another coordinator"))
	return joined(d.sections())
}

func rolesText(who coordinator.WhoAmI) string {
	var roles []string
	for _, g := range who.Grants {
		if who.Admin && g.Role.OfBucket() {
			continue // an admin may do that anyway
		}
		roles = append(roles, g.String())
	}
	switch {
	case len(roles) > 0:
		return strings.Join(roles, ", ")
	case who.Admin:
		return "admin"
	}
	return "none"
}

// holds is what the store holds and what an admin should see to.
func (o *overview) holds(width int) []string {
	st, t := plane(o.s), o.theme
	if st.Storage == nil {
		d := newSheet("Store", width, t)
		d.pair("Buckets", fmt.Sprintf("%s that you may see", component.Count(int64(len(st.Buckets)))))
		d.section()
		d.say(t.Dim, "The store as a whole, the peers and their roles are told to admins of the mesh alone. Your buckets, shares and deleted workspaces are in their sections (l).")
		return joined(d.sections())
	}
	s := st.Storage
	d := newSheet("Store", width, t)
	bar := func(used, of int64) {
		const percent = 6 // " 100 %"
		room := max(min(width-labelWidth-1-percent, 32), 0)
		d.raw("", component.Bar(float64(used)/float64(of), room, fullness(used, of, t), t)+fmt.Sprintf(" %5s", share(used, of)))
	}
	if s.MaxSize > 0 {
		d.pair("Used", component.Bytes(s.Total())+" of "+component.Bytes(s.MaxSize))
		bar(s.Total(), s.MaxSize)
	} else {
		d.pair("Used", component.Bytes(s.Total())+", not bounded")
	}
	d.pair("Objects", component.Count(s.Objects))
	if s.PartBytes > 0 {
		d.pair("In flight", component.Bytes(s.PartBytes)+" of unfinished uploads")
	}
	d.pair("Buckets", component.Count(int64(s.Buckets)))
	managed := component.Count(int64(s.Workspaces)) + " managed"
	if s.Deleted > 0 {
		managed += fmt.Sprintf(", %s of them deleted", component.Count(int64(s.Deleted)))
	}
	d.pair("Workspaces", managed)
	if s.Disk.Total > 0 {
		d.pair("Disk", component.Bytes(s.Disk.Free)+" free of "+component.Bytes(s.Disk.Total))
		bar(s.Disk.Total-s.Disk.Free, s.Disk.Total)
	}
	d.section()
	if len(s.Warnings) == 0 {
		d.say(t.Good, t.Glyph.On+" nothing needs attention")
		return joined(d.sections())
	}
	d.say(t.Strong, "Needs attention")
	for _, w := range s.Warnings {
		style, glyph := t.Warn, t.Glyph.Warn
		if w.Kind == "damage" || w.Kind == "missing" {
			style, glyph = t.Bad, t.Glyph.Bad
		}
		lead := style.Render(glyph) + " "
		for _, line := range component.Wrap(component.Clean(o.warning(w)), max(width-2, 8)) {
			d.lines = append(d.lines, lead+line)
			lead = "  "
		}
	}
	return joined(d.sections())
}

// warning is what an admin should see to; of a quota it is told in sizes for people.
func (o *overview) warning(w coordinator.Warning) string {
	full := func(used, quota int64) string {
		return fmt.Sprintf("%s is %s full: %s of %s", w.Subject, share(used, quota), component.Bytes(used), component.Bytes(quota))
	}
	kind, name, _ := strings.Cut(w.Subject, " ")
	if w.Kind != "quota" {
		return w.Message
	}
	for _, b := range plane(o.s).Buckets {
		if kind == "bucket" && b.Name == name && b.Quota > 0 {
			return full(b.Used, b.Quota)
		}
	}
	if x, ok := o.s.Workspace(name); ok && kind == "workspace" && x.Usage != nil && x.Quota > 0 {
		return full(x.Usage.Total(), x.Quota)
	}
	return w.Message
}

// The marks from which a quota is shown as one that warns, and as full (SPEC B25).
const (
	nearFull = 0.80
	allFull  = 0.95
)

// fullness is the tone of so much of so much.
func fullness(used, of int64, t *theme.Theme) theme.Style {
	switch share := float64(used) / float64(of); {
	case share >= allFull:
		return t.Bad
	case share >= nearFull:
		return t.Warn
	}
	return t.Accent
}

// share is so much of so much in per cent. 100 % is full, and nothing less.
func share(used, of int64) string {
	percent := 100 * float64(used) / float64(of)
	if used < of {
		percent = min(percent, 99)
	}
	return fmt.Sprintf("%.0f %%", percent)
}

// gauge is a bar in text of one style, for a cell, with its share behind it.
func gauge(used, of int64, width int, t *theme.Theme) component.Cell {
	if of <= 0 {
		return component.Cell{Text: "–", Style: t.Dim}
	}
	full := min(int(float64(used)/float64(of)*float64(width)), width)
	if full == 0 && used > 0 {
		full = 1
	}
	text := strings.Repeat(t.Glyph.Full, full) + strings.Repeat(t.Glyph.Empty, width-full) + fmt.Sprintf(" %5s", share(used, of))
	style := fullness(used, of, t)
	if used == 0 {
		style = t.Dim
	}
	return component.Cell{Text: text, Style: style}
}
