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
	"github.com/artifacts-tui/artifacts-tui/ui/screen"
	"github.com/artifacts-tui/artifacts-tui/ui/session"
)

// driver plays messages into the model as the library would: commands run at
// once, and time stands still but for pass.
type driver struct {
	t       *testing.T
	m       *model
	app     *fake
	now     time.Time
	frames  []string // every screen there was, as drawn
	clip    []string // what went to the clipboard
	timers  []timer
	results chan tea.Msg // of commands that were started
	open    int          // of them that have not returned
	held    int          // of those: that wait for a call which the fake holds back
	playing bool
	quit    bool
}

type timer struct {
	at time.Time
	f  func(time.Time) tea.Msg
}

func drive(t *testing.T, f *fake, width, height int, env ...string) *driver {
	t.Helper()
	d := driveUnstarted(t, f, width, height, env...)
	d.run(d.m.session.Start())
	return d
}

// driveUnstarted stops where the first paint is due, before any command has run.
func driveUnstarted(t *testing.T, f *fake, width, height int, env ...string) *driver {
	t.Helper()
	return driveWith(t, f, width, height, Options{}, env...)
}

// driveWith is driveUnstarted with options of its own.
func driveWith(t *testing.T, f *fake, width, height int, o Options, env ...string) *driver {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	env = append([]string{"HOME=" + testHome, "TERM=xterm-256color"}, env...)
	d := &driver{t: t, app: f, now: start, results: make(chan tea.Msg, 1000)}
	if f.hasPlane {
		o.Control = f.openControl
	}
	o.App, o.Env, o.CoordinatorLog = f, env, testLog
	if o.Keys == nil {
		o.Keys = DefaultKeys()
	}
	d.m = newModel(ctx, o, start)
	d.m.session.TailFile = f.tail
	d.m.clock = func() time.Time { return d.now }
	d.m.session.After = func(wait time.Duration, fn func(time.Time) tea.Msg) tea.Cmd {
		d.timers = append(d.timers, timer{d.now.Add(wait), fn})
		return nil
	}
	d.send(tea.WindowSizeMsg{Width: width, Height: height})
	return d
}

// pass lets time go by, with every timer that falls into it.
func (d *driver) pass(span time.Duration) {
	d.t.Helper()
	end := d.now.Add(span)
	for !d.quit {
		next := -1
		for i, tm := range d.timers {
			if !tm.at.After(end) && (next < 0 || tm.at.Before(d.timers[next].at)) {
				next = i
			}
		}
		if next < 0 {
			break
		}
		tm := d.timers[next]
		d.timers = append(d.timers[:next:next], d.timers[next+1:]...)
		d.now = tm.at
		d.take(tm.f(tm.at))
	}
	d.now = end
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

// run executes commands side by side and plays what they return, as it comes, until all have
// returned but those that the fake holds back.
func (d *driver) run(cmds ...tea.Cmd) {
	d.t.Helper()
	for _, cmd := range cmds {
		if cmd != nil {
			d.open++
			go func() { d.results <- cmd() }()
		}
	}
	if !d.playing { // else whoever plays goes on with these too
		d.play()
	}
}

func (d *driver) play() {
	d.t.Helper()
	d.playing = true
	defer func() { d.playing = false }()
	for d.open > d.held {
		select {
		case msg := <-d.results:
			d.open--
			d.take(msg)
		case <-d.app.held():
			d.held++
		case <-time.After(time.Minute):
			d.t.Fatal("a command did not end")
		}
	}
}

// release lets the calls go on that were held back, and plays what they return.
func (d *driver) release() {
	d.t.Helper()
	d.app.letGo()
	d.held = 0
	d.play()
}

func (d *driver) take(msg tea.Msg) {
	d.t.Helper()
	switch msg := d.stamp(msg).(type) {
	case nil:
	case tea.BatchMsg:
		d.run(msg...)
	case tea.QuitMsg:
		d.quit = true
	case screen.Clipboard:
		d.clip = append(d.clip, string(msg))
	default:
		d.send(msg)
	}
}

// stamp puts the driver's time for the real one.
func (d *driver) stamp(msg tea.Msg) tea.Msg {
	switch msg := msg.(type) {
	case session.WorkspacesRead:
		msg.At = d.now
		return msg
	case session.MountsRead:
		msg.At = d.now
		return msg
	case session.CoordinatorRead:
		msg.At = d.now
		return msg
	case session.Changed:
		msg.At = d.now
		return msg
	case session.Created:
		msg.At = d.now
		return msg
	case session.Mounted:
		msg.At = d.now
		return msg
	case session.Draining:
		msg.At = d.now
		return msg
	case session.Unmounted:
		msg.At = d.now
		return msg
	case session.Deleted:
		msg.At = d.now
		return msg
	case session.CredentialsRead:
		msg.At = d.now
		return msg
	case session.StorageSet:
		msg.At = d.now
		return msg
	case session.StorageCleared:
		msg.At = d.now
		return msg
	case session.Verified:
		msg.At = d.now
		return msg
	case session.Refreshed:
		msg.At = d.now
		return msg
	case session.RotationRead:
		msg.At = d.now
		return msg
	case session.PairIssued:
		msg.At = d.now
		return msg
	case session.RotationTried:
		msg.At = d.now
		return msg
	case session.RotationVerified:
		msg.At = d.now
		return msg
	case session.RotationSaved:
		msg.At = d.now
		return msg
	case session.TailRead:
		msg.Tail.At = d.now
		return msg
	case session.RotationEnded:
		msg.At = d.now
		return msg
	case session.ControlRead:
		msg.At = d.now
		return msg
	case session.ControlChanged:
		msg.At = d.now
		return msg
	case session.ContextsRead:
		msg.At = d.now
		return msg
	case session.BinRead:
		msg.At = d.now
		return msg
	case session.BucketsRead:
		msg.At = d.now
		return msg
	case session.Listed:
		msg.At = d.now
		return msg
	case session.Previewed:
		msg.At = d.now
		return msg
	case session.Shared:
		msg.At = d.now
		return msg
	case session.JobActed:
		msg.At = d.now
		return msg
	}
	return msg
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
