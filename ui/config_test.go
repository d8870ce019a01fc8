package ui

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"

	"github.com/artifacts-tui/artifacts-tui/ui/config"
	"github.com/artifacts-tui/artifacts-tui/ui/keymap"
)

func parse(text string) config.Config {
	return config.Parse([]byte(text), DefaultKeys(), KeysTogether())
}

// What `keys` prints is the file that makes it so, and every key in it is one that can be written.
func TestKeysRoundTrip(t *testing.T) {
	c := parse(config.Format(DefaultKeys()))
	if len(c.Problems) > 0 || !reflect.DeepEqual(c.Keys, DefaultKeys()) {
		t.Errorf("the default keys do not survive: %q", c.Problems)
	}
	changed := parse("keys:\n  workspaces: {mount: [M, ctrl+o]}\n  sort: z\n  page-2: [2, f2]\n")
	if len(changed.Problems) > 0 {
		t.Fatal(changed.Problems)
	}
	again := parse(config.Format(changed.Keys))
	if len(again.Problems) > 0 || !reflect.DeepEqual(again.Keys, changed.Keys) {
		t.Errorf("changed keys do not survive: %q", again.Problems)
	}
}

// Each mistake is told in one line and changes nothing.
func TestConfigProblems(t *testing.T) {
	for text, want := range map[string]string{
		"keys: {mout: m}":                       `there is no action "mout"; did you mean mount?`,
		"keys: {workspace: {mount: m}}":         `there is no scope "workspace"; did you mean workspaces?`,
		"keys: {mounts: {delete: x}}":           `keys.mounts: there is no action "delete" here`,
		"keys: {workspaces: {mount: d}}":        "keys.workspaces.mount: d is workspaces.delete already; it keeps m",
		"keys: {sort: '?'}":                     "keys.list.sort: ? is everywhere.help already; it keeps s",
		"keys: {form: {next-field: x}}":         "keys.form.next-field: x types a letter there",
		"keys: {always: {leave: []}}":           "keys.always.leave: it cannot be without a key",
		"keys: {mount: ctrl+nothing}":           `keys.mount: "ctrl+nothing" is no key`,
		"theme: drak":                           `there is no theme "drak"; did you mean dark?`,
		"colors: {dark: {acent: '#fff'}}":       `there is no token "acent"; did you mean accent?`,
		"colors: {dark: {accent: teal}}":        `colors.dark.accent: "teal" is no colour`,
		"colours: {}":                           "unknown field",
		"keys: [":                               "",
		"keys: {workspaces: mount}":             "names of actions with their keys are wanted here",
		"glyphs: emoji":                         "unicode or ascii",
		"colors: {dusk: {accent: '#fff'}}":      `"dusk" is no ground; did you mean dark?`,
		"keys: {workspaces: {mount: [m, [x]]}}": "is no key",
	} {
		c := parse(text)
		if len(c.Problems) != 1 || !strings.Contains(c.Problems[0], want) || strings.Contains(c.Problems[0], "\n") {
			t.Errorf("%s: %q, want %q", text, c.Problems, want)
		}
		if !reflect.DeepEqual(c.Keys, DefaultKeys()) {
			t.Errorf("%s changed the keys", text)
		}
	}
}

// Two actions may trade their keys; a key of a general remapping that would be a letter in a field
// is not taken there.
func TestConfigTrades(t *testing.T) {
	c := parse("keys: {workspaces: {mount: d, delete: m}}")
	if len(c.Problems) > 0 {
		t.Fatal(c.Problems)
	}
	d := drive(t, aFew(), 120, 32)
	d.m.keys = c.Keys
	clear(d.m.applies)
	d.clear()
	d.to("old-runs")
	d.press("d")
	d.sees("Mount old-runs")
	c = parse("keys: {up: z}")
	if a, ok := c.Keys.Lookup("up", keymap.Filtering); len(c.Problems) > 0 || !ok || a != keymap.Up {
		t.Errorf("the filter lost its arrow: %q", c.Problems)
	}
	if a, _ := c.Keys.Lookup("z", keymap.List); a != keymap.Up {
		t.Error("z does not go up")
	}
}

func TestParseKey(t *testing.T) {
	for text, want := range map[string]string{
		"m": "m", "S": "S", "shift+s": "S", "Ctrl+X": "ctrl+x", "shift+Tab": "shift+tab", " ": "space", "+": "+", "ctrl++": "ctrl++",
		"alt+ctrl+a": "ctrl+alt+a", "F2": "f2", "ü": "ü", "": "", "ctrl+": "", "hyper": "", "mm": "", "ctrl+ctrl+a": "",
	} {
		if got, ok := keymap.ParseKey(text); got != want || ok != (want != "") {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
}

// A theme that is asked for is not overruled by the terminal; problems are said on the screen.
func TestConfigInTheApp(t *testing.T) {
	root := t.TempDir()
	if err := os.WriteFile(filepath.Join(root, config.File), []byte("theme: light\nglyphs: ascii\nkeys: {mout: x, sort: '?'}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	d := driveWith(t, aFew(), 120, 32, Options{Config: config.Read(root, DefaultKeys(), KeysTogether())})
	d.send(tea.BackgroundColorMsg{})
	if !d.m.look.Light || !d.m.look.ASCII {
		t.Error("the terminal overruled the file")
	}
	d.run(d.m.sayProblems())
	d.sees("tui.yaml has 2 problems", "no action")
}
