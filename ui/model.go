package ui

import (
	"context"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"

	"github.com/artifacts-tui/artifacts-tui/ui/action"
	"github.com/artifacts-tui/artifacts-tui/ui/component"
	"github.com/artifacts-tui/artifacts-tui/ui/config"
	"github.com/artifacts-tui/artifacts-tui/ui/dialog"
	"github.com/artifacts-tui/artifacts-tui/ui/keymap"
	"github.com/artifacts-tui/artifacts-tui/ui/page"
	"github.com/artifacts-tui/artifacts-tui/ui/session"
	"github.com/artifacts-tui/artifacts-tui/ui/theme"
)

// model is the root: it routes messages to the session, the dialog on top and
// the page, and their actions to the session.
type model struct {
	session *session.Session
	theme   *theme.Theme
	look    theme.Options
	keys    keymap.Map
	applies map[string][]keymap.Binding // in scopes, by their names
	notices <-chan string

	pages   []page.Page
	active  int
	dialogs []dialog.Dialog
	toasts  component.Toasts

	width, height  int
	wasDown        bool // the coordinator; said, and taken back when it answers
	monochrome     bool
	readOnly       bool
	ground         bool     // is given: the terminal is not asked
	problems       []string // of the configuration
	coordinatorLog string
	clock          func() time.Time // of keys and clicks; what is drawn depends on messages alone
	clicked        struct {
		x, y int
		at   time.Time
	}
	mountNext map[string]string // mountpoints of workspaces that are being made, by name
	crashed   []byte            // stack of the panic that err is about
	quitNow   func()            // ends the program from outside Update; may be nil
	err       error             // ends Run
}

func newModel(ctx context.Context, o Options, now time.Time) *model {
	m := &model{mountNext: map[string]string{}, applies: map[string][]keymap.Binding{}, keys: o.Keys, notices: o.Notices, monochrome: o.NoColor || getenv(o.Env, "NO_COLOR") != "", readOnly: o.ReadOnly, clock: time.Now, coordinatorLog: o.CoordinatorLog}
	m.monochrome = m.monochrome || o.Config.Theme == config.Mono
	m.look.ASCII = o.Config.ASCII || getenv(o.Env, "TERM") == "dumb"
	m.look.Light, m.look.Colors = o.Config.Theme == config.Light, o.Config.Colors
	m.ground = o.Config.Theme == config.Light || o.Config.Theme == config.Dark
	m.problems = o.Config.Problems
	if m.monochrome {
		m.look.Profile = colorprofile.ASCII
	}
	t := theme.New(m.look)
	m.theme = &t
	m.session = session.New(ctx, o.App, getenv(o.Env, "HOME"), now)
	m.session.OpenControl = o.Control
	m.pages = m.makePages()
	if o.wrap != nil {
		for i, p := range m.pages {
			m.pages[i] = o.wrap(p)
		}
	}
	return m
}

// Init starts the coordinator and the first reads, after the first paint.
func (m *model) Init() tea.Cmd {
	return tea.Batch(m.session.Start(), m.awaitNotice(), m.sayProblems())
}

// Update routes one message, then has read what the page wants.
func (m *model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	cmd := m.update(msg)
	return m, tea.Batch(cmd, m.wants())
}

func (m *model) update(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
		m.layout()
		return nil
	case tea.BackgroundColorMsg:
		if !m.ground {
			m.look.Light = !msg.IsDark()
			m.restyle()
		}
		return nil
	case tea.ColorProfileMsg:
		m.look.Profile = msg.Profile
		m.restyle()
		return nil
	case tea.ResumeMsg:
		return m.session.Refresh()
	case tea.KeyPressMsg:
		m.session.At(m.clock())
		return tea.Batch(m.opening(func() tea.Cmd { return m.key(msg) }), m.followLog())
	case tea.PasteMsg:
		m.input(msg)
		return nil
	case tea.MouseClickMsg:
		m.session.At(m.clock())
		return tea.Batch(m.opening(func() tea.Cmd { return m.click(msg.Mouse()) }), m.followLog())
	case tea.MouseWheelMsg:
		m.wheel(msg.Mouse())
		return nil
	case expire:
		m.toasts.Expire(msg.id)
		return nil
	case notice:
		text, details := msg.read(m.session.Home)
		return tea.Batch(m.say(component.Info, text, details...), m.awaitNotice())
	case session.Panicked:
		m.broke(msg.Err.Op, msg.Err.Value, msg.Err.Stack)
		return tea.Quit
	}
	return m.news(msg)
}

// news takes in a message of the session, or one a dialog waits for.
func (m *model) news(msg tea.Msg) tea.Cmd {
	before := m.snapshot()
	cmds := []tea.Cmd{m.session.Apply(msg)}
	for _, p := range m.pages {
		p.Sync()
	}
	// What it means is settled before dialogs hear of it, for they may close.
	m.ended(msg)
	cmds = append(cmds, m.settle(msg, before), m.followLog())
	for _, d := range append([]dialog.Dialog(nil), m.dialogs...) {
		if a := d.Notify(msg); a != nil {
			cmds = append(cmds, m.from(d, a))
		}
	}
	return tea.Batch(cmds...)
}

// from does what dialog d asks for, which need not be the topmost one.
func (m *model) from(d dialog.Dialog, a action.Action) tea.Cmd {
	if _, ok := a.(action.Close); ok {
		m.remove(d)
		return nil
	}
	return m.act(a)
}

func (m *model) restyle() {
	*m.theme = theme.New(m.look)
	m.layout()
}

func (m *model) page() page.Page { return m.pages[m.active] }

// top is the dialog that has the keys, or nil.
func (m *model) top() dialog.Dialog {
	if len(m.dialogs) == 0 {
		return nil
	}
	return m.dialogs[len(m.dialogs)-1]
}

func (m *model) push(d dialog.Dialog) {
	m.dialogs = append(m.dialogs, d)
	m.layout()
}

func (m *model) pop() {
	if n := len(m.dialogs); n > 0 {
		m.dialogs = m.dialogs[:n-1]
	}
}

func (m *model) remove(d dialog.Dialog) {
	for i, have := range m.dialogs {
		if have == d {
			m.dialogs = append(m.dialogs[:i:i], m.dialogs[i+1:]...)
			return
		}
	}
}

// toastFor is how long a message stays on the screen; those with something to
// read stay longer.
const (
	toastFor     = 5 * time.Second
	toastForMore = 10 * time.Second
)

type (
	expire struct{ id int }
	notice []string // lines that came together
)

// say shows a message and keeps it. The texts may come from anywhere.
func (m *model) say(tone component.Tone, text string, details ...string) tea.Cmd {
	return m.tell(component.Message{Tone: tone, Text: text, Details: details})
}

// tell is say for a message that has more to it.
func (m *model) tell(msg component.Message) tea.Cmd {
	wait := toastFor
	if len(msg.Details) > 0 || msg.Todo != "" || msg.Tone == component.Bad {
		wait = toastForMore
	}
	return m.tellFor(wait, msg)
}

// tellFor is tell for a message that is true for a while.
func (m *model) tellFor(wait time.Duration, msg component.Message) tea.Cmd {
	details := msg.Details
	msg.Text, msg.Todo, msg.At, msg.Details = component.Clean(msg.Text), component.Clean(msg.Todo), m.session.Now, nil
	for _, d := range details {
		msg.Details = append(msg.Details, component.Clean(d))
	}
	id := m.toasts.Add(msg)
	return m.session.After(wait, func(time.Time) tea.Msg { return expire{id} })
}

// sayProblems says what could not be taken of the user's own configuration.
func (m *model) sayProblems() tea.Cmd {
	switch len(m.problems) {
	case 0:
		return nil
	case 1:
		return m.tell(component.Message{Tone: component.Warn, Text: m.problems[0], Todo: keysHint})
	}
	return m.tell(component.Message{
		Tone: component.Warn, Text: config.File + " has " + component.Plural(len(m.problems), "problem"), Details: m.problems, Todo: keysHint,
	})
}

const keysHint = "`artifacts-tui keys` prints the keys in effect and what is wrong"

func (m *model) awaitNotice() tea.Cmd {
	if m.notices == nil {
		return nil
	}
	return func() tea.Msg {
		line, ok := <-m.notices
		if !ok {
			return nil
		}
		lines := notice{line}
		for quiet := time.NewTimer(noticePause); ; quiet.Reset(noticePause) {
			select {
			case line, ok := <-m.notices:
				if ok {
					lines = append(lines, line)
					continue
				}
			case <-quiet.C:
			}
			return lines
		}
	}
}

// noticePause is how long after a notice another one is waited for: those that come together are
// one message.
const noticePause = 500 * time.Millisecond
