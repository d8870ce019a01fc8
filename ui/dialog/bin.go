package dialog

import (
	"fmt"

	"github.com/artifacts-tui/artifacts-tui/backend/coordinator"
	"github.com/artifacts-tui/artifacts-tui/ui/action"
	"github.com/artifacts-tui/artifacts-tui/ui/commandline"
	"github.com/artifacts-tui/artifacts-tui/ui/component"
	"github.com/artifacts-tui/artifacts-tui/ui/control"
	"github.com/artifacts-tui/artifacts-tui/ui/keymap"
	"github.com/artifacts-tui/artifacts-tui/ui/session"
	"github.com/artifacts-tui/artifacts-tui/ui/theme"
)

// Bin lists the deleted objects of a bucket, which can be restored.
type Bin struct {
	still
	bucket  string
	s       *session.Session
	theme   *theme.Theme
	list    []coordinator.RecycledObject
	known   bool
	err     error
	at, top int
	room    int
}

var _ Dialog = (*Bin)(nil)

// NewBin makes the dialog; what it shows comes with session.BinRead.
func NewBin(bucket string, s *session.Session, t *theme.Theme) *Bin {
	return &Bin{bucket: bucket, s: s, theme: t, room: 1}
}

// Title names the bucket.
func (d *Bin) Title() string { return "Deleted objects of " + component.Clean(d.bucket) }

// Width is that of a key, a size and two times.
func (d *Bin) Width() int { return 76 }

// Scopes are its own.
func (d *Bin) Scopes() []string { return []string{keymap.Bin} }

// Disabled says that nothing can be restored.
func (d *Bin) Disabled(a keymap.Action) string {
	if len(d.list) == 0 && a != keymap.Cancel {
		return "there is nothing to restore"
	}
	return ""
}

// Do moves and restores.
func (d *Bin) Do(a keymap.Action) action.Action {
	switch a {
	case keymap.Up:
		d.Wheel(-1)
	case keymap.Down:
		d.Wheel(1)
	case keymap.Confirm:
		return action.Change{Change: control.RestoreObject(d.bucket, d.list[d.at])}
	}
	return closeOn(a)
}

// Wheel moves by delta rows.
func (d *Bin) Wheel(delta int) {
	d.at = max(min(d.at+delta, len(d.list)-1), 0)
	d.top = max(min(d.top, d.at), d.at-d.room+1)
}

// Notify takes in what was read, and reads again when something was restored.
func (d *Bin) Notify(msg any) action.Action {
	switch msg := msg.(type) {
	case session.BinRead:
		if msg.Bucket == d.bucket {
			d.list, d.err, d.known = msg.List, msg.Err, true
			d.Wheel(0)
		}
	case session.ControlChanged:
		return action.ReadBin{Bucket: d.bucket}
	}
	return nil
}

// Command restores the object under the cursor.
func (d *Bin) Command() string {
	if len(d.list) > 0 {
		return control.RestoreObject(d.bucket, d.list[d.at]).Line
	}
	return commandline.Line("", "bucket", "deleted", d.bucket)
}

// View lists the objects, those deleted last first.
func (d *Bin) View(width, height int) ([]string, *component.Point) {
	t := d.theme
	switch {
	case d.err != nil:
		var lines []string
		for _, line := range component.Wrap(component.Clean(d.err.Error()), width) {
			lines = append(lines, t.Bad.Render(line))
		}
		return lines, nil
	case !d.known:
		return []string{t.Dim.Render(t.Glyph.Wait + " reading…")}, nil
	case len(d.list) == 0:
		return say(t, width, "Nothing is here that could be restored."), nil
	}
	d.room = max(min(height, 12), 1)
	d.Wheel(0)
	var lines []string
	for i := d.top; i < min(d.top+d.room, len(d.list)); i++ {
		o := d.list[i]
		right := fmt.Sprintf("%9s  %s", component.Bytes(o.Size), component.Fit(component.Clock(o.Deleted, d.s.Now), 12, component.Left))
		if width >= 60 {
			right += "  " + component.Fit("gone after "+component.Clock(o.Expires, d.s.Now), 24, component.Left)
		}
		room := max(width-2-component.Width(right)-2, 4)
		key := component.Fit(component.CutPath(component.Clean(o.Key), room), room, component.Left)
		mark := "  "
		if i == d.at {
			mark, key = t.Accent.Render(t.Glyph.Cursor)+" ", t.Select.Render(key)
		}
		lines = append(lines, mark+key+"  "+t.Dim.Render(right))
	}
	return lines, nil
}
