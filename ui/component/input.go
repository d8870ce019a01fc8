package component

import (
	"fmt"
	"strings"
	"unicode"

	tea "charm.land/bubbletea/v2"

	"github.com/artifacts-tui/artifacts-tui/ui/theme"
)

// Input is one line of text being edited. A secret one draws bullets.
type Input struct {
	Secret bool
	Ghost  string // shown dimmed while the value is empty

	value  []rune
	cursor int
}

// Value is the text as typed. Never draw that of a secret.
func (in *Input) Value() string { return string(in.value) }

// SetValue replaces the text and puts the cursor at its end.
func (in *Input) SetValue(s string) {
	in.value = []rune(s)
	in.cursor = len(in.value)
}

// Format keeps a secret out of every print of the struct (SPEC A35).
func (in *Input) Format(f fmt.State, _ rune) {
	if in.Secret {
		_, _ = f.Write([]byte("(secret)"))
		return
	}
	fmt.Fprintf(f, "%q", string(in.value))
}

// Key edits by one key; false where the key means nothing to a field.
func (in *Input) Key(msg tea.KeyPressMsg) bool {
	switch msg.String() {
	case "left", "ctrl+b":
		in.cursor = max(in.cursor-1, 0)
	case "right", "ctrl+f":
		in.cursor = min(in.cursor+1, len(in.value))
	case "home", "ctrl+a":
		in.cursor = 0
	case "end", "ctrl+e":
		in.cursor = len(in.value)
	case "backspace", "ctrl+h":
		in.remove(in.cursor-1, in.cursor)
	case "delete", "ctrl+d":
		in.remove(in.cursor, in.cursor+1)
	case "ctrl+w", "alt+backspace":
		in.remove(in.wordStart(), in.cursor)
	case "ctrl+u":
		in.remove(0, in.cursor)
	case "ctrl+k":
		in.remove(in.cursor, len(in.value))
	default:
		text := msg.Key().Text
		if text == "" {
			return false
		}
		in.insert(text)
	}
	return true
}

// Paste inserts text, without the blanks and line ends around it. Text with a
// control character inside is refused: joining its lines would make another value.
func (in *Input) Paste(text string) error {
	text = strings.TrimSpace(text)
	if strings.IndexFunc(text, unicode.IsControl) >= 0 {
		return fmt.Errorf("what was pasted holds a line break or another control character")
	}
	in.insert(text)
	return nil
}

func (in *Input) insert(text string) {
	var clean []rune
	for _, r := range text {
		if !unicode.IsControl(r) {
			clean = append(clean, r)
		}
	}
	tail := append(clean, in.value[in.cursor:]...)
	in.value = append(in.value[:in.cursor:in.cursor], tail...)
	in.cursor += len(clean)
}

func (in *Input) remove(from, to int) {
	from, to = max(from, 0), min(to, len(in.value))
	if from >= to {
		return
	}
	in.value = append(in.value[:from:from], in.value[to:]...)
	in.cursor = from
}

func (in *Input) wordStart() int {
	i := in.cursor
	for i > 0 && in.value[i-1] == ' ' {
		i--
	}
	for i > 0 && in.value[i-1] != ' ' && (i == in.cursor || in.value[i-1] != '/') {
		i--
	}
	return i
}

// around is how many characters a cell is looked for in: some take none, and of a long text only
// what is near the cursor is measured.
const around = 4

// View draws the part around the cursor in exactly width cells and returns the
// cell the cursor is in. reveal shows a secret as it is.
func (in *Input) View(width int, reveal bool, t *theme.Theme) (string, int) {
	if width <= 0 {
		return "", 0
	}
	if len(in.value) == 0 {
		return t.Dim.Render(Fit(in.Ghost, width, Left)), 0
	}
	shown := in.value
	if in.Secret && !reveal {
		shown = []rune(strings.Repeat(t.Glyph.Bullet, len(in.value)))
	}
	// One cell stays free for the cursor behind the last character.
	start := max(in.cursor-around*width, 0)
	for start < in.cursor && Width(string(shown[start:in.cursor])) > width-1 {
		start++
	}
	at := Width(string(shown[start:in.cursor]))
	end := in.cursor
	for end < min(len(shown), in.cursor+around*width) && Width(string(shown[start:end+1])) <= width {
		end++
	}
	return Fit(Clean(string(shown[start:end])), width, Left), min(at, width-1)
}
