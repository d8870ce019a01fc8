package dialog

import (
	"fmt"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/artifacts-tui/artifacts-tui/backend/objects"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/ui/component"
	"github.com/artifacts-tui/artifacts-tui/ui/session"
	"github.com/artifacts-tui/artifacts-tui/ui/theme"
)

// NewInfo shows all that is known of an object, as soon as it is.
func NewInfo(at objects.Name, s *session.Session, t *theme.Theme) *Reader {
	write := func(width int, t *theme.Theme) []string {
		p := &s.Browser.Preview
		switch {
		case p.Of == at && p.Err != nil:
			return component.Wrap(component.Clean(fault.As(p.Err).Error()), width)
		case p.Of != at || p.Info == nil:
			return []string{t.Dim.Render("…")}
		}
		return infoLines(at, p.Info, width, t)
	}
	return &Reader{title: "Object", width: 72, theme: t, write: write}
}

const infoLabel = 16

func infoLines(at objects.Name, i *objects.Info, width int, t *theme.Theme) []string {
	var lines []string
	pair := func(label, value string) {
		if value == "" {
			return
		}
		lead := t.Dim.Render(component.Fit(component.Clean(label), infoLabel, component.Left)) + " "
		for _, line := range component.Wrap(component.Clean(value), max(width-infoLabel-1, 8)) {
			lines = append(lines, lead+line)
			lead = strings.Repeat(" ", infoLabel+1)
		}
	}
	stamp := func(at time.Time) string {
		if at.IsZero() {
			return ""
		}
		return at.Local().Format("2006-01-02 15:04:05 -07:00")
	}
	pair("Place", at.String())
	pair("Size", fmt.Sprintf("%s (%s bytes)", component.Bytes(i.Size), component.Count(i.Size)))
	pair("Modified", stamp(i.Modified))
	pair("File's time", stamp(i.FileTime))
	pair("Type", i.ContentType)
	pair("Encoding", i.Encoding)
	pair("Cache-Control", i.CacheControl)
	pair("Disposition", i.Disposition)
	pair("Language", i.Language)
	pair("Storage class", i.StorageClass)
	pair("Encryption", i.Encryption)
	pair("ETag", i.ETag)
	if i.Parts > 0 {
		pair("Parts", strconv.Itoa(i.Parts))
	}
	section := func(title string, m map[string]string) {
		if len(m) == 0 {
			return
		}
		lines = append(lines, "", t.Strong.Render(title))
		keys := make([]string, 0, len(m))
		for k := range m {
			keys = append(keys, k)
		}
		sort.Strings(keys)
		for _, k := range keys {
			pair(k, m[k])
		}
	}
	section("Checksums", i.Checksums)
	section("Metadata", i.Metadata)
	section("Tags", i.Tags)
	return lines
}
