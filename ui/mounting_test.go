package ui

import (
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/mounts"
)

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
