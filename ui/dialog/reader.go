package dialog

import (
	"fmt"
	"strings"
	"time"

	"github.com/artifacts-tui/artifacts-tui/ui/action"
	"github.com/artifacts-tui/artifacts-tui/ui/component"
	"github.com/artifacts-tui/artifacts-tui/ui/keymap"
	"github.com/artifacts-tui/artifacts-tui/ui/theme"
)

// Reader is reading matter that scrolls: the help, the messages.
type Reader struct {
	still
	title string
	width int
	theme *theme.Theme
	write func(width int, t *theme.Theme) []string
	top   int
	room  int // lines there is room for
	total int // lines there are
}

var _ Dialog = (*Reader)(nil)

// Title names it.
func (d *Reader) Title() string { return d.title }

// Width is that of the text.
func (d *Reader) Width() int { return d.width }

// Scopes are those of a reader.
func (d *Reader) Scopes() []string { return []string{keymap.Reader} }

// Do scrolls and closes.
func (d *Reader) Do(a keymap.Action) action.Action {
	switch a {
	case keymap.Down:
		d.top = min(d.top+1, max(d.total-d.room, 0))
	case keymap.Up:
		d.top = max(d.top-1, 0)
	case keymap.HalfDown:
		d.Wheel(max(d.room-2, 1))
	case keymap.HalfUp:
		d.Wheel(-max(d.room-2, 1))
	}
	return closeOn(a)
}

// Disabled says that all of the text is in sight.
func (d *Reader) Disabled(a keymap.Action) string {
	switch a {
	case keymap.Down, keymap.Up, keymap.HalfDown, keymap.HalfUp:
		if d.total <= d.room {
			return "all of it is in sight"
		}
	}
	return ""
}

// Wheel scrolls by delta lines.
func (d *Reader) Wheel(delta int) {
	d.top = max(min(d.top+delta, d.total-d.room), 0)
}

// SetSize tells how much room the content will have.
func (d *Reader) SetSize(width, height int) {
	d.total, d.room = len(d.write(width, d.theme)), height
	d.Wheel(0)
}

// View draws the part that is scrolled to.
func (d *Reader) View(width, height int) ([]string, *component.Point) {
	lines := d.write(width, d.theme)
	end := min(d.top+height, len(lines))
	shown := append([]string(nil), lines[d.top:end]...)
	if end < len(lines) && len(shown) > 1 {
		shown[len(shown)-1] = d.theme.Dim.Render(fmt.Sprintf("%s %d more lines", d.theme.Glyph.Down, len(lines)-end+1))
	}
	return shown, nil
}

// narrow is a width at which text under a time is not set in as far as the time.
const narrow = 50

// NewMessages shows the messages, the newest first.
func NewMessages(messages []component.Message, now time.Time, t *theme.Theme) *Reader {
	write := func(width int, t *theme.Theme) []string {
		if len(messages) == 0 {
			return []string{t.Dim.Render("Nothing has been said yet.")}
		}
		indent := 12
		if width < narrow {
			indent = 2
		}
		var lines []string
		for i := len(messages) - 1; i >= 0; i-- {
			m := messages[i]
			style, glyph := m.Tone.Style(t)
			lead := t.Dim.Render(m.At.Local().Format("15:04:05")) + "  " + style.Render(glyph) + " "
			for _, line := range component.Wrap(m.Text, max(width-12, 8)) {
				lines = append(lines, lead+line)
				lead = strings.Repeat(" ", indent)
			}
			details := m.Details
			if m.Todo != "" {
				details = append(details[:len(details):len(details)], m.Todo)
			}
			for _, d := range details {
				for _, line := range component.Wrap(d, max(width-indent, 8)) {
					lines = append(lines, strings.Repeat(" ", indent)+t.Dim.Render(line))
				}
			}
		}
		return lines
	}
	return &Reader{title: "Messages", width: 76, theme: t, write: write}
}
