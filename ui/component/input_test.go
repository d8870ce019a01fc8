package component

import (
	"fmt"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/artifacts-tui/artifacts-tui/ui/theme"
)

func typeInto(in *Input, keys ...string) {
	codes := map[string]tea.KeyPressMsg{
		"left": {Code: tea.KeyLeft}, "right": {Code: tea.KeyRight}, "home": {Code: tea.KeyHome}, "end": {Code: tea.KeyEnd},
		"backspace": {Code: tea.KeyBackspace}, "delete": {Code: tea.KeyDelete},
		"ctrl+w": {Code: 'w', Mod: tea.ModCtrl}, "ctrl+u": {Code: 'u', Mod: tea.ModCtrl}, "ctrl+k": {Code: 'k', Mod: tea.ModCtrl},
		"ctrl+a": {Code: 'a', Mod: tea.ModCtrl}, "ctrl+e": {Code: 'e', Mod: tea.ModCtrl},
	}
	for _, k := range keys {
		if msg, ok := codes[k]; ok {
			in.Key(msg)
			continue
		}
		for _, r := range k {
			in.Key(tea.KeyPressMsg{Code: r, Text: string(r)})
		}
	}
}

func TestInputEdits(t *testing.T) {
	for _, c := range []struct {
		keys []string
		want string
	}{
		{[]string{"hello"}, "hello"},
		{[]string{"hello", "backspace", "backspace"}, "hel"},
		{[]string{"hello", "home", "delete", "J"}, "Jello"},
		{[]string{"hello", "left", "left", "X"}, "helXlo"},
		{[]string{"one two", "ctrl+w"}, "one "},
		{[]string{"~/mnt/notes", "ctrl+w"}, "~/mnt/"},
		{[]string{"hello", "left", "ctrl+u"}, "o"},
		{[]string{"hello", "home", "right", "ctrl+k"}, "h"},
		{[]string{"b", "ctrl+a", "a", "ctrl+e", "c"}, "abc"},
		{[]string{"backspace", "delete", "left", "right", "ünï"}, "ünï"},
	} {
		var in Input
		typeInto(&in, c.keys...)
		if in.Value() != c.want {
			t.Errorf("%v gives %q, want %q", c.keys, in.Value(), c.want)
		}
	}
}

// The part around the cursor is in sight, and the cursor's cell is right.
func TestInputScrolls(t *testing.T) {
	th := theme.New(theme.Options{})
	var in Input
	typeInto(&in, "abcdefghij")
	if text, at := in.View(5, false, &th); text != "ghij " || at != 4 {
		t.Errorf("%q, cursor at %d", text, at)
	}
	typeInto(&in, "home")
	if text, at := in.View(5, false, &th); text != "abcde" || at != 0 {
		t.Errorf("%q, cursor at %d", text, at)
	}
	in.SetValue("日本語日本語")
	if text, at := in.View(5, false, &th); Width(text) != 5 || at != 4 {
		t.Errorf("%q (%d cells), cursor at %d", text, Width(text), at)
	}
}

// SPEC A35: neither the view nor a print of the struct shows a secret.
func TestSecretInput(t *testing.T) {
	th := theme.New(theme.Options{})
	in := Input{Secret: true}
	typeInto(&in, "hunter2-hunter2-hunter2")
	view, _ := in.View(40, false, &th)
	shown := []string{ansi.Strip(view)}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		shown = append(shown, fmt.Sprintf(verb, &in), fmt.Sprintf(verb, Field{Input: in}.Input.Secret))
	}
	for _, s := range shown {
		if strings.Contains(s, "hunter2") || strings.Contains(s, "68756e746572") {
			t.Errorf("the secret shows in %q", s)
		}
	}
	if view, _ = in.View(40, true, &th); !strings.Contains(view, "hunter2") {
		t.Error("revealed, it does not show")
	}
}

func TestInputRefusesPastedLines(t *testing.T) {
	var in Input
	if err := in.Paste(" key\r\n"); err != nil || in.Value() != "key" {
		t.Errorf("%v, %q", err, in.Value())
	}
	for _, bad := range []string{"a\nb", "a\x00b", "a\x1b[31mb"} {
		if err := in.Paste(bad); err == nil || in.Value() != "key" {
			t.Errorf("%q: %v, %q", bad, err, in.Value())
		}
	}
}

// A key costs the same in a short text and in a very long one.
func TestLongInput(t *testing.T) {
	th := theme.New(theme.Options{})
	var in Input
	if err := in.Paste(strings.Repeat("x", 1<<20)); err != nil {
		t.Fatal(err)
	}
	for range 200 {
		if text, at := in.View(40, false, &th); Width(text) != 40 || at != 39 {
			t.Fatalf("%q, cursor at %d", text, at)
		}
	}
	typeInto(&in, "home")
	if text, at := in.View(40, false, &th); text != strings.Repeat("x", 40) || at != 0 {
		t.Errorf("%q, cursor at %d", text, at)
	}
}
