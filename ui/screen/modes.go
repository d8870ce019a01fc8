package screen

import (
	"fmt"
	"image/color"
	"os"
	"os/signal"
	"strings"
	"syscall"

	tea "charm.land/bubbletea/v2"
	uv "github.com/charmbracelet/ultraviolet"
	"github.com/charmbracelet/x/ansi"
	"golang.org/x/term"
)

// title is what the terminal's window is called.
const title = "artifacts"

// keyFlags ask for keys that can be told apart, and nothing more (kitty's keyboard protocol).
const keyFlags = ansi.KittyDisambiguateEscapeCodes

// Start takes the terminal: raw, on the alternate screen, with mouse and paste.
func (s *Screen) Start() error {
	width, height, err := s.Size()
	if err != nil {
		return fmt.Errorf("the terminal does not say its size: %w", err)
	}
	if s.before, err = term.MakeRaw(int(s.in.Fd())); err != nil {
		return fmt.Errorf("the terminal cannot be set to raw mode: %w", err)
	}
	s.r = uv.NewTerminalRenderer(&s.buf, s.env)
	s.r.SetColorProfile(s.profile)
	s.r.SetScrollOptim(true)
	s.r.SetFullscreen(true)
	s.on, s.shown, s.waiting = true, tea.View{}, false
	s.resize(width, height)
	var b strings.Builder
	if asksModes(s.env) {
		b.WriteString(ansi.RequestModeSynchronizedOutput + ansi.RequestModeUnicodeCore)
	}
	if s.asks {
		b.WriteString(ansi.RequestBackgroundColor)
	}
	b.WriteString(ansi.SetModeAltScreenSaveCursor + ansi.ResetModeTextCursorEnable)
	b.WriteString(ansi.SetModeBracketedPaste + ansi.SetModeMouseButtonEvent + ansi.SetModeMouseExtSgr)
	b.WriteString(ansi.SetModifyOtherKeys2 + ansi.PushKittyKeyboard(keyFlags) + ansi.SetWindowTitle(title))
	s.write(b.String())
	s.winch = make(chan os.Signal, 1)
	signal.Notify(s.winch, syscall.SIGWINCH)
	go s.watchSize(s.winch)
	return nil
}

// Stop gives the terminal back as it was. A second one does nothing.
func (s *Screen) Stop() {
	if !s.on {
		return
	}
	s.on = false
	signal.Stop(s.winch)
	close(s.winch)
	var b strings.Builder
	b.WriteString(ansi.PopKittyKeyboard(1) + ansi.ResetModifyOtherKeys)
	b.WriteString(ansi.ResetModeMouseButtonEvent + ansi.ResetModeMouseExtSgr + ansi.ResetModeBracketedPaste)
	b.WriteString(cursorChange(s.shown.Cursor, nil) + progressChange(s.shown.ProgressBar, nil))
	if s.method == ansi.GraphemeWidth {
		b.WriteString(ansi.ResetModeUnicodeCore)
	}
	b.WriteString(ansi.SetWindowTitle("") + ansi.ResetModeAltScreenSaveCursor + ansi.SetModeTextCursorEnable)
	s.write(b.String())
	s.together, s.method = false, ansi.WcWidth
	_ = term.Restore(int(s.in.Fd()), s.before)
}

// asksModes reports whether the terminal is one to ask for its modes: Apple's prints the
// question, and over ssh the answer may come after the end.
func asksModes(env []string) bool {
	e := uv.Environ(env)
	return e.Getenv("TERM_PROGRAM") != "Apple_Terminal" && e.Getenv("SSH_TTY") == ""
}

func (s *Screen) watchSize(winch <-chan os.Signal) {
	for range winch {
		s.tellSize()
	}
}

func (s *Screen) tellSize() {
	if width, height, err := s.Size(); err == nil {
		s.send(tea.WindowSizeMsg{Width: width, Height: height})
	}
}

// cursorChange makes the terminal's cursor look as now says, where it looks as before.
func cursorChange(before, now *tea.Cursor) string {
	var b strings.Builder
	if was, is := shape(before), shape(now); was != is {
		b.WriteString(ansi.SetCursorStyle(is))
	}
	if was, is := tint(before), tint(now); was != is {
		if is == "" {
			b.WriteString(ansi.ResetCursorColor)
		} else {
			b.WriteString(ansi.SetCursorColor(is))
		}
	}
	switch {
	case before == nil && now != nil:
		b.WriteString(ansi.SetModeTextCursorEnable)
	case before != nil && now == nil:
		b.WriteString(ansi.ResetModeTextCursorEnable)
	}
	return b.String()
}

// shape is the number that the terminal knows a cursor by; 0 is its own.
func shape(c *tea.Cursor) int {
	if c == nil {
		return 0
	}
	n := 2*int(c.Shape) + 1
	if !c.Blink {
		n++
	}
	return n
}

func tint(c *tea.Cursor) string {
	if c == nil || c.Color == nil {
		return ""
	}
	rgb, ok := color.NRGBAModel.Convert(c.Color).(color.NRGBA)
	if !ok {
		return ""
	}
	return fmt.Sprintf("#%02x%02x%02x", rgb.R, rgb.G, rgb.B)
}

// progressChange shows how far something is in the terminal's tab or task bar.
func progressChange(before, now *tea.ProgressBar) string {
	switch {
	case now == nil && before == nil:
		return ""
	case now == nil:
		return ansi.ResetProgressBar
	case before != nil && *before == *now:
		return ""
	}
	return ansi.SetProgressBar(now.Value)
}
