package page

import (
	"cmp"
	"slices"

	"github.com/artifacts-tui/artifacts-tui/backend/workspace"
	"github.com/artifacts-tui/artifacts-tui/keyring"
	"github.com/artifacts-tui/artifacts-tui/ui/action"
	"github.com/artifacts-tui/artifacts-tui/ui/commandline"
	"github.com/artifacts-tui/artifacts-tui/ui/component"
	"github.com/artifacts-tui/artifacts-tui/ui/control"
	"github.com/artifacts-tui/artifacts-tui/ui/keymap"
	"github.com/artifacts-tui/artifacts-tui/ui/session"
	"github.com/artifacts-tui/artifacts-tui/ui/theme"
)

// The columns of the deleted workspaces.
const (
	deName = iota
	deBackend
	deWhere
	deSize
	deDeleted
	dePurge
)

// deleted is the section of the deleted workspaces that this user may restore.
type deleted struct{ rows[workspace.Workspace] }

func newDeleted(s *session.Session, t *theme.Theme) *deleted {
	p := &deleted{rows[workspace.Workspace]{
		s: s, title: "Deleted", keys: keymap.Deleted,
		of:   func(st control.State) []workspace.Workspace { return st.Deleted },
		acts: []keymap.Action{keymap.WorkspaceRestore, keymap.WorkspacePurge}, may: unknown,
	}}
	p.none = func(width int) []string {
		return append([]string{t.Strong.Render("No deleted workspaces.")},
			wrapped(t.Dim, "A deleted one can be restored here until its time is over.", width)...)
	}
	p.over(p, "deleted workspace", t, []component.Column{
		deName:    {Title: "NAME", Min: 10, Max: 28},
		deBackend: {Title: "BACKEND", Min: 8, Drop: 2, Below: roomy},
		deWhere:   {Title: "WHERE", Min: 14, Max: 56, Flex: true, Path: true, Drop: 3, Below: 70},
		deSize:    {Title: "SIZE", Down: true, Min: 8, Align: component.Right, Drop: 1, Below: roomy},
		deDeleted: {Title: "DELETED", Down: true, Min: 12, Drop: 4, Below: 52},
		dePurge:   {Title: "GONE AFTER", Min: 12},
	})
	return p
}

// ID is a workspace's id: several deleted ones may have had one name.
func (p *deleted) ID(i int) string { return p.row(i).ID }

// Text is what the filter looks through.
func (p *deleted) Text(i int) string { return p.row(i).Name + "\n" + p.row(i).Location() }

// Compare orders two by a column; those deleted last come first.
func (p *deleted) Compare(a, b, column int) int {
	x, y := p.row(a), p.row(b)
	switch column {
	case deBackend:
		return cmp.Compare(x.Backend, y.Backend)
	case deWhere:
		return cmp.Compare(x.Location(), y.Location())
	case deSize:
		return -cmp.Compare(usage(x).Bytes, usage(y).Bytes)
	case deDeleted:
		return y.Deleted.Compare(x.Deleted)
	case dePurge:
		return x.PurgeAfter.Compare(y.PurgeAfter)
	}
	return cmp.Or(cmp.Compare(x.Name, y.Name), y.Deleted.Compare(x.Deleted))
}

// Cell is what a column shows of a deleted workspace.
func (p *deleted) Cell(i, column int) component.Cell {
	w, t := p.row(i), p.theme
	switch column {
	case deName:
		return component.Cell{Text: component.Clean(w.Name), Style: t.Text}
	case deBackend:
		return component.Cell{Text: string(w.Backend), Style: t.Dim}
	case deWhere:
		return component.Cell{Text: component.Clean(w.Location()), Style: t.Text}
	case deSize:
		if w.Usage == nil {
			return component.Cell{Text: "–", Style: t.Dim}
		}
		return component.Cell{Text: component.Bytes(w.Usage.Bytes), Style: t.Text}
	case deDeleted:
		return component.Cell{Text: component.Clock(w.Deleted, p.s.Now), Style: t.Text}
	}
	text, style := p.purge(w)
	return component.Cell{Text: text, Style: style}
}

func (p *deleted) purge(w workspace.Workspace) (string, theme.Style) {
	switch {
	case w.Purging:
		return "going now", p.theme.Warn
	case w.PurgeAfter.IsZero():
		return "never", p.theme.Dim
	}
	return w.PurgeAfter.Local().Format("2 Jan 15:04"), p.theme.Text
}

// Detail tells all of a deleted workspace.
func (p *deleted) Detail(i, width int) [][]string {
	w, t := p.row(i), p.theme
	d := newSheet(w.Name, width, t)
	d.gap()
	d.pair("Backend", string(w.Backend))
	d.pair("Where", w.Location())
	d.pair("Id", w.ID)
	d.pair("Owner", w.Owner)
	if w.Usage != nil {
		d.pair("Size", component.Bytes(w.Usage.Bytes))
		d.pair("Objects", component.Count(w.Usage.Objects))
	}
	d.pair("Deleted", component.Clock(w.Deleted, p.s.Now))
	text, style := p.purge(w)
	d.styled("Gone after", text, style)
	return d.sections()
}

func (p *deleted) refuse(a keymap.Action) string {
	reason := p.rows.refuse(a)
	if w := p.current(); reason == "" && w != nil && w.Purging && slices.Contains(p.acts, a) {
		return w.Name + " is being removed for good"
	}
	return reason
}

// own restores at once: that harms nothing.
func (p *deleted) own(a keymap.Action) action.Action {
	if w := p.current(); w != nil && a == keymap.WorkspaceRestore {
		return action.Change{Change: control.RestoreWorkspace(w.ID, w.Name)}
	}
	return p.rows.own(a)
}

func (p *deleted) line(a keymap.Action) string {
	id, name := "NAME", "NAME"
	if w := p.current(); w != nil {
		id, name = w.ID, w.Name
	}
	switch {
	case a == keymap.WorkspacePurge:
		return control.PurgeWorkspace(id, name).Line
	case a == keymap.WorkspaceRestore, a == "" && id != "NAME":
		return control.RestoreWorkspace(id, name).Line
	case a == "":
		return commandline.Line("", "workspace", "list", "--deleted")
	}
	return ""
}

// backups is the section that says what a backup is, and makes one.
type backups struct {
	prose
	s *session.Session
}

func newBackups(s *session.Session, t *theme.Theme) *backups {
	b := &backups{prose: prose{theme: t}, s: s}
	b.write = b.text
	return b
}

func (b *backups) name() string  { return "Backup" }
func (b *backups) scope() string { return keymap.Backups }

func (b *backups) refuse(a keymap.Action) string {
	if a == keymap.Backup {
		return adminOnly(b.s)
	}
	return ""
}

func (b *backups) own(a keymap.Action) action.Action {
	if a == keymap.Backup {
		return action.OpenControl{Name: a}
	}
	return nil
}

func (b *backups) line(a keymap.Action) string {
	if a == keymap.Backup || a == "" {
		return control.Backup("", keyring.Secret{}, b.s.Home).Line
	}
	return ""
}

// text says what is in a backup, and what came of the last one.
func (b *backups) text(width, height int) []string {
	t := b.theme
	if lines := notKnown(b.s, width, t); lines != nil {
		return centered(lines, width, height)
	}
	if !plane(b.s).Who.Admin {
		return centered(forAdmins("Backups are made by admins of the mesh.", b.s, width, t), width, height)
	}
	lines := []string{t.Strong.Render("The control state, in one file")}
	room := max(min(width-4, 72), 8)
	for _, text := range []string{
		"Peers and their tokens, roles, buckets, quotas, workspaces and shares. Not the objects: copy the data folder for those. A passphrase encrypts it.",
		"artifacts coordinator restore brings it back.",
	} {
		for _, line := range component.Wrap(text, room) {
			lines = append(lines, t.Dim.Render(line))
		}
	}
	lines = append(lines, "", t.Key.Render("b")+" writes one.")
	if last := b.s.Backup; last != nil {
		lines = append(lines, "", t.Good.Render(t.Glyph.Done+" "+component.Cut(component.Clean(last.Text), room-2)))
		for _, text := range last.Details {
			for _, line := range component.Wrap(component.Clean(text), room-2) {
				lines = append(lines, "  "+t.Dim.Render(line))
			}
		}
	}
	return centered(lines, width, height)
}
