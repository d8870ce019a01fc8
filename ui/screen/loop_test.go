package screen

import (
	"context"
	"errors"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
)

// said shows what it was told.
type said struct{ text string }

type word string

func (m said) Init() tea.Cmd { return func() tea.Msg { return word("begun ") } }

func (m said) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.KeyPressMsg:
		m.text += msg.String() + " "
		switch msg.String() {
		case "b":
			one := func() tea.Msg { return word("one ") }
			return m, tea.Batch(one, tea.Batch(one, nil, one))
		case "q":
			return m, tea.Quit
		}
	case tea.PasteMsg:
		m.text += msg.Content + " "
	case tea.MouseWheelMsg:
		m.text += "wheel "
	case word:
		m.text += string(msg)
	default:
		m.text += "? "
	}
	return m, nil
}

func (m said) View() tea.View { return tea.NewView(m.text) }

// typed writes as the terminal does.
func (c *console) typed(text string) {
	c.t.Helper()
	if _, err := c.master.WriteString(text); err != nil {
		c.t.Fatal(err)
	}
}

// A loop hands keys, pastes, the mouse and what commands end in to its model, and nothing else; then
// it gives the terminal back.
func TestLoop(t *testing.T) {
	c := newConsole(t, 60, 4)
	l := NewLoop(t.Context(), c.s, func(msg tea.Msg) tea.Msg {
		if msg == word("secret ") {
			return nil
		}
		return msg
	})
	ended := make(chan error, 1)
	go func() { ended <- l.Run(said{}) }()
	shows := func(text string) {
		t.Helper()
		c.until(text, func(screen, _ string) bool { return strings.HasPrefix(screen, text) })
	}
	shows("begun")
	l.Send(word("secret "))
	l.Send(word("sent "))
	shows("begun sent")
	c.typed("a\x1b[A")
	shows("begun sent a up")
	c.typed("\x1b[<35;3;3M\x1b[<65;3;3M\x1b[<0;3;3m") // it moves, is turned and let go
	shows("begun sent a up wheel")
	c.typed("\x1b[200~two words\x1b[201~b")
	shows("begun sent a up wheel two words b one one one")
	c.typed("q")
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	c.until("the end", func(_, raw string) bool { return strings.HasSuffix(raw, ansi.SetModeTextCursorEnable) })
	l.Send(word("to nobody")) // does not wait for ever
}

// A loop ends with its context.
func TestLoopEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c := newConsole(t, 60, 4)
	l := NewLoop(ctx, c.s, func(msg tea.Msg) tea.Msg { return msg })
	ended := make(chan error, 1)
	go func() { ended <- l.Run(said{}) }()
	c.until("a frame", func(screen, _ string) bool { return strings.HasPrefix(screen, "begun") })
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("%v after its context", err)
	}
}
