package page

import (
	"fmt"
	"strings"
	"time"

	"github.com/artifacts-tui/artifacts-tui/mounts"
	"github.com/artifacts-tui/artifacts-tui/ui/component"
	"github.com/artifacts-tui/artifacts-tui/ui/session"
	"github.com/artifacts-tui/artifacts-tui/ui/theme"
)

// sheet is a detail being written: a title, then labels and values in two columns.
type sheet struct {
	lines []string   // of the section being written
	done  [][]string // the sections before it
	width int
	theme *theme.Theme
}

const (
	labelWidth = 11
	sparkFrom  = 3 // readings that make a curve
)

func newSheet(title string, width int, t *theme.Theme) *sheet {
	return &sheet{lines: []string{t.Strong.Render(component.Cut(component.Clean(title), width))}, width: width, theme: t}
}

// section ends a section and begins the next.
func (d *sheet) section() {
	if len(d.lines) > 0 {
		d.done, d.lines = append(d.done, d.lines), nil
	}
}

// sections is all that was written.
func (d *sheet) sections() [][]string {
	d.section()
	return d.done
}

func (d *sheet) gap() { d.lines = append(d.lines, "") }

// say writes words over the whole width.
func (d *sheet) say(style theme.Style, text string) {
	for _, line := range component.Wrap(text, d.width) {
		d.lines = append(d.lines, style.Render(line))
	}
}

// pair writes a label and its value, which is cleaned and wrapped; an empty
// value is left out.
func (d *sheet) pair(label, value string) { d.styled(label, component.Clean(value), d.theme.Text) }

func (d *sheet) styled(label, value string, style theme.Style) {
	if value == "" {
		return
	}
	label = d.theme.Dim.Render(component.Fit(label, labelWidth, component.Left)) + " "
	for _, line := range component.Wrap(value, max(d.width-labelWidth-1, 8)) {
		d.lines = append(d.lines, label+style.Render(line))
		label = strings.Repeat(" ", labelWidth+1)
	}
}

// raw writes a label and a value that is drawn already.
func (d *sheet) raw(label, value string) {
	d.lines = append(d.lines, d.theme.Dim.Render(component.Fit(label, labelWidth, component.Left))+" "+value)
}

// mount writes what a mount tells of itself.
func (d *sheet) mount(s *session.Session, m *mounts.Status) {
	t := d.theme
	rate := s.RateOf(m.Mountpoint)
	d.styled("Read", traffic(m.BytesRead, rate.Read), t.Text)
	d.styled("Written", traffic(m.BytesWritten, rate.Written), t.Text)
	if len(rate.History) >= sparkFrom {
		if spark := component.Spark(rate.History, max(d.width-labelWidth-1, 1), t); spark != "" {
			d.raw("Traffic", t.Accent.Render(spark))
		}
	}
	if m.CacheLimit > 0 {
		share := float64(m.CacheBytes) / float64(m.CacheLimit)
		d.pair("Cache", component.Bytes(m.CacheBytes)+" of "+component.Bytes(m.CacheLimit))
		d.raw("", component.Bar(share, max(min(d.width-labelWidth-1, 24), 0), t.Accent, t))
	}
	if m.Options.Bandwidth != (mounts.Bandwidth{}) {
		d.pair("Bandwidth", "up "+bound(m.Options.Bandwidth.Up)+", down "+bound(m.Options.Bandwidth.Down))
	}
	pending := "0"
	if n := m.Pending(); n > 0 {
		pending = fmt.Sprintf("%s (%s)", component.Count(int64(n)), component.Bytes(m.PendingBytes))
	}
	d.pair("Pending", pending)
	style := t.Text
	if m.Failed > 0 {
		style = t.Bad
	}
	d.styled("Failed", component.Count(int64(m.Failed)), style)
	if m.OpenFiles > 0 {
		d.pair("Open files", component.Count(int64(m.OpenFiles)))
	}
	if m.Quarantined > 0 {
		d.styled("Quarantine", component.Plural(m.Quarantined, "file"), t.Warn)
	}
	if m.Fingerprint != "" {
		keys, style := m.Fingerprint, t.Text
		switch {
		case m.CredentialProfile != "":
			keys += ", profile " + component.Clean(m.CredentialProfile)
		case m.CredentialSource != "":
			keys += ", " + component.Clean(m.CredentialSource)
		}
		if m.StaleCredentials {
			keys, style = keys+"; new mounts get others", t.Warn
		}
		d.styled("Fingerprint", keys, style)
		if m.CredentialsEnd != nil {
			d.keysEnd(*m.CredentialsEnd, s.Now)
		}
	}
	d.refused(s, m)
	d.failures(m.Failures)
	d.conflicts(m.Conflicts, s)
}

// bound is a bandwidth for people.
func bound(n int64) string {
	if n == 0 {
		return "unbounded"
	}
	return perSecond(float64(n))
}

// refused says what ends a quota's refusals (SPEC D4): the key that raises it, for who may.
func (d *sheet) refused(s *session.Session, m *mounts.Status) {
	if !strings.Contains(m.Reason, "quota") {
		return
	}
	d.section()
	w, ok := s.Workspace(m.Workspace)
	switch {
	case !ok:
		d.say(d.theme.Warn, "Delete something, or have the quota raised.")
	case quotaDisabled(s, w) == "":
		d.say(d.theme.Warn, "Q raises the quota; what waits is then uploaded.")
	case quotaDisabled(s, w) == onlyAdmins:
		d.say(d.theme.Warn, "Delete something, or ask an admin of the mesh to raise the quota.")
	default:
		d.say(d.theme.Warn, "Delete something, or have the quota raised: "+quotaDisabled(s, w)+".")
	}
}

// conflicts names the files that others changed at the same time, and where both versions are.
func (d *sheet) conflicts(list []mounts.Conflict, s *session.Session) {
	if len(list) == 0 {
		return
	}
	d.section()
	d.say(d.theme.Strong, component.Plural(len(list), "conflict"))
	for i := range list {
		c := list[len(list)-1-i]
		if i == shownFailures {
			d.say(d.theme.Dim, fmt.Sprintf("and %d more", len(list)-i))
			return
		}
		d.lines = append(d.lines, d.theme.Warn.Render(d.theme.Glyph.Warn)+" "+component.CutPath(component.Clean(c.Path), max(d.width-2, 1)))
		mine := "yours is set aside"
		if c.Copy != "" {
			mine = "yours is " + c.Copy
		}
		for _, line := range component.Wrap(component.Clean(component.Clock(c.Time, s.Now)+" "+c.Reason+"; "+mine), max(d.width-2, 1)) {
			d.lines = append(d.lines, "  "+d.theme.Dim.Render(line))
		}
	}
}

// keysEnd says when the keys of a mount end; soon or past in their tones.
func (d *sheet) keysEnd(at, now time.Time) {
	switch left := at.Sub(now); {
	case left <= 0:
		d.styled("Keys end", "ended at "+component.Clock(at, now), d.theme.Bad)
	case left < expiryWarning:
		d.styled("Keys end", "in "+component.Elapsed(left), d.theme.Warn)
	default:
		d.pair("Keys end", component.Clock(at, now))
	}
}

const shownFailures = 8

// failures names the files the store refused, and why (SPEC D4).
func (d *sheet) failures(files []mounts.FailedFile) {
	if len(files) == 0 {
		return
	}
	d.section()
	for i, f := range files {
		if i == shownFailures {
			d.say(d.theme.Dim, fmt.Sprintf("and %d more", len(files)-i))
			return
		}
		d.lines = append(d.lines, d.theme.Bad.Render(d.theme.Glyph.Bad)+" "+component.CutPath(component.Clean(f.Path), max(d.width-2, 1)))
		for _, line := range component.Wrap(component.Clean(f.Reason), max(d.width-2, 1)) {
			d.lines = append(d.lines, "  "+d.theme.Dim.Render(line))
		}
	}
}

func traffic(total int64, rate float64) string {
	text := component.Bytes(total)
	if rate >= 1 {
		text += "  " + perSecond(rate)
	}
	return text
}

func perSecond(rate float64) string { return component.Bytes(int64(rate)) + "/s" }
