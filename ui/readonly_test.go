package ui

import (
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
)

// With --read-only no key on any page, in any dialog, calls anything that changes something, and
// each says why.
func TestReadOnly(t *testing.T) {
	changing := []string{
		"CreateWorkspace", "DeleteWorkspace", "Mount", "Unmount", "SetStorage", "ClearStorage", "Verify",
		"RefreshCredentials", "Remount", "IssuePair", "VerifyRotation", "SaveRotation", "FinishRotation", "UndoRotation", "KeepRotationDraft",
	}
	d := drive(t, withCredentials(), 120, 32)
	d.m.readOnly = true
	d.sees("read-only")
	for _, p := range []string{"1", "2", "4"} {
		for _, b := range d.m.keys.Bindings(d.m.pages[0].Scope(), d.m.pages[1].Scope(), d.m.pages[2].Scope(), "list") {
			for _, k := range b.Keys {
				d.press("esc", "esc", p, k, "enter", "esc")
			}
		}
	}
	for _, method := range changing {
		if n := d.app.called(method); n > 0 {
			t.Errorf("%s was called %d times", method, n)
		}
	}
	d.press("esc", "esc", "1", "n")
	d.sees(readOnlyReason)
	d.seesNot("New workspace")
	// enter mounts what is not mounted, so it is refused there too.
	d.to("old-runs")
	d.press("enter")
	d.seesNot("Mount old-runs")
}

// A terminal below 40×10 is asked to grow; keys that would act on what is not seen do nothing.
func TestTooSmall(t *testing.T) {
	d := drive(t, aFew(), 39, 10)
	d.sees("40×10")
	d.press("n")
	d.text("hidden")
	d.send(tea.WindowSizeMsg{Width: 40, Height: 10})
	d.seesNot("40×10 or", "New workspace")
	d.sees("Workspaces")
	d.send(tea.WindowSizeMsg{Width: 200, Height: 9})
	d.press("ctrl+c")
	if !d.quit {
		t.Error("ctrl+c did not leave")
	}
}

// A click selects, a second one at once opens, a late one does not.
func TestDoubleClick(t *testing.T) {
	d := drive(t, aFew(), 120, 32)
	d.clear()
	now := start
	d.m.clock = func() time.Time { return now }
	row := tea.MouseClickMsg{X: 5, Y: 6, Button: tea.MouseLeft} // old-runs
	d.send(row)
	d.sees("▸ old-runs")
	now = now.Add(time.Second)
	d.send(row)
	d.seesNot("Places › old-runs")
	now = now.Add(100 * time.Millisecond)
	d.send(row)
	d.sees("Places › old-runs")
}

// In the palette a click selects and a second one does it.
func TestClickInThePalette(t *testing.T) {
	d := drive(t, withCredentials(), 120, 32)
	d.clear()
	d.press(":")
	d.text("credentials")
	box := d.m.place(d.m.top())
	click := func(row int) {
		d.send(tea.MouseClickMsg{X: box.x + 8, Y: box.y + box.above + 2 + row, Button: tea.MouseLeft})
	}
	click(0)
	d.sees("SOURCE")
	d.seesNot("Commands")
}
