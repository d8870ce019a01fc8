package page

import (
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/ui/action"
	"github.com/artifacts-tui/artifacts-tui/ui/component"
	"github.com/artifacts-tui/artifacts-tui/ui/control"
	"github.com/artifacts-tui/artifacts-tui/ui/keymap"
	"github.com/artifacts-tui/artifacts-tui/ui/session"
	"github.com/artifacts-tui/artifacts-tui/ui/theme"
)

// section is one part of the coordinator's page: a list, or a text.
type section interface {
	SetSize(width, height int)
	Sync()
	Select(id string)
	Do(a keymap.Action) bool // moving, sorting, filtering
	handle(a keymap.Action) (asked action.Action, done bool)
	Disabled(a keymap.Action) string
	Capturing() bool
	Filtering(a keymap.Action)
	Input(msg tea.Msg)
	Click(x, y int) action.Action
	Wheel(delta int)
	View() []string
	Split() int
	Status() string

	name() string
	scope() string
	count() int // of rows; -1 where it has none
	// own does what a key of the section asks for.
	own(a keymap.Action) action.Action
	refuse(a keymap.Action) string // why own cannot do it; ""
	line(a keymap.Action) string   // the command line of a; of a key that moves, that of the row
}

// Coordinator is the page of the coordinator and its control plane.
type Coordinator struct {
	s        *session.Session
	theme    *theme.Theme
	sections []section
	active   int
	width    int
	height   int
}

var (
	_ Page      = (*Coordinator)(nil)
	_ Commander = (*Coordinator)(nil)
)

// NewCoordinator makes the page; it draws s with t.
func NewCoordinator(s *session.Session, t *theme.Theme) *Coordinator {
	p := &Coordinator{s: s, theme: t}
	p.sections = []section{newOverview(s, t), newPeers(s, t), newBuckets(s, t), newShares(s, t), newDeleted(s, t), newBackups(s, t)}
	p.Sync()
	return p
}

func (p *Coordinator) current() section { return p.sections[p.active] }

// Name is the tab's title.
func (p *Coordinator) Name() string { return "Coordinator" }

// Scope is that of the section's keys.
func (p *Coordinator) Scope() string { return p.current().scope() }

// Scopes are those of all sections, for the palette.
func (p *Coordinator) Scopes() []string {
	var all []string
	for _, s := range p.sections {
		all = append(all, s.scope())
	}
	return all
}

// Opened reads how things are by now.
func (p *Coordinator) Opened() action.Action { return action.ReadControl{} }

// spacious is the height from which a blank line stands below the names of the sections.
const spacious = 16

// head is the number of lines above a section.
func (p *Coordinator) head() int {
	if p.height >= spacious {
		return 2
	}
	return 1
}

// SetSize gives every section its room below the line that names them.
func (p *Coordinator) SetSize(width, height int) {
	p.width, p.height = width, height
	for _, s := range p.sections {
		s.SetSize(width, max(height-p.head(), 0))
	}
}

// Sync takes in what changed.
func (p *Coordinator) Sync() {
	for _, s := range p.sections {
		s.Sync()
	}
}

// Select goes to the section called id, or to a row of the one shown.
func (p *Coordinator) Select(id string) {
	for i, s := range p.sections {
		if s.name() == id {
			p.active = i
			return
		}
	}
	p.current().Select(id)
}

// Do does what a key asks for.
func (p *Coordinator) Do(a keymap.Action) action.Action {
	n := len(p.sections)
	switch a {
	case keymap.NextSection:
		p.active = (p.active + 1) % n
	case keymap.PrevSection:
		p.active = (p.active + n - 1) % n
	case keymap.Open:
		p.current().Do(keymap.Detail)
	default:
		if asked, done := p.current().handle(a); done {
			return asked
		}
		return p.current().own(a)
	}
	return nil
}

// Disabled says why a key cannot work in this section.
func (p *Coordinator) Disabled(a keymap.Action) string {
	if a == keymap.NextSection || a == keymap.PrevSection {
		return ""
	}
	if reason := p.current().refuse(a); reason != "" {
		return reason
	}
	return p.current().Disabled(a)
}

// Hides reports whether a can never work in this section, so that no hint is given of it.
func (p *Coordinator) Hides(a keymap.Action) bool {
	t, ok := p.current().(interface{ Hides(keymap.Action) bool })
	return ok && t.Hides(a)
}

// Verb is a better word than the key map's for what an action does here; "" where there is none.
func (p *Coordinator) Verb(a keymap.Action) string {
	if l, ok := p.current().(interface{ Verb(keymap.Action) string }); ok {
		return l.Verb(a)
	}
	return ""
}

// Capturing reports whether the filter is being typed.
func (p *Coordinator) Capturing() bool { return p.current().Capturing() }

// Filtering does what keys ask for while the filter is typed.
func (p *Coordinator) Filtering(a keymap.Action) { p.current().Filtering(a) }

// Input types into the filter.
func (p *Coordinator) Input(msg tea.Msg) { p.current().Input(msg) }

// Click selects a row, or a section by its name.
func (p *Coordinator) Click(x, y int) action.Action {
	if y > 0 {
		return p.current().Click(x, y-p.head())
	}
	for i, span := range p.spans() {
		if x >= span.from && x < span.to {
			p.active = i
		}
	}
	return nil
}

// Wheel scrolls.
func (p *Coordinator) Wheel(delta int) { p.current().Wheel(delta) }

// Split is where the wall to the detail stands, or -1.
func (p *Coordinator) Split() int { return p.current().Split() }

// Status is what the section holds.
func (p *Coordinator) Status() string { return p.current().Status() }

// Command is the command line of the row under the cursor.
func (p *Coordinator) Command() string { return p.current().line("") }

// CommandOf is the command line of an action, in whichever section it works.
func (p *Coordinator) CommandOf(a keymap.Action) string {
	for _, s := range p.sections {
		if line := s.line(a); a != "" && line != "" {
			return line
		}
	}
	return ""
}

type span struct{ from, to int }

// spans are where the names of the sections are in their line; empty where only one is drawn.
func (p *Coordinator) spans() []span {
	spans := make([]span, len(p.sections))
	x := 2
	for i := range p.sections {
		w := component.Width(p.label(i))
		spans[i] = span{x, x + w}
		x += w + 2
	}
	if x+len(" h l section") > p.width {
		return nil
	}
	return spans
}

// label is a section's name, with how many rows it has where there is room for that.
func (p *Coordinator) label(i int) string {
	s := p.sections[i]
	if n := s.count(); n > 0 && p.width >= 80 {
		return fmt.Sprintf("%s %s", s.name(), component.Count(int64(n)))
	}
	return s.name()
}

// View draws the names of the sections, and the one that is shown.
func (p *Coordinator) View() []string {
	t := p.theme
	var b strings.Builder
	b.WriteString("  ")
	if p.spans() == nil {
		b.WriteString(t.Select.Render(p.label(p.active)) + t.Dim.Render(fmt.Sprintf("  %d of %d, h l for the others", p.active+1, len(p.sections))))
	} else {
		for i := range p.sections {
			if i > 0 {
				b.WriteString("  ")
			}
			if i == p.active {
				b.WriteString(t.Select.Render(p.label(i)))
			} else {
				b.WriteString(t.Dim.Render(p.label(i)))
			}
		}
		b.WriteString("   " + t.Key.Render("h l") + t.Dim.Render(" section"))
	}
	lines := []string{b.String(), ""}[:p.head()]
	if at := p.Split(); at >= 0 {
		for i := range lines {
			lines[i] = component.Fit(lines[i], at, component.Left) + t.Faint.Render(t.Glyph.Wall)
		}
	}
	return append(lines, p.current().View()...)
}

// notKnown says why there is nothing to show yet; nil where there is.
func notKnown(s *session.Session, width int, t *theme.Theme) []string {
	switch {
	case s.Control != nil:
		return nil
	case s.Coordinator == session.Down:
		return downText(s.CoordinatorErr, width, t)
	case s.ControlErr != nil:
		e := fault.As(s.ControlErr)
		lines := []string{t.Strong.Render(component.Cut("The coordinator does not tell.", width))}
		for _, text := range []string{e.Error(), e.Hint} {
			for _, line := range component.Wrap(component.Clean(text), min(width, 72)) {
				lines = append(lines, t.Dim.Render(line))
			}
		}
		return append(lines, t.Key.Render("R")+" tries again.")
	case s.Coordinator == session.Starting:
		return []string{t.Dim.Render("Starting the coordinator…")}
	}
	return []string{t.Dim.Render(t.Glyph.Wait + " reading…")}
}

// plane is what the control plane told last, or nothing.
func plane(s *session.Session) control.State {
	if s.Control == nil {
		return control.State{}
	}
	return *s.Control
}

const onlyAdmins = "only an admin of the mesh may"

// adminOnly says why an action of admins cannot work; "" where it can.
func adminOnly(s *session.Session) string {
	switch {
	case s.Control == nil && s.Coordinator == session.Down:
		return "the coordinator does not answer; R tries again"
	case s.Control == nil:
		return "the coordinator has not told yet"
	case !s.Control.Who.Admin:
		return onlyAdmins
	}
	return ""
}

// unknown says why an action that anybody may do cannot work.
func unknown(s *session.Session) string {
	if reason := adminOnly(s); reason != onlyAdmins {
		return reason
	}
	return ""
}
