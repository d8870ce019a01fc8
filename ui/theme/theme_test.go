package theme

import (
	"image/color"
	"math"
	"testing"

	"github.com/charmbracelet/colorprofile"
)

// Every colour that carries words has a contrast of at least 4.5:1 to the ground,
// as WCAG 2.1 counts it: https://www.w3.org/TR/WCAG21/#contrast-minimum.
func TestContrast(t *testing.T) {
	for _, c := range []struct {
		name   string
		light  bool
		ground color.Color
	}{
		{"black", false, color.Black},
		{"dark grey", false, color.RGBA{0x1e, 0x1e, 0x2e, 0xff}},
		{"white", true, color.White},
		{"paper", true, color.RGBA{0xfd, 0xf6, 0xe3, 0xff}},
	} {
		p := paletteFor(Options{Light: c.light, Profile: colorprofile.TrueColor})
		for name, fg := range map[string]color.Color{"dim": p.dim, "accent": p.accent, "good": p.good, "warn": p.warn, "bad": p.bad} {
			if got := contrast(fg, c.ground); got < 4.5 {
				t.Errorf("%s on %s: %.2f:1", name, c.name, got)
			}
		}
	}
}

func contrast(a, b color.Color) float64 {
	x, y := luminance(a), luminance(b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

func luminance(c color.Color) float64 {
	r, g, b, _ := c.RGBA()
	part := func(v uint32) float64 {
		f := float64(v) / 0xffff
		if f <= 0.03928 {
			return f / 12.92
		}
		return math.Pow((f+0.055)/1.055, 2.4)
	}
	return 0.2126*part(r) + 0.7152*part(g) + 0.0722*part(b)
}

// The ASCII glyphs are ASCII, and no sign is missing from either set.
func TestGlyphs(t *testing.T) {
	for name, g := range map[string]Glyphs{"unicode": unicode, "ascii": ascii} {
		for _, s := range append([]string{g.Cursor, g.On, g.Part, g.Warn, g.Bad, g.Off, g.Wait, g.Done, g.Bullet, g.Up, g.Down, g.Enter, g.Rule, g.Heavy, g.Wall, g.TeeDown, g.TeeUp, g.TopLeft, g.TopRight, g.BotLeft, g.BotRight, g.Full, g.Empty}, g.Spark...) {
			if s == "" {
				t.Errorf("%s: a glyph is missing", name)
			}
			for _, r := range s {
				if name == "ascii" && r > 0x7e {
					t.Errorf("%q is not ASCII", s)
				}
			}
		}
	}
}
