package page

import (
	"fmt"
	"strings"

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
		d.styled("Keys", keys, style)
		if m.CredentialsEnd != nil {
			d.pair("Keys end", component.Clock(*m.CredentialsEnd, s.Now))
		}
	}
	d.failures(m.Failures)
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
