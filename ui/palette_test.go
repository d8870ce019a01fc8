package ui

import (
	"testing"

	"github.com/artifacts-tui/artifacts-tui/ui/keymap"
)

// A few letters find a command; it says its key and its command line, and does what the key does.
func TestPalette(t *testing.T) {
	for _, size := range [][2]int{{120, 32}, {40, 10}} {
		d := drive(t, aFew(), size[0], size[1])
		d.clear()
		d.to("old-runs")
		d.press(":")
		d.text("delete")
		d.sees("Commands", "▸ delete the workspace", "artifacts workspace delete old-")
		d.press("ctrl+y")
		if len(d.clip) != 1 || d.clip[0] != "artifacts workspace delete old-runs --yes" {
			t.Errorf("copied %q", d.clip)
		}
		d.press("enter")
		d.sees("Delete old-runs", "type old-runs")
	}
}

// What cannot work here is in the palette too and says why, as pressing its key does.
func TestPaletteSaysWhy(t *testing.T) {
	d := drive(t, aFew(), 120, 32)
	d.clear()
	d.to("mnt/notes")
	d.press("ctrl+p")
	d.text("delete the")
	const why = "notes is mounted at ~/mnt/notes; unmount it"
	d.sees("○ notes is mounted at", "▸ delete the workspace")
	d.press("enter")
	d.sees("Commands", why)
	d.press("esc", "d")
	d.sees(why)
	d.clear()
	d.press(":")
	d.text("rotate")
	d.sees("works on page 4, Credentials")
}

// Every action that is bound on a page is in the palette, once.
func TestPaletteListsEveryAction(t *testing.T) {
	d := drive(t, withCredentials(), 120, 32)
	count := map[string]int{}
	for _, e := range d.m.paletteEntries() {
		count[string(e.Action)]++
	}
	scopes := d.m.scopes()
	for _, p := range d.m.pages {
		scopes = append(scopes, p.Scope())
	}
	for _, b := range DefaultKeys().Bindings(scopes...) {
		if n := count[string(b.Action)]; n != 1 && b.Action != "commands" {
			t.Errorf("%s is in the palette %d times", b.Action, n)
		}
	}
}

// SPEC D8: every action of a page that changes something has a command line, on a row and where
// there is none.
func TestEveryActionHasACommand(t *testing.T) {
	// Those are about what this process is at, which no other can touch.
	own := map[keymap.Action]bool{keymap.Restore: true, keymap.CancelJob: true, keymap.Retry: true}
	for _, f := range []*fake{withCredentials(), newFake()} {
		d := drive(t, f, 120, 32)
		for _, p := range d.m.pages {
			for _, b := range d.m.keys.Bindings(scopesOf(p)...) {
				if !reading[b.Action] && !own[b.Action] && d.m.commandOf(p, b.Action) == "" {
					t.Errorf("%s: %s has no command line", p.Name(), b.Action)
				}
			}
		}
	}
}
