package ui

import (
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/artifacts-tui/artifacts-tui/backend"
	"github.com/artifacts-tui/artifacts-tui/backend/workspace"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/ui/session"
)

func TestRememberedRowsAreReplaced(t *testing.T) {
	d := driveUnstarted(t, aFew(), 120, 32)
	d.sees("starting…", "as of the last run", "train-data")
	d.seesNot("build-cache")
	d.run(d.m.session.Start())
	d.sees("● embedded 127.0.0.1:8080", "build-cache", "5 workspaces")
	d.seesNot("as of the last run", "last known")
}

func TestEventsAreReadAgain(t *testing.T) {
	d := drive(t, aFew(), 120, 32)
	for kind, method := range map[backend.EventKind]string{
		backend.WorkspacesChanged: "Workspaces", backend.MountsChanged: "Mounts", backend.CoordinatorChanged: "Coordinator",
	} {
		before := d.app.called(method)
		d.send(session.Changed{Kinds: map[backend.EventKind]bool{kind: true}, At: d.now})
		if d.app.called(method) != before+1 {
			t.Errorf("%s did not read %s again", kind, method)
		}
	}
	d.app.workspaces = append(d.app.workspaces, workspace.Workspace{ID: "z", Name: "from-elsewhere", Backend: workspace.Managed, State: workspace.Active})
	d.send(session.Changed{Kinds: map[backend.EventKind]bool{backend.WorkspacesChanged: true}, At: d.now})
	d.sees("from-elsewhere")
}

// The cursor stays on its row whatever comes and goes around it.
func TestCursorStaysOnItsRow(t *testing.T) {
	d := drive(t, aFew(), 120, 32)
	d.to("mnt/notes")
	d.sees("▸ notes")
	d.app.workspaces = append(d.app.workspaces, workspace.Workspace{ID: "z", Name: "aaa", Backend: workspace.Managed, State: workspace.Active})
	d.press("R")
	d.sees("aaa", "▸ notes")
	d.press("S")
	d.sees("▸ notes")
}

// What is down says what and since when; what is known stays; R tries again.
func TestCoordinatorDownAndBack(t *testing.T) {
	f := aFew()
	f.coordinatorErr = unreachable
	d := drive(t, f, 160, 32)
	d.sees("✗ no coordinator since 09:12", "R retries", "train-data", "no answer from 127.0.0.1:8080")
	d.press("n")
	d.sees("the coordinator has not answered since 09:12")
	f.coordinatorErr = nil
	d.press("R")
	d.sees("● embedded 127.0.0.1:8080", "5 workspaces", "the coordinator answers again")
	// And while running: a read that finds nobody.
	f.workspacesErr = unreachable
	d.now = d.now.Add(time.Hour)
	d.press("R")
	d.sees("✗ no coordinator since 10:12", "build-cache")
}

func TestFilterAndSort(t *testing.T) {
	d := drive(t, aFew(), 120, 32)
	d.clear()
	d.press("/")
	d.text("ex")
	d.sees("/ex", "1 of 5", "experiments-2026")
	d.seesNot("build-cache")
	d.press("enter")
	d.text("d") // a key again, not text: and that workspace is mounted
	d.sees("unmount it first")
	d.press("esc", "esc")
	d.sees("5 workspaces", "build-cache")
	d.press("/")
	d.text("zzz")
	d.sees("Nothing matches.", "0 of 5")
	d.press("esc")
	d.sees("5 workspaces")
	d.press("S")
	if first := strings.Split(d.screen(), "\n")[3]; !contains(first, "train-data") {
		t.Errorf("S did not reverse the order: %s", first)
	}
}

// SPEC D8: every action shows its command line, and y copies it.
func TestCommandLines(t *testing.T) {
	for _, c := range []struct {
		want string
		play func(d *driver)
	}{
		{"artifacts mount old-runs ~/mnt/old-runs", func(d *driver) { d.to("old-runs") }},
		{"artifacts unmount ~/mnt/notes", func(d *driver) { d.to("mnt/notes") }},
		{"artifacts unmount ~/mnt/experiments", func(d *driver) { d.press("2") }},
		{"artifacts workspace delete old-runs --yes", func(d *driver) { d.to("old-runs"); d.press("d") }},
		{"artifacts workspace create NAME", func(d *driver) { d.press("n") }},
		{"artifacts workspace create models --backend byo --bucket acme-ml --endpoint https://s3.eu-west-2.amazonaws.com --region eu-west-2 --prefix models/", func(d *driver) { d.fillByo() }},
	} {
		d := drive(t, aFew(), 200, 32)
		d.clear()
		c.play(d)
		d.sees("$ " + c.want)
		d.press("ctrl+y")
		if len(d.clip) != 1 || d.clip[0] != c.want {
			t.Errorf("copied %q, want %q", d.clip, c.want)
		}
	}
}

func TestLeaving(t *testing.T) {
	d := drive(t, aFew(), 120, 32)
	d.press("/")
	d.text("no")
	d.press("enter", "q") // back: the filter
	if d.quit {
		t.Fatal("q left with a filter to go back from")
	}
	d.press("q")
	if !d.quit {
		t.Fatal("q did not leave")
	}
	if got := strings.Join(d.m.farewell(), "\n"); got != "3 mounts go on running: ~/mnt/train, ~/mnt/notes, ~/mnt/experiments" {
		t.Errorf("the last line is %q", got)
	}
}

func TestLeavingAsksWhileMounting(t *testing.T) {
	d := drive(t, aFew(), 120, 32)
	d.app.holdBack("Mount")
	d.to("old-runs")
	d.press("m", "enter", "q")
	d.sees("This has not ended yet:", "mounting old-runs")
	d.press("esc")
	if d.quit {
		t.Fatal("esc left")
	}
	d.press("q", "enter")
	if !d.quit {
		t.Fatal("a yes did not leave")
	}
	d.release()
}

// A draining mount is no reason to stay: its own process goes on.
func TestLeavingWhileDraining(t *testing.T) {
	d := drive(t, aFew(), 120, 32)
	d.draining()
	d.press("esc", "q")
	if !d.quit {
		t.Fatalf("q did not leave:\n%s", d.screen())
	}
	d.release()
}

func TestMouse(t *testing.T) {
	d := drive(t, aFew(), 120, 32)
	d.clear()
	d.send(tea.MouseClickMsg{X: 5, Y: 5, Button: tea.MouseLeft})
	d.sees("▸ notes")
	d.send(tea.MouseClickMsg{X: 20, Y: 0, Button: tea.MouseLeft})
	d.sees("MOUNTPOINT")
	d.send(tea.MouseClickMsg{X: 5, Y: 0, Button: tea.MouseLeft})
	d.sees("BACKEND")
	d.app.workspaces = many(200)
	d.press("R", "g")
	d.send(tea.MouseWheelMsg{Button: tea.MouseWheelDown})
	d.sees("workspace-0003")
	d.seesNot("workspace-0002 ")
}

// What comes from outside cannot write to the terminal.
func TestHostileTexts(t *testing.T) {
	const evil = "\x1b]52;c;ZXZpbA==\x07\x1b[2J\x1b[31mred\u202egnp\nnext\xff"
	f := aFew()
	f.workspaces[0].Name, f.workspaces[0].Bucket, f.workspaces[0].Region = "zz"+evil, "b"+evil, evil
	f.mounts[2].Reason, f.mounts[2].Failures[0].Path, f.mounts[2].Failures[0].Reason = evil, "p"+evil, evil
	f.mounts[1].Mountpoint, f.mounts[1].Log = "/mnt/"+evil, evil
	f.notices = []string{evil}
	f.mountErr = fault.New(fault.Failure, evil, "%s", evil)
	d := drive(t, f, 120, 32)
	d.press("G", "2", "G", "1", "t", "esc", "n")
	d.text("fine")
	d.press("enter", "m", "enter", "esc", "G", "m", "esc", "d", "esc", "2", "space", "u")
	for _, frame := range d.frames {
		for _, bad := range []string{"\x1b]", "\x1b[2J", "\x1b[31m", "\u202e", "\a", "\xff"} {
			if contains(frame, bad) {
				t.Fatalf("%q reached the screen", bad)
			}
		}
	}
}

// With no mounts and nothing under way nothing ticks: idle costs nothing.
func TestIdle(t *testing.T) {
	d := drive(t, newFake(), 120, 32)
	if len(d.timers) != 0 {
		t.Errorf("%d timers with nothing to do", len(d.timers))
	}
	d = drive(t, aFew(), 120, 32)
	d.clear()
	before := d.app.called("Mounts")
	d.pass(10 * time.Second)
	if n := d.app.called("Mounts") - before; n < 8 || n > 11 {
		t.Errorf("mounts were read %d times in ten seconds", n)
	}
}

func TestNotices(t *testing.T) {
	d := drive(t, newFake(), 120, 32)
	d.send(notice{"state: /home/ada/.local/state/tonbo/artifacts"})
	d.sees("first use: this is where things are kept", "state: ~/.local/state/tonbo/artifacts")
}

// Notices that come together are one message: on a first start they do not cover what to do first.
func TestNoticesTogether(t *testing.T) {
	lines := make(chan string, 8)
	d := driveWith(t, newFake(), 80, 24, Options{Notices: lines})
	for _, line := range []string{"state: /home/ada/state", "cache: /home/ada/cache", "config: /home/ada/config"} {
		lines <- line
	}
	close(lines)
	d.run(d.m.Init())
	d.sees("state: ~/state", "cache: ~/cache", "n makes one here", "b brings your own bucket.")
	if n := len(d.m.toasts.All()); n != 1 {
		t.Errorf("%d messages", n)
	}
}
