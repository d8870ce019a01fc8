package component

import (
	"math"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"

	"github.com/artifacts-tui/artifacts-tui/ui/keymap"
	"github.com/artifacts-tui/artifacts-tui/ui/theme"
)

func TestBar(t *testing.T) {
	th := theme.New(theme.Options{})
	for fraction, want := range map[float64]string{
		0: "──────────", 0.001: "━─────────", 0.5: "━━━━━─────", 1: "━━━━━━━━━━", 7: "━━━━━━━━━━", -1: "──────────", math.NaN(): "──────────",
	} {
		if got := ansi.Strip(Bar(fraction, 10, th.Accent, &th)); got != want {
			t.Errorf("%v: %s", fraction, got)
		}
	}
}

func TestSpark(t *testing.T) {
	th := theme.New(theme.Options{})
	if got := Spark([]float64{0, 1, 4, 8}, 10, &th); got != " ▂▅█" {
		t.Errorf("%q", got)
	}
	if got := Spark([]float64{9, 9, 1, 8}, 2, &th); got != "▂█" {
		t.Errorf("%q", got)
	}
	if got := Spark([]float64{0, 0}, 10, &th); got != "" {
		t.Errorf("%q", got)
	}
}

// What cannot work goes first, the first and the last stay longest.
func TestHintsThatDoNotFit(t *testing.T) {
	th := theme.New(theme.Options{})
	var bindings []keymap.Binding
	for _, name := range []string{"mount", "unmount", "new", "delete", "help", "quit"} {
		bindings = append(bindings, keymap.Binding{Action: keymap.Action(name), Keys: []string{name[:1]}, Hint: name})
	}
	off := func(a keymap.Action) string {
		if a == "unmount" {
			return "not mounted"
		}
		return ""
	}
	for width, want := range map[int]string{
		80: "m mount  u unmount  n new  d delete  h help  q quit",
		45: "m mount  n new  d delete  h help  q quit",
		36: "m mount  n new  h help  q quit",
		23: "m mount  h help  q quit",
		15: "m mount  q quit",
		7:  "q quit",
		3:  "",
	} {
		if got := ansi.Strip(Hints(bindings, off, width, &th)); got != want {
			t.Errorf("%d cells: %q, want %q", width, got, want)
		}
	}
}

func TestOverlayKeepsTheWidth(t *testing.T) {
	for _, x := range []int{0, 3, 8, 9, 12} {
		lines := []string{"0123456789", "日本語日本", "0123456789"}
		Overlay(lines, []string{"####", "####"}, x, 1)
		for i, line := range lines {
			if Width(line) != 10 {
				t.Errorf("x=%d: line %d is %q", x, i, line)
			}
		}
		if x < 8 && !strings.Contains(lines[1], "##") {
			t.Errorf("x=%d: nothing was laid over: %q", x, lines[1])
		}
	}
}
