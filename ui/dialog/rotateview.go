package dialog

import (
	"fmt"
	"strings"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/keyring"
	"github.com/artifacts-tui/artifacts-tui/ui/component"
	"github.com/artifacts-tui/artifacts-tui/ui/theme"
)

var stepNames = []string{"what", "new keys", "verify", "save", "mounts"}

// steps is the line of all steps, with a sign for those that are done.
func (d *Rotate) steps(width int) string {
	t := d.theme
	var parts []string
	for i, name := range stepNames {
		text := fmt.Sprintf("%d %s", i+1, name)
		switch {
		case step(i) == d.step:
			parts = append(parts, t.Accent.Render(text))
		case step(i) < d.step && !d.dry:
			parts = append(parts, t.Good.Render(t.Glyph.Done)+" "+t.Dim.Render(name))
		default:
			parts = append(parts, t.Dim.Render(text))
		}
	}
	line := strings.Join(parts, t.Faint.Render(" › "))
	if component.Width(line) <= width {
		return line
	}
	return t.Accent.Render(fmt.Sprintf("step %d of %d: %s", min(int(d.step), len(stepNames)-1)+1, len(stepNames), stepNames[min(int(d.step), len(stepNames)-1)]))
}

// View draws the steps, the step, and what it waits for or what is wrong.
func (d *Rotate) View(width, height int) ([]string, *component.Point) {
	t := d.theme
	lines := []string{d.steps(width)}
	if height > 8 {
		lines = append(lines, "")
	}
	foot := d.foot(width)
	room := max(height-len(lines)-len(foot), 1)
	var body []string
	var cursor *component.Point
	switch {
	case d.abandon:
		body = d.abandonView(width)
	case d.step == stepWhat:
		body = d.whatView(width, room)
	case d.step == stepPair:
		form, at := d.form.View(width, min(room, d.form.Height()), t)
		at.Y += len(lines)
		body, cursor = form, &at
	case d.step == stepVerify:
		body = d.verifyView(width, room)
	case d.step == stepSave:
		body = d.saveView(width, room)
	case d.step == stepMounts:
		body = d.mountsView(width, room)
	default:
		body = d.doneView(width)
	}
	if len(body) > room {
		body = body[:room]
	}
	if d.busy != "" {
		cursor = nil
	}
	return append(append(lines, body...), foot...), cursor
}

// foot is what is waited for, or what is wrong in this step.
func (d *Rotate) foot(width int) []string {
	t := d.theme
	switch {
	case d.abandon:
		return nil
	case d.busy != "":
		return []string{t.Accent.Render(t.Glyph.Wait + " " + d.busy + "…")}
	case d.err == nil:
		return nil
	}
	e := fault.As(d.err)
	var lines []string
	for i, line := range component.Wrap(component.Clean(e.Error()), max(width-2, 8)) {
		sign := "  "
		if i == 0 {
			sign = t.Bad.Render(t.Glyph.Bad) + " "
		}
		lines = append(lines, sign+t.Bad.Render(line))
	}
	for _, line := range component.Wrap(component.Clean(e.Hint), max(width-2, 8)) {
		if line != "" {
			lines = append(lines, "  "+t.Dim.Render(line))
		}
	}
	return lines
}

// window cuts a list to room lines around the one at.
func window(lines []string, at, room int) []string {
	top := max(0, min(at-room/2, len(lines)-room))
	return lines[top:min(top+room, len(lines))]
}

func (d *Rotate) whatView(width, room int) []string {
	t := d.theme
	label := 0
	for _, target := range d.targets {
		label = max(label, component.Width(component.Clean(target.label)))
	}
	label = min(label, max(width*3/5, 10))
	var lines []string
	for i, target := range d.targets {
		mark, style := "  ", t.Text
		if i == d.at {
			mark, style = t.Accent.Render(t.Glyph.Cursor)+" ", t.Accent
		}
		note := component.Cut(component.Clean(target.note), max(width-label-4, 1))
		lines = append(lines, mark+style.Render(component.Fit(component.Clean(target.label), label, component.Left))+"  "+t.Dim.Render(note))
	}
	head := []string{t.Dim.Render(component.Cut("Which pair is to be replaced?", width))}
	return append(head, window(lines, d.at, max(room-1, 1))...)
}

func (d *Rotate) verifyView(width, room int) []string {
	t := d.theme
	if len(d.rotation.Uses) == 0 {
		return say(t, width, "No workspace uses this pair yet, so there is nothing to try it on.")
	}
	var lines []string
	label := 0
	for _, u := range d.rotation.Uses {
		label = max(label, component.Width(component.Clean(u.Workspace.Name)))
	}
	label = min(label, width/3)
	for i, u := range d.rotation.Uses {
		name := component.Fit(component.Clean(u.Workspace.Name), label, component.Left)
		if i >= len(d.checks) {
			lines = append(lines, t.Dim.Render(t.Glyph.Wait+" "+name))
			continue
		}
		v := d.checks[i]
		switch {
		case v.OK:
			lines = append(lines, t.Good.Render(t.Glyph.Done)+" "+name+"  "+t.Dim.Render(component.Clean(v.Location)))
		case v.Before:
			lines = append(lines, t.Warn.Render(t.Glyph.Warn)+" "+name+"  "+t.Dim.Render("the present pair is refused too"))
		default:
			lines = append(lines, t.Bad.Render(t.Glyph.Bad)+" "+name+"  "+t.Bad.Render(component.Clean(v.Error.Error())))
		}
	}
	for i := range lines {
		lines[i] = component.Cut(lines[i], width)
	}
	return window(lines, len(d.checks), room)
}

func (d *Rotate) saveView(width, room int) []string {
	t := d.theme
	now, store := d.rotation.Current, "the 0600 file "+component.Home(d.rotation.Current.Path, d.s.Home)
	if now.Store == keyring.InKeyring {
		store = "the OS keyring"
	}
	was := now.AccessKeyID
	if was == "" {
		was = "(none)"
	}
	lines := []string{
		t.Dim.Render("now   ") + was,
		t.Dim.Render("new   ") + t.Strong.Render(keyring.Mask(d.pair.AccessKeyID)) + "  " + t.Dim.Render(d.pair.SecretAccessKey.String()),
		t.Dim.Render("kept  ") + component.Cut(component.Clean(store), max(width-6, 1)),
	}
	told := say(t, width, "The former pair is kept until the last step, and can come back.")
	if len(lines)+len(told) < room {
		lines = append(lines, "")
	}
	return append(lines, told...)
}

func (d *Rotate) mountsView(width, room int) []string {
	t := d.theme
	head := say(t, width, "The new pair is saved. New mounts use it; those that run keep the former one, unless you choose otherwise.")
	if d.resumed {
		head = say(t, width, "This pair was saved in a rotation that has not ended.")
	}
	if len(d.choices) == 0 {
		return append(head, say(t, width, "Nothing is mounted that uses it.")...)
	}
	what := map[string]string{keepPair: "keep the former", refreshPair: "refresh, files stay open", remountPair: "drain and remount"}
	var lines []string
	for i, c := range d.choices {
		mark, style := "  ", t.Text
		if i == d.at {
			mark, style = t.Accent.Render(t.Glyph.Cursor)+" ", t.Accent
		}
		state := t.Dim.Render(what[c.do])
		switch {
		case c.busy:
			state = t.Accent.Render(t.Glyph.Wait + " " + what[c.do])
		case c.done && c.former > 0:
			state = t.Warn.Render(t.Glyph.Warn + " new pair; " + component.Plural(c.former, "request") + " of the former under way")
		case c.done:
			state = t.Good.Render(t.Glyph.Done + " has the new pair")
		case c.err != nil:
			state = t.Bad.Render(t.Glyph.Bad + " " + component.Clean(c.err.Error()))
		}
		path := component.Fit(component.CutPath(component.Clean(component.Home(c.mountpoint, d.s.Home)), max(width/2-4, 6)), max(width/2-4, 6), component.Left)
		lines = append(lines, component.Cut(mark+style.Render(path)+"  "+state, width))
	}
	if room <= len(lines)+1 {
		head = nil
	}
	return append(head, window(lines, d.at, max(room-len(head), 1))...)
}

// doneView says how it ended, and what still uses the former pair.
func (d *Rotate) doneView(width int) []string {
	t := d.theme
	good := func(text string) []string {
		return []string{t.Good.Render(t.Glyph.Done) + " " + component.Cut(text, max(width-2, 1))}
	}
	switch {
	case d.dry:
		return good("A dry run: nothing was changed.")
	case d.back:
		return append(good("The former pair is back."), say(t, width, "Mounts that took the new one keep it, and show as stale-credentials.")...)
	}
	lines := good("The pair is rotated.")
	former := 0
	for _, c := range d.choices {
		if c.done && c.former == 0 {
			continue
		}
		former++
		lines = append(lines, t.Warn.Render(t.Glyph.Warn)+" "+component.Cut(component.Clean(component.Home(c.mountpoint, d.s.Home)), max(width-24, 6))+"  "+t.Dim.Render("uses the former pair"))
	}
	if former == 0 {
		return append(lines, say(t, width, "Nothing here uses the former pair any more: it may be revoked.")...)
	}
	return append(lines, say(t, width, "Do not revoke the former pair before these have another: r on the page of the mounts.")...)
}

func (d *Rotate) abandonView(width int) []string {
	if d.step == stepMounts {
		return say(d.theme, width, "The new pair is saved and the former kept beside it. Keep both and go on later, or go back to the former pair now?")
	}
	return say(d.theme, width, "Nothing was saved. A draft remembers which pair is rotated, never a secret.")
}

func say(t *theme.Theme, width int, text string) (lines []string) {
	for _, line := range component.Wrap(text, width) {
		lines = append(lines, t.Dim.Render(line))
	}
	return lines
}
