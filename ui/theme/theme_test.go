package theme

import (
	"image/color"
	"math"
	"strings"
	"testing"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/colorprofile"
)

var grounds = []struct {
	name   string
	light  bool
	ground color.Color
}{
	{"black", false, color.Black},
	{"dark grey", false, color.RGBA{0x1e, 0x1e, 0x2e, 0xff}},
	{"white", true, color.White},
	{"paper", true, color.RGBA{0xfd, 0xf6, 0xe3, 0xff}},
}

// words are the colours of a palette that carry words.
func (p palette) words() map[string]color.Color {
	return map[string]color.Color{"dim": p.dim, "accent": p.accent, "good": p.good, "warn": p.warn, "bad": p.bad}
}

// Every colour that carries words has a contrast of at least 4.5:1 to the ground, as WCAG 2.1
// counts it (https://www.w3.org/TR/WCAG21/#contrast-minimum): in true colour, as a terminal of 256
// colours shows it, and in the 16 as xterm has them on black and white.
func TestContrast(t *testing.T) {
	for _, c := range grounds {
		for _, profile := range []colorprofile.Profile{colorprofile.TrueColor, colorprofile.ANSI256, colorprofile.ANSI} {
			if profile == colorprofile.ANSI && c.name != "black" && c.name != "white" {
				continue // those terminals have 16 colours of their own
			}
			for name, fg := range paletteFor(Options{Light: c.light, Profile: profile}).words() {
				if _, none := fg.(lipgloss.NoColor); none {
					continue // the terminal's own text
				}
				if got := contrast(profile.Convert(fg), c.ground); got < 4.5 {
					t.Errorf("%s: %s on %s: %.2f:1", profile, name, c.name, got)
				}
			}
		}
	}
}

// The user's own colours take the place of ours, each on its ground.
func TestOverrides(t *testing.T) {
	var o Overrides
	if err := o.Set(false, "accent", "#FF00AA"); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"", "teal", "#12345", "256", "-1"} {
		if o.Set(true, "bad", bad) == nil {
			t.Errorf("%q was taken for a colour", bad)
		}
	}
	dark, light := New(Options{Colors: o}), New(Options{Colors: o, Light: true})
	if got := dark.Accent.Render("x"); !strings.Contains(got, "255;0;170") {
		t.Errorf("the accent is drawn as %q", got)
	}
	if dark.Good != New(Options{}).Good || light.Accent != New(Options{Light: true}).Accent {
		t.Error("other colours changed too")
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

// SPEC D7: without colours there is still what stands out and what recedes.
func TestWithoutColour(t *testing.T) {
	th := New(Options{Profile: colorprofile.ASCII})
	for name, got := range map[string]string{"\x1b[1m": th.Key.Render("x"), "\x1b[2m": th.Faint.Render("x")} {
		if !strings.HasPrefix(got, name) {
			t.Errorf("%q does not begin with %q", got, name)
		}
	}
}
