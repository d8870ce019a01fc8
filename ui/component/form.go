package component

import (
	tea "charm.land/bubbletea/v2"

	"github.com/artifacts-tui/artifacts-tui/ui/theme"
)

// Field is a labelled input with its own check.
type Field struct {
	Label string
	Note  string // what belongs here, shown while the field has the focus
	Input Input
	// Check says what is wrong with the value, or nil. It is asked when the
	// field is left and before the form is sent.
	Check func(value string) error
	// Masked is how a secret is shown while another field has the focus.
	Masked func(value string) string

	err error
}

// Form is a column of fields, one of which has the focus.
type Form struct {
	Fields []*Field
	Reveal bool // the focused secret is shown as it is

	focus int
}

// Focused is the field with the focus.
func (f *Form) Focused() *Field { return f.Fields[f.focus] }

// Last reports whether the focus is on the last field.
func (f *Form) Last() bool { return f.focus == len(f.Fields)-1 }

// Value is the text of field i.
func (f *Form) Value(i int) string { return f.Fields[i].Input.Value() }

// Move gives the focus to the field delta further, round the ends, and checks
// the one that is left where something was typed.
func (f *Form) Move(delta int) {
	for _, field := range f.Fields {
		if field == f.Focused() && field.Input.Value() != "" || field.err != nil {
			field.check()
		}
	}
	f.focus = (f.focus + delta + len(f.Fields)) % len(f.Fields)
	f.Reveal = false
}

// Focus gives the focus to field i.
func (f *Form) Focus(i int) {
	f.focus = max(0, min(i, len(f.Fields)-1))
	f.Reveal = false
}

// Input edits the focused field by a key or a paste.
func (f *Form) Input(msg tea.Msg) bool {
	field := f.Focused()
	switch msg := msg.(type) {
	case tea.KeyPressMsg:
		if !field.Input.Key(msg) {
			return false
		}
		if field.err != nil {
			field.check() // what was wrong may have been put right
		}
		return true
	case tea.PasteMsg:
		if field.err = field.Input.Paste(msg.Content); field.err == nil {
			field.check()
		}
		return true
	}
	return false
}

// Valid checks every field and moves the focus to the first that is wrong.
func (f *Form) Valid() bool {
	first := -1
	for i, field := range f.Fields {
		if field.check(); field.err != nil && first < 0 {
			first = i
		}
	}
	if first >= 0 {
		f.Focus(first)
	}
	return first < 0
}

// Fail marks field i with err and moves the focus there.
func (f *Form) Fail(i int, err error) {
	f.Fields[i].err = err
	f.Focus(i)
}

func (fd *Field) check() {
	fd.err = nil
	if fd.Check != nil {
		fd.err = fd.Check(fd.Input.Value())
	}
}

// noteLines is the room below the fields for the note or what is wrong: it is
// always kept, so that nothing jumps.
const noteLines = 2

// Height is the number of lines the whole form takes.
func (f *Form) Height() int { return len(f.Fields) + 1 + noteLines }

// View draws the form in width × height cells, the focused field always in
// sight, and returns the place of the cursor in it.
func (f *Form) View(width, height int, t *theme.Theme) ([]string, Point) {
	label := 0
	for _, field := range f.Fields {
		label = max(label, Width(field.Label))
	}
	label = min(label, max((width-6)/2, 6))
	rows := min(len(f.Fields), max(height-1-noteLines, 1))
	if height < 4 {
		rows = max(min(rows, height-1), 1)
	}
	top := max(0, min(f.focus-rows/2, len(f.Fields)-rows))

	var lines []string
	var cursor Point
	for i := top; i < top+rows; i++ {
		line, at := f.field(i, label, width, t)
		if i == f.focus {
			cursor = Point{X: at, Y: len(lines)}
		}
		lines = append(lines, line)
	}
	if height > rows+noteLines {
		lines = append(lines, "")
	}
	focused := f.Focused()
	style, note := t.Dim, focused.Note
	if focused.err != nil {
		style, note = t.Bad, t.Glyph.Bad+" "+Clean(focused.err.Error())
	}
	wrapped := Wrap(note, width)
	for i := 0; i < noteLines && len(lines) < height; i++ {
		text := ""
		if i < len(wrapped) {
			text = wrapped[i]
			if i == noteLines-1 && len(wrapped) > noteLines {
				text = Cut(text+" …", width)
			}
		}
		lines = append(lines, style.Render(text))
	}
	return lines, cursor
}

func (f *Form) field(i, label, width int, t *theme.Theme) (string, int) {
	field := f.Fields[i]
	focused := i == f.focus
	mark, style := "  ", t.Dim
	switch {
	case focused:
		mark, style = t.Accent.Render(t.Glyph.Cursor)+" ", t.Accent
	case field.err != nil:
		mark = t.Bad.Render(t.Glyph.Bad) + " "
	}
	room := max(width-label-4, 1)
	var text string
	at := 0
	if !focused && field.Input.Secret && field.Masked != nil && field.Input.Value() != "" {
		text = Fit(field.Masked(field.Input.Value()), room, Left)
	} else {
		text, at = field.Input.View(room, f.Reveal && focused, t)
	}
	return mark + style.Render(Fit(field.Label, label, Left)) + "  " + text, label + 4 + at
}
