package page

import (
	"fmt"
	"image"
	"image/color"
	"sort"
	"strings"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/ui/component"
	"github.com/artifacts-tui/artifacts-tui/ui/preview"
	"github.com/artifacts-tui/artifacts-tui/ui/session"
	"github.com/artifacts-tui/artifacts-tui/ui/theme"
)

// toneStyle is how a piece of a preview is drawn.
func toneStyle(tone preview.Tone, t *theme.Theme) theme.Style {
	switch tone {
	case preview.Comment:
		return t.Dim
	case preview.String:
		return t.Good
	case preview.Number:
		return t.Warn
	case preview.Keyword:
		return t.Accent
	case preview.Heading:
		return t.Strong
	default:
		return t.Text
	}
}

// drawPreview draws what is known of the object under the cursor, scrolled down by top lines;
// it returns how many lines of content there are.
func drawPreview(s *session.Session, name string, top, width, height int, t *theme.Theme) (lines []string, total int) {
	p := &s.Browser.Preview
	head := []string{t.Strong.Render(component.CutPath(component.Clean(name), width))}
	switch {
	case p.Err != nil:
		for _, line := range component.Wrap(component.Clean(fault.As(p.Err).Error()), width) {
			head = append(head, t.Bad.Render(line))
		}
		return head, 0
	case p.Info == nil:
		return append(head, t.Dim.Render("…")), 0
	}
	head = append(head, attributes(s, width, t)...)
	if p.Doc == nil || p.Doc.Kind == preview.None {
		return append(head, "", t.Dim.Render("nothing in it")), 0
	}
	head = append(head, "")
	room := height - len(head)
	if room < 4 { // the content comes first where there is little room
		head, room = head[:1], height-1
	}
	if p.Doc.Image != nil {
		return append(head, halfBlocks(p.Doc.Image, width, room, t)...), 0
	}
	for _, spans := range window(p.Doc.Lines, top, room) {
		lines = append(lines, drawSpans(spans, width, t))
	}
	if !p.Doc.Whole && top+room >= len(p.Doc.Lines) && len(lines) > 0 {
		if len(lines) == room {
			lines = lines[:room-1]
		}
		lines = append(lines, t.Dim.Render(component.Cut("… the beginning alone", width)))
	}
	return append(head, lines...), len(p.Doc.Lines)
}

func window(lines [][]preview.Span, top, room int) [][]preview.Span {
	top = max(min(top, len(lines)), 0)
	return lines[top:min(top+max(room, 0), len(lines))]
}

// drawSpans draws one line, cut at width.
func drawSpans(spans []preview.Span, width int, t *theme.Theme) string {
	var b strings.Builder
	left := width
	for _, s := range spans {
		text := s.Text
		if len(text) > 4*left+64 {
			text = strings.ToValidUTF8(text[:4*left+64], "")
		}
		text = component.Clean(text)
		if component.Width(text) > left {
			text = component.Cut(text, left)
		}
		left -= component.Width(text)
		b.WriteString(toneStyle(s.Tone, t).Render(text))
		if left <= 0 {
			break
		}
	}
	return b.String()
}

// attributes are the lines about an object: what it is, then its metadata and tags.
func attributes(s *session.Session, width int, t *theme.Theme) []string {
	p := &s.Browser.Preview
	i := p.Info
	words := []string{component.Bytes(i.Size)}
	if p.Doc != nil && p.Doc.Kind != preview.None {
		words = append(words, string(p.Doc.Kind))
		if p.Doc.Kind == preview.Image {
			words = append(words, fmt.Sprintf("%d × %d", p.Doc.Size[0], p.Doc.Size[1]))
		}
	}
	if at := component.Clock(i.Modified, s.Now); at != "" {
		words = append(words, at)
	}
	if i.ContentType != "" {
		words = append(words, component.Clean(i.ContentType))
	}
	lines := []string{t.Dim.Render(component.Cut(strings.Join(words, " · "), width))}
	const most = 4
	for _, set := range []map[string]string{i.Metadata, i.Tags} {
		for n, key := range sorted(set) {
			if key == "mtime" && !i.FileTime.IsZero() {
				continue // it is a time that was shown, in seconds
			}
			if n == most {
				lines = append(lines, t.Dim.Render(fmt.Sprintf("… %d more", len(set)-n)))
				break
			}
			lines = append(lines, component.Cut(t.Dim.Render(component.Clean(key)+" ")+component.Clean(set[key]), width))
		}
	}
	return lines
}

func sorted(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

// shades stand for the brightness of two pixels where there are no colours.
const shades = " .:-=+*#%@"

// halfBlocks draws an image, two pixels a cell. Without colours it is shades of signs.
func halfBlocks(img image.Image, width, height int, t *theme.Theme) []string {
	if width <= 0 || height <= 0 {
		return nil
	}
	img = preview.Scale(img, width, 2*height)
	b := img.Bounds()
	var lines []string
	for y := b.Min.Y; y < b.Max.Y; y += 2 {
		var line strings.Builder
		for x := b.Min.X; x < b.Max.X; x++ {
			top, bottom := rgb(img.At(x, y)), rgb(img.At(x, min(y+1, b.Max.Y-1)))
			if !t.TrueColor {
				sum := int(top.R) + int(top.G) + int(top.B) + int(bottom.R) + int(bottom.G) + int(bottom.B)
				line.WriteByte(shades[sum*(len(shades)-1)/(6*255)])
				continue
			}
			fmt.Fprintf(&line, "\x1b[38;2;%d;%d;%d;48;2;%d;%d;%dm▀", top.R, top.G, top.B, bottom.R, bottom.G, bottom.B)
		}
		if t.TrueColor {
			line.WriteString("\x1b[m")
		}
		lines = append(lines, line.String())
	}
	return lines
}

func rgb(c color.Color) color.RGBA {
	r, g, b, a := c.RGBA()
	return color.RGBA{uint8(r >> 8), uint8(g >> 8), uint8(b >> 8), uint8(a >> 8)}
}
