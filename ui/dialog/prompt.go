package dialog

import (
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/artifacts-tui/artifacts-tui/backend"
	"github.com/artifacts-tui/artifacts-tui/backend/objects"
	"github.com/artifacts-tui/artifacts-tui/backend/workspace"
	"github.com/artifacts-tui/artifacts-tui/ui/action"
	"github.com/artifacts-tui/artifacts-tui/ui/commandline"
	"github.com/artifacts-tui/artifacts-tui/ui/component"
	"github.com/artifacts-tui/artifacts-tui/ui/keymap"
	"github.com/artifacts-tui/artifacts-tui/ui/session"
	"github.com/artifacts-tui/artifacts-tui/ui/theme"
)

// Prompt is a small form that ends in one action.
type Prompt struct {
	still
	s     *session.Session
	theme *theme.Theme
	title string
	verb  string
	about []string // lines above the fields
	form  component.Form
	paths bool // the first field is a local path, which tab completes
	offer []string
	then  func() action.Action
	line  func() string
}

var _ Dialog = (*Prompt)(nil)

// Title is the prompt's.
func (d *Prompt) Title() string { return d.title }

// Width is that of a path.
func (d *Prompt) Width() int { return 64 }

// Scopes are those of a form.
func (d *Prompt) Scopes() []string {
	if d.paths {
		return []string{keymap.Paths, keymap.Dismiss}
	}
	return []string{keymap.Form, keymap.Dismiss}
}

// Capturing is always so.
func (d *Prompt) Capturing() bool { return true }

// Input types.
func (d *Prompt) Input(msg tea.Msg) {
	d.offer = nil
	d.form.Input(msg)
}

// Verb says what confirming does.
func (d *Prompt) Verb(a keymap.Action) string {
	if d.form.Last() {
		return confirms(a, d.verb)
	}
	return ""
}

// Do moves, completes and confirms.
func (d *Prompt) Do(a keymap.Action) action.Action {
	switch {
	case a == keymap.Complete:
		return action.Complete{Text: d.form.Value(0)}
	case a == keymap.NextField, a == keymap.Confirm && !d.form.Last():
		d.form.Move(1)
	case a == keymap.PrevField:
		d.form.Move(-1)
	case a == keymap.Confirm && d.form.Valid():
		return action.CloseThen{Then: d.then()}
	}
	return closeOn(a)
}

// Notify takes in the paths that a completion has found.
func (d *Prompt) Notify(msg any) action.Action {
	found, ok := msg.(session.Completed)
	if !ok || !d.paths || found.Text != d.form.Value(0) {
		return nil
	}
	d.offer = found.Paths
	if len(found.Paths) == 0 {
		d.form.Fail(0, errors.New("nothing begins like this"))
		return nil
	}
	common := found.Paths[0]
	for _, p := range found.Paths[1:] {
		for !strings.HasPrefix(p, common) {
			common = common[:len(common)-1]
		}
	}
	if common = strings.ToValidUTF8(common, ""); len(common) >= len(found.Text) {
		d.form.Fields[0].Input.SetValue(common)
	}
	if len(found.Paths) == 1 {
		d.offer = nil
	}
	return nil
}

// Command spells what was typed.
func (d *Prompt) Command() string { return d.line() }

const shownOffers = 6

// View draws what it is about, the form, and the paths there are to choose from.
func (d *Prompt) View(width, height int) ([]string, *component.Point) {
	var lines []string
	for _, text := range d.about {
		lines = append(lines, d.theme.Dim.Render(component.CutPath(component.Clean(text), width)))
	}
	if len(lines) > 0 {
		lines = append(lines, "")
	}
	formHeight := d.form.Height()
	if over := len(lines) + formHeight - height; over > 0 {
		lines = lines[:max(len(lines)-over, 0)] // the question stays in sight
	}
	form, cursor := d.form.View(width, formHeight, d.theme)
	cursor.Y += len(lines)
	lines = append(lines, form...)
	for i, p := range d.offer {
		if i == shownOffers {
			lines = append(lines, d.theme.Dim.Render(fmt.Sprintf("  and %d more", len(d.offer)-i)))
			break
		}
		lines = append(lines, d.theme.Dim.Render("  "+component.CutPath(component.Clean(p), width-2)))
	}
	return lines, &cursor
}

func filled(what string) func(string) error {
	return func(v string) error {
		if strings.TrimSpace(v) == "" {
			return errors.New(what + " is missing")
		}
		return nil
	}
}

// local is a typed local path, with home for "~"; a "/" at its end stays.
func local(text, home string) string {
	p := strings.TrimSpace(text)
	if p == "~" || strings.HasPrefix(p, "~/") {
		p = home + p[1:]
	}
	if p == "" {
		return ""
	}
	slash := strings.HasSuffix(p, "/")
	if p = filepath.Clean(p); slash && p != "/" {
		p += "/"
	}
	return p
}

// NewUpload asks for a file or a folder to put into to.
func NewUpload(to objects.Name, s *session.Session, t *theme.Theme) *Prompt {
	d := &Prompt{s: s, theme: t, title: "Upload", verb: "upload", paths: true, about: []string{"to " + to.String()}}
	d.form.Fields = []*component.Field{{Label: "File or folder", Note: "tab completes the path; a folder goes with all that is in it", Check: filled("the path")}}
	from := func() string { return local(d.form.Value(0), s.Home) }
	d.then = func() action.Action {
		return action.Transfer{Transfer: backend.Transfer{Kind: backend.Upload, Local: []string{strings.TrimSuffix(from(), "/")}, To: to}}
	}
	d.line = func() string { return commandline.Upload([]string{from()}, to, s.Home) }
	return d
}

// NewDownload asks where to put objects.
func NewDownload(from []objects.Name, s *session.Session, t *theme.Theme) *Prompt {
	d := &Prompt{s: s, theme: t, title: "Download", verb: "download", paths: true, about: summary(from)}
	f := &component.Field{Label: "To", Note: "a folder ends in /; tab completes the path", Check: filled("the path")}
	f.Input.SetValue("~/Downloads/")
	d.form.Fields = []*component.Field{f}
	to := func() string { return local(d.form.Value(0), s.Home) }
	d.then = func() action.Action {
		return action.Transfer{Transfer: backend.Transfer{Kind: backend.Download, From: from, Local: []string{to()}}}
	}
	d.line = func() string { return commandline.Download(from, to(), s.Home) }
	return d
}

// NewCopy asks where to copy or move objects to.
func NewCopy(from []objects.Name, move bool, s *session.Session, t *theme.Theme) *Prompt {
	d := &Prompt{s: s, theme: t, title: "Copy", verb: "copy", about: summary(from)}
	kind, line := backend.CopyTo, commandline.Copy
	if move {
		d.title, d.verb = "Move", "move"
		kind, line = backend.MoveTo, commandline.Move
	}
	f := &component.Field{Label: "To", Note: "BUCKET/KEY or workspace:NAME/PATH; a folder ends in /"}
	f.Input.SetValue(from[0].At(parent(from[0].Path)).String())
	to := func() (objects.Name, error) { return objects.Parse(strings.TrimSpace(d.form.Value(0))) }
	f.Check = func(string) error {
		n, err := to()
		switch {
		case err != nil:
			return err
		case !n.Remote():
			return errors.New("this is on your machine: o downloads")
		case len(from) == 1 && n == from[0], len(from) > 0 && n == from[0].At(parent(from[0].Path)):
			return errors.New("it is there already")
		case len(from) > 1 && !n.Dir():
			return errors.New("several go into a folder: end it with /")
		}
		return nil
	}
	d.form.Fields = []*component.Field{f}
	d.then = func() action.Action {
		n, _ := to()
		return action.Transfer{Transfer: backend.Transfer{Kind: kind, From: from, To: n}}
	}
	d.line = func() string {
		n, err := to()
		if err != nil {
			return ""
		}
		return line(from, n)
	}
	return d
}

func parent(key string) string {
	key = strings.TrimSuffix(key, "/")
	return key[:strings.LastIndexByte(key, '/')+1]
}

// summary names the first few of what is chosen.
func summary(from []objects.Name) []string {
	const most = 3
	var lines []string
	for i, n := range from {
		if i == most {
			lines = append(lines, fmt.Sprintf("and %s more", component.Count(int64(len(from)-i))))
			break
		}
		lines = append(lines, n.String())
	}
	return lines
}

// NewMountPlace asks for the name and the mountpoint of a workspace of a bucket's folder.
func NewMountPlace(at objects.Name, s *session.Session, t *theme.Theme) *Prompt {
	d := &Prompt{s: s, theme: t, title: "Mount " + component.Clean(at.String()), verb: "mount", about: []string{"as a workspace of its own"}}
	name := &component.Field{Label: "Workspace", Note: "the name it gets; it stays until it is deleted", Check: func(v string) error {
		if _, taken := s.Workspace(v); taken {
			return fmt.Errorf("there is a workspace %s already", component.Clean(v))
		}
		return workspace.CheckName(v)
	}}
	proposed := at.In
	if at.Path != "" {
		proposed = path.Base(at.Path)
	}
	name.Input.SetValue(strings.Map(func(r rune) rune {
		if strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-", r) {
			return r
		}
		return '-'
	}, proposed))
	where := &component.Field{Label: "Path", Note: "an empty directory; made where it is missing", Check: func(v string) error {
		p := local(v, s.Home)
		switch m := s.MountAt(strings.TrimSuffix(p, "/")); {
		case !filepath.IsAbs(p):
			return errors.New("the path begins with / or ~/")
		case m != nil:
			return errors.New(component.Clean(m.Workspace) + " is mounted here already; unmount it first")
		}
		return nil
	}}
	where.Input.SetValue(component.Home(s.DefaultMountpoint(name.Input.Value()), s.Home))
	d.form.Fields = []*component.Field{name, where}
	target := func() string { return strings.TrimSuffix(local(d.form.Value(1), s.Home), "/") }
	d.then = func() action.Action {
		return action.MountPlace{Name: d.form.Value(0), Mountpoint: target(), At: at}
	}
	d.line = func() string { return commandline.MountPlace(d.form.Value(0), at, target(), s.Home) }
	return d
}
