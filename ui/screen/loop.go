package screen

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	tea "charm.land/bubbletea/v2"
	uv "github.com/charmbracelet/ultraviolet"
)

// ErrInterrupted ends a Run that a SIGINT came to.
var ErrInterrupted = errors.New("interrupted")

// Loop runs a model on a screen until it quits. It takes the place of Bubble Tea's program, which
// wakes up every second at least, and draws all that is drawn. It knows the commands and messages
// of Bubble Tea that a model of ours uses: batches, tea.Quit and tea.Suspend, no sequences.
type Loop struct {
	s      *Screen
	filter func(tea.Msg) tea.Msg
	msgs   chan tea.Msg
	ctx    context.Context
	end    context.CancelFunc
	keys   *keys
}

// NewLoop makes a loop; it ends with ctx. What filter makes nil of does not reach the model.
func NewLoop(ctx context.Context, s *Screen, filter func(tea.Msg) tea.Msg) *Loop {
	ctx, end := context.WithCancel(ctx)
	return &Loop{s: s, filter: filter, msgs: make(chan tea.Msg), ctx: ctx, end: end}
}

// Send hands over a message, unless the loop has ended. It waits until the model takes it, so it is
// not for the loop's own goroutine.
func (l *Loop) Send(msg tea.Msg) {
	select {
	case l.msgs <- msg:
	case <-l.ctx.Done():
	}
}

// Run takes the terminal, runs the model, and gives the terminal back. It is for one call.
func (l *Loop) Run(m tea.Model) (err error) {
	defer l.end()
	l.s.Send(l.Send)
	if err := l.s.Start(); err != nil {
		return err
	}
	defer l.s.Stop()
	if l.keys, err = readKeys(l.s.in, l.s.env); err != nil {
		return err
	}
	defer func() { l.keys.stop() }()
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	defer signal.Stop(signals)
	begin := m.Init()
	l.s.Show(m.View) // before anything is read
	l.run(begin)
	for {
		select {
		case <-l.ctx.Done():
			return l.ctx.Err()
		case err := <-l.keys.failed:
			return fmt.Errorf("the terminal cannot be read: %w", err)
		case sig := <-signals:
			if sig == syscall.SIGINT {
				return ErrInterrupted
			}
			return nil
		case event := <-l.keys.events:
			m, err = l.take(m, translated(event))
		case msg := <-l.msgs:
			m, err = l.take(m, msg)
		}
		if errors.Is(err, errQuit) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

var errQuit = errors.New("quit")

// take takes in one message.
func (l *Loop) take(m tea.Model, msg tea.Msg) (tea.Model, error) {
	if msg = l.s.Filter(msg); msg != nil {
		msg = l.filter(msg)
	}
	switch msg := msg.(type) {
	case nil:
		return m, nil
	case tea.QuitMsg:
		return m, errQuit
	case tea.BatchMsg:
		for _, cmd := range msg {
			l.run(cmd)
		}
		return m, nil
	case tea.SuspendMsg:
		if err := l.suspend(); err != nil {
			return m, err
		}
	}
	m, cmd := m.Update(msg)
	l.run(cmd)
	l.s.Show(m.View)
	return m, nil
}

// run has a command done beside the loop, and what it ends in sent.
func (l *Loop) run(cmd tea.Cmd) {
	if cmd != nil {
		go func() { l.Send(cmd()) }()
	}
}

// suspend gives the terminal to whoever started the program, until that goes on.
func (l *Loop) suspend() (err error) {
	l.s.Stop()
	l.keys.stop()
	goesOn := make(chan os.Signal, 1)
	signal.Notify(goesOn, syscall.SIGCONT)
	_ = syscall.Kill(0, syscall.SIGTSTP)
	<-goesOn
	signal.Stop(goesOn)
	if err := l.s.Start(); err != nil {
		return err
	}
	if l.keys, err = readKeys(l.s.in, l.s.env); err != nil {
		return err
	}
	l.run(func() tea.Msg { return tea.WindowSizeMsg{Width: l.s.width, Height: l.s.height} })
	l.run(func() tea.Msg { return tea.ResumeMsg{} })
	return nil
}

// keys reads what is typed and what the terminal answers.
type keys struct {
	r interface {
		io.ReadCloser
		Cancel() bool
	}
	events chan uv.Event
	ended  chan struct{}
	failed chan error
}

func readKeys(in *os.File, env []string) (*keys, error) {
	r, err := uv.NewCancelReader(in)
	if err != nil {
		return nil, fmt.Errorf("the terminal cannot be read: %w", err)
	}
	k := &keys{r: r, events: make(chan uv.Event), ended: make(chan struct{}), failed: make(chan error, 1)}
	reader := uv.NewTerminalReader(r, uv.Environ(env).Getenv("TERM"))
	go func() {
		defer close(k.ended)
		err := reader.StreamEvents(context.Background(), k.events) // until stop
		k.failed <- cmp.Or(err, io.EOF)
	}()
	return k, nil
}

// slowToStop bounds the wait for a read that cannot be given up.
const slowToStop = 500 * time.Millisecond

// stop ends the reading; what is typed meanwhile is lost.
func (k *keys) stop() {
	k.r.Cancel()
	late := time.NewTimer(slowToStop)
	defer late.Stop()
	for {
		select {
		case <-k.events:
		case <-k.ended:
			_ = k.r.Close()
			return
		case <-late.C:
			return
		}
	}
}

// translated is an event of the terminal as Bubble Tea has it; nil for one that no model of ours
// asks for, such as a mouse that moves with a button held down.
func translated(e uv.Event) tea.Msg {
	switch e := e.(type) {
	case uv.KeyPressEvent:
		return tea.KeyPressMsg(e)
	case uv.PasteEvent:
		return tea.PasteMsg(e)
	case uv.MouseClickEvent:
		return tea.MouseClickMsg(e)
	case uv.MouseWheelEvent:
		return tea.MouseWheelMsg(e)
	case uv.BackgroundColorEvent:
		return tea.BackgroundColorMsg(e)
	case uv.ModeReportEvent:
		return tea.ModeReportMsg(e)
	}
	return nil
}
