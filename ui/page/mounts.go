package page

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/artifacts-tui/artifacts-tui/backend/workspace"
	"github.com/artifacts-tui/artifacts-tui/mounts"
	"github.com/artifacts-tui/artifacts-tui/ui/action"
	"github.com/artifacts-tui/artifacts-tui/ui/commandline"
	"github.com/artifacts-tui/artifacts-tui/ui/component"
	"github.com/artifacts-tui/artifacts-tui/ui/control"
	"github.com/artifacts-tui/artifacts-tui/ui/keymap"
	"github.com/artifacts-tui/artifacts-tui/ui/session"
	"github.com/artifacts-tui/artifacts-tui/ui/theme"
)

// The columns of the mounts.
const (
	mtPath = iota
	mtWorkspace
	mtHealth
	mtPending
	mtFailed
	mtRead
	mtWritten
	mtReadRate
	mtWriteRate
	mtCache
)

// Mounts is the page of the mounts.
type Mounts struct {
	list
	s *session.Session
}

var _ Page = (*Mounts)(nil)

// NewMounts makes the page; it draws s with t.
func NewMounts(s *session.Session, t *theme.Theme) *Mounts {
	p := &Mounts{s: s}
	p.list = list{src: p, theme: t, noun: "mount", beside: true}
	right := component.Right
	p.grid.Columns = []component.Column{
		mtPath:      {Title: "MOUNTPOINT", Min: 12, Max: 48, Flex: true, Path: true},
		mtWorkspace: {Title: "WORKSPACE", Min: 10, Max: 28, Drop: 7, Below: 56},
		mtHealth:    {Title: "HEALTH", Min: stateMin},
		mtPending:   {Title: "PENDING", Down: true, Min: 8, Align: right, Drop: 9, Below: 38},
		mtFailed:    {Title: "FAILED", Down: true, Min: 7, Align: right, Drop: 8, Below: 52},
		mtRead:      {Title: "READ", Down: true, Min: 8, Align: right, Drop: 6, Below: 70},
		mtWritten:   {Title: "WRITTEN", Down: true, Min: 8, Align: right, Drop: 5, Below: 70},
		mtReadRate:  {Title: "READ/S", Down: true, Min: 10, Align: right, Drop: 3, Below: 70},
		mtWriteRate: {Title: "WRITE/S", Down: true, Min: 10, Align: right, Drop: 2, Below: 70},
		mtCache:     {Title: "CACHE", Down: true, Min: 8, Align: right, Drop: 4, Below: 70},
	}
	p.Sync()
	return p
}

// Name is the tab's title.
func (p *Mounts) Name() string { return "Mounts" }

// Scope is that of the page's keys.
func (p *Mounts) Scope() string { return keymap.Mounts }

// SetSize gives the health more room where there is some.
func (p *Mounts) SetSize(width, height int) {
	p.grid.Columns[mtHealth].Min = stateWidth(width)
	p.list.SetSize(width, height)
}

// Len is the number of mounts.
func (p *Mounts) Len() int { return len(p.s.Mounts) }

// ID is a mount's mountpoint.
func (p *Mounts) ID(i int) string { return p.s.Mounts[i].Mountpoint }

// Text is what the filter looks through.
func (p *Mounts) Text(i int) string {
	m := p.s.Mounts[i]
	return strings.Join([]string{component.Home(m.Mountpoint, p.s.Home), m.Workspace, string(m.Health)}, "\n")
}

func (p *Mounts) state(m *mounts.Status) state {
	if op := p.s.Unmounting(m.Mountpoint); op != nil {
		return opState(op, p.s.Now, p.theme)
	}
	return healthState(m, p.theme)
}

// Compare orders two mounts by a column; of numbers the largest come first.
func (p *Mounts) Compare(a, b, column int) int {
	x, y := &p.s.Mounts[a], &p.s.Mounts[b]
	switch column {
	case mtWorkspace:
		return cmp.Compare(x.Workspace, y.Workspace)
	case mtHealth:
		return cmp.Compare(p.state(x).rank, p.state(y).rank)
	case mtPending:
		return -cmp.Compare(x.Pending(), y.Pending())
	case mtFailed:
		return -cmp.Compare(x.Failed, y.Failed)
	case mtRead:
		return -cmp.Compare(x.BytesRead, y.BytesRead)
	case mtWritten:
		return -cmp.Compare(x.BytesWritten, y.BytesWritten)
	case mtReadRate:
		return -cmp.Compare(p.s.RateOf(x.Mountpoint).Read, p.s.RateOf(y.Mountpoint).Read)
	case mtWriteRate:
		return -cmp.Compare(p.s.RateOf(x.Mountpoint).Written, p.s.RateOf(y.Mountpoint).Written)
	case mtCache:
		return -cmp.Compare(x.CacheBytes, y.CacheBytes)
	default:
		return cmp.Compare(x.Mountpoint, y.Mountpoint)
	}
}

// Cell is what a column shows of a mount.
func (p *Mounts) Cell(i, column int) component.Cell {
	m, t := &p.s.Mounts[i], p.theme
	switch column {
	case mtPath:
		return component.Cell{Text: component.Clean(component.Home(m.Mountpoint, p.s.Home)), Style: t.Text}
	case mtWorkspace:
		return component.Cell{Text: component.Clean(m.Workspace), Style: t.Text}
	case mtHealth:
		st := p.state(m)
		return component.Cell{Text: st.String(), Style: st.style}
	case mtPending:
		return p.count(p.drain(m).Pending(), t)
	case mtFailed:
		c := p.count(p.drain(m).Failed, t)
		if p.drain(m).Failed > 0 {
			c.Style = t.Bad
		}
		return c
	case mtRead:
		return component.Cell{Text: component.Bytes(m.BytesRead), Style: t.Text}
	case mtWritten:
		return component.Cell{Text: component.Bytes(m.BytesWritten), Style: t.Text}
	case mtReadRate:
		return p.rate(p.s.RateOf(m.Mountpoint).Read, t)
	case mtWriteRate:
		return p.rate(p.s.RateOf(m.Mountpoint).Written, t)
	default:
		return component.Cell{Text: component.Bytes(m.CacheBytes), Style: t.Text}
	}
}

// drain is the newest news of what is pending: an unmount's is fresher.
func (p *Mounts) drain(m *mounts.Status) mounts.Drain {
	if op := p.s.Unmounting(m.Mountpoint); op != nil {
		return op.Drain
	}
	return m.Drain
}

func (p *Mounts) count(n int, t *theme.Theme) component.Cell {
	if n == 0 {
		return component.Cell{Text: "0", Style: t.Dim}
	}
	return component.Cell{Text: component.Count(int64(n)), Style: t.Text}
}

func (p *Mounts) rate(r float64, t *theme.Theme) component.Cell {
	if r < 1 {
		return component.Cell{Text: "–", Style: t.Dim}
	}
	return component.Cell{Text: perSecond(r), Style: t.Accent}
}

// Empty says how to get a mount.
func (p *Mounts) Empty(width int) []string {
	t := p.theme
	if !p.s.MountsKnown && p.s.MountsErr == nil {
		return []string{t.Dim.Render("Reading the mounts…")}
	}
	if p.s.MountsErr != nil {
		lines := []string{t.Strong.Render("The mounts could not be read.")}
		for _, line := range component.Wrap(component.Clean(p.s.MountsErr.Error()), min(width, 72)) {
			lines = append(lines, t.Dim.Render(line))
		}
		return append(lines, t.Key.Render("R")+" tries again.")
	}
	return []string{
		t.Strong.Render("Nothing is mounted."),
		t.Key.Render("1") + " goes to the workspaces.",
		t.Key.Render("m") + " mounts one there.",
	}
}

// Detail tells all there is to know of a mount.
func (p *Mounts) Detail(i, width int) [][]string {
	m, t := &p.s.Mounts[i], p.theme
	d := newSheet(component.Home(m.Mountpoint, p.s.Home), width, t)
	st := p.state(m)
	d.say(st.style, st.String())
	d.gap()
	d.pair("Workspace", m.Workspace)
	d.pair("Backend", m.Backend)
	d.pair("Bucket", strings.TrimSuffix(m.Bucket+"/"+m.Prefix, "/"))
	if m.ReadOnly {
		d.pair("Mode", "read-only")
	}
	if since := component.Clock(m.Since, p.s.Now); since != "" {
		d.pair("Since", since)
	}
	if m.PID > 0 {
		d.pair("Process", strconv.Itoa(m.PID))
	}
	d.section()
	d.mount(p.s, m)
	if m.Log != "" {
		d.section()
		d.styled("Log", component.Clean(component.Home(m.Log, p.s.Home)), t.Dim)
	}
	return d.sections()
}

func (p *Mounts) current() *mounts.Status {
	if i := p.at(); i >= 0 {
		return &p.s.Mounts[i]
	}
	return nil
}

// Disabled says why a key cannot work on the mount under the cursor.
func (p *Mounts) Disabled(a keymap.Action) string {
	m := p.current()
	switch {
	case (a == keymap.Unmount || a == keymap.RefreshKeys || a == keymap.Bandwidth || a == keymap.WorkspaceQuota) && m == nil:
		return "nothing is mounted"
	case (a == keymap.RefreshKeys || a == keymap.Bandwidth) && m.PID == 0:
		return "its process is gone"
	case a == keymap.WorkspaceQuota:
		if w, ok := p.s.Workspace(m.Workspace); ok {
			return quotaDisabled(p.s, w)
		}
		return m.Workspace + " is not among the workspaces of this coordinator"
	}
	return p.list.Disabled(a)
}

// Do does what a key asks for.
func (p *Mounts) Do(a keymap.Action) action.Action {
	if asked, done := p.handle(a); done {
		return asked
	}
	m := p.current()
	switch {
	case m == nil:
	case a == keymap.Unmount:
		return action.OpenUnmount{Workspace: m.Workspace, Mountpoint: m.Mountpoint}
	case a == keymap.RefreshKeys:
		return action.RefreshCredentials{Mountpoint: m.Mountpoint}
	case a == keymap.Bandwidth:
		return action.OpenControl{Name: a, ID: m.Mountpoint}
	case a == keymap.WorkspaceQuota:
		if w, ok := p.s.Workspace(m.Workspace); ok {
			return openQuota(w)
		}
	case a == keymap.Open:
		return action.Show{Page: "Workspaces", ID: m.Workspace}
	}
	return nil
}

// Verb is a better word than the key map's for what an action does here; "" where there is none.
func (p *Mounts) Verb(a keymap.Action) string {
	if a == keymap.Open {
		return "workspace"
	}
	return p.list.Verb(a)
}

// Command is what unmounts the mount under the cursor.
func (p *Mounts) Command() string {
	if m := p.current(); m != nil {
		return commandline.Unmount(m.Mountpoint, p.s.Home)
	}
	return commandline.Line("", "mount", "list")
}

// CommandOf is the command line of an action on the mount under the cursor.
func (p *Mounts) CommandOf(a keymap.Action) string {
	path := "PATH"
	if m := p.current(); m != nil {
		path = m.Mountpoint
	}
	switch a {
	case keymap.Unmount:
		return commandline.Unmount(path, p.s.Home)
	case keymap.RefreshKeys:
		return commandline.RefreshCredentials(path, p.s.Home)
	case keymap.Bandwidth:
		return control.Bandwidth(path, "RATE", p.s.Home).Line
	case keymap.WorkspaceQuota:
		var w workspace.Workspace
		if m := p.current(); m != nil {
			w, _ = p.s.Workspace(m.Workspace)
		}
		return quotaLine(w)
	}
	return ""
}
