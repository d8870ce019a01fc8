package component

import (
	"strings"

	"github.com/artifacts-tui/artifacts-tui/ui/keymap"
	"github.com/artifacts-tui/artifacts-tui/ui/theme"
)

// Hints draws the keys of bindings that have a hint, as many as fit in width.
// Those disabled gives a reason for are dimmed. Where not all fit, those in the
// middle go first.
func Hints(bindings []keymap.Binding, disabled func(keymap.Action) string, width int, t *theme.Theme) string {
	var parts []string
	var widths []int
	for _, b := range bindings {
		if b.Hint == "" {
			continue
		}
		key := t.Glyph.Key(b.Shown())
		plain := key + " " + b.Hint
		if disabled != nil && disabled(b.Action) != "" {
			parts = append(parts, t.Faint.Render(plain))
		} else {
			parts = append(parts, t.Key.Render(key)+" "+t.Dim.Render(b.Hint))
		}
		widths = append(widths, Width(plain))
	}
	const between = 2
	total := -between
	for _, w := range widths {
		total += w + between
	}
	for total > width && len(parts) > 1 {
		// The first and the last two (help and leaving) stay to the end.
		drop := max(len(parts)-3, min(1, len(parts)-2))
		total -= widths[drop] + between
		parts = append(parts[:drop:drop], parts[drop+1:]...)
		widths = append(widths[:drop:drop], widths[drop+1:]...)
	}
	if total > width {
		return ""
	}
	return strings.Join(parts, strings.Repeat(" ", between))
}
