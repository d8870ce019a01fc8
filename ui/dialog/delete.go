package dialog

import (
	"fmt"

	tea "charm.land/bubbletea/v2"

	"github.com/artifacts-tui/artifacts-tui/backend/workspace"
	"github.com/artifacts-tui/artifacts-tui/ui/action"
	"github.com/artifacts-tui/artifacts-tui/ui/commandline"
	"github.com/artifacts-tui/artifacts-tui/ui/component"
	"github.com/artifacts-tui/artifacts-tui/ui/keymap"
	"github.com/artifacts-tui/artifacts-tui/ui/session"
	"github.com/artifacts-tui/artifacts-tui/ui/theme"
)

// Delete wants the workspace's name typed, and says what goes and what stays.
type Delete struct {
	still
	s         *session.Session
	theme     *theme.Theme
	workspace workspace.Workspace
	form      component.Form
}

var _ Dialog = (*Delete)(nil)

// NewDelete makes the dialog.
func NewDelete(w workspace.Workspace, s *session.Session, t *theme.Theme) *Delete {
	d := &Delete{s: s, theme: t, workspace: w}
	d.form.Fields = []*component.Field{{
		Label: "Its name", Note: "type " + component.Clean(w.Name) + " to delete it", Check: d.check,
	}}
	return d
}

// Title names the workspace.
func (d *Delete) Title() string { return "Delete " + component.Clean(d.workspace.Name) }

// Tone warns.
func (d *Delete) Tone() component.Tone { return component.Bad }

// Width is that of a sentence.
func (d *Delete) Width() int { return 62 }

// Scopes are those of a form.
func (d *Delete) Scopes() []string { return []string{keymap.Form, keymap.Dismiss} }

// Capturing is always so.
func (d *Delete) Capturing() bool { return true }

// Input types, unless the deletion has begun.
func (d *Delete) Input(msg tea.Msg) {
	if !d.busy() {
		d.form.Input(msg)
	}
}

func (d *Delete) busy() bool {
	op := d.s.Op(d.workspace.Name)
	return op != nil && op.Kind == session.Deleting
}

func (d *Delete) check(v string) error {
	if v != d.workspace.Name {
		return fmt.Errorf("this is not its name; type %s", component.Clean(d.workspace.Name))
	}
	if m := d.s.MountOf(d.workspace); m != nil {
		return fmt.Errorf("it is mounted at %s; unmount it first", component.Clean(component.Home(m.Mountpoint, d.s.Home)))
	}
	return nil
}

// Verb says what confirming does.
func (d *Delete) Verb(a keymap.Action) string { return confirms(a, "delete") }

// Do deletes once the name is right.
func (d *Delete) Do(a keymap.Action) action.Action {
	if a == keymap.Confirm {
		if !d.busy() && d.form.Valid() {
			return action.Delete{Name: d.workspace.Name}
		}
		return nil
	}
	return closeOn(a)
}

// Notify closes the dialog when the workspace is gone.
func (d *Delete) Notify(msg any) action.Action {
	if end, ok := msg.(session.Deleted); ok && end.Err == nil && end.Name == d.workspace.Name {
		return action.Close{}
	}
	return nil
}

// Command is the command that deletes without asking.
func (d *Delete) Command() string { return commandline.Delete(d.workspace.Name) }

// View says what goes and what stays, then asks.
func (d *Delete) View(width, height int) ([]string, *component.Point) {
	t := d.theme
	goes, stays := d.words()
	formHeight := d.form.Height()
	lines := told([][2]string{{"Goes", goes}, {"Stays", stays}}, width, height-formHeight, t)
	form, cursor := d.form.View(width, formHeight, t)
	if d.busy() {
		op := d.s.Op(d.workspace.Name)
		form[len(form)-1] = t.Accent.Render(t.Glyph.Wait + " deleting… " + component.Elapsed(d.s.Now.Sub(op.Since)))
	}
	cursor.Y += len(lines)
	return append(lines, form...), &cursor
}

// words say what a deletion takes and what it leaves (SPEC C1).
func (d *Delete) words() (goes, stays string) {
	w := d.workspace
	if now, ok := d.s.Workspace(w.Name); ok && now.ID == w.ID {
		w = now // its usage may be newer
	}
	if w.Backend == workspace.BYO {
		return "the workspace: its name and where its bucket is.",
			"every object in s3://" + w.Location() + ". Your own bucket is never touched."
	}
	objects := "its objects"
	if w.Usage != nil {
		objects = fmt.Sprintf("its %s (%s)", component.Plural(int(w.Usage.Objects), "object"), component.Bytes(w.Usage.Bytes))
	}
	if w.Backend == workspace.Mesh {
		return "the workspace.", objects + " in the bucket " + w.Location() + "."
	}
	return "the workspace and the key pair that opens it.",
		objects + " in " + w.Location() + ": the coordinator keeps them."
}
