package ui

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/artifacts-tui/artifacts-tui/backend/workspace"
)

// driver plays messages into the model as the library would, without a clock:
// commands run at once, ticks never.
type driver struct {
	t      *testing.T
	m      *model
	app    *fake
	frames []string // every screen there was, as drawn
	clip   []string // what went to the clipboard
	quit   bool
	later  []tea.Cmd // commands held back by hold
	hold   bool
}

func drive(t *testing.T, f *fake, width, height int) *driver {
	t.Helper()
	d := driveUnstarted(t, f, width, height)
	d.run(d.m.session.Start())
	return d
}

// driveUnstarted stops where the first paint is due, before any command has run.
func driveUnstarted(t *testing.T, f *fake, width, height int, env ...string) *driver {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	env = append([]string{"HOME=" + testHome, "TERM=xterm-256color"}, env...)
	d := &driver{t: t, app: f, m: newModel(ctx, Options{App: f, Env: env, Keys: DefaultKeys()}, start)}
	d.send(tea.WindowSizeMsg{Width: width, Height: height})
	return d
}

// send plays one message and everything that follows from it.
func (d *driver) send(msg tea.Msg) {
	d.t.Helper()
	if d.quit {
		return
	}
	_, cmd := d.m.Update(msg)
	d.look()
	d.run(cmd)
}

// look keeps the frame and checks that it is whole.
func (d *driver) look() {
	d.t.Helper()
	frame := d.m.View().Content
	d.frames = append(d.frames, frame)
	if d.m.width <= 0 || d.m.height <= 0 {
		return
	}
	lines := strings.Split(frame, "\n")
	if len(lines) != d.m.height {
		d.t.Fatalf("%d lines on a screen of %d:\n%s", len(lines), d.m.height, ansi.Strip(frame))
	}
	for i, line := range lines {
		if w := ansi.StringWidth(line); w != d.m.width {
			d.t.Fatalf("line %d is %d cells wide on a screen of %d: %q", i, w, d.m.width, ansi.Strip(line))
		}
	}
}

// run executes a command and plays what it returns. Commands that wait (ticks,
// the watch) are given up after a moment: none of them matters to a test that
// does not play their messages itself.
func (d *driver) run(cmd tea.Cmd) {
	d.t.Helper()
	if cmd == nil {
		return
	}
	if d.hold {
		d.later = append(d.later, cmd)
		return
	}
	result := make(chan tea.Msg, 1)
	go func() { result <- cmd() }()
	select {
	case msg := <-result:
		d.take(msg)
	case <-time.After(40 * time.Millisecond):
	}
}

func (d *driver) take(msg tea.Msg) {
	switch msg := msg.(type) {
	case nil:
	case tea.BatchMsg:
		for _, cmd := range msg {
			d.run(cmd)
		}
	case tea.QuitMsg:
		d.quit = true
	default:
		if s := fmt.Sprintf("%T", msg); s == "tea.setClipboardMsg" {
			d.clip = append(d.clip, fmt.Sprint(msg))
			return
		}
		d.send(msg)
	}
}

// press plays keys by their names, as the key map spells them.
func (d *driver) press(keys ...string) {
	d.t.Helper()
	for _, k := range keys {
		d.send(keyOf(k))
	}
}

// text types letters.
func (d *driver) text(s string) {
	d.t.Helper()
	for _, r := range s {
		d.send(tea.KeyPressMsg{Code: r, Text: string(r)})
	}
}

// keyOf is the message of a key named as tea.KeyPressMsg.String names it.
func keyOf(name string) tea.KeyPressMsg {
	special := map[string]rune{
		"enter": tea.KeyEnter, "esc": tea.KeyEscape, "tab": tea.KeyTab, "up": tea.KeyUp, "down": tea.KeyDown,
		"left": tea.KeyLeft, "right": tea.KeyRight, "home": tea.KeyHome, "end": tea.KeyEnd, "pgup": tea.KeyPgUp,
		"pgdown": tea.KeyPgDown, "backspace": tea.KeyBackspace, "delete": tea.KeyDelete, "space": tea.KeySpace,
	}
	var k tea.KeyPressMsg
	base := name
	for {
		if rest, ok := strings.CutPrefix(base, "ctrl+"); ok {
			k.Mod |= tea.ModCtrl
			base = rest
		} else if rest, ok := strings.CutPrefix(base, "shift+"); ok {
			k.Mod |= tea.ModShift
			base = rest
		} else {
			break
		}
	}
	if code, ok := special[base]; ok {
		k.Code = code
		if base == "space" {
			k.Text = " "
		}
	} else {
		k.Code = []rune(base)[0]
		if k.Mod == 0 {
			k.Text = base
		}
	}
	return k
}

// screen is what is on the screen now, without colours.
func (d *driver) screen() string {
	lines := strings.Split(ansi.Strip(d.m.View().Content), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n") + "\n"
}

func (d *driver) sees(want ...string) {
	d.t.Helper()
	screen := d.screen()
	for _, w := range want {
		if !strings.Contains(screen, w) {
			d.t.Fatalf("%q is not on the screen:\n%s", w, screen)
		}
	}
}

func (d *driver) seesNot(unwanted ...string) {
	d.t.Helper()
	screen := d.screen()
	for _, w := range unwanted {
		if strings.Contains(screen, w) {
			d.t.Fatalf("%q is on the screen:\n%s", w, screen)
		}
	}
}

// clear lets the messages on the screen expire.
func (d *driver) clear() { d.m.toasts.Dismiss() }

func many(n int) []workspace.Workspace {
	list := make([]workspace.Workspace, n)
	for i := range list {
		list[i] = workspace.Workspace{
			ID: fmt.Sprintf("%016x", i), Name: fmt.Sprintf("workspace-%04d", i), Backend: workspace.Managed,
			State: workspace.Active, Bucket: "artifacts-managed", Prefix: fmt.Sprintf("workspace-%04d/", i),
			Usage: &workspace.Usage{Bytes: int64(i) * 7919, Objects: int64(i)},
		}
	}
	return list
}
