package component

import (
	"strings"

	"github.com/artifacts-tui/artifacts-tui/ui/theme"
)

// Bar is a progress bar of width cells, filled to the fraction (0 to 1).
func Bar(fraction float64, width int, style theme.Style, t *theme.Theme) string {
	if width <= 0 {
		return ""
	}
	if !(fraction > 0) { // also where it is not a number
		fraction = 0
	}
	fraction = min(fraction, 1)
	full := int(fraction * float64(width))
	if full == 0 && fraction > 0 {
		full = 1 // something is there
	}
	return style.Render(strings.Repeat(t.Glyph.Full, full)) + t.Faint.Render(strings.Repeat(t.Glyph.Empty, width-full))
}

// Spark draws the last width values as columns of one line, scaled to the
// largest; nothing at all where every value is zero.
func Spark(values []float64, width int, t *theme.Theme) string {
	if len(values) > width {
		values = values[len(values)-width:]
	}
	top := 0.0
	for _, v := range values {
		top = max(top, v)
	}
	if top == 0 {
		return ""
	}
	var b strings.Builder
	steps := t.Glyph.Spark
	for _, v := range values {
		if v <= 0 {
			b.WriteString(" ")
			continue
		}
		b.WriteString(steps[min(int(v/top*float64(len(steps))), len(steps)-1)])
	}
	return b.String()
}
