package page

import (
	"fmt"

	tea "charm.land/bubbletea/v2"

	"github.com/artifacts-tui/artifacts-tui/ui/action"
	"github.com/artifacts-tui/artifacts-tui/ui/component"
	"github.com/artifacts-tui/artifacts-tui/ui/keymap"
	"github.com/artifacts-tui/artifacts-tui/ui/theme"
)

// prose is a section that is a text, which scrolls.
type prose struct {
	theme         *theme.Theme
	write         func(width, height int) []string
	width, height int
	top           int
}

func (p *prose) SetSize(width, height int)    { p.width, p.height = width, height }
func (p *prose) Sync()                        {}
func (p *prose) Select(string)                {}
func (p *prose) Capturing() bool              { return false }
func (p *prose) Filtering(keymap.Action)      {}
func (p *prose) Input(tea.Msg)                {}
func (p *prose) Click(int, int) action.Action { return nil }
func (p *prose) Wheel(delta int)              { p.scroll(delta) }
func (p *prose) Split() int                   { return -1 }
func (p *prose) Status() string               { return "" }
func (p *prose) count() int                   { return -1 }
func (p *prose) scroll(delta int) {
	p.top = max(min(p.top+delta, len(p.write(p.width, p.height))-p.height), 0)
}

// Do scrolls.
func (p *prose) Do(a keymap.Action) bool {
	switch a {
	case keymap.Up:
		p.scroll(-1)
	case keymap.Down:
		p.scroll(1)
	case keymap.HalfUp:
		p.scroll(-max(p.height/2, 1))
	case keymap.HalfDown:
		p.scroll(max(p.height/2, 1))
	case keymap.Top:
		p.top = 0
	case keymap.Bottom:
		p.scroll(len(p.write(p.width, p.height)))
	default:
		return false
	}
	return true
}

func (p *prose) handle(a keymap.Action) (asked action.Action, done bool) {
	if a == keymap.Back {
		return action.Quit{}, true
	}
	return nil, a == keymap.Clear || p.Do(a)
}

// Disabled says that a text is no list.
func (p *prose) Disabled(a keymap.Action) string {
	if p.Hides(a) {
		return "this is no list"
	}
	return ""
}

// Hides reports whether a is for lists alone.
func (p *prose) Hides(a keymap.Action) bool {
	switch a {
	case keymap.Open, keymap.Detail, keymap.Filter, keymap.Sort, keymap.Reverse:
		return true
	}
	return false
}

// View draws the part that is scrolled to.
func (p *prose) View() []string {
	lines := p.write(p.width, p.height)
	p.top = max(min(p.top, len(lines)-p.height), 0)
	shown := component.Clip(lines[min(p.top, len(lines)):], p.width, p.height)
	if below := len(lines) - p.top - p.height; below > 0 && p.height > 1 {
		more := fmt.Sprintf("  %s %d more lines", p.theme.Glyph.Down, below+1)
		shown[p.height-1] = component.Fit(p.theme.Dim.Render(more), p.width, component.Left)
	}
	return shown
}
