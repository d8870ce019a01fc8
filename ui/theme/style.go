package theme

import (
	"strings"

	"charm.land/lipgloss/v2"
)

// Style is a lipgloss style reduced to the escape sequences around a text: a
// screen has hundreds of cells, and this costs a hundredth of a Render.
type Style struct{ open, close string }

// styled reduces s, which may set colours and attributes but no box.
func styled(s lipgloss.Style) Style {
	const mark = "x"
	open, end, _ := strings.Cut(s.Render(mark), mark)
	return Style{open: open, close: end}
}

// Render draws text, which must be one line.
func (s Style) Render(text ...string) string {
	joined := text[0]
	if len(text) > 1 {
		joined = strings.Join(text, " ")
	}
	if s.open == "" || joined == "" {
		return joined
	}
	return s.open + joined + s.close
}
