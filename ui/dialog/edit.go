package dialog

import (
	"errors"
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/artifacts-tui/artifacts-tui/backend"
	"github.com/artifacts-tui/artifacts-tui/keyring"
	"github.com/artifacts-tui/artifacts-tui/ui/action"
	"github.com/artifacts-tui/artifacts-tui/ui/commandline"
	"github.com/artifacts-tui/artifacts-tui/ui/component"
	"github.com/artifacts-tui/artifacts-tui/ui/keymap"
	"github.com/artifacts-tui/artifacts-tui/ui/session"
	"github.com/artifacts-tui/artifacts-tui/ui/theme"
)

// The fields of what is kept.
const (
	editKey = iota
	editSecret
	editToken
	editRegion
	editStore
)

// Edit changes single fields of what is kept (SPEC A21–A25). What is there shows as a mask.
type Edit struct {
	s      *session.Session
	theme  *theme.Theme
	source backend.CredentialSource
	fields
	busy bool
}

var _ Dialog = (*Edit)(nil)

// NewEdit makes the form for the global pair or that of a static profile.
func NewEdit(source backend.CredentialSource, s *session.Session, t *theme.Theme) *Edit {
	d := &Edit{s: s, theme: t, source: source}
	field := func(label, ghost, note string) *component.Field {
		f := &component.Field{Label: label, Note: note}
		if f.Input.Ghost = ghost; ghost == "" {
			f.Input.Ghost = "(unset)"
		}
		return f
	}
	secret := func(f *component.Field) *component.Field {
		f.Input.Secret, f.Masked = true, keyring.Mask
		return f
	}
	d.form.Fields = []*component.Field{
		field("Access key id", source.AccessKeyID, "empty: as it is; another key clears the session token"),
		secret(field("Secret key", source.SecretAccessKey, "empty: as it is")),
		secret(field("Session token", source.SessionToken, "empty: as it is; - clears it")),
		field("Region", source.Region, "empty: as it is; - clears it"),
		field("Kept in", string(source.Store), "file, 0600, or keyring: that of this desktop; empty: as it is"),
	}
	for i, name := range []string{"the access key id", "the secret key", "the session token", "the region"} {
		d.form.Fields[i].Check = func(v string) error {
			if strings.ContainsAny(v, " \t\r\n") {
				return errors.New(name + " holds a blank")
			}
			return nil
		}
	}
	d.form.Fields[editStore].Check = func(v string) error {
		if v == "" || keyring.CheckStore(keyring.Store(v)) == nil {
			return nil
		}
		return errors.New("file or keyring")
	}
	return d
}

// Title names what is edited.
func (d *Edit) Title() string {
	if d.source.Profile != "" {
		return "Credentials of profile " + component.Clean(d.source.Profile)
	}
	return "Global credentials"
}

// Width is that of a form.
func (d *Edit) Width() int { return 66 }

// Scopes are those of a form with secrets.
func (d *Edit) Scopes() []string { return []string{keymap.Form, keymap.Secrets, keymap.Dismiss} }

// Input types, unless the form has been sent.
func (d *Edit) Input(msg tea.Msg) {
	if !d.busy {
		d.form.Input(msg)
	}
}

// Verb says what confirming does from this field.
func (d *Edit) Verb(a keymap.Action) string {
	if !d.form.Last() {
		return ""
	}
	return confirms(a, "save")
}

// Do moves between the fields and sends the form.
func (d *Edit) Do(a keymap.Action) action.Action {
	if next, done := d.move(a); done {
		return next
	}
	if a != keymap.Confirm || d.busy || !d.form.Valid() {
		return closeOn(a)
	}
	change, any := d.change()
	if !any {
		return action.Close{}
	}
	d.busy = true
	return action.SetStorage{Change: change}
}

// change is what was filled in, and whether anything was.
func (d *Edit) change() (c backend.StorageChange, any bool) {
	c.Profile = d.source.Profile
	text := func(i int) *string {
		v := d.form.Value(i)
		switch v {
		case "":
			return nil
		case "-":
			v = ""
		}
		any = true
		return &v
	}
	hidden := func(i int) *keyring.Secret {
		v := text(i)
		if v == nil {
			return nil
		}
		s := keyring.NewSecret(*v)
		return &s
	}
	c.AccessKeyID, c.SecretAccessKey, c.SessionToken, c.Region = text(editKey), hidden(editSecret), hidden(editToken), text(editRegion)
	if v := d.form.Value(editStore); v != "" {
		c.Store, any = keyring.Store(v), true
	}
	return c, any
}

// Notify closes the form when it is saved; where that failed it stays as it was filled.
func (d *Edit) Notify(msg any) action.Action {
	d.hear(msg)
	if end, ok := msg.(session.StorageSet); ok {
		if d.busy = false; end.Err == nil {
			return action.Close{}
		}
	}
	return nil
}

// Command spells the change, with - for secrets.
func (d *Edit) Command() string {
	words := []string{"storage", "set"}
	for _, f := range []struct {
		field  int
		flag   string
		secret bool
	}{
		{editKey, "--access-key-id", false},
		{editSecret, "--secret-access-key", true},
		{editToken, "--session-token", true},
		{editRegion, "--region", false},
		{editStore, "--store", false},
	} {
		v := d.form.Value(f.field)
		switch {
		case v == "":
			continue
		case v == "-":
			v = ""
		case f.secret:
			v = "-"
		}
		words = append(words, f.flag, v)
	}
	if d.source.Profile != "" {
		words = append(words, "--profile", d.source.Profile)
	}
	return commandline.Line("", words...)
}

// View draws the form.
func (d *Edit) View(width, height int) ([]string, *component.Point) {
	lines, cursor := d.form.View(width, height, d.theme)
	if d.busy {
		lines[len(lines)-1] = d.theme.Accent.Render(d.theme.Glyph.Wait + " saving…")
		return lines, nil
	}
	return lines, &cursor
}

// Forget asks before what is kept goes.
type Forget struct {
	still
	s      *session.Session
	theme  *theme.Theme
	source backend.CredentialSource
}

var _ Dialog = (*Forget)(nil)

// NewForget makes the question.
func NewForget(source backend.CredentialSource, s *session.Session, t *theme.Theme) *Forget {
	return &Forget{s: s, theme: t, source: source}
}

// Title asks.
func (d *Forget) Title() string { return "Forget these credentials?" }

// Tone warns.
func (d *Forget) Tone() component.Tone { return component.Bad }

// Width is that of a sentence.
func (d *Forget) Width() int { return 60 }

// Scopes are those of a question.
func (d *Forget) Scopes() []string { return []string{keymap.Ask} }

// Verb says what yes and no mean.
func (d *Forget) Verb(a keymap.Action) string {
	return map[keymap.Action]string{keymap.Confirm: "forget", keymap.Cancel: "keep"}[a]
}

// Do forgets, or not.
func (d *Forget) Do(a keymap.Action) action.Action {
	if a == keymap.Confirm {
		return action.CloseThen{Then: action.ClearStorage{Profile: d.source.Profile}}
	}
	return closeOn(a)
}

// Command is the command that does it.
func (d *Forget) Command() string { return commandline.Forget(d.source.Profile) }

// View says what goes and what stays.
func (d *Forget) View(width, _ int) ([]string, *component.Point) {
	t := d.theme
	where := "the 0600 file"
	if d.source.Store == keyring.InKeyring {
		where = "the OS keyring"
	}
	key := d.source.AccessKeyID
	if key == "" {
		key = "(not readable)"
	}
	lines := []string{t.Strong.Render(component.Clean(key)) + t.Dim.Render(" in "+where)}
	lines = append(lines, say(t, width, "The pair goes from this machine; in the store it stays valid.")...)
	if n := len(d.source.Mounts); n > 0 {
		lines = append(lines, say(t, width, fmt.Sprintf("What is mounted goes on with it (%s).", component.Plural(n, "mount")))...)
	}
	return lines, nil
}
