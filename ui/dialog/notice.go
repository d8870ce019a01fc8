package dialog

import (
	"strings"
	"time"

	"github.com/artifacts-tui/artifacts-tui/ui/action"
	"github.com/artifacts-tui/artifacts-tui/ui/component"
	"github.com/artifacts-tui/artifacts-tui/ui/keymap"
	"github.com/artifacts-tui/artifacts-tui/ui/theme"
)

// Notice is a message as a whole: what, why, and what to do.
type Notice struct {
	still
	message component.Message
	theme   *theme.Theme
}

var _ Dialog = (*Notice)(nil)

// NewNotice makes the dialog of a message.
func NewNotice(m component.Message, t *theme.Theme) *Notice { return &Notice{message: m, theme: t} }

// Title says when.
func (d *Notice) Title() string { return "Notice of " + d.message.At.Local().Format("15:04:05") }

// Tone is the message's.
func (d *Notice) Tone() component.Tone { return d.message.Tone }

// Width is that of a sentence.
func (d *Notice) Width() int { return 66 }

// Scopes are those of a notice.
func (d *Notice) Scopes() []string { return []string{keymap.Notice} }

// Do copies, lists all messages, or closes.
func (d *Notice) Do(a keymap.Action) action.Action {
	switch a {
	case keymap.CopyError:
		return action.Copy{Text: d.Details(), What: "the details"}
	case keymap.Messages:
		return action.CloseThen{Then: action.OpenMessages{}}
	}
	return closeOn(a)
}

// View draws what, why and what to do.
func (d *Notice) View(width, height int) ([]string, *component.Point) {
	t := d.theme
	style, glyph := d.message.Tone.Style(t)
	lines := marked(style.Render(glyph), d.message.Text, width)
	part := func(label string, style theme.Style, texts ...string) {
		if len(texts) == 0 || texts[0] == "" {
			return
		}
		lines = append(lines, "")
		label = t.Dim.Render(component.Fit(label, noticeLabel, component.Left))
		for _, text := range texts {
			for _, line := range component.Wrap(text, max(width-noticeLabel, 8)) {
				lines = append(lines, label+style.Render(line))
				label = strings.Repeat(" ", noticeLabel)
			}
		}
	}
	part("Why", t.Dim, d.message.Details...)
	part("To do", t.Text, d.message.Todo)
	if len(lines) > height && height > 0 {
		lines = append(lines[:height-1], t.Dim.Render("… c copies all of it"))
	}
	return lines, nil
}

const noticeLabel = 7

// Details is everything, as text for a bug report or a search.
func (d *Notice) Details() string {
	lines := []string{d.message.Text}
	for _, why := range d.message.Details {
		lines = append(lines, "why:   "+why)
	}
	if d.message.Todo != "" {
		lines = append(lines, "to do: "+d.message.Todo)
	}
	return strings.Join(append(lines, "at:    "+d.message.At.Format(time.RFC3339)), "\n") + "\n"
}
