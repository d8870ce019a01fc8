package dialog

import (
	tea "charm.land/bubbletea/v2"

	"github.com/artifacts-tui/artifacts-tui/ui/action"
	"github.com/artifacts-tui/artifacts-tui/ui/component"
	"github.com/artifacts-tui/artifacts-tui/ui/control"
	"github.com/artifacts-tui/artifacts-tui/ui/keymap"
	"github.com/artifacts-tui/artifacts-tui/ui/session"
	"github.com/artifacts-tui/artifacts-tui/ui/theme"
)

// Change asks for what a change of the control plane needs, says what it will do, and stays open
// until it is done. Without fields it is a question.
type Change struct {
	fields
	s     *session.Session
	theme *theme.Theme
	title string
	verb  string // what confirming does, in a word
	tone  component.Tone
	words [][2]string // what goes, what stays: a label and a sentence
	build func(values []string) *control.Change
	// refused shows a refusal in the form itself; false where that is to be a dialog; may be nil.
	refused func(err error) bool

	sent *control.Change // nil: nothing is under way
}

var _ Dialog = (*Change)(nil)

// Title says what will change.
func (d *Change) Title() string { return component.Clean(d.title) }

// Tone warns of what cannot be undone.
func (d *Change) Tone() component.Tone { return d.tone }

// Width is that of a sentence.
func (d *Change) Width() int { return 64 }

func (d *Change) question() bool { return len(d.form.Fields) == 0 }

// Scopes are those of a form, or of a question.
func (d *Change) Scopes() []string {
	if d.question() {
		return []string{keymap.Ask}
	}
	for _, f := range d.form.Fields {
		if f.Input.Secret {
			return []string{keymap.Form, keymap.Secrets, keymap.Dismiss}
		}
	}
	return []string{keymap.Form, keymap.Dismiss}
}

// Capturing is so where there are fields.
func (d *Change) Capturing() bool { return !d.question() }

// Disabled says what cannot be done now.
func (d *Change) Disabled(a keymap.Action) string {
	if d.question() {
		return ""
	}
	return d.fields.Disabled(a)
}

// Input types, unless the change is under way.
func (d *Change) Input(msg tea.Msg) {
	if d.sent == nil && !d.question() {
		d.form.Input(msg)
	}
}

// Verb says what confirming does.
func (d *Change) Verb(a keymap.Action) string {
	if a == keymap.Confirm && !d.question() && !d.form.Last() {
		return ""
	}
	return confirms(a, d.verb)
}

func (d *Change) values() []string {
	values := make([]string, len(d.form.Fields))
	for i := range values {
		values[i] = d.form.Value(i)
	}
	return values
}

// Do sends the form once it is right.
func (d *Change) Do(a keymap.Action) action.Action {
	if !d.question() {
		next := a == keymap.NextField || a == keymap.PrevField || a == keymap.Confirm && !d.form.Last()
		if done, ok := d.move(a); ok || next {
			return done
		}
	}
	if a != keymap.Confirm {
		return closeOn(a)
	}
	if d.sent != nil || !d.question() && !d.form.Valid() {
		return nil
	}
	d.sent = d.build(d.values())
	return action.Change{Change: d.sent}
}

// Handles reports whether the form shows the refusal of c itself, and whether it is c's form.
func (d *Change) Handles(c *control.Change, err error) (shows, mine bool) {
	if d.sent == nil || d.sent != c {
		return false, false
	}
	return err != nil && d.refused != nil && d.refused(err), true
}

// Notify closes the form when it is done; where that failed it stays as it was filled.
func (d *Change) Notify(msg any) action.Action {
	d.hear(msg)
	if end, ok := msg.(session.ControlChanged); ok && end.Change == d.sent {
		if d.sent = nil; end.Err == nil {
			return action.Close{}
		}
	}
	return nil
}

// Command is the command that does the same.
func (d *Change) Command() string {
	if d.sent != nil {
		return d.sent.Line
	}
	return d.build(d.values()).Line
}

// View says what goes and what stays, then asks.
func (d *Change) View(width, height int) ([]string, *component.Point) {
	t := d.theme
	if d.question() {
		lines := told(d.words, width, height, t)
		if d.sent != nil {
			lines = append(lines, d.busy())
		}
		return lines, nil
	}
	formHeight := min(d.form.Height(), height)
	lines := told(d.words, width, height-formHeight, t)
	form, cursor := d.form.View(width, formHeight, t)
	if d.sent != nil {
		form[len(form)-1] = d.busy()
		return append(lines, form...), nil
	}
	cursor.Y += len(lines)
	return append(lines, form...), &cursor
}

func (d *Change) busy() string {
	t := d.theme
	return t.Accent.Render(t.Glyph.Wait + " " + component.Clean(d.sent.Doing) + "…")
}

// told writes sentences with a label each, and a blank line behind them, in at most room lines: where
// that is too little a sentence is cut to its first line, so that none is left out for another.
func told(words [][2]string, width, room int, t *theme.Theme) (lines []string) {
	label := 0
	for _, w := range words {
		label = max(label, component.Width(w[0])+2)
	}
	short := false
	for {
		lines = lines[:0]
		for _, w := range words {
			lead := t.Strong.Render(component.Fit(w[0], label, component.Left))
			text := component.Wrap(component.Clean(w[1]), max(width-label, 8))
			if short {
				text = []string{component.Cut(component.Clean(w[1]), max(width-label, 1))}
			}
			for _, line := range text {
				lines = append(lines, lead+line)
				lead = component.Fit("", label, component.Left)
			}
		}
		if len(lines) <= room || short {
			break
		}
		short = true
	}
	if len(lines) > 0 && len(lines) < room {
		lines = append(lines, "")
	}
	return lines[:min(len(lines), max(room, 0))]
}
