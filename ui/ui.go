package ui

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/ui/commandline"
	"github.com/artifacts-tui/artifacts-tui/ui/config"
	"github.com/artifacts-tui/artifacts-tui/ui/control"
	"github.com/artifacts-tui/artifacts-tui/ui/disk"
	"github.com/artifacts-tui/artifacts-tui/ui/keymap"
	"github.com/artifacts-tui/artifacts-tui/ui/page"
	"github.com/artifacts-tui/artifacts-tui/ui/screen"
	"github.com/artifacts-tui/artifacts-tui/ui/session"
)

// App is the program as the TUI uses it; *backend.App is the real one.
type App = session.App

// slowest is how often Bubble Tea looks for something to draw until it is told not to, for
// screen draws.
const slowest = 1

// gcPercent lets the heap grow to three times what is in use before it is gone through, for keys wait
// meanwhile. A million objects on the screen are 40 MiB of it.
const gcPercent = 200

// spareProcessors are what Go may use beyond those that it would. While all are busy with a download it
// sees a key when one of them is done, or after ten milliseconds; with one to spare the kernel wakes
// a thread for it at once.
const spareProcessors = 4

// Options make a Run.
type Options struct {
	App App
	// Control opens the coordinator's control plane; nil: there is none to show.
	Control func(ctx context.Context) (control.Client, error)

	Program string   // what the user's shell finds the program by; empty: artifacts
	In, Out *os.File // the terminal
	Env     []string // "KEY=value"; NO_COLOR, TERM and HOME are looked at

	NoColor  bool
	ReadOnly bool          // what changes something is disabled
	Keys     keymap.Map    // nil: those of Config
	Config   config.Config // what tui.yaml says; Config.Keys nil: the default keys
	// Disk is where the app keeps how it was left, and its reports; nil: nowhere.
	Disk *disk.Disk
	// CoordinatorLog is the path of the local coordinator's log; empty: there is none.
	CoordinatorLog string
	// Notices are lines the program wants seen while the screen is ours, such
	// as a folder that was made; may be nil.
	Notices <-chan string

	wrap func(page.Page) page.Page // of tests; nil: pages are as they are
}

// Run draws the app until the user leaves, ctx ends or something breaks. What
// the user should know after that goes to Out as plain lines. A panic of the UI
// or of a command comes back as an error, with the terminal restored.
func Run(ctx context.Context, o Options) error {
	if o.Program != "" {
		commandline.Use(o.Program)
	}
	if o.Keys == nil {
		o.Keys = o.Config.Keys
	}
	if o.Keys == nil {
		o.Keys = DefaultKeys()
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if getenv(o.Env, "GOGC") == "" {
		defer debug.SetGCPercent(debug.SetGCPercent(gcPercent))
	}
	if getenv(o.Env, "GOMAXPROCS") == "" {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + spareProcessors))
	}
	m := newModel(ctx, o, time.Now())
	if !m.monochrome { // the library ignores NO_COLOR=yes: https://no-color.org wants any value
		m.look.Profile = colorprofile.Detect(o.Out, o.Env)
		m.restyle()
	}
	var left kept
	if o.Disk.Load(&left) {
		m.restore(left)
	}
	s := screen.New(screen.Options{In: o.In, Out: o.Out, Env: o.Env, Profile: m.look.Profile, AskGround: !m.ground})
	width, height, err := s.Size()
	if err != nil {
		return fault.Wrap(fault.Failure, err, "use another terminal", "the terminal does not say its size")
	}
	m.update(tea.WindowSizeMsg{Width: width, Height: height})
	var p *tea.Program
	still := false
	p = tea.NewProgram(
		onScreen{guarded{m}, s.Show},
		tea.WithContext(ctx), tea.WithInput(&pastes{File: o.In}), tea.WithOutput(o.Out), tea.WithEnvironment(o.Env),
		tea.WithoutRenderer(), tea.WithFPS(slowest), tea.WithWindowSize(width, height), tea.WithColorProfile(m.look.Profile),
		tea.WithFilter(func(_ tea.Model, msg tea.Msg) tea.Msg {
			if _, resumed := msg.(tea.ResumeMsg); resumed || !still {
				still = screen.Still(p)
			}
			return m.filter(s.Filter(msg))
		}),
	)
	m.quitNow = p.Quit
	s.Send(p.Send)
	if err := s.Start(); err != nil {
		return fault.Wrap(fault.Failure, err, "use another terminal", "the terminal cannot be drawn on")
	}
	defer s.Stop()
	_, err = p.Run()
	s.Stop()
	if m.err == nil && !o.ReadOnly {
		if keepErr := o.Disk.Keep(m.keep()); keepErr != nil {
			fmt.Fprintln(o.Out, "How the app was left could not be kept:", keepErr)
		}
	}
	switch {
	case m.err != nil:
		return m.report(o)
	case errors.Is(err, tea.ErrProgramPanic):
		return fault.Wrap(fault.Failure, err, "mounts are not affected; start it again", "the terminal app broke")
	case errors.Is(err, tea.ErrInterrupted), ctx.Err() != nil:
		return &fault.Error{Kind: fault.Interrupted, Message: "interrupted", Err: err}
	case err != nil:
		return fault.Wrap(fault.Failure, err, "", "the terminal app ended")
	}
	for _, line := range m.farewell() {
		fmt.Fprintln(o.Out, line)
	}
	return nil
}

// filter drops what the model has no use for before it costs a draw: the mouse that moves with a
// button held down, and what was asked for before the cursor went on.
func (m *model) filter(msg tea.Msg) tea.Msg {
	switch msg.(type) {
	case tea.MouseMotionMsg, tea.MouseReleaseMsg:
		return nil
	}
	if m.session.Stale(msg) {
		return nil
	}
	return msg
}

func getenv(env []string, key string) string {
	value := ""
	for _, kv := range env {
		if k, v, ok := strings.Cut(kv, "="); ok && k == key {
			value = v // the last one counts, as for a process
		}
	}
	return value
}
