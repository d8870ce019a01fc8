package page

import (
	"cmp"
	"strings"

	"github.com/artifacts-tui/artifacts-tui/backend/objects"
	"github.com/artifacts-tui/artifacts-tui/backend/workspace"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/ui/action"
	"github.com/artifacts-tui/artifacts-tui/ui/commandline"
	"github.com/artifacts-tui/artifacts-tui/ui/component"
	"github.com/artifacts-tui/artifacts-tui/ui/keymap"
	"github.com/artifacts-tui/artifacts-tui/ui/session"
	"github.com/artifacts-tui/artifacts-tui/ui/theme"
)

// The columns of the workspaces.
const (
	wsName = iota
	wsBackend
	wsWhere
	wsSize
	wsQuota
	wsObjects
	wsMounted
	wsState
)

// roomy is the width from which there is more than name, state and path.
const roomy = 61

// Workspaces is the page of the workspaces.
type Workspaces struct {
	list
	s *session.Session
}

var _ Page = (*Workspaces)(nil)

// NewWorkspaces makes the page; it draws s with t.
func NewWorkspaces(s *session.Session, t *theme.Theme) *Workspaces {
	p := &Workspaces{s: s}
	p.list = list{src: p, theme: t, noun: "workspace", beside: true}
	p.grid.Columns = []component.Column{
		wsName:    {Title: "NAME", Min: 8, Max: 28},
		wsBackend: {Title: "BACKEND", Min: 8, Drop: 4, Below: roomy},
		wsWhere:   {Title: "WHERE", Min: 16, Max: 64, Flex: true, Path: true, Drop: 5, Below: roomy},
		wsSize:    {Title: "SIZE", Down: true, Min: 8, Align: component.Right, Drop: 3, Below: roomy},
		wsQuota:   {Title: "QUOTA", Down: true, Min: 5, Max: gaugeWidth + 6, Drop: 1, Below: 96},
		wsObjects: {Title: "OBJECTS", Down: true, Min: 9, Align: component.Right, Drop: 2, Below: roomy},
		wsMounted: {Title: "MOUNTED AT", Min: 11, Max: 36, Flex: true, Path: true, Drop: 6, Below: 44},
		wsState:   {Title: "STATE", Min: stateMin},
	}
	p.Sync()
	return p
}

// Name is the tab's title.
func (p *Workspaces) Name() string { return "Workspaces" }

// Scope is that of the page's keys.
func (p *Workspaces) Scope() string { return keymap.Workspaces }

// SetSize gives the state more room where there is some.
func (p *Workspaces) SetSize(width, height int) {
	p.grid.Columns[wsState].Min = stateWidth(width)
	p.list.SetSize(width, height)
}

// Len is the number of workspaces.
func (p *Workspaces) Len() int { return len(p.s.Workspaces) }

// ID is a workspace's name: what the user selected, whatever its record's ID.
func (p *Workspaces) ID(i int) string { return p.s.Workspaces[i].Name }

// Text is what the filter looks through.
func (p *Workspaces) Text(i int) string {
	w := p.s.Workspaces[i]
	return strings.Join([]string{w.Name, string(w.Backend), w.Location(), p.mountedAt(w)}, "\n")
}

// Compare orders two workspaces by a column.
func (p *Workspaces) Compare(a, b, column int) int {
	x, y := p.s.Workspaces[a], p.s.Workspaces[b]
	switch column {
	case wsBackend:
		return cmp.Compare(x.Backend, y.Backend)
	case wsWhere:
		return cmp.Compare(x.Location(), y.Location())
	case wsSize:
		return -cmp.Compare(usage(x).Total(), usage(y).Total())
	case wsQuota:
		return -cmp.Compare(quotaShare(x), quotaShare(y))
	case wsObjects:
		return -cmp.Compare(usage(x).Objects, usage(y).Objects)
	case wsMounted:
		// Those that are mounted come first.
		return cmp.Or(cmp.Compare(p.mountedAt(y), "")-cmp.Compare(p.mountedAt(x), ""), cmp.Compare(p.mountedAt(x), p.mountedAt(y)))
	case wsState:
		return cmp.Compare(workspaceState(p.s, x, p.theme).rank, workspaceState(p.s, y, p.theme).rank)
	default:
		return cmp.Or(cmp.Compare(strings.ToLower(x.Name), strings.ToLower(y.Name)), cmp.Compare(x.Name, y.Name))
	}
}

// Cell is what a column shows of a workspace.
func (p *Workspaces) Cell(i, column int) component.Cell {
	w, t := p.s.Workspaces[i], p.theme
	base := t.Text
	if !p.s.WorkspacesKnown {
		base = t.Dim // as the last run knew it
	}
	switch column {
	case wsName:
		return component.Cell{Text: component.Clean(w.Name), Style: base}
	case wsBackend:
		return component.Cell{Text: component.Clean(string(w.Backend)), Style: t.Dim}
	case wsWhere:
		return component.Cell{Text: component.Clean(w.Location()), Style: base}
	case wsSize:
		if w.Usage == nil {
			return component.Cell{Text: "–", Style: t.Dim}
		}
		return component.Cell{Text: component.Bytes(w.Usage.Total()), Style: base}
	case wsQuota:
		return gauge(usage(w).Total(), w.Quota, gaugeWidth, t)
	case wsObjects:
		if w.Usage == nil {
			return component.Cell{Text: "–", Style: t.Dim}
		}
		return component.Cell{Text: component.Count(w.Usage.Objects), Style: base}
	case wsMounted:
		if at := p.mountedAt(w); at != "" {
			return component.Cell{Text: component.Clean(at), Style: base}
		}
		return component.Cell{Text: "–", Style: t.Dim}
	default:
		st := workspaceState(p.s, w, t)
		return component.Cell{Text: st.String(), Style: st.style}
	}
}

func usage(w workspace.Workspace) workspace.Usage {
	if w.Usage == nil {
		return workspace.Usage{Bytes: -1, Objects: -1}
	}
	return *w.Usage
}

// quotaShare is how much of its quota a workspace has used, -1 where it has none.
func quotaShare(w workspace.Workspace) float64 {
	if w.Quota == 0 {
		return -1
	}
	return float64(usage(w).Total()) / float64(w.Quota)
}

// mountedAt is the mountpoint for people, or "".
func (p *Workspaces) mountedAt(w workspace.Workspace) string {
	if m := p.s.MountOf(w); m != nil {
		return component.Home(m.Mountpoint, p.s.Home)
	}
	if op := p.s.Op(w.Name); op != nil && op.Mountpoint != "" {
		return component.Home(op.Mountpoint, p.s.Home)
	}
	return ""
}

// current is the workspace under the cursor.
func (p *Workspaces) current() (workspace.Workspace, bool) {
	if i := p.at(); i >= 0 {
		return p.s.Workspaces[i], true
	}
	return workspace.Workspace{}, false
}

// Empty is what a first start shows.
func (p *Workspaces) Empty(width int) []string {
	t := p.theme
	if !p.s.WorkspacesKnown {
		switch {
		case p.s.Coordinator == session.Down:
			return downText(p.s.CoordinatorErr, width, t)
		case p.s.WorkspacesErr != nil:
			return downText(p.s.WorkspacesErr, width, t)
		case p.s.Coordinator == session.Starting:
			return []string{t.Dim.Render("Starting the coordinator…")}
		default:
			return []string{t.Dim.Render("Reading the workspaces…")}
		}
	}
	return []string{
		t.Strong.Render("No workspaces yet."),
		t.Key.Render("n") + " makes one here (no account needed).",
		t.Key.Render("b") + " brings your own bucket.",
	}
}

func downText(err error, width int, t *theme.Theme) []string {
	e := fault.As(err)
	lines := []string{t.Strong.Render(component.Cut("The coordinator does not answer.", width))}
	for _, text := range []string{e.Error(), e.Hint} {
		if text != "" {
			for _, line := range component.Wrap(component.Clean(text), min(width, 72)) {
				lines = append(lines, t.Dim.Render(line))
			}
		}
	}
	return append(lines, t.Key.Render("R")+" tries again.")
}

// Do does what a key asks for.
func (p *Workspaces) Do(a keymap.Action) action.Action {
	if asked, done := p.handle(a); done {
		return asked
	}
	w, ok := p.current()
	switch a {
	case keymap.New:
		return action.OpenCreate{Backend: workspace.Managed}
	case keymap.Bring:
		return action.OpenCreate{Backend: workspace.BYO}
	case keymap.Mesh:
		return action.OpenCreate{Backend: workspace.Mesh}
	case keymap.Mount:
		return action.OpenMount{Workspace: w.Name}
	case keymap.Unmount:
		return action.OpenUnmount{Workspace: w.Name, Mountpoint: p.mountpoint(w)}
	case keymap.Delete:
		return action.OpenDelete{Workspace: w}
	case keymap.WorkspaceQuota:
		return openQuota(w)
	case keymap.DeletedList:
		return action.Show{Page: "Coordinator", ID: "Deleted"}
	case keymap.Open:
		if ok {
			return action.Show{Page: "Browser", Then: action.Browse{At: objects.Name{Kind: objects.Workspace, In: w.Name}}}
		}
	}
	return nil
}

// Verb is a better word than the key map's for what an action does here; "" where there is none.
func (p *Workspaces) Verb(a keymap.Action) string {
	if a == keymap.Open {
		return "browse"
	}
	return p.list.Verb(a)
}

func (p *Workspaces) mountpoint(w workspace.Workspace) string {
	if m := p.s.MountOf(w); m != nil {
		return m.Mountpoint
	}
	if op := p.s.Op(w.Name); op != nil && op.Kind == session.Unmounting {
		return op.Mountpoint
	}
	return ""
}

// Command is what mounts or unmounts the workspace under the cursor.
func (p *Workspaces) Command() string {
	w, ok := p.current()
	if !ok {
		if p.Len() > 0 || !p.s.WorkspacesKnown {
			return ""
		}
		return commandline.Line("", "workspace", "create", "NAME")
	}
	if path := p.mountpoint(w); path != "" {
		return commandline.Unmount(path, p.s.Home)
	}
	return commandline.Mount(w.Name, p.s.DefaultMountpoint(w.Name), p.s.Home)
}

// Status says where the rows come from while they are not known for sure.
func (p *Workspaces) Status() string {
	text := p.list.Status()
	if !p.s.WorkspacesKnown && p.Len() > 0 {
		text += p.theme.Dim.Render(", as of the last run")
	}
	return text
}

// CommandOf is the command line of an action on the workspace under the cursor.
func (p *Workspaces) CommandOf(a keymap.Action) string {
	w, ok := p.current()
	name := w.Name
	if !ok {
		name = "NAME"
	}
	switch a {
	case keymap.New:
		return commandline.Line("", "workspace", "create", "NAME")
	case keymap.Bring:
		return commandline.Line("", "workspace", "create", "NAME", "--backend", "byo", "--bucket", "BUCKET", "--endpoint", "URL")
	case keymap.Mesh:
		return commandline.Line("", "workspace", "create", "NAME", "--backend", "mesh", "--bucket", "BUCKET")
	case keymap.Mount:
		path := "PATH"
		if ok {
			path = p.s.DefaultMountpoint(name)
		}
		return commandline.Mount(name, path, p.s.Home)
	case keymap.Unmount:
		if path := p.mountpoint(w); path != "" {
			return commandline.Unmount(path, p.s.Home)
		}
		return commandline.Unmount("PATH", p.s.Home)
	case keymap.Delete:
		return commandline.Delete(name)
	case keymap.WorkspaceQuota:
		return quotaLine(w)
	case keymap.DeletedList:
		return commandline.Line("", "workspace", "list", "--deleted")
	}
	return ""
}
