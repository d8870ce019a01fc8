package screen

import (
	"bytes"
	"os"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"
	uv "github.com/charmbracelet/ultraviolet"
	"github.com/charmbracelet/x/ansi"
	"golang.org/x/term"
)

// between is the least time between two frames. The first change after a while is drawn at
// once; what follows closely is drawn together.
const between = 4 * time.Millisecond

// The messages that a Screen takes itself, where its Filter is.
type (
	// Clipboard puts text on the terminal's clipboard (OSC 52).
	Clipboard string
	// Redraw draws everything anew.
	Redraw struct{}

	due struct{} // what was held back may be drawn
)

// Screen is a terminal that shows frames. All its methods but Send belong to the goroutine that
// runs the program.
type Screen struct {
	in, out *os.File
	env     []string
	profile colorprofile.Profile
	asks    bool // for the ground's colour
	send    func(tea.Msg)

	on            bool
	before        *term.State // of the terminal
	winch         chan os.Signal
	width, height int

	cells   uv.ScreenBuffer
	r       *uv.TerminalRenderer
	buf     bytes.Buffer    // what r writes
	lines   []string        // that are in cells
	shown   tea.View        // that is on the screen
	view    func() tea.View // that should be; nil: none yet
	erased  bool            // everything is to be drawn
	drawn   time.Time       // the last frame
	waiting bool            // a due is on its way

	together bool        // the terminal shows a frame in one piece (mode 2026)
	method   ansi.Method // how the terminal measures text (mode 2027)
}

// Options make a Screen.
type Options struct {
	In, Out *os.File // the terminal
	Env     []string
	Profile colorprofile.Profile // that colours are drawn in
	// AskGround has the terminal asked for the colour of its ground: tea.BackgroundColorMsg.
	AskGround bool
}

// New makes a Screen and changes nothing yet.
func New(o Options) *Screen {
	return &Screen{in: o.In, out: o.Out, env: o.Env, profile: o.Profile, asks: o.AskGround, send: func(tea.Msg) {}}
}

// Send tells the screen how to reach the program; to be called before Start.
func (s *Screen) Send(send func(tea.Msg)) { s.send = send }

// Size is that of the terminal, in cells.
func (s *Screen) Size() (width, height int, err error) { return term.GetSize(int(s.out.Fd())) }

// Filter is for a filter of tea.WithFilter. It sees what the screen has to know, and keeps from the
// program what is the screen's alone.
func (s *Screen) Filter(msg tea.Msg) tea.Msg {
	switch msg := msg.(type) {
	case due:
		s.waiting = false
		s.draw()
		return nil
	case Redraw:
		s.erase()
		s.draw()
		return nil
	case Clipboard:
		s.write(ansi.SetSystemClipboard(string(msg)))
		return nil
	case tea.WindowSizeMsg:
		if msg.Width != s.width || msg.Height != s.height {
			s.resize(msg.Width, msg.Height)
		}
	case tea.ModeReportMsg:
		s.modeIs(msg)
	case tea.SuspendMsg:
		s.Stop()
	case tea.ResumeMsg:
		if s.Start() == nil {
			go s.send(tea.WindowSizeMsg{Width: s.width, Height: s.height})
		}
	}
	return msg
}

// Show draws a frame: at once, or where one was drawn just now, a little later as it is then.
// What is not drawn is not asked for.
func (s *Screen) Show(view func() tea.View) {
	s.view = view
	if !s.on || s.waiting {
		return
	}
	if wait := between - time.Since(s.drawn); wait > 0 {
		s.waiting = true
		time.AfterFunc(wait, func() { s.send(due{}) })
		return
	}
	s.draw()
}

func (s *Screen) erase() {
	s.erased, s.lines = true, nil
	if s.r != nil {
		s.r.Erase()
	}
}

func (s *Screen) resize(width, height int) {
	if !s.on {
		return
	}
	s.width, s.height = max(width, 0), max(height, 0)
	s.cells = uv.NewScreenBuffer(s.width, s.height)
	s.cells.Method = s.method
	s.erase()
	s.r.SetWidthMethod(s.method)
	s.r.Resize(s.width, s.height)
}

// modeIs takes in what the terminal says of a mode that was asked for.
func (s *Screen) modeIs(msg tea.ModeReportMsg) {
	if !s.on {
		return
	}
	switch msg.Mode {
	case ansi.ModeSynchronizedOutput:
		s.together = msg.Value == ansi.ModeReset // known, and not in use
	case ansi.ModeUnicodeCore:
		if msg.Value == ansi.ModeReset || msg.Value == ansi.ModeSet || msg.Value == ansi.ModePermanentlySet {
			s.method = ansi.GraphemeWidth
			s.write(ansi.SetModeUnicodeCore)
			s.resize(s.width, s.height)
		}
	}
}

// draw writes what differs between the frame on the screen and the one that should be.
func (s *Screen) draw() {
	if !s.on || s.width == 0 || s.height == 0 || s.view == nil {
		return
	}
	v := s.view()
	lines := s.split(v.Content)
	changed := s.erased
	for y, line := range lines {
		if s.lines == nil || s.lines[y] != line {
			uv.NewStyledString(line).Draw(s.cells, uv.Rect(0, y, s.width, 1))
			changed = true
		}
	}
	s.lines = lines
	if changed {
		for y := range s.height {
			s.cells.TouchLine(0, y, s.width) // where others scroll past it a line that stays has to be drawn too
		}
		s.r.Render(s.cells.RenderBuffer)
	}
	if v.Cursor != nil {
		s.r.MoveTo(v.Cursor.X, v.Cursor.Y)
	}
	_ = s.r.Flush() // into a buffer
	var out strings.Builder
	text := s.buf.String()
	s.buf.Reset()
	if s.together && text != "" {
		text = ansi.SetModeSynchronizedOutput + text + ansi.ResetModeSynchronizedOutput
	} else if text != "" && s.shown.Cursor != nil && v.Cursor != nil {
		text = ansi.ResetModeTextCursorEnable + text + ansi.SetModeTextCursorEnable // it would be seen flying about
	}
	out.WriteString(text)
	out.WriteString(cursorChange(s.shown.Cursor, v.Cursor))
	out.WriteString(progressChange(s.shown.ProgressBar, v.ProgressBar))
	s.shown, s.erased = v, false
	if out.Len() > 0 {
		s.write(out.String())
	}
	s.drawn = time.Now()
}

// split makes exactly as many lines as the screen is high.
func (s *Screen) split(content string) []string {
	lines := strings.Split(content, "\n")
	if len(lines) > s.height {
		return lines[:s.height]
	}
	return append(lines, make([]string, s.height-len(lines))...)
}

// write goes to the terminal. One that is gone ends the program by its input.
func (s *Screen) write(text string) { _, _ = s.out.WriteString(text) }
