package dialog

import (
	"fmt"
	"strings"

	"github.com/artifacts-tui/artifacts-tui/mounts"
	"github.com/artifacts-tui/artifacts-tui/ui/action"
	"github.com/artifacts-tui/artifacts-tui/ui/commandline"
	"github.com/artifacts-tui/artifacts-tui/ui/component"
	"github.com/artifacts-tui/artifacts-tui/ui/keymap"
	"github.com/artifacts-tui/artifacts-tui/ui/session"
	"github.com/artifacts-tui/artifacts-tui/ui/theme"
)

// Unmount watches an unmount drain.
type Unmount struct {
	still
	s     *session.Session
	theme *theme.Theme
	path  string
	last  session.Op // as of the last look, for the line that ends it
	done  *session.Unmounted
}

var _ Dialog = (*Unmount)(nil)

// NewUnmount makes the dialog of the unmount at path, which has begun.
func NewUnmount(path string, s *session.Session, t *theme.Theme) *Unmount {
	return &Unmount{s: s, theme: t, path: path}
}

// Title says where.
func (d *Unmount) Title() string {
	return "Unmount " + component.Clean(component.Home(d.path, d.s.Home))
}

// Width is that of a bar.
func (d *Unmount) Width() int { return 62 }

// Scopes are those of progress.
func (d *Unmount) Scopes() []string { return []string{keymap.Progress} }

// Command is the command that does the same.
func (d *Unmount) Command() string { return commandline.Unmount(d.path, d.s.Home) }

// Watches reports whether this dialog tells how the unmount at path ends.
func (d *Unmount) Watches(path string) bool { return d.path == path }

// Verb says what the keys do at this point.
func (d *Unmount) Verb(a keymap.Action) string {
	if d.done != nil && a == keymap.Cancel {
		return "close"
	}
	return ""
}

// Do leaves it in the background.
func (d *Unmount) Do(a keymap.Action) action.Action { return closeOn(a) }

// Notify keeps the news, and the end. Where that is an error its own dialog
// takes over.
func (d *Unmount) Notify(msg any) action.Action {
	if op := d.s.Unmounting(d.path); op != nil {
		d.last = *op
	}
	if end, ok := msg.(session.Unmounted); ok && end.Mountpoint == d.path {
		if end.Err != nil {
			return action.Close{}
		}
		d.done = &end
	}
	return nil
}

// Fraction is how much is done, 0 to 1, for the terminal's own progress bar.
func (d *Unmount) Fraction() (float64, bool) {
	op := d.s.Unmounting(d.path)
	if op == nil {
		return 0, false
	}
	return op.Fraction(), true
}

// View draws the bar, or the proof.
func (d *Unmount) View(width, _ int) ([]string, *component.Point) {
	if d.done != nil {
		return d.proof(width), nil
	}
	if op := d.s.Unmounting(d.path); op != nil {
		return d.progress(op, width), nil
	}
	return nil, nil
}

func (d *Unmount) progress(op *session.Op, width int) []string {
	t := d.theme
	parts := []string{component.Plural(op.Drain.Pending(), "file"), component.Bytes(op.Drain.PendingBytes)}
	if op.Rate >= 1 {
		parts = append(parts, component.Bytes(int64(op.Rate))+"/s")
	}
	if left := op.Left(); left > 0 && op.Drain.PendingBytes > 0 {
		parts = append(parts, component.Elapsed(left)+" left")
	}
	percent := fmt.Sprintf(" %3.0f %%", 100*op.Fraction())
	lines := marked(t.Accent.Render(t.Glyph.Part), "draining "+strings.Join(parts, ", "), width)
	lines = append(lines, component.Bar(op.Fraction(), width-len(percent), t.Accent, t)+percent,
		t.Dim.Render(component.Cut(counts(op.Drain), width)))
	for i, f := range op.Drain.Failures {
		if i == 3 {
			lines = append(lines, t.Dim.Render(fmt.Sprintf("and %d more", len(op.Drain.Failures)-i)))
			break
		}
		path := component.CutPath(component.Clean(f.Path), width/2)
		lines = append(lines, t.Bad.Render(t.Glyph.Bad)+" "+path+"  "+t.Dim.Render(component.Cut(component.Clean(f.Reason), max(width-component.Width(path)-4, 0))))
	}
	return lines
}

// marked wraps text behind a glyph.
func marked(glyph, text string, width int) []string {
	var lines []string
	for _, line := range component.Wrap(text, max(width-2, 8)) {
		lines = append(lines, glyph+" "+line)
		glyph = " "
	}
	return lines
}

func counts(d mounts.Drain) string {
	return fmt.Sprintf("%d queued, %d in progress, %d failed", d.Queued, d.InProgress, d.Failed)
}

// Proof is the line that ends an unmount (SPEC D1).
func Proof(d mounts.Drain) string { return "unmounted: " + counts(d) }

func (d *Unmount) proof(width int) []string {
	t := d.theme
	lines := marked(t.Good.Render(t.Glyph.Done), Proof(d.done.Drain), width)
	if d.last.Total > 0 {
		lines = append(lines, component.Bar(1, width-6, t.Good, t)+" 100 %",
			t.Dim.Render(component.Cut(component.Bytes(d.last.Total)+" uploaded in "+component.Elapsed(d.done.At.Sub(d.last.Since)), width)))
	}
	return lines
}
