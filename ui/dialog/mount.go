package dialog

import (
	"errors"
	"path/filepath"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/artifacts-tui/artifacts-tui/backend"
	"github.com/artifacts-tui/artifacts-tui/ui/action"
	"github.com/artifacts-tui/artifacts-tui/ui/commandline"
	"github.com/artifacts-tui/artifacts-tui/ui/component"
	"github.com/artifacts-tui/artifacts-tui/ui/keymap"
	"github.com/artifacts-tui/artifacts-tui/ui/session"
	"github.com/artifacts-tui/artifacts-tui/ui/theme"
)

// Mount asks for the path to mount a workspace at.
type Mount struct {
	still
	s         *session.Session
	theme     *theme.Theme
	workspace string
	form      component.Form
}

var _ Dialog = (*Mount)(nil)

// NewMount proposes the default path.
func NewMount(name string, s *session.Session, t *theme.Theme) *Mount {
	d := &Mount{s: s, theme: t, workspace: name}
	f := &component.Field{Label: "Path", Note: "an empty directory; made where it is missing", Check: d.check}
	f.Input.SetValue(component.Home(s.DefaultMountpoint(name), s.Home))
	d.form.Fields = []*component.Field{f}
	return d
}

// Title names the workspace.
func (d *Mount) Title() string { return "Mount " + component.Clean(d.workspace) }

// Width is that of a path.
func (d *Mount) Width() int { return 58 }

// Scopes are those of a form.
func (d *Mount) Scopes() []string { return []string{keymap.Form, keymap.Dismiss} }

// Capturing is always so.
func (d *Mount) Capturing() bool { return true }

// Input types.
func (d *Mount) Input(msg tea.Msg) { d.form.Input(msg) }

// path is the typed path, absolute.
func (d *Mount) path() string {
	p := strings.TrimSpace(d.form.Value(0))
	if p == "~" || strings.HasPrefix(p, "~/") {
		p = d.s.Home + p[1:]
	}
	if p == "" {
		return ""
	}
	return filepath.Clean(p)
}

func (d *Mount) check(string) error {
	p := d.path()
	switch {
	case p == "":
		return errors.New("the path is missing")
	case !filepath.IsAbs(p):
		return errors.New("the path begins with / or ~/")
	}
	if m := d.s.MountAt(p); m != nil { // SPEC C4
		return errors.New(component.Clean(m.Workspace) + " is mounted here already; unmount it first")
	}
	return nil
}

// Verb says what confirming does.
func (d *Mount) Verb(a keymap.Action) string { return confirms(a, "mount") }

// Do confirms or cancels.
func (d *Mount) Do(a keymap.Action) action.Action {
	if a == keymap.Confirm && d.form.Valid() {
		return action.CloseThen{Then: action.Mount{Request: backend.MountRequest{
			Workspace: d.workspace, Mountpoint: d.path(), CreateDir: true,
		}}}
	}
	return closeOn(a)
}

// Command spells the mount with the path as typed.
func (d *Mount) Command() string { return commandline.Mount(d.workspace, d.path(), d.s.Home) }

// View draws the form.
func (d *Mount) View(width, height int) ([]string, *component.Point) {
	lines, cursor := d.form.View(width, height, d.theme)
	return lines, &cursor
}
