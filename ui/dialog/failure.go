package dialog

import (
	"fmt"
	"strings"
	"time"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/mounts"
	"github.com/artifacts-tui/artifacts-tui/ui/action"
	"github.com/artifacts-tui/artifacts-tui/ui/component"
	"github.com/artifacts-tui/artifacts-tui/ui/keymap"
	"github.com/artifacts-tui/artifacts-tui/ui/theme"
)

// Failure says what failed, why, and what to do.
type Failure struct {
	still
	theme *theme.Theme
	// What failed, as "could not mount notes".
	What    string
	Err     error
	Files   []mounts.FailedFile // that are kept, where files are concerned
	Retried action.Action       // what r does; nil: nothing
	Again   string              // the word for that; empty: retry
	Line    string              // the command line that does the same
	At      time.Time
}

var _ Dialog = (*Failure)(nil)

// NewFailure makes the dialog of f with t.
func NewFailure(f Failure, t *theme.Theme) *Failure {
	f.theme = t
	return &f
}

// Title is what failed.
func (d *Failure) Title() string { return d.What }

// Tone is that of an error.
func (d *Failure) Tone() component.Tone { return component.Bad }

// Width is that of a sentence.
func (d *Failure) Width() int { return 66 }

// Scopes are those of an error.
func (d *Failure) Scopes() []string { return []string{keymap.Failure} }

// Command is the command line that does the same.
func (d *Failure) Command() string { return d.Line }

// Disabled says that there is nothing to try again.
func (d *Failure) Disabled(a keymap.Action) string {
	if a == keymap.Retry && d.Retried == nil {
		return "this cannot be tried again"
	}
	return ""
}

// Verb is the word for trying again.
func (d *Failure) Verb(a keymap.Action) string {
	if a == keymap.Retry {
		return d.Again
	}
	return ""
}

// Do retries or copies.
func (d *Failure) Do(a keymap.Action) action.Action {
	switch a {
	case keymap.Retry:
		return action.CloseThen{Then: d.Retried}
	case keymap.CopyError:
		return action.Copy{Text: d.Details(), What: "the details"}
	}
	return closeOn(a)
}

// whatToDo is for errors that bring no hint of their own.
var whatToDo = map[fault.Kind]string{
	fault.Auth:        "check the access key and what it may do",
	fault.NotFound:    "read the list again with R",
	fault.Quota:       "free some space, or raise the quota",
	fault.Unreachable: "check the network and the endpoint, then try again",
	fault.Pending:     "nothing is lost: it is kept on this machine and uploaded at the next mount",
}

// View draws what, why and what to do.
func (d *Failure) View(width, height int) ([]string, *component.Point) {
	t := d.theme
	e := fault.As(d.Err)
	var lines []string
	lead := t.Bad.Render(t.Glyph.Bad) + " "
	for _, line := range component.Wrap(component.Clean(e.Error()), max(width-2, 8)) {
		lines = append(lines, lead+line)
		lead = "  "
	}
	for i, f := range d.Files {
		if i == 5 {
			lines = append(lines, t.Dim.Render(fmt.Sprintf("  and %d more", len(d.Files)-i)))
			break
		}
		path := component.CutPath(component.Clean(f.Path), max(width/2, 8))
		reason := component.Cut(component.Clean(f.Reason), max(width-4-component.Width(path), 0))
		lines = append(lines, "  "+path+"  "+t.Dim.Render(reason))
	}
	hint := e.Hint
	if hint == "" {
		hint = whatToDo[e.Kind]
	}
	if hint != "" {
		lines = append(lines, "")
		for _, line := range component.Wrap(component.Clean(hint), max(width-2, 8)) {
			lines = append(lines, "  "+t.Dim.Render(line))
		}
	}
	if len(lines) > height && height > 0 {
		lines = append(lines[:height-1], t.Dim.Render("  … c copies all of it"))
	}
	return lines, nil
}

// Details is everything, as text for a bug report or a search.
func (d *Failure) Details() string {
	e := fault.As(d.Err)
	lines := []string{d.What, "why:  " + e.Error(), "code: " + e.Kind.Code()}
	if e.Hint != "" {
		lines = append(lines, "hint: "+e.Hint)
	}
	for _, f := range d.Files {
		lines = append(lines, "file: "+f.Path+": "+f.Reason)
	}
	if d.Line != "" {
		lines = append(lines, "as a command: "+d.Line)
	}
	if !d.At.IsZero() {
		lines = append(lines, "at:   "+d.At.Format(time.RFC3339))
	}
	return strings.Join(lines, "\n") + "\n"
}
