package theme

import (
	"fmt"
	"image/color"
	"regexp"
	"strconv"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/colorprofile"
)

// Theme holds the tokens everything is drawn with. There is one accent, three
// states, and weight; the ground is the terminal's own and never painted.
type Theme struct {
	Glyph Glyphs

	Text   Style // the terminal's own
	Strong Style // bold
	Dim    Style // secondary text, still 4.5:1
	Faint  Style // rules and borders, and what lies under a dialog
	Accent Style
	Key    Style // a key in a hint
	Select Style // the name in the selected row
	Caret  Style // the cursor of the filter, which is no field
	Good   Style
	Warn   Style
	Bad    Style

	Cursor color.Color // of the real cursor in a field; nil: the terminal's own
	// TrueColor: a picture may be drawn in its own colours, and with the signs that takes.
	TrueColor bool
}

// Options say what the terminal is like.
type Options struct {
	Light   bool                 // a light ground
	ASCII   bool                 // glyphs in plain ASCII
	Profile colorprofile.Profile // how many colours; Unknown counts as TrueColor
	Colors  Overrides            // the user's own
}

// Tokens are the names of the colours that can be set.
var Tokens = []string{"dim", "faint", "accent", "good", "warn", "bad"}

// Overrides are colours of the user's own, for each ground.
type Overrides struct{ dark, light map[string]color.Color }

// hex is a colour as #RGB or #RRGGBB.
var hex = regexp.MustCompile(`^#([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$`)

// Set sets the colour of a token: "#RRGGBB", or the number of one of 256 colours.
func (o *Overrides) Set(light bool, token, value string) error {
	if n, err := strconv.Atoi(value); !hex.MatchString(value) && (err != nil || n < 0 || n > 255) {
		return fmt.Errorf("%q is no colour: write #RRGGBB or a number up to 255", value)
	}
	of := &o.dark
	if light {
		of = &o.light
	}
	if *of == nil {
		*of = map[string]color.Color{}
	}
	(*of)[token] = lipgloss.Color(value)
	return nil
}

func (o Overrides) apply(p *palette, light bool) {
	of := o.dark
	if light {
		of = o.light
	}
	for token, at := range map[string]*color.Color{"dim": &p.dim, "faint": &p.faint, "accent": &p.accent, "good": &p.good, "warn": &p.warn, "bad": &p.bad} {
		if c, ok := of[token]; ok {
			*at = c
		}
	}
}

type palette struct{ dim, faint, accent, good, warn, bad color.Color }

// The hues were picked for at least 4.5:1 on black and on white; faint alone is
// weaker, for it carries no words that matter.
func paletteFor(o Options) palette {
	c := lipgloss.Color
	switch {
	case o.Profile == colorprofile.ANSI && o.Light:
		// Of the 16 only these can be read on white; what is dim or good is told by its sign and word.
		return palette{dim: lipgloss.NoColor{}, faint: c("7"), accent: c("4"), good: lipgloss.NoColor{}, warn: c("5"), bad: c("1")}
	case o.Profile == colorprofile.ANSI:
		return palette{dim: c("7"), faint: c("8"), accent: c("14"), good: c("10"), warn: c("11"), bad: c("9")}
	case o.Light && o.Profile == colorprofile.ANSI256:
		// The nearest of the 256 to the accent is too pale for paper.
		p := paletteFor(Options{Light: true})
		p.accent = c("23")
		return p
	case o.Light:
		return palette{
			dim: c("#57626B"), faint: c("#AEB8C0"), accent: c("#0B7570"),
			good: c("#2E7031"), warn: c("#8A5A00"), bad: c("#B3261E"),
		}
	default:
		return palette{
			dim: c("#8D98A2"), faint: c("#47525B"), accent: c("#3CCFC0"),
			good: c("#86CB72"), warn: c("#E6B450"), bad: c("#F2766E"),
		}
	}
}

// New makes the theme for a terminal.
func New(o Options) Theme {
	p := paletteFor(o)
	o.Colors.apply(&p, o.Light)
	base := lipgloss.NewStyle()
	fg := func(c color.Color) Style { return styled(base.Foreground(c)) }
	t := Theme{
		Glyph:     unicode,
		Strong:    styled(base.Bold(true)),
		Dim:       fg(p.dim),
		Faint:     fg(p.faint),
		Accent:    fg(p.accent),
		Key:       fg(p.accent),
		Select:    styled(base.Foreground(p.accent).Bold(true)),
		Caret:     styled(base.Foreground(p.accent).Reverse(true)),
		Good:      fg(p.good),
		Warn:      fg(p.warn),
		Bad:       fg(p.bad),
		Cursor:    p.accent,
		TrueColor: !o.ASCII && (o.Profile == colorprofile.Unknown || o.Profile == colorprofile.TrueColor || o.Profile == colorprofile.ANSI256),
	}
	if o.ASCII {
		t.Glyph = ascii
	}
	if o.Profile == colorprofile.ASCII || o.Profile == colorprofile.NoTTY {
		// Without colour a key stands out by weight, and what lies behind recedes by it.
		t.Key, t.Cursor = t.Strong, nil
		t.Faint = styled(base.Faint(true))
	}
	return t
}
