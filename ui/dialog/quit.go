package dialog

import (
	"github.com/artifacts-tui/artifacts-tui/ui/action"
	"github.com/artifacts-tui/artifacts-tui/ui/component"
	"github.com/artifacts-tui/artifacts-tui/ui/keymap"
	"github.com/artifacts-tui/artifacts-tui/ui/theme"
)

// Quit asks before leaving while something has not ended.
type Quit struct {
	still
	theme   *theme.Theme
	running []string // in words, such as "mounting notes"
}

var _ Dialog = (*Quit)(nil)

// NewQuit makes the question.
func NewQuit(running []string, t *theme.Theme) *Quit { return &Quit{theme: t, running: running} }

// Title asks.
func (d *Quit) Title() string { return "Leave?" }

// Width is that of a sentence.
func (d *Quit) Width() int { return 52 }

// Scopes are those of a question.
func (d *Quit) Scopes() []string { return []string{keymap.Ask} }

// Verb says leave and stay.
func (d *Quit) Verb(a keymap.Action) string {
	return map[keymap.Action]string{keymap.Confirm: "leave", keymap.Cancel: "stay"}[a]
}

// Do leaves, or not.
func (d *Quit) Do(a keymap.Action) action.Action {
	if a == keymap.Confirm {
		return action.CloseThen{Then: action.Quit{Sure: true}}
	}
	return closeOn(a)
}

// View names what is under way.
func (d *Quit) View(width, _ int) ([]string, *component.Point) {
	lines := []string{"This has not ended yet:"}
	for _, what := range d.running {
		lines = append(lines, "  "+d.theme.Accent.Render(d.theme.Glyph.Part)+" "+component.Cut(component.Clean(what), max(width-4, 1)))
	}
	for _, line := range component.Wrap("Leaving now may end it half-way; done again, it goes on where it stopped.", width) {
		lines = append(lines, d.theme.Dim.Render(line))
	}
	return lines, nil
}
