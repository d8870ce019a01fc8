package screen

import (
	"fmt"
	"image/color"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"
	"github.com/charmbracelet/x/ansi"
	"github.com/creack/pty"
	"github.com/hinshun/vt10x"
	"golang.org/x/term"
)

// console is a terminal, and what was written to it.
type console struct {
	t      *testing.T
	master *os.File
	tty    *os.File
	vt     vt10x.Terminal
	mu     sync.Mutex
	raw    strings.Builder
	msgs   chan tea.Msg
	s      *Screen
}

func start(t *testing.T, width, height int) *console {
	t.Helper()
	master, tty, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	c := &console{t: t, master: master, tty: tty, vt: vt10x.New(vt10x.WithSize(width, height), vt10x.WithWriter(io.Discard)), msgs: make(chan tea.Msg, 100)}
	if err := pty.Setsize(master, &pty.Winsize{Cols: uint16(width), Rows: uint16(height)}); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		buf := make([]byte, 64<<10)
		for {
			n, err := master.Read(buf)
			c.mu.Lock()
			c.raw.Write(buf[:n])
			_, _ = c.vt.Write(buf[:n])
			c.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	c.s = New(Options{In: tty, Out: tty, Env: []string{"TERM=xterm-256color"}, Profile: colorprofile.TrueColor, AskGround: true})
	c.s.Send(func(msg tea.Msg) { c.msgs <- msg })
	if err := c.s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.s.Stop()
		_ = tty.Close()
		<-ended
		_ = master.Close()
	})
	return c
}

// until waits for what the terminal shows.
func (c *console) until(what string, met func(screen, raw string) bool) {
	c.t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		c.mu.Lock()
		ok := met(c.vt.String(), c.raw.String())
		c.mu.Unlock()
		if ok {
			return
		}
	}
	c.t.Fatalf("waited in vain for %s; the screen is\n%s", what, c.vt.String())
}

func (c *console) show(v tea.View) { c.s.Show(func() tea.View { return v }) }

// pump does what the program's loop does with the screen's own messages.
func (c *console) pump() {
	for {
		select {
		case msg := <-c.msgs:
			c.s.Filter(msg)
		default:
			return
		}
	}
}

// Frames are drawn whole, the last of several at once, and nothing is written for one like the last.
func TestFrames(t *testing.T) {
	c := start(t, 20, 4)
	c.show(tea.NewView("one\ntwo"))
	c.until("the first frame", func(screen, _ string) bool {
		return strings.HasPrefix(screen, "one") && strings.Contains(screen, "two")
	})
	for i := range 50 {
		c.show(tea.NewView(fmt.Sprintf("row %d\nsame", i)))
	}
	c.s.Filter(<-c.msgs) // due
	c.until("the last frame", func(screen, _ string) bool { return strings.HasPrefix(screen, "row 49") })
	c.mu.Lock()
	written := c.raw.Len()
	if strings.Contains(c.raw.String(), "row 25") {
		t.Error("a frame was drawn that another had taken the place of")
	}
	c.mu.Unlock()
	c.s.drawn = time.Time{}
	c.show(tea.NewView("row 49\nsame"))
	c.s.write("!")
	c.until("the mark", func(_, raw string) bool { return strings.HasSuffix(raw, "!") })
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.raw.Len() != written+1 {
		t.Errorf("a frame like the last wrote %q", c.raw.String()[written:])
	}
}

// Whatever came before, the terminal shows the frame, as one drawn on an empty terminal would.
func TestFramesAddUp(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	const width, height = 30, 8
	c := start(t, width, height)
	styles := []string{"", "\x1b[1m", "\x1b[38;2;60;207;192m", "\x1b[7m", "\x1b[2;4m"}
	texts := []string{"", "a", "deep row", "▸ ─── ", "      ", "0123456789012345678901234567", "word  word"}
	var frame string
	for range 300 {
		var lines []string
		for range height {
			line := ""
			for range r.IntN(3) {
				line += styles[r.IntN(len(styles))] + texts[r.IntN(len(texts))] + "\x1b[m"
			}
			lines = append(lines, ansi.Truncate(line, width, ""))
		}
		if r.IntN(3) == 0 && frame != "" { // scrolled
			old := strings.Split(frame, "\n")
			lines = append(old[1:], lines[0])
		}
		frame = strings.Join(lines, "\n")
		c.s.drawn = time.Time{}
		c.show(tea.NewView(frame))
		if r.IntN(20) == 0 {
			c.s.Filter(Redraw{})
		}
		c.pump()
	}
	var want strings.Builder
	for i, line := range strings.Split(frame, "\n") {
		if i > 0 {
			want.WriteString("\n")
		}
		want.WriteString(strings.TrimRight(ansi.Strip(line), " "))
	}
	c.until("the last frame", func(screen, _ string) bool {
		lines := strings.Split(screen, "\n")
		for i := range lines {
			lines[i] = strings.TrimRight(lines[i], " ")
		}
		return strings.TrimRight(strings.Join(lines, "\n"), "\n") == strings.TrimRight(want.String(), "\n")
	})
}

// Lines that come and go among others that are alike: what stays where it was is drawn again where
// the terminal was made to scroll it away.
func TestScrolledFrames(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	const width, height = 30, 16
	c := start(t, width, height)
	wall := strings.Repeat(" ", 20) + "│"
	lines := make([]string, height)
	for i := range lines {
		lines[i] = fmt.Sprintf("row %-16d│", i)
	}
	for round := range 400 {
		at := 1 + r.IntN(height-2)
		switch r.IntN(4) {
		case 0: // a row goes
			lines = append(append(append([]string{}, lines[:at]...), lines[at+1:height-1]...), wall, lines[height-1])
		case 1: // one comes
			lines = append(append(append([]string{}, lines[:at]...), fmt.Sprintf("new %-16d│", round)), append(lines[at:height-2:height-2], lines[height-1])...)
		case 2: // a box over some
			for y := at; y < min(at+4, height-1); y++ {
				lines[y] = "     ╭───────────╮ box  "
			}
		default: // and away
			for y := at; y < min(at+6, height-1); y++ {
				lines[y] = wall
			}
		}
		c.s.drawn = time.Time{}
		c.show(tea.NewView(strings.Join(lines, "\n")))
		c.pump()
		want := strings.Join(lines, "\n")
		c.until("frame "+fmt.Sprint(round), func(screen, _ string) bool {
			for i, line := range strings.Split(strings.TrimRight(screen, "\n"), "\n") {
				if strings.TrimRight(line, " ") != strings.TrimRight(strings.Split(want, "\n")[i], " ") {
					return false
				}
			}
			return true
		})
	}
}

// A terminal that was resized is drawn anew, and tells its size.
func TestResize(t *testing.T) {
	c := start(t, 20, 4)
	c.show(tea.NewView("wide and low"))
	c.until("the frame", func(screen, _ string) bool { return strings.Contains(screen, "wide and low") })
	c.mu.Lock()
	c.vt.Resize(10, 6)
	c.mu.Unlock()
	c.s.Filter(tea.WindowSizeMsg{Width: 10, Height: 6})
	c.s.drawn = time.Time{}
	c.show(tea.NewView("narrow\n\n\n\n\nhigh"))
	c.until("the new frame", func(screen, _ string) bool {
		return strings.HasPrefix(screen, "narrow") && strings.Contains(screen, "high") && !strings.Contains(screen, "wide")
	})
}

// The terminal is as it was when Stop has returned, also when a cursor and progress were shown; and
// it is taken again after a stop in between.
func TestTerminalIsGivenBack(t *testing.T) {
	c := start(t, 20, 4)
	v := tea.NewView("field")
	v.Cursor = tea.NewCursor(2, 0)
	v.Cursor.Shape, v.Cursor.Color = tea.CursorBar, color.RGBA{60, 207, 192, 255}
	v.ProgressBar = tea.NewProgressBar(tea.ProgressBarDefault, 40)
	before := c.s.before
	c.show(v)
	c.s.Filter(tea.ModeReportMsg{Mode: ansi.ModeUnicodeCore, Value: ansi.ModeReset})
	c.s.Filter(tea.ModeReportMsg{Mode: ansi.ModeSynchronizedOutput, Value: ansi.ModeReset})
	c.s.Filter(tea.SuspendMsg{})
	c.show(tea.NewView("not while it is stopped"))
	c.s.Filter(tea.ResumeMsg{})
	c.show(v)
	c.s.Filter(Clipboard("copied"))
	c.pump()
	c.s.Stop()
	c.s.Stop()
	c.until("the end", func(_, raw string) bool { return strings.HasSuffix(raw, ansi.SetModeTextCursorEnable) })
	c.mu.Lock()
	raw := c.raw.String()
	c.mu.Unlock()
	for set, reset := range map[string]string{
		ansi.SetModeAltScreenSaveCursor: ansi.ResetModeAltScreenSaveCursor, ansi.SetModeBracketedPaste: ansi.ResetModeBracketedPaste,
		ansi.SetModeMouseButtonEvent: ansi.ResetModeMouseButtonEvent, ansi.SetModeMouseExtSgr: ansi.ResetModeMouseExtSgr,
		ansi.SetModifyOtherKeys2: ansi.ResetModifyOtherKeys, ansi.PushKittyKeyboard(keyFlags): ansi.PopKittyKeyboard(1),
		ansi.ResetModeTextCursorEnable: ansi.SetModeTextCursorEnable, ansi.SetModeUnicodeCore: ansi.ResetModeUnicodeCore,
		ansi.SetCursorColor("#3ccfc0"): ansi.ResetCursorColor, ansi.SetProgressBar(40): ansi.ResetProgressBar,
		ansi.SetWindowTitle(title): ansi.SetWindowTitle(""), ansi.SetCursorStyle(5): ansi.SetCursorStyle(0),
	} {
		if a, b := strings.LastIndex(raw, set), strings.LastIndex(raw, reset); a < 0 || b < a {
			t.Errorf("%q was set at %d and taken back at %d", set, a, b)
		}
	}
	if strings.Contains(raw, "not while") {
		t.Error("it drew on a terminal that it had given back")
	}
	if !strings.Contains(raw, ansi.SetSystemClipboard("copied")) || !strings.Contains(raw, ansi.RequestBackgroundColor) {
		t.Error("nothing was put on the clipboard, or the ground was not asked for")
	}
	now, err := term.GetState(int(c.tty.Fd()))
	if err != nil || *now != *before {
		t.Errorf("the terminal's modes are %v, were %v: %v", now, before, err)
	}
}

func BenchmarkFrame(b *testing.B) {
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		b.Fatal(err)
	}
	defer null.Close()
	master, tty, err := pty.Open()
	if err != nil {
		b.Fatal(err)
	}
	defer master.Close()
	defer tty.Close()
	_ = pty.Setsize(master, &pty.Winsize{Cols: 120, Rows: 32})
	s := New(Options{In: tty, Out: tty, Env: []string{"TERM=xterm-256color"}, Profile: colorprofile.TrueColor})
	if err := s.Start(); err != nil {
		b.Fatal(err)
	}
	s.out = null
	var lines []string
	for y := range 32 {
		lines = append(lines, fmt.Sprintf("  \x1b[38;2;60;207;192mobject-%07d\x1b[m%60s\x1b[2m%12d\x1b[m   \x1b[2m09:12\x1b[m", y, "", y*7919))
	}
	for i := 0; b.Loop(); i++ {
		at := i % 32
		was := lines[at]
		lines[at] = "▸ " + was
		s.drawn = time.Time{}
		s.Show(func() tea.View { return tea.NewView(strings.Join(lines, "\n")) })
		lines[at] = was
	}
}
