package ui

import (
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/artifacts-tui/artifacts-tui/backend"
	"github.com/artifacts-tui/artifacts-tui/backend/workspace"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/mounts"
	"github.com/artifacts-tui/artifacts-tui/ui/session"
)

func contains(s, part string) bool { return strings.Contains(s, part) }

func TestRememberedRowsAreReplaced(t *testing.T) {
	d := driveUnstarted(t, aFew(), 120, 32)
	d.sees("starting…", "as of the last run", "train-data")
	d.seesNot("build-cache")
	d.run(d.m.session.Start())
	d.sees("● embedded 127.0.0.1:8080", "build-cache", "5 workspaces")
	d.seesNot("as of the last run", "last known")
}

// SPEC A1: a managed workspace needs a name and nothing else.
func TestCreateManaged(t *testing.T) {
	d := drive(t, newFake(), 120, 32)
	d.sees("No workspaces yet.")
	d.press("n")
	d.text("notes")
	d.sees("$ artifacts workspace create notes") // SPEC D8
	d.press("enter")
	d.sees("▸ notes", "created notes", "m mounts it")
	d.seesNot("New workspace")
	if got := d.app.created[0]; got != (backend.CreateRequest{Name: "notes", Backend: workspace.Managed}) {
		t.Fatalf("asked for %+v", got)
	}
}

// A workspace that was just made is under the cursor, so that m mounts it.
func TestCreateSelectsTheNewRow(t *testing.T) {
	d := drive(t, aFew(), 120, 32)
	d.press("n")
	d.text("zebra")
	d.press("enter")
	d.sees("▸ zebra")
	d.press("m")
	d.sees("Mount zebra")
}

func TestCreateBringYourOwn(t *testing.T) {
	d := drive(t, newFake(), 120, 32)
	d.app.notices = aFew().notices
	d.fillByo()
	d.press("enter")
	d.sees("created models", "Cached BYO credentials at") // SPEC A16
	got := d.app.created[0]
	if got.Bucket != "acme-ml" || got.Endpoint != "https://s3.eu-west-2.amazonaws.com" || got.Region != "eu-west-2" || got.Prefix != "models/" {
		t.Errorf("asked for %+v", got)
	}
	if c := got.Credentials; c.AccessKeyID != testKey || c.SecretAccessKey.Reveal() != testSecret || c.SessionToken.Reveal() != testToken {
		t.Error("the credentials did not arrive as they were typed")
	}
	noSecrets(t, d)
}

// noSecrets fails where any frame, or the clipboard, holds a secret (SPEC A35, E12).
func noSecrets(t *testing.T, d *driver) {
	t.Helper()
	for _, text := range append(d.frames, d.clip...) {
		for _, secret := range []string{testSecret, testToken} {
			if contains(ansi.Strip(text), secret) || contains(ansi.Strip(text), secret[:12]) {
				t.Fatalf("a secret shows:\n%s", ansi.Strip(text))
			}
		}
	}
}

// SPEC A28, A35: a secret is bullets while it is typed and a mask afterwards;
// ctrl+r shows it for two seconds, and only that.
func TestSecretsAreMasked(t *testing.T) {
	d := drive(t, newFake(), 120, 32)
	d.fillByo()
	d.sees("wJal***EKEY", "••••••••")
	d.press("shift+tab")
	d.sees("IQoJ***6789", "••••••••")
	noSecrets(t, d)

	d.press("ctrl+r")
	d.sees(testSecret)
	d.seesNot(testToken)
	d.pass(1900 * time.Millisecond)
	d.sees(testSecret)
	d.press("ctrl+r") // again: the two seconds begin anew
	d.pass(1900 * time.Millisecond)
	d.sees(testSecret)
	d.pass(200 * time.Millisecond)
	d.seesNot(testSecret)

	d.press("ctrl+r", "tab")
	d.seesNot(testSecret, testToken) // another field has the focus
	d.frames = nil
	d.press("ctrl+y")
	d.pass(5 * time.Second)
	noSecrets(t, d)
	if len(d.clip) != 1 || !contains(d.clip[0], "--bucket acme-ml") || contains(d.clip[0], testKey) {
		t.Errorf("the clipboard has %q", d.clip)
	}
}

func TestCreateIsCheckedBeforeItIsSent(t *testing.T) {
	for _, c := range []struct {
		name   string
		values []string // of the fields, in order
		want   string
	}{
		{"no name", nil, "a workspace needs a name"},
		{"bad name", []string{"a b"}, "use 1 to 63 letters, digits, _ and -"},                                                                // SPEC C1
		{"taken", []string{"notes"}, "there is a workspace of this name already"},                                                            //
		{"no bucket", []string{"x"}, "the bucket is missing"},                                                                                // SPEC A5
		{"no endpoint", []string{"x", "bucket"}, "the endpoint is missing"},                                                                  // SPEC A5
		{"endpoint", []string{"x", "bucket", "s3.example.com"}, "the endpoint is a URL"},                                                     //
		{"keys in the endpoint", []string{"x", "bucket", "https://KEY:SECRET@host"}, "keys do not belong into the endpoint"},                 // SPEC A15c
		{"half a pair", []string{"x", "bucket", "https://h", "", "", "AKIA"}, "the access key id is set but the secret key is not"},          // SPEC A15a
		{"the other half", []string{"x", "bucket", "https://h", "", "", "", "s3cr3t"}, "the secret key is set but the access key id is not"}, // SPEC A15a
		{"token alone", []string{"x", "bucket", "https://h", "", "", "", "", "tok"}, "a session token needs its access key id"},              // SPEC A15a
		{"prefix", []string{"x", "bucket", "https://h", "", "/p"}, "a prefix does not begin with a slash"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := drive(t, aFew(), 120, 32)
			d.press("b")
			for i := range 8 {
				if i < len(c.values) {
					d.text(c.values[i])
				}
				if i < 7 {
					d.press("tab")
				}
			}
			d.press("enter")
			d.sees(c.want)
			if d.app.called("CreateWorkspace") != 0 {
				t.Error("it was sent")
			}
		})
	}
}

func TestPasteWithALineBreakIsRefused(t *testing.T) {
	d := drive(t, newFake(), 120, 32)
	d.press("n")
	d.paste("no\ntes")
	d.sees("what was pasted holds a line break")
	d.paste("notes\n")
	d.sees("notes")
	d.seesNot("line break")
}

func TestCreateFailsAndIsTriedAgain(t *testing.T) {
	d := drive(t, newFake(), 120, 32)
	d.app.createErr = fault.New(fault.Auth, "check the key pair", "403 InvalidAccessKeyId")
	d.fillByo()
	d.press("enter")
	d.sees("Could not create models", "403 InvalidAccessKeyId", "check the key pair")
	d.press("esc")
	d.sees("Bring your own bucket", "acme-ml", "wJal***EKEY") // as it was filled
	d.press("enter")
	d.sees("Could not create models")
	d.app.createErr = nil
	d.press("r")
	d.sees("created models")
	d.seesNot("Bring your own bucket", "Could not")
	noSecrets(t, d)
}

// The path is proposed, "~" is the home, and the folder is made where missing.
func TestMount(t *testing.T) {
	d := drive(t, aFew(), 120, 32)
	d.to("old-runs")
	d.press("m")
	d.sees("Mount old-runs", "~/mnt/old-runs")
	d.press("ctrl+u")
	d.text("~/runs")
	d.sees("$ artifacts mount old-runs ~/runs")
	d.app.holdBack("Mount")
	d.press("enter")
	d.pass(400 * time.Millisecond)
	d.sees("mounting… 0.4 s", "~/runs")
	d.release()
	d.sees("● ok", "mounted old-runs at ~/runs")
	if m := d.app.mounts[len(d.app.mounts)-1]; m.Mountpoint != testHome+"/runs" {
		t.Errorf("mounted at %s", m.Mountpoint)
	}
}

func TestMountPathIsChecked(t *testing.T) {
	for typed, want := range map[string]string{
		"":            "the path is missing",
		"mnt/x":       "the path begins with / or ~/",
		"~/mnt/notes": "notes is mounted here already", // SPEC C4
	} {
		d := drive(t, aFew(), 120, 32)
		d.to("old-runs")
		d.press("m", "ctrl+u")
		d.text(typed)
		d.press("enter")
		d.sees(want)
		if d.app.called("Mount") != 0 {
			t.Errorf("%q was sent", typed)
		}
	}
}

// SPEC C14: what, why, what to do; r tries again, c copies the details.
func TestMountFailsAndIsTriedAgain(t *testing.T) {
	d := drive(t, aFew(), 120, 32)
	d.app.mountErr = fault.New(fault.Unreachable, "check the endpoint", "no answer from fly.storage.tigris.dev")
	d.to("old-runs")
	d.press("m", "enter")
	d.sees("Could not mount old-runs", "no answer from fly.storage.tigris.dev", "check the endpoint")
	d.press("c")
	if len(d.clip) != 1 || !contains(d.clip[0], "code: unreachable") || !contains(d.clip[0], "artifacts mount old-runs ~/mnt/old-runs") {
		t.Errorf("the clipboard has %q", d.clip)
	}
	d.app.mountErr = nil
	d.press("r")
	d.seesNot("Could not mount")
	d.sees("mounted old-runs at ~/mnt/old-runs")
	if d.app.called("Mount") != 2 {
		t.Errorf("Mount was called %d times", d.app.called("Mount"))
	}
}

// SPEC C5, D1: an unmount shows its progress and ends in a proof.
func TestUnmountDrains(t *testing.T) {
	d := drive(t, aFew(), 120, 32)
	d.clear()
	d.draining()
	d.sees("draining 1 file, 7.0 MiB, 2.2 MiB/s, 3.2 s left", "61 %", "0 queued, 1 in progress, 0 failed")
	d.release()
	d.sees("unmounted: 0 queued, 0 in progress, 0 failed", "18.0 MiB uploaded in 5.0 s")
	d.press("esc")
	d.seesNot("unmounted:", "● busy")
}

// The progress of a real run of the call, not of messages made by hand.
func TestUnmountProgressArrives(t *testing.T) {
	d := drive(t, aFew(), 120, 32)
	d.app.drainPause = 2 * time.Millisecond
	d.to("mnt/train")
	d.press("u")
	seen := 0
	for _, frame := range d.frames {
		if contains(ansi.Strip(frame), "MiB") && contains(ansi.Strip(frame), "draining") {
			seen++
		}
	}
	if seen < 3 {
		t.Errorf("progress was on the screen %d times", seen)
	}
	d.sees("unmounted: 0 queued, 0 in progress, 0 failed")
}

// esc leaves it draining; the row tells, u shows it again, the proof comes as a
// message.
func TestUnmountGoesOnInTheBackground(t *testing.T) {
	d := drive(t, aFew(), 120, 32)
	d.clear()
	d.draining()
	d.press("esc")
	d.seesNot("left")
	d.sees("◐ draining  61 %")
	d.press("u")
	d.sees("draining 1 file, 7.0 MiB")
	if d.app.called("Unmount") != 1 {
		t.Error("it was started twice")
	}
	d.press("esc")
	d.release()
	d.sees("✓ unmounted: 0 queued, 0 in progress, 0 failed", "~/mnt/train")
}

// With nothing to upload there is no dialog to close, only the proof.
func TestUnmountOfAnIdleMount(t *testing.T) {
	d := drive(t, aFew(), 120, 32)
	d.clear()
	d.to("mnt/notes")
	d.press("u")
	d.sees("✓ unmounted: 0 queued, 0 in progress, 0 failed", "~/mnt/notes", "○ not mounted")
	d.seesNot("Unmount ~/mnt/notes")
}

// SPEC C5, D1: what could not be uploaded is kept and named.
func TestUnmountThatCannotDrain(t *testing.T) {
	d := drive(t, aFew(), 120, 32)
	d.app.unmountErr = fault.New(fault.Pending, "", "1 file could not be uploaded and is kept")
	d.to("mnt/train")
	d.press("u")
	d.sees("Unmounted ~/mnt/train, not all of it is uploaded", "is kept", "runs/7/model.bin", "403 AccessDenied", "nothing is lost", "r mount again")
	d.sees("▸ train-data        byo       acme-ml/train     –")
	d.press("r")
	d.sees("mounted train-data at ~/mnt/train")
}

// A mount that programs use is not unmounted, and stays as it is.
func TestUnmountOfAMountInUse(t *testing.T) {
	d := drive(t, aFew(), 120, 32)
	d.app.unmountErr = fault.New(fault.Conflict, "close them first", "2 files of /home/ada/mnt/notes are open")
	d.to("mnt/notes")
	d.press("u")
	d.sees("Could not unmount ~/mnt/notes", "2 files of", "close them first", "● ok")
	d.app.unmountErr = nil
	d.press("r")
	d.sees("unmounted: 0 queued")
}

// SPEC C1: the name is typed; words say what goes and what stays.
func TestDeleteWantsTheName(t *testing.T) {
	d := drive(t, aFew(), 120, 32)
	d.to("old-runs")
	d.press("d")
	d.sees("every object in s3://acme-archive/runs", "Your own bucket", "never touched")
	for _, wrong := range []string{"", "old-run", "Old-runs", "old-runss"} {
		d.press("ctrl+u")
		d.text(wrong)
		d.press("enter")
		d.sees("this is not its name")
	}
	if d.app.called("DeleteWorkspace") != 0 {
		t.Fatal("a wrong name deleted it")
	}
	d.press("ctrl+u")
	d.text("old-runs")
	d.press("enter")
	d.sees("deleted old-runs", "4 workspaces")
	d.seesNot("acme-archive")
}

func TestDeleteFails(t *testing.T) {
	d := drive(t, aFew(), 120, 32)
	d.app.deleteErr = fault.New(fault.Unreachable, "", "no answer")
	d.to("old-runs")
	d.press("d")
	d.text("old-runs")
	d.press("enter")
	d.sees("Could not delete old-runs", "no answer", "check the network")
	d.app.deleteErr = nil
	d.press("r")
	d.sees("deleted old-runs")
	d.seesNot("Delete old-runs")
}

// Keys that cannot work are dimmed, and say why when pressed.
func TestDisabledKeysSayWhy(t *testing.T) {
	for _, c := range []struct{ row, key, want string }{
		{"mnt/notes", "d", "notes is mounted at ~/mnt/notes; unmount it"},
		{"mnt/notes", "m", "notes is mounted at ~/mnt/notes already"},
		{"old-runs", "u", "old-runs is not mounted"},
	} {
		d := drive(t, aFew(), 80, 24)
		d.clear()
		d.to(c.row)
		d.press(c.key)
		d.sees(c.want)
		if d.m.top() != nil {
			t.Errorf("%s opened a dialog", c.key)
		}
	}
}

// SPEC D4: an upload that was refused shows on the row, in the detail, and once
// as a message.
func TestQuotaRefusalShows(t *testing.T) {
	d := drive(t, aFew(), 200, 40)
	d.clear()
	bad := d.app.mounts[1]
	bad.Health, bad.Reason = mounts.Degraded, "quota exceeded"
	bad.Drain = mounts.Drain{Failed: 2, Failures: []mounts.FailedFile{{Path: "a.bin", Reason: "403 QuotaExceeded"}, {Path: "b.bin", Reason: "403 QuotaExceeded"}}}
	d.app.mounts[1] = bad
	d.pass(1200 * time.Millisecond)
	d.sees("▲ degraded: quota exceeded", "~/mnt/notes is degraded: quota exceeded", "2 files waiting", "a.bin: 403 QuotaExceeded")
	d.clear()
	d.to("mnt/notes")
	d.sees("✗ a.bin")
	d.pass(3 * time.Second)
	d.seesNot("~/mnt/notes is degraded") // said once
	d.app.mounts[1].Health = mounts.OK
	d.pass(1200 * time.Millisecond)
	d.sees("~/mnt/notes is well again")
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
	d := drive(t, f, 120, 32)
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
	d.send(tea.MouseClickMsg{X: 30, Y: 0, Button: tea.MouseLeft})
	d.sees("MOUNTPOINT")
	d.send(tea.MouseClickMsg{X: 15, Y: 0, Button: tea.MouseLeft})
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

// SPEC C6: rates come from two readings.
func TestRates(t *testing.T) {
	f := aFew()
	f.mounts[0].Health = mounts.OK // the fake would count by itself
	d := drive(t, f, 200, 40)
	d.clear()
	d.press("2", "G")
	d.pass(time.Second)
	f.mounts[0].BytesRead += 50 << 20
	d.pass(time.Second)
	d.sees("50.0 MiB/s")
	d.pass(time.Second)
	d.seesNot("50.0 MiB/s")
}

func TestNotices(t *testing.T) {
	d := drive(t, newFake(), 120, 32)
	d.send(notice("state: /home/ada/.local/state/tonbo/artifacts"))
	d.sees("state: /home/ada/.local/state/tonbo/artifacts")
}
