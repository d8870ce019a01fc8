package ui

import (
	"context"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/artifacts-tui/artifacts-tui/backend/jobs"

	tea "charm.land/bubbletea/v2"

	"github.com/artifacts-tui/artifacts-tui/backend"
	"github.com/artifacts-tui/artifacts-tui/ui/config"
	"github.com/artifacts-tui/artifacts-tui/ui/keymap"
	"github.com/artifacts-tui/artifacts-tui/ui/screen"
	"github.com/artifacts-tui/artifacts-tui/ui/session"
)

func TestNoKeyMeansTwoThings(t *testing.T) {
	keys := DefaultKeys()
	covered := map[string]bool{}
	for _, scopes := range KeysTogether() {
		means := map[string]keymap.Action{}
		for _, name := range scopes {
			covered[name] = true
			for _, b := range keys.Scope(name).Bindings {
				for _, k := range b.Keys {
					if other, ok := means[k]; ok {
						t.Errorf("%s is %s and %s in %v", k, other, b.Action, scopes)
					}
					means[k] = b.Action
				}
			}
		}
	}
	for _, s := range keys {
		if !covered[s.Name] {
			t.Errorf("scope %s is in no combination of this test", s.Name)
		}
	}
}

// Every key of the map, pressed where it works, changes the screen or asks for
// something: a command, a dialog, an exit.
func TestEveryKeyDoesSomething(t *testing.T) {
	// Where each scope is entered, so that each of its keys has something to do.
	places := map[string]func(d *driver){
		keymap.Workspaces: func(d *driver) { d.to("old-runs") },
		keymap.Mounts:     func(d *driver) { d.press("2") },
		keymap.Keys:       func(d *driver) { d.press("4") },
		keymap.Overview:   func(d *driver) { d.section("Overview") },
		keymap.Peers:      func(d *driver) { d.section("Peers"); d.press("j", "j") },
		keymap.Buckets:    func(d *driver) { d.section("Buckets") },
		keymap.Shares:     func(d *driver) { d.section("Shares") },
		keymap.Deleted:    func(d *driver) { d.section("Deleted") },
		keymap.Backups:    func(d *driver) { d.section("Backup") },
		keymap.Told:       func(d *driver) { d.addPeer() },
		keymap.Bin: func(d *driver) {
			d.app.plane.bin = append(d.app.plane.bin, d.app.plane.bin[0], d.app.plane.bin[0])
			d.section("Buckets")
			d.press("v", "j")
		},
		keymap.Elsewhere: func(d *driver) {
			d.app.plane.contexts = append(d.app.plane.contexts, backend.Context{Name: "lab", URL: "http://lab:8080"})
			d.press("C", "j")
		},
		keymap.Pick:  func(d *driver) { d.press("4", "r", "j") },
		keymap.Check: func(d *driver) { d.rotateTo(stepVerify) },
		keymap.Choices: func(d *driver) {
			uses := d.app.cr.rotation.Uses
			uses[1].Mounts = append(uses[1].Mounts, uses[0].Mounts...)
			uses[1].Mounts = append(uses[1].Mounts, uses[0].Mounts...)
			d.rotateTo(stepMounts)
			d.press("j")
		},
		keymap.Abandon: func(d *driver) { d.rotateTo(stepMounts); d.press("esc") },
		keymap.Log:     func(d *driver) { d.press("7") },
		keymap.Places:  func(d *driver) { d.press("3", "j") },
		keymap.Browser: func(d *driver) {
			d.browse("datasets")
			d.cursor("config.json")
			d.press("x")
			d.cursor("eval/")
			d.press("j", "j")
		},
		keymap.Viewing: func(d *driver) { d.browse("datasets"); d.enter("weights.bin"); d.lookAt(); d.press("j", "j") },
		keymap.Jobs: func(d *driver) {
			d.app.drainPause = time.Hour
			d.browse("datasets")
			d.cursor("config.json")
			d.press("x", "5")
			sample := sampleJobs()
			for i := range sample { // so that they can be cleared
				sample[i].ID = d.app.ob.jobs.Start("put", "", func(context.Context, *jobs.Progress) error { return nil })
				_, _ = d.app.ob.jobs.Wait(d.t.Context(), sample[i].ID)
			}
			d.take(session.JobsChanged{Jobs: sample, At: d.now})
		},
		keymap.Paths: func(d *driver) { d.browse("datasets"); d.press("p"); d.text("~/d") },
		keymap.Notice: func(d *driver) {
			d.send(session.MountsRead{List: nil, At: d.now})
			d.send(session.MountsRead{List: aFew().mounts, At: d.now})
			d.press("t")
		},
		keymap.List:       func(d *driver) { d.press("j", "j") },
		keymap.Everywhere: func(d *driver) {},
		keymap.Always:     func(d *driver) {},
		keymap.Filtering:  func(d *driver) { d.press("/"); d.text("a"); d.press("down") },
		keymap.Form:       func(d *driver) { d.press("b", "tab") },
		keymap.Secrets:    func(d *driver) { d.fillByo() },
		keymap.Dismiss:    func(d *driver) { d.press("n") },
		keymap.Ask:        func(d *driver) { d.app.holdBack("Mount"); d.to("old-runs"); d.press("m", "enter", "q") },
		keymap.Progress:   func(d *driver) { d.draining() },
		keymap.Failure: func(d *driver) {
			d.app.mountErr = unreachable
			d.to("old-runs")
			d.press("m", "enter")
			d.app.mountErr = nil
		},
		keymap.Searching: func(d *driver) { d.press(":", "down", "down") },
		keymap.Reader:    func(d *driver) { d.press("?", "j", "j") },
	}
	for _, scope := range DefaultKeys() {
		enter, ok := places[scope.Name]
		if !ok {
			t.Errorf("no place to press the keys of %s", scope.Name)
			continue
		}
		for _, b := range scope.Bindings {
			for _, k := range b.Keys {
				t.Run(scope.Name+" "+k, func(t *testing.T) {
					f := withControl()
					f.ob = withObjects().ob
					d := drive(t, f, 90, 20)
					d.clear()
					enter(d)
					d.clear()
					switch {
					case scope.Name == keymap.Workspaces && b.Action == keymap.Unmount:
						d.to("mnt/notes")
					case b.Action == keymap.ClearJob, b.Action == keymap.Retry && scope.Name == keymap.Jobs:
						d.press("j", "j")
					case scope.Name == keymap.Places && b.Action == keymap.Restore:
						d.press("3")
						d.browseAgain()
					case b.Action == keymap.LoadAll:
						d.m.session.Browser.State = session.Cancelled
					case scope.Name == keymap.Browser && b.Action == keymap.Mount, scope.Name == keymap.Places && b.Action == keymap.Mount:
					case b.Action == keymap.Clear:
						d.press("space")
					case b.Action == keymap.Page1:
						d.press("2")
					case b.Action == keymap.WorkspaceQuota && scope.Name == keymap.Workspaces:
						d.to("mnt/notes")
					case b.Action == keymap.Mount, b.Action == keymap.Delete:
						d.to("old-runs")
					}
					if reason := d.m.disabled(b.Action); reason != "" {
						t.Fatalf("disabled: %s", reason)
					}
					before, dialogs := d.screen(), len(d.m.dialogs)
					_, cmd := d.m.Update(keyOf(k))
					if cmd == nil && d.screen() == before && len(d.m.dialogs) == dialogs {
						t.Errorf("%s (%s) did nothing", k, b.Help)
					}
					d.app.letGo()
				})
			}
		}
	}
}

// The help names every binding there is.
func TestHelpNamesEveryKey(t *testing.T) {
	d := drive(t, aFew(), 200, 130)
	d.press("?")
	help := d.screen()
	for at := ""; at != d.screen(); {
		at = d.screen()
		d.press("j")
		help += d.screen()
	}
	for _, s := range DefaultKeys() {
		for _, b := range s.Bindings {
			if b.Help == "" || !strings.Contains(help, b.Help) {
				t.Errorf("the help does not say what %s does: %q", b.Action, b.Help)
			}
		}
	}
}

func TestRemapping(t *testing.T) {
	d := drive(t, aFew(), 120, 32)
	d.m.keys = config.Parse([]byte("keys: {new: N}"), DefaultKeys(), KeysTogether()).Keys
	clear(d.m.applies)
	d.clear()
	d.sees("N new")
	d.press("n")
	d.seesNot("New workspace")
	d.press("N")
	d.sees("New workspace")
}

// ctrl+l, ctrl+z and ctrl+c work in dialogs too, and are the library's own.
func TestTerminalKeys(t *testing.T) {
	for key, want := range map[string]tea.Msg{"ctrl+l": screen.Redraw{}, "ctrl+z": tea.Suspend(), "ctrl+c": tea.Quit()} {
		d := drive(t, aFew(), 120, 32)
		d.press("b")
		_, cmd := d.m.Update(keyOf(key))
		if cmd == nil || reflect.TypeOf(cmd()) != reflect.TypeOf(want) {
			t.Errorf("%s is not %T", key, want)
		}
	}
}

// Every dialog says what its keys do and has no scope the map does not know.
func TestDialogScopes(t *testing.T) {
	keys := DefaultKeys()
	for _, s := range screens {
		d := drive(t, s.app(), 120, 32)
		s.play(d)
		for _, dl := range d.m.dialogs {
			closes := false
			for _, name := range dl.Scopes() {
				for _, b := range keys.Scope(name).Bindings {
					closes = closes || b.Action == keymap.Cancel
				}
			}
			if !closes {
				t.Errorf("%s: nothing closes %q", s.name, dl.Title())
			}
		}
	}
}
