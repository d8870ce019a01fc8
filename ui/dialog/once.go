package dialog

import (
	"strings"

	"github.com/artifacts-tui/artifacts-tui/ui/action"
	"github.com/artifacts-tui/artifacts-tui/ui/component"
	"github.com/artifacts-tui/artifacts-tui/ui/control"
	"github.com/artifacts-tui/artifacts-tui/ui/keymap"
	"github.com/artifacts-tui/artifacts-tui/ui/theme"
)

// Once shows a secret that is told this one time. With the dialog the secret is gone.
type Once struct {
	still
	once   *control.Once
	theme  *theme.Theme
	copied bool
}

var _ Dialog = (*Once)(nil)

// NewOnce makes the dialog.
func NewOnce(o *control.Once, t *theme.Theme) *Once { return &Once{once: o, theme: t} }

// Title says whose it is.
func (d *Once) Title() string { return component.Clean(d.once.Title) }

// Tone asks for attention.
func (d *Once) Tone() component.Tone { return component.Warn }

// Width has room for a token in one line.
func (d *Once) Width() int { return 64 }

// Scopes are its own: no key that is pressed by habit closes it.
func (d *Once) Scopes() []string { return []string{keymap.Told} }

// Do copies, or closes for good.
func (d *Once) Do(a keymap.Action) action.Action {
	if a == keymap.CopySecret {
		d.copied = true
		return action.Copy{Text: d.once.Secret.Reveal(), What: "the " + strings.ToLower(d.once.Label)}
	}
	return closeOn(a)
}

// View shows the secret, in as many lines as it takes.
func (d *Once) View(width, height int) ([]string, *component.Point) {
	t := d.theme
	const label = 12
	var lines []string
	for _, p := range d.once.Pairs {
		lines = append(lines, t.Dim.Render(component.Fit(p[0], label, component.Left))+component.CutPath(component.Clean(p[1]), max(width-label, 1)))
	}
	note := component.Wrap("It is not shown again.", width)
	lead := label
	secret := d.once.Secret.Reveal()
	if component.Width(secret) > width-label {
		lead = 0
	}
	var told []string
	for rest := component.Clean(secret); rest != ""; {
		n := min(len(rest), max(width-lead, 8))
		told = append(told, t.Strong.Render(rest[:n]))
		rest = rest[n:]
	}
	name := t.Dim.Render(component.Fit(d.once.Label, label, component.Left))
	if lead == 0 {
		told = append([]string{name}, told...)
	} else {
		told[0] = name + told[0]
	}
	// The secret stays in sight, whatever else has to go.
	if over := len(lines) + len(told) + len(note) - height; over > 0 {
		lines = lines[:max(len(lines)-over, 0)]
	}
	lines = append(lines, told...)
	if len(lines)+len(note)+1 <= height {
		lines = append(lines, "")
	}
	style, text := t.Warn, t.Glyph.Warn+" "+note[0]
	if d.copied {
		style, text = t.Good, t.Glyph.Done+" Copied. "+note[0]
	}
	return append(lines, style.Render(component.Cut(text, width))), nil
}
