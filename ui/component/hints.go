package component

import (
	"slices"
	"strings"

	"github.com/artifacts-tui/artifacts-tui/ui/keymap"
	"github.com/artifacts-tui/artifacts-tui/ui/theme"
)

// Hints draws the keys of bindings that have a hint, as many as fit in width.
// Those disabled gives a reason for are dimmed, and the first to go where not
// all fit.
func Hints(bindings []keymap.Binding, disabled func(keymap.Action) string, width int, t *theme.Theme) string {
	var parts []string
	var widths []int
	var off []bool
	for _, b := range bindings {
		if b.Hint == "" {
			continue
		}
		key := t.Glyph.Key(b.Shown())
		plain := key + " " + b.Hint
		off = append(off, disabled != nil && disabled(b.Action) != "")
		if off[len(off)-1] {
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
		drop := dropped(off)
		total -= widths[drop] + between
		parts = slices.Delete(parts, drop, drop+1)
		widths = slices.Delete(widths, drop, drop+1)
		off = slices.Delete(off, drop, drop+1)
	}
	if total > width {
		return ""
	}
	return strings.Join(parts, strings.Repeat(" ", between))
}

// dropped is the hint that goes next: the last of those that cannot work here,
// else one from the middle. The last two (help and leaving) and the first stay
// longest.
func dropped(off []bool) int {
	for i := len(off) - 1; i >= 0; i-- {
		if off[i] {
			return i
		}
	}
	return max(len(off)-3, min(1, len(off)-2))
}
