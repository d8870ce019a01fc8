package component

import (
	"time"

	"github.com/artifacts-tui/artifacts-tui/ui/theme"
)

// Tone is how a message is meant.
type Tone int

// The tones.
const (
	Info Tone = iota
	Good
	Warn
	Bad
)

// Style and glyph of a tone.
func (tone Tone) Style(t *theme.Theme) (theme.Style, string) {
	switch tone {
	case Good:
		return t.Good, t.Glyph.Done
	case Warn:
		return t.Warn, t.Glyph.Warn
	case Bad:
		return t.Bad, t.Glyph.Bad
	default:
		return t.Accent, t.Glyph.Bullet
	}
}

// Message is something worth saying once, kept for the messages dialog.
type Message struct {
	Tone    Tone
	Text    string
	Details []string // why, or more of it
	Todo    string   // what to do about it; may be empty
	At      time.Time
}

// more is all there is behind the text.
func (m Message) more() []string {
	if m.Todo == "" {
		return m.Details
	}
	return append(m.Details[:len(m.Details):len(m.Details)], m.Todo)
}

// Toasts keeps the messages and shows the newest for a while.
type Toasts struct {
	messages []Message
	live     []int // IDs of those still shown, oldest first
	next     int
	first    int // ID of messages[0]
}

const (
	keptMessages = 200
	shownToasts  = 3
	toastWidth   = 54
	toastDetails = 3
)

// Add keeps m and shows it; it returns the ID to pass to Expire.
func (ts *Toasts) Add(m Message) int {
	id := ts.next
	ts.next++
	ts.messages = append(ts.messages, m)
	if len(ts.messages) > keptMessages {
		ts.messages = ts.messages[1:]
		ts.first++
	}
	if newest := ts.Newest(); newest != nil && newest.Text == m.Text && newest.Tone == m.Tone {
		ts.live = ts.live[:len(ts.live)-1] // said twice in a row it is shown once
	}
	ts.live = append(ts.live, id)
	if len(ts.live) > shownToasts {
		ts.live = ts.live[1:]
	}
	return id
}

// Expire stops showing the message; it is kept.
func (ts *Toasts) Expire(id int) {
	for i, live := range ts.live {
		if live == id {
			ts.live = append(ts.live[:i:i], ts.live[i+1:]...)
			return
		}
	}
}

// Dismiss stops showing all; false where none was shown.
func (ts *Toasts) Dismiss() bool {
	shown := len(ts.live) > 0
	ts.live = nil
	return shown
}

// Newest is the newest message still shown, or nil.
func (ts *Toasts) Newest() *Message {
	if len(ts.live) == 0 {
		return nil
	}
	return &ts.messages[ts.live[len(ts.live)-1]-ts.first]
}

// NewestWithMore is the newest message still shown that has more to it than its text, or nil.
func (ts *Toasts) NewestWithMore() *Message {
	for i := len(ts.live) - 1; i >= 0; i-- {
		if m := &ts.messages[ts.live[i]-ts.first]; len(m.more()) > 0 {
			return m
		}
	}
	return nil
}

// All returns the messages, oldest first.
func (ts *Toasts) All() []Message { return ts.messages }

// View draws the live toasts in boxes at most width cells wide, none below each
// other taking more than height lines together.
func (ts *Toasts) View(width, height int, t *theme.Theme) []string {
	inner := min(toastWidth, width) - BoxPadding
	if inner < 12 {
		return nil
	}
	details := toastDetails
	if height < 12 {
		details = 1
	}
	var lines []string
	for i := len(ts.live) - 1; i >= 0; i-- {
		box := ts.box(ts.messages[ts.live[i]-ts.first], inner, details, t)
		if len(lines)+len(box) > height {
			break
		}
		lines = append(box, lines...)
	}
	return lines
}

func (ts *Toasts) box(m Message, inner, details int, t *theme.Theme) []string {
	style, glyph := m.Tone.Style(t)
	var content []string
	for i, line := range Wrap(m.Text, inner-2) {
		lead := "  "
		if i == 0 {
			lead = style.Render(glyph) + " "
		}
		content = append(content, lead+line)
	}
	shown := 0
	for _, d := range m.more() {
		for _, line := range Wrap(d, inner-2) {
			if shown == details {
				return Box("", append(content, t.Dim.Render("  t shows all")), inner, style.Render, t)
			}
			content = append(content, "  "+t.Dim.Render(line))
			shown++
		}
	}
	return Box("", content, inner, style.Render, t)
}
