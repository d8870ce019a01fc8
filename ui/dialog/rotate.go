package dialog

import (
	"errors"
	"fmt"

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

// The steps of a rotation, in order.
type step int

const (
	stepWhat step = iota
	stepPair
	stepVerify
	stepSave
	stepMounts
	stepDone
)

// The fields of the new pair.
const (
	pairKey = iota
	pairSecret
	pairToken
	pairCommand
)

// target is a pair that can be rotated, and why it is in the list.
type target struct {
	label   string
	note    string
	profile string
}

// What a mount does with a new pair.
const (
	keepPair    = "keep"
	refreshPair = "refresh"
	remountPair = "remount"
)

// choice is one mount in the last step.
type choice struct {
	mountpoint string
	do         string
	busy, done bool
	err        error
	former     int // requests that are still signed with the former pair
}

// Rotate is the wizard of a rotation (SPEC A37–A40b). Nothing is saved before its fourth
// step; until its end the former pair can come back.
type Rotate struct {
	s     *session.Session
	theme *theme.Theme

	step    step
	targets []target
	at      int // of the targets, or of the choices
	fields

	rotation  backend.Rotation
	pair      keyring.Credentials
	checks    []backend.Verified
	checked   bool // all of them are in
	choices   []choice
	busy      string // what is waited for; empty: nothing
	err       error  // of this step
	abandon   bool   // esc was pressed
	resumed   bool   // the pair had been saved before
	dry, back bool   // how it ended: a dry run; back to the former pair
}

var _ Dialog = (*Rotate)(nil)

// NewRotate makes the wizard with its cursor on the pair of a profile, or on the global one.
func NewRotate(profile string, s *session.Session, t *theme.Theme) *Rotate {
	d := &Rotate{s: s, theme: t, targets: rotationTargets(s)}
	command := ""
	if s.Draft != nil {
		profile, command = s.Draft.Profile, s.Draft.Command
	}
	for i, target := range d.targets {
		if target.profile == profile {
			d.at = i
			break
		}
	}
	secret := func(label, note string) *component.Field {
		f := &component.Field{Label: label, Note: note, Masked: keyring.Mask}
		f.Input.Secret = true
		return f
	}
	d.form.Fields = []*component.Field{
		{Label: "Access key id", Note: "of the new pair", Check: d.checkKey},
		secret("Secret key", "typed or pasted; it stays on this machine"),
		secret("Session token", "only with temporary keys"),
		{Label: "Or a command", Note: "that prints the new pair, as AWS's credential_process does; instead of typing it", Check: d.checkCommand},
	}
	d.form.Fields[pairSecret].Check = d.checkSecret
	d.form.Fields[pairCommand].Input.SetValue(command)
	return d
}

// rotationTargets are the pairs that are kept here, and the workspaces that use each.
func rotationTargets(s *session.Session) (list []target) {
	for _, c := range s.Credentials {
		switch {
		case c.Source == keyring.FromCache:
			list = append(list, target{"Global credentials", uses(c), ""})
		case c.Type == keyring.Static:
			list = append(list, target{"Profile " + c.Profile, uses(c), c.Profile})
		}
	}
	for _, t := range append([]target(nil), list...) {
		for _, c := range s.Credentials {
			if c.Profile != t.profile || c.Source == keyring.FromEnv {
				continue
			}
			for _, w := range c.Workspaces {
				note := "uses the global credentials"
				if t.profile != "" {
					note = "uses profile " + t.profile
				}
				list = append(list, target{"Workspace " + w, note, t.profile})
			}
		}
	}
	if len(list) == 0 {
		list = []target{{"Global credentials", "", ""}}
	}
	return list
}

func uses(c backend.CredentialSource) string {
	if !c.Kept() && c.Error == nil {
		return "none are kept yet"
	}
	if len(c.Workspaces) == 0 {
		return "no workspace uses them"
	}
	return component.Plural(len(c.Workspaces), "workspace")
}

func (d *Rotate) checkKey(v string) error {
	if v == "" && d.form.Value(pairCommand) == "" {
		return errors.New("the access key id is missing")
	}
	return d.validPair()
}

func (d *Rotate) checkSecret(v string) error {
	if v == "" && d.form.Value(pairCommand) == "" {
		return errors.New("the secret key is missing")
	}
	return d.validPair()
}

func (d *Rotate) checkCommand(v string) error {
	if v != "" && d.form.Value(pairKey) != "" {
		return errors.New("either the pair or a command")
	}
	return nil
}

func (d *Rotate) validPair() error { return d.typed().Validate() }

func (d *Rotate) typed() keyring.Credentials {
	return keyring.Credentials{
		AccessKeyID: d.form.Value(pairKey), SecretAccessKey: keyring.NewSecret(d.form.Value(pairSecret)),
		SessionToken: keyring.NewSecret(d.form.Value(pairToken)),
	}
}

// Title names the wizard.
func (d *Rotate) Title() string { return "Rotate credentials" }

// Width is that of a form with a list.
func (d *Rotate) Width() int { return 70 }

// Scopes are those of the step.
func (d *Rotate) Scopes() []string {
	switch {
	case d.abandon:
		return []string{keymap.Abandon}
	case d.step == stepWhat:
		return []string{keymap.Pick}
	case d.step == stepPair:
		return []string{keymap.Form, keymap.Secrets, keymap.Dismiss}
	case d.step == stepMounts:
		return []string{keymap.Choices}
	case d.step == stepDone:
		return []string{keymap.Progress} // there is nothing left but to close
	}
	return []string{keymap.Check}
}

// Capturing is so while the pair is typed.
func (d *Rotate) Capturing() bool { return d.step == stepPair && !d.abandon && d.busy == "" }

// Input types.
func (d *Rotate) Input(msg tea.Msg) {
	d.err = nil
	d.form.Input(msg)
}

// Command spells the rotation, without the secret.
func (d *Rotate) Command() string {
	if d.step == stepDone || len(d.targets) == 0 {
		return ""
	}
	key := d.form.Value(pairKey)
	mounts := ""
	if d.step == stepMounts {
		mounts = d.allChosen()
	}
	return commandline.Rotate(d.profile(), key, d.form.Value(pairCommand), mounts)
}

// allChosen is what all mounts do, where that is one thing.
func (d *Rotate) allChosen() string {
	for _, c := range d.choices {
		if c.do != d.choices[0].do {
			return ""
		}
	}
	if len(d.choices) == 0 {
		return ""
	}
	return d.choices[0].do
}

func (d *Rotate) profile() string {
	if d.step > stepWhat {
		return d.rotation.Profile
	}
	return d.targets[d.at].profile
}

// refused counts the workspaces that the new pair does not serve and the present one does.
func (d *Rotate) refused() (n int) {
	for _, v := range d.checks {
		if !v.OK && !v.Before {
			n++
		}
	}
	return n
}

// Disabled says why a step cannot be left.
func (d *Rotate) Disabled(a keymap.Action) string {
	switch {
	case d.abandon && a != keymap.Cancel && d.busy != "" && d.step >= stepSave:
		return d.busy + "…" // how that ends decides what leaving means
	case d.busy != "" && a != keymap.Cancel && !d.abandon:
		return d.busy + "…"
	case d.step == stepVerify && a == keymap.Confirm && d.refused() > 0:
		return component.Plural(d.refused(), "workspace") + " refuse it; b goes back, `storage rotate --force` saves it nevertheless"
	case d.step == stepVerify && a == keymap.Confirm && d.err != nil:
		return "it could not be tried; r tries again"
	case d.step == stepSave && a == keymap.Retry:
		return "there is nothing to try again"
	}
	return d.fields.Disabled(a)
}

// Verb says what confirming does in this step.
func (d *Rotate) Verb(a keymap.Action) string {
	switch {
	case a == keymap.KeepDraft && d.step == stepMounts:
		return "keep both"
	case a == keymap.Undo && d.step < stepMounts:
		return "leave"
	case d.step == stepPair && d.form.Last():
		return confirms(a, "verify")
	case d.step == stepSave:
		return confirms(a, "save")
	case d.step == stepMounts && len(d.choices) == 0:
		return confirms(a, "finish")
	case d.step == stepDone:
		return "close"
	}
	return ""
}

// Do goes on, back or away.
func (d *Rotate) Do(a keymap.Action) action.Action {
	if d.abandon {
		return d.leave(a)
	}
	if a == keymap.Cancel {
		return d.cancel()
	}
	switch d.step {
	case stepWhat:
		return d.doWhat(a)
	case stepPair:
		return d.doPair(a)
	case stepVerify, stepSave:
		return d.doCheck(a)
	case stepMounts:
		return d.doMounts(a)
	}
	if a == keymap.Confirm {
		return action.Close{}
	}
	return nil
}

// cancel stops what runs, or asks whether to leave.
func (d *Rotate) cancel() action.Action {
	switch {
	case d.step == stepWhat || d.step == stepDone || d.step == stepPair && d.untouched():
		return action.Close{}
	case d.step == stepVerify && d.busy != "":
		d.busy = ""
		d.step = stepPair
		return action.StopVerifying{}
	}
	d.abandon = true
	return nil
}

// untouched reports whether nothing was typed that a question could be about.
func (d *Rotate) untouched() bool {
	for i := range d.form.Fields {
		if d.form.Value(i) != "" {
			return false
		}
	}
	return true
}

// leave is what to do after esc.
func (d *Rotate) leave(a keymap.Action) action.Action {
	saved := d.step == stepMounts
	switch a {
	case keymap.Cancel:
		d.abandon = false
	case keymap.KeepDraft:
		if saved {
			return action.Close{} // the former pair stays beside the new one
		}
		return action.CloseThen{Then: action.KeepDraft{Draft: &backend.RotationDraft{Profile: d.rotation.Profile, Command: d.form.Value(pairCommand)}}}
	case keymap.Undo:
		if !saved {
			return action.CloseThen{Then: action.KeepDraft{}}
		}
		d.abandon, d.back, d.busy = false, true, "going back"
		return action.EndRotation{Profile: d.rotation.Profile, Undo: true}
	}
	return nil
}

func (d *Rotate) doWhat(a keymap.Action) action.Action {
	switch a {
	case keymap.Up:
		d.at = max(d.at-1, 0)
	case keymap.Down:
		d.at = min(d.at+1, len(d.targets)-1)
	case keymap.Confirm:
		if d.busy == "" {
			d.busy, d.err = "reading who uses it", nil
			return action.ReadRotation{Profile: d.targets[d.at].profile}
		}
	}
	return nil
}

func (d *Rotate) doPair(a keymap.Action) action.Action {
	if next, done := d.move(a); done {
		return next
	}
	if a != keymap.Confirm || !d.form.Valid() {
		return nil
	}
	if command := d.form.Value(pairCommand); command != "" {
		d.busy, d.err = "asking the command", nil
		return action.IssuePair{Command: command}
	}
	return d.verify(d.typed())
}

// verify goes to the step that tries a pair.
func (d *Rotate) verify(pair keyring.Credentials) action.Action {
	d.pair, d.step, d.err = pair, stepVerify, nil
	d.checks, d.checked, d.busy = nil, false, "trying the new pair"
	return action.VerifyRotation{Rotation: d.rotation, Pair: pair}
}

func (d *Rotate) doCheck(a keymap.Action) action.Action {
	switch {
	case a == keymap.StepBack:
		d.step, d.err = stepPair, nil
		d.form.Focus(0)
	case a == keymap.DryRun:
		d.step, d.dry = stepDone, true
		return action.KeepDraft{}
	case a == keymap.Retry && d.step == stepVerify:
		return d.verify(d.pair)
	case a == keymap.Confirm && d.step == stepVerify:
		d.step = stepSave
	case a == keymap.Confirm:
		d.busy, d.err = "saving", nil
		return action.SaveRotation{Rotation: d.rotation, Pair: d.pair}
	}
	return nil
}

func (d *Rotate) doMounts(a keymap.Action) action.Action {
	switch a {
	case keymap.Up:
		d.at = max(d.at-1, 0)
	case keymap.Down:
		d.at = max(min(d.at+1, len(d.choices)-1), 0)
	case keymap.Choose:
		if len(d.choices) > 0 && !d.choices[d.at].done {
			next := map[string]string{keepPair: refreshPair, refreshPair: remountPair, remountPair: keepPair}
			d.choices[d.at].do = next[d.choices[d.at].do]
		}
	case keymap.Confirm:
		d.err = nil
		for i := range d.choices {
			d.choices[i].err = nil
		}
		return d.nextMount()
	}
	return nil
}

// nextMount has the next mount do what was chosen; after the last the rotation ends, unless
// one failed.
func (d *Rotate) nextMount() action.Action {
	failed := false
	for i := range d.choices {
		c := &d.choices[i]
		failed = failed || c.err != nil
		if c.done || c.err != nil || c.do == keepPair {
			continue
		}
		c.busy, d.busy = true, "replacing the pair of mounts"
		if c.do == remountPair {
			return action.Remount{Mountpoint: c.mountpoint}
		}
		return action.RefreshCredentials{Mountpoint: c.mountpoint, Kept: true}
	}
	if failed {
		d.busy, d.err = "", fmt.Errorf("a mount did not take the new pair; choose again, or esc and u goes back to the former")
		return nil
	}
	d.busy = "finishing"
	return action.EndRotation{Profile: d.rotation.Profile}
}
