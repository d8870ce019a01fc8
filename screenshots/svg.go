package main

import (
	"fmt"
	"html"
	"strings"

	"github.com/hinshun/vt10x"
)

// screen is a terminal's content at one moment.
type screen struct {
	width, height    int
	light            bool
	cells            []vt10x.Glyph
	cursor           bool
	cursorX, cursorY int
}

// Of JetBrains Mono at 14 px: every glyph is 0.6 em wide.
const (
	fontSize = 14.0
	cellW    = 8.4
	cellH    = 19.0
	baseline = 14.0
	padding  = 14.0
)

// The bits of vt10x.Glyph.Mode; the package does not export them.
const (
	modeReverse = 1 << iota
	modeUnderline
	modeBold
	_
	modeItalic
)

var ansi16 = [16]string{
	"#2b333b", "#e06c75", "#86cb72", "#e6b450", "#6cb6ff", "#c678dd", "#3ccfc0", "#c5cdd5",
	"#5c6773", "#f2766e", "#9ade86", "#f0c674", "#8cc8ff", "#d7a1e8", "#6fe0d4", "#ffffff",
}

func (s screen) ground() string {
	if s.light {
		return "#fdfdfb"
	}
	return "#0e1318"
}

func (s screen) ink() string {
	if s.light {
		return "#22292f"
	}
	return "#d5dce3"
}

func (s screen) color(c vt10x.Color, fallback string) string {
	switch {
	case c >= vt10x.DefaultFG:
		return fallback
	case c < 16:
		return ansi16[c]
	case c < 256:
		return palette256(int(c))
	default:
		return fmt.Sprintf("#%06x", uint32(c))
	}
}

// palette256 is xterm's: a cube of 6 levels, then 24 greys.
func palette256(c int) string {
	if c >= 232 {
		v := 8 + 10*(c-232)
		return fmt.Sprintf("#%02x%02x%02x", v, v, v)
	}
	level := func(n int) int {
		if n == 0 {
			return 0
		}
		return 55 + 40*n
	}
	c -= 16
	return fmt.Sprintf("#%02x%02x%02x", level(c/36), level(c/6%6), level(c%6))
}

// style is what a run of cells has in common.
type style struct {
	fg, bg                  string
	bold, italic, underline bool
}

func (s screen) style(g vt10x.Glyph) style {
	fg, bg := s.color(g.FG, s.ink()), s.color(g.BG, s.ground())
	// vt10x has swapped the two already where the cell is reversed, but for a
	// default one, whose place says which it is.
	if g.FG == vt10x.DefaultBG {
		fg = s.ground()
	}
	if g.BG == vt10x.DefaultFG {
		bg = s.ink()
	}
	return style{fg: fg, bg: bg, bold: g.Mode&modeBold != 0, italic: g.Mode&modeItalic != 0, underline: g.Mode&modeUnderline != 0}
}

// svg draws the screen. Lines and blocks are drawn as shapes, so that they join
// whatever the font; of the rest, what may come from another font is centred in
// its cell.
func (s screen) svg() string {
	var b strings.Builder
	s.open(&b, "")
	for y := range s.height {
		s.row(&b, y)
	}
	s.drawCursor(&b)
	b.WriteString("</g></svg>\n")
	return b.String()
}

// open begins a picture as large as the screen; more comes before what is drawn.
func (s screen) open(b *strings.Builder, more string) {
	w, h := float64(s.width)*cellW+2*padding, float64(s.height)*cellH+2*padding
	fmt.Fprintf(b, `<svg xmlns="http://www.w3.org/2000/svg" width="%.0f" height="%.0f" viewBox="0 0 %.1f %.1f">`, w, h, w, h)
	b.WriteString(more)
	fmt.Fprintf(b, `<rect width="100%%" height="100%%" rx="8" fill="%s"/>`, s.ground())
	fmt.Fprintf(b, `<g font-family="JetBrains Mono, DejaVu Sans Mono, monospace" font-size="%.0f" xml:space="preserve" transform="translate(%.0f %.0f)">`, fontSize, padding, padding)
	b.WriteString("\n")
}

func (s screen) drawCursor(b *strings.Builder) {
	if s.cursor {
		fmt.Fprintf(b, `<rect x="%.1f" y="%.1f" width="2" height="%.1f" fill="#3ccfc0"/>`, float64(s.cursorX)*cellW, float64(s.cursorY)*cellH+1, cellH-2)
	}
}

func (s screen) row(b *strings.Builder, y int) {
	top := float64(y) * cellH
	cells := s.cells[y*s.width : (y+1)*s.width]
	for x := 0; x < s.width; {
		st := s.style(cells[x])
		end := x + 1
		for end < s.width && s.style(cells[end]) == st {
			end++
		}
		left := float64(x) * cellW
		if st.bg != s.ground() {
			fmt.Fprintf(b, `<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%s"/>`, left, top, float64(end-x)*cellW, cellH, st.bg)
		}
		s.run(b, cells, x, end, top, st)
		x = end
	}
	b.WriteString("\n")
}

// run draws cells of one style.
func (s screen) run(b *strings.Builder, cells []vt10x.Glyph, from, to int, top float64, st style) {
	for x := from; x < to; {
		c := cells[x].Char
		left := float64(x) * cellW
		switch {
		case c == 0 || c == ' ':
			x++
		case shape(b, c, left, top, st.fg):
			x++
		case c > 0x7e:
			text(b, string(c), left+cellW/2, top, st, ` text-anchor="middle"`)
			x++
		default:
			end := x
			for end < to && cells[end].Char >= ' ' && cells[end].Char <= 0x7e {
				end++
			}
			word := make([]rune, 0, end-x)
			for _, g := range cells[x:end] {
				word = append(word, g.Char)
			}
			shown := strings.TrimRight(string(word), " ")
			// The length holds the columns where another font stands in.
			text(b, shown, left, top, st, fmt.Sprintf(` textLength="%.1f" lengthAdjust="spacingAndGlyphs"`, float64(len(shown))*cellW))
			x = end
		}
	}
}

func text(b *strings.Builder, s string, x, top float64, st style, more string) {
	if st.bold {
		more += ` font-weight="bold"`
	}
	if st.italic {
		more += ` font-style="italic"`
	}
	if st.underline {
		more += ` text-decoration="underline"`
	}
	fmt.Fprintf(b, `<text x="%.1f" y="%.1f" fill="%s"%s>%s</text>`, x, top+baseline, st.fg, more, html.EscapeString(s))
}

// shape draws box drawing and block characters; false for any other.
func shape(b *strings.Builder, c rune, x, y float64, fill string) bool {
	midX, midY, right, bottom := x+cellW/2, y+cellH/2, x+cellW, y+cellH
	line := func(weight float64, path string, at ...any) {
		fmt.Fprintf(b, `<path d="`+path+`" stroke="%s" stroke-width="%.1f" fill="none"/>`, append(at, fill, weight)...)
	}
	rect := func(x, y, w, h, opacity float64) {
		fmt.Fprintf(b, `<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%s" fill-opacity="%.2f" shape-rendering="crispEdges"/>`, x, y, w, h, fill, opacity)
	}
	const thin, thick, round = 1.2, 2.6, 4.2
	switch c {
	case '⏎': // fonts rarely have it
		line(1.4, "M%.1f %.1fV%.1fH%.1fM%.1f %.1fL%.1f %.1fL%.1f %.1f", right-1, midY-3.5, midY+2, x+1, x+4.2, midY-1.2, x+1, midY+2, x+4.2, midY+5.2)
	case '●':
		fmt.Fprintf(b, `<circle cx="%.1f" cy="%.1f" r="3.6" fill="%s"/>`, midX, midY, fill)
	case '○', '◌':
		dash := ""
		if c == '◌' {
			dash = ` stroke-dasharray="1.6 1.6"`
		}
		fmt.Fprintf(b, `<circle cx="%.1f" cy="%.1f" r="3.2" fill="none" stroke="%s" stroke-width="1.1"%s/>`, midX, midY, fill, dash)
	case '◐':
		fmt.Fprintf(b, `<circle cx="%.1f" cy="%.1f" r="3.2" fill="none" stroke="%s" stroke-width="1.1"/>`, midX, midY, fill)
		fmt.Fprintf(b, `<path d="M%.1f %.1fA3.2 3.2 0 0 0 %.1f %.1fZ" fill="%s"/>`, midX, midY-3.2, midX, midY+3.2, fill)
	case '▸':
		fmt.Fprintf(b, `<path d="M%.1f %.1fL%.1f %.1fL%.1f %.1fZ" fill="%s"/>`, x+2, midY-4, x+7.6, midY, x+2, midY+4, fill)
	case '─':
		line(thin, "M%.1f %.1fH%.1f", x, midY, right)
	case '━':
		line(thick, "M%.1f %.1fH%.1f", x, midY, right)
	case '│':
		line(thin, "M%.1f %.1fV%.1f", midX, y, bottom)
	case '┬':
		line(thin, "M%.1f %.1fH%.1fM%.1f %.1fV%.1f", x, midY, right, midX, midY, bottom)
	case '┴':
		line(thin, "M%.1f %.1fH%.1fM%.1f %.1fV%.1f", x, midY, right, midX, midY, y)
	case '╭':
		line(thin, "M%.1f %.1fV%.1fQ%.1f %.1f %.1f %.1fH%.1f", midX, bottom, midY+round, midX, midY, midX+round, midY, right)
	case '╮':
		line(thin, "M%.1f %.1fV%.1fQ%.1f %.1f %.1f %.1fH%.1f", midX, bottom, midY+round, midX, midY, midX-round, midY, x)
	case '╰':
		line(thin, "M%.1f %.1fV%.1fQ%.1f %.1f %.1f %.1fH%.1f", midX, y, midY-round, midX, midY, midX+round, midY, right)
	case '╯':
		line(thin, "M%.1f %.1fV%.1fQ%.1f %.1f %.1f %.1fH%.1f", midX, y, midY-round, midX, midY, midX-round, midY, x)
	case '█':
		rect(x, y, cellW, cellH, 1)
	case '░':
		rect(x, y, cellW, cellH, 0.45)
	case '▁', '▂', '▃', '▄', '▅', '▆', '▇':
		h := cellH * float64(c-'▁'+1) / 8
		rect(x, bottom-h, cellW, h, 1)
	default:
		return false
	}
	return true
}
