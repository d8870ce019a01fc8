package ui

import (
	"fmt"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/exp/golden"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/mounts"
	"github.com/artifacts-tui/artifacts-tui/ui/session"
)

// Secrets of the tests; no frame may ever hold one.
const (
	testKey    = "AKIAIOSFODNN7EXAMPLE"
	testSecret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
	testToken  = "IQoJb3JpZ2luX2VjEXAMPLETOKENforTests0123456789"
)

// paste is what a terminal does with text from the clipboard.
func (d *driver) paste(text string) {
	d.t.Helper()
	d.send(tea.PasteMsg{Content: text})
}

// to puts the cursor on the workspace called name.
func (d *driver) to(name string) {
	d.t.Helper()
	d.press("g")
	for range d.m.session.Workspaces {
		if d.m.command() != "" && contains(d.m.command(), name) {
			return
		}
		d.press("j")
	}
}

// fillByo fills the form of a byo workspace up to the session token.
func (d *driver) fillByo() {
	d.t.Helper()
	d.press("b")
	for _, v := range []string{"models", "acme-ml", "https://s3.eu-west-2.amazonaws.com", "eu-west-2", "models/"} {
		d.text(v)
		d.press("tab")
	}
	d.paste(testKey)
	d.press("tab")
	d.paste(testSecret)
	d.press("tab")
	d.paste(testToken)
}

// draining starts an unmount of train-data that is about half-way.
func (d *driver) draining() {
	d.t.Helper()
	d.app.holdBack("Unmount")
	d.to("mnt/train")
	d.press("u")
	d.now = d.now.Add(2500 * time.Millisecond)
	d.take(session.Draining{Mountpoint: testHome + "/mnt/train", Drain: mounts.Drain{Queued: 1, InProgress: 2, PendingBytes: 18 << 20, Uploaded: 307 << 20}})
	d.now = d.now.Add(2500 * time.Millisecond)
	d.take(session.Draining{Mountpoint: testHome + "/mnt/train", Drain: mounts.Drain{InProgress: 1, PendingBytes: 7 << 20, Uploaded: 318 << 20}})
}

var unreachable = fault.New(fault.Unreachable, "start it with 'artifacts-tui coordinator serve'", "no answer from 127.0.0.1:8080: connection refused")

// screens are all the pages and dialogs there are, in every state that looks
// different.
var screens = []struct {
	name string
	app  func() *fake
	play func(d *driver)
}{
	{"workspaces", aFew, func(d *driver) { d.clear(); d.to("train-data") }},
	{"workspaces-detail", aFew, func(d *driver) { d.clear(); d.to("experiments"); d.press("space") }},
	{"workspaces-filter", aFew, func(d *driver) { d.clear(); d.press("/"); d.text("ex") }},
	{"workspaces-sorted", aFew, func(d *driver) { d.clear(); d.press("s", "s", "S") }},
	{"mounts", aFew, func(d *driver) { d.clear(); d.press("2"); d.pass(4 * time.Second) }},
	{"mounts-detail", aFew, func(d *driver) { d.clear(); d.press("2", "G", "space") }},
	{"toast", aFew, func(*driver) {}},
	{"first-start", newFake, func(*driver) {}},
	{"no-mounts", newFake, func(d *driver) { d.press("2") }},
	{"down", func() *fake { f := aFew(); f.coordinatorErr = unreachable; return f }, func(d *driver) { d.clear() }},
	{"down-first", func() *fake { f := newFake(); f.coordinatorErr = unreachable; return f }, func(d *driver) { d.clear() }},
	{"coordinator", withControl, func(d *driver) { d.clear(); d.section("Overview") }},
	{"coordinator-peer", asPeer, func(d *driver) { d.clear(); d.section("Overview") }},
	{"coordinator-peers", withControl, func(d *driver) { d.clear(); d.section("Peers"); d.press("j", "j") }},
	{"coordinator-buckets", withControl, func(d *driver) { d.clear(); d.section("Buckets") }},
	{"coordinator-shares", withControl, func(d *driver) { d.clear(); d.section("Shares") }},
	{"coordinator-deleted", withControl, func(d *driver) { d.clear(); d.section("Deleted") }},
	{"coordinator-backup", withControl, func(d *driver) { d.clear(); d.section("Backup"); d.press("b", "enter", "enter"); d.clear() }},
	{"coordinator-no-peers", asPeer, func(d *driver) { d.clear(); d.section("Peers") }},
	{"peer-add", withControl, func(d *driver) { d.clear(); d.section("Peers"); d.press("n"); d.text("laptop"); d.press("tab") }},
	{"peer-token", withControl, func(d *driver) { d.clear(); d.addPeer(); d.clear() }},
	{"peer-remove", withControl, func(d *driver) { d.clear(); d.section("Peers"); d.press("j", "j", "d"); d.text("ci"); d.press("enter") }},
	{"bucket-quota", withControl, func(d *driver) { d.clear(); d.section("Buckets"); d.press("Q") }},
	{"bucket-deleted", withControl, func(d *driver) { d.clear(); d.section("Buckets"); d.press("v") }},
	{"contexts", withControl, func(d *driver) { d.clear(); d.press("C") }},
	{"login", withControl, func(d *driver) {
		d.clear()
		d.press("C", "l")
		d.text("https://lab.mesh:8443")
		d.press("tab")
		d.paste(meshToken)
	}},
	{"create", aFew, func(d *driver) { d.clear(); d.press("n"); d.text("bad name"); d.press("enter") }},
	{"create-byo", aFew, func(d *driver) { d.clear(); d.fillByo() }},
	{"mount", aFew, func(d *driver) { d.clear(); d.to("old-runs"); d.press("m") }},
	{"mounting", aFew, func(d *driver) {
		d.clear()
		d.app.holdBack("Mount")
		d.to("old-runs")
		d.press("m", "enter")
		d.pass(400 * time.Millisecond)
	}},
	{"draining", aFew, func(d *driver) { d.clear(); d.draining() }},
	{"drained", aFew, func(d *driver) { d.clear(); d.draining(); d.release(); d.clear() }},
	{"delete-byo", aFew, func(d *driver) { d.clear(); d.to("old-runs"); d.press("d"); d.text("old"); d.press("enter") }},
	{"delete-mesh", aFew, func(d *driver) { d.clear(); d.to("build-cache"); d.press("d") }},
	{"failure", func() *fake {
		f := aFew()
		f.mountErr = fault.New(fault.Conflict, "run 'artifacts unmount /home/ada/mnt/old-runs' first", "path /home/ada/mnt/old-runs is already a mount point")
		return f
	}, func(d *driver) { d.clear(); d.to("old-runs"); d.press("m", "enter") }},
	{"failure-files", func() *fake {
		f := aFew()
		f.unmountErr = fault.New(fault.Pending, "", "1 file could not be uploaded and is kept")
		return f
	}, func(d *driver) { d.clear(); d.to("mnt/train"); d.press("u") }},
	{"credentials", withCredentials, func(d *driver) { d.clear(); d.press("4") }},
	{"credentials-detail", withCredentials, func(d *driver) { d.clear(); d.press("4", "space") }},
	{"credentials-edit", withCredentials, func(d *driver) {
		d.clear()
		d.press("4", "e")
		d.paste(testKey)
		d.press("tab")
		d.paste(testSecret)
		d.press("tab")
	}},
	{"credentials-forget", withCredentials, func(d *driver) { d.clear(); d.press("4", "d") }},
	{"rotate-what", withCredentials, func(d *driver) { d.clear(); d.press("4", "r") }},
	{"rotate-pair", withCredentials, func(d *driver) { d.clear(); d.rotateTo(stepPair) }},
	{"rotate-verify", withCredentials, func(d *driver) { d.clear(); d.app.cr.refuse["old-runs"] = true; d.rotateTo(stepVerify) }},
	{"rotate-save", withCredentials, func(d *driver) { d.clear(); d.rotateTo(stepSave) }},
	{"rotate-mounts", withCredentials, func(d *driver) { d.clear(); d.rotateTo(stepMounts); d.press("space") }},
	{"rotate-done", withCredentials, func(d *driver) { d.clear(); d.rotateTo(stepDone) }},
	{"rotate-leave", withCredentials, func(d *driver) { d.clear(); d.rotateTo(stepMounts); d.press("esc") }},
	{"places", withObjects, func(d *driver) { d.clear(); d.press("3") }},
	{"places-info", withObjects, func(d *driver) { d.clear(); d.press("3", "space") }},
	{"places-none", newFake, func(d *driver) { d.clear(); d.press("3") }},
	{"browser", withObjects, func(d *driver) { d.clear(); d.browse("datasets"); d.cursor("README.md"); d.lookAt() }},
	{"browser-json", withObjects, func(d *driver) { d.clear(); d.browse("datasets"); d.cursor("config.json"); d.lookAt() }},
	{"browser-view", withObjects, func(d *driver) { d.clear(); d.browse("datasets"); d.enter("train.go"); d.lookAt() }},
	{"browser-hex", withObjects, func(d *driver) { d.clear(); d.browse("datasets"); d.enter("weights.bin"); d.lookAt() }},
	{"browser-image", withObjects, func(d *driver) { d.clear(); d.browse("datasets"); d.enter("plot.png"); d.lookAt() }},
	{"browser-marked", withObjects, func(d *driver) { d.clear(); d.browse("datasets/train/"); d.press("space", "space", "j", "space") }},
	{"browser-filter", withObjects, func(d *driver) { d.clear(); d.browse("datasets/train/"); d.press("/"); d.text("s5") }},
	{"browser-deleted", withObjects, func(d *driver) { d.clear(); d.browse("datasets"); d.cursor("config.json"); d.press("x") }},
	{"browser-more", func() *fake { return folderOf(15_000, 1000) }, func(d *driver) { d.clear(); d.browse("datasets"); d.press("s") }},
	{"browser-empty", withObjects, func(d *driver) { d.clear(); d.press("3"); d.enter("logs") }},
	{"upload", withObjects, func(d *driver) { d.clear(); d.browse("datasets"); d.press("p"); d.text("~/d"); d.press("tab") }},
	{"copy", withObjects, func(d *driver) { d.clear(); d.browse("datasets/train/"); d.press("space", "space", "c") }},
	{"bucket", withObjects, func(d *driver) { d.clear(); d.press("3", "b"); d.text("models"); d.press("tab") }},
	{"quota", withObjects, func(d *driver) { d.clear(); d.press("3", "j", "Q") }},
	{"mount-place", withObjects, func(d *driver) { d.clear(); d.browse("datasets"); d.cursor("train/"); d.press("m") }},
	{"info", withObjects, func(d *driver) { d.clear(); d.browse("datasets"); d.cursor("README.md"); d.press("i"); d.lookAt() }},
	{"jobs", withObjects, func(d *driver) {
		d.take(session.JobsChanged{Jobs: sampleJobs(), At: start})
		d.clear()
		d.press("5")
	}},
	{"jobs-detail", withObjects, func(d *driver) {
		d.take(session.JobsChanged{Jobs: sampleJobs(), At: start})
		d.clear()
		d.press("5", "j", "j", "enter")
	}},
	{"jobs-none", withObjects, func(d *driver) { d.clear(); d.press("5") }},
	{"quit-jobs", withObjects, func(d *driver) {
		d.take(session.JobsChanged{Jobs: sampleJobs(), At: start})
		d.clear()
		d.press("q")
	}},
	{"help-browser", withObjects, func(d *driver) { d.clear(); d.browse("datasets"); d.press("?") }},
	{"help", aFew, func(d *driver) { d.clear(); d.press("?") }},
	{"log", aFew, func(d *driver) { d.clear(); d.logged(); d.press("7") }},
	{"log-notices", aFew, func(d *driver) { d.clear(); d.logged(); d.press("7", "v") }},
	{"log-file", aFew, func(d *driver) { d.clear(); d.press("7", "v", "v") }},
	{"log-empty", aFew, func(d *driver) { d.clear(); d.press("7") }},
	{"notice", aFew, func(d *driver) { d.press("t") }},
	{"palette", aFew, func(d *driver) { d.clear(); d.to("old-runs"); d.press(":") }},
	{"palette-search", aFew, func(d *driver) { d.clear(); d.to("old-runs"); d.press("ctrl+p"); d.text("unm") }},
	{"messages", aFew, func(d *driver) { d.clear(); d.press("t") }},
	{"quit", aFew, func(d *driver) {
		d.clear()
		d.app.holdBack("Mount")
		d.to("old-runs")
		d.press("m", "enter", "q")
	}},
}

var sizes = [][2]int{{200, 60}, {120, 32}, {80, 24}, {60, 16}, {40, 10}}

// SPEC D7, E12: every page and dialog at every size; run with -update to draw
// them anew, and look at them before they are committed.
func TestScreens(t *testing.T) {
	for _, s := range screens {
		t.Run(s.name, func(t *testing.T) {
			for _, size := range sizes {
				t.Run(fmt.Sprintf("%dx%d", size[0], size[1]), func(t *testing.T) {
					d := drive(t, s.app(), size[0], size[1])
					s.play(d)
					golden.RequireEqual(t, d.screen())
				})
			}
		})
	}
}

// The remembered rows are on the screen before the program was asked for
// anything, and say that they are.
func TestFirstPaint(t *testing.T) {
	for _, size := range sizes {
		t.Run(fmt.Sprintf("%dx%d", size[0], size[1]), func(t *testing.T) {
			d := driveUnstarted(t, aFew(), size[0], size[1])
			if n := len(d.app.calls); n != 0 {
				t.Fatalf("the program was asked for %v before the first paint", d.app.calls)
			}
			d.sees("train-data", "last known")
			golden.RequireEqual(t, d.screen())
		})
	}
}

// SPEC D7: every page in its colours: on a dark ground, on a light one, and without any.
func TestColours(t *testing.T) {
	pages := map[string]bool{"workspaces": true, "mounts": true, "browser": true, "credentials": true, "jobs": true, "coordinator": true, "log": true}
	for _, s := range screens {
		if !pages[s.name] {
			continue
		}
		delete(pages, s.name)
		for _, ground := range []string{"dark", "light", "none"} {
			for _, width := range []int{60, 100, 160} {
				t.Run(fmt.Sprintf("%s/%s-%d", s.name, ground, width), func(t *testing.T) {
					var env []string
					if ground == "none" {
						env = []string{"NO_COLOR=1"}
					}
					d := drive(t, s.app(), width, 22, env...)
					d.m.look.Light = ground == "light"
					d.m.restyle()
					s.play(d)
					golden.RequireEqual(t, d.m.View().Content)
				})
			}
		}
	}
	for name := range pages {
		t.Errorf("there is no screen %s", name)
	}
}

// No screen of any size breaks a line or panics, down to nothing at all.
func TestEverySize(t *testing.T) {
	for _, s := range screens {
		t.Run(s.name, func(t *testing.T) {
			d := drive(t, s.app(), 120, 32)
			s.play(d)
			for _, w := range []int{0, 1, 2, 3, 5, 9, 14, 20, 27, 33, 39, 49, 50, 63, 64, 79, 99, 100, 101, 119, 140, 250} {
				for _, h := range []int{0, 1, 2, 3, 4, 5, 7, 8, 9, 12, 13, 14, 15, 25, 70} {
					d.send(tea.WindowSizeMsg{Width: w, Height: h})
				}
			}
		})
	}
}

// What is drawn in the accessible mode is ASCII.
func TestAccessible(t *testing.T) {
	for _, s := range screens {
		t.Run(s.name, func(t *testing.T) {
			for _, env := range []string{"TERM=dumb"} {
				d := drive(t, s.app(), 100, 30, env)
				s.play(d)
				for i, r := range d.screen() {
					if r > 0x7e {
						t.Fatalf("%q at %d is not ASCII:\n%s", r, i, d.screen())
					}
				}
			}
		})
	}
}
