package ui

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/artifacts-tui/artifacts-tui/backend"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/keyring"
)

// The steps that rotateTo goes to.
const (
	stepPair = iota + 1
	stepVerify
	stepSave
	stepMounts
	stepDone
)

// rotateTo plays a rotation of the global pair up to a step.
func (d *driver) rotateTo(step int) {
	d.t.Helper()
	d.press("4", "r", "enter")
	d.paste(testKey)
	d.press("tab")
	d.paste(testSecret)
	d.press("tab")
	if step == stepPair {
		return
	}
	for range []int{0, 1} { // over the token and the command
		d.press("enter")
	}
	for at := stepVerify; at < step; at++ {
		d.press("enter")
	}
}

// SPEC A40b, D2, D8: the whole of a rotation by keys: each workspace is tried, the pair is
// saved, the mount takes it, and no frame ever showed a secret.
func TestRotate(t *testing.T) {
	d := drive(t, withCredentials(), 80, 24)
	d.clear()
	d.press("4")
	d.sees("global", "AKIA***726M", "verified", "profile prod", "profile vault")
	d.press("r")
	d.sees("Rotate credentials", "▸ Global credentials", "Profile prod", "Workspace train-data")
	d.seesNot("Profile vault") // it keeps no pair
	d.press("enter")
	d.sees("2 new keys", "Access key id")
	d.press("enter", "enter", "enter", "enter")
	d.sees("the access key id is missing")
	d.paste(testKey)
	d.press("tab")
	d.paste(testSecret)
	d.sees("••••")
	d.press("tab")
	d.sees("wJal***EKEY")
	d.press("tab", "enter")
	d.sees("3 verify", "✓ train-data", "✓ old-runs")
	if len(d.app.cr.saved) != 0 {
		t.Fatal("something was saved before step 4")
	}
	d.press("enter")
	d.sees("4 save", "AKIA***726M", "AKIA***MPLE")
	d.press("enter")
	if len(d.app.cr.saved) != 1 || d.app.cr.saved[0].SecretAccessKey.Reveal() != testSecret {
		t.Fatalf("saved %d pairs", len(d.app.cr.saved))
	}
	d.sees("5 mounts", "~/mnt/train", "keep the former")
	d.press("space")
	d.sees("refresh, files stay open")
	if want := "artifacts storage rotate --access-key-id " + testKey + " --secret-access-key - --mounts refresh"; d.m.command() != want {
		t.Errorf("the command line is %q", d.m.command())
	}
	d.press("enter")
	d.sees("The pair is rotated", "may be revoked")
	if want := []string{"refresh " + testHome + "/mnt/train"}; !slices.Equal(d.app.cr.swapped, want) || !slices.Equal(d.app.cr.ended, []bool{false}) {
		t.Errorf("swapped %v, ended %v", d.app.cr.swapped, d.app.cr.ended)
	}
	d.press("enter")
	d.seesNot("Rotate credentials")
	d.noSecret()
}

// noSecret wants no frame to hold a secret, nor what went to the clipboard.
func (d *driver) noSecret() {
	d.t.Helper()
	for _, frame := range append(d.frames, d.clip...) {
		if strings.Contains(frame, testSecret) || strings.Contains(frame, testSecret[len(testSecret)-8:]) {
			d.t.Fatal("a frame shows the secret")
		}
	}
	if all := fmt.Sprintf("%+v %#v", d.m.dialogs, d.m.session); strings.Contains(all, testSecret) {
		d.t.Error("a print of the state shows the secret")
	}
}

// A pair that a workspace refuses is not saved; back to the keys, and away without a trace.
func TestRotateRefused(t *testing.T) {
	f := withCredentials()
	f.cr.refuse["train-data"] = true
	d := drive(t, f, 80, 24)
	d.clear()
	d.rotateTo(stepVerify)
	d.sees("✗ train-data", "does not know the access key", "✓ old-runs")
	d.press("enter")
	d.sees("1 workspace refuse")
	d.clear()
	d.press("r") // again: the store knows it now
	f.cr.refuse["train-data"] = false
	d.press("r")
	d.sees("✓ train-data")
	d.press("b")
	d.sees("2 new keys")
	d.press("esc")
	d.sees("Nothing was saved")
	d.press("esc")
	d.sees("Access key id")
	d.press("esc", "u")
	d.seesNot("Rotate credentials")
	if len(f.cr.saved)+len(f.cr.swapped)+len(f.cr.ended) != 0 || f.cr.draft != nil {
		t.Errorf("left behind: %+v", f.cr)
	}
}

// A dry run ends after the verification and changes nothing.
func TestRotateDryRun(t *testing.T) {
	d := drive(t, withCredentials(), 80, 24)
	d.clear()
	d.rotateTo(stepSave)
	d.press("n")
	d.sees("nothing was changed")
	d.press("enter")
	if len(d.app.cr.saved)+len(d.app.cr.ended) != 0 {
		t.Errorf("left behind: %+v", d.app.cr)
	}
}

// A draft remembers what is rotated and the command, never a secret; a saved pair goes on at
// the mounts, and can be undone there.
func TestRotateLeftAndResumed(t *testing.T) {
	f := withCredentials()
	d := drive(t, f, 80, 24)
	d.clear()
	d.rotateTo(stepPair)
	d.press("esc", "k")
	if f.cr.draft == nil || *f.cr.draft != (backend.RotationDraft{}) {
		t.Fatalf("draft %+v", f.cr.draft)
	}
	f.cr.draft = &backend.RotationDraft{Profile: "prod", Command: "new-keys"}
	d.press("R", "4", "r")
	d.sees("▸ Profile prod")
	d.press("enter")
	d.sees("new-keys")
	d.press("enter") // the command has the focus, and issues the pair
	d.sees("3 verify")
	d.press("enter", "enter")
	d.sees("5 mounts")
	if f.cr.draft != nil || len(f.cr.saved) != 1 {
		t.Errorf("after saving: draft %+v, %d saved", f.cr.draft, len(f.cr.saved))
	}
	d.press("esc", "k")
	d.seesNot("Rotate credentials")
	f.cr.rotation.Saved = true
	d.press("r", "enter")
	d.sees("5 mounts", "has not ended")
	d.press("esc", "u")
	d.sees("The former pair is back")
	if !slices.Equal(f.cr.ended, []bool{true}) {
		t.Errorf("ended %v", f.cr.ended)
	}
}

// A mount that refuses keeps the rotation open; the former pair is not forgotten.
func TestRotateMountRefuses(t *testing.T) {
	f := withCredentials()
	f.cr.refreshErr = fault.New(fault.Unreachable, "try again", "the store does not answer")
	d := drive(t, f, 80, 24)
	d.clear()
	d.rotateTo(stepMounts)
	d.press("space", "enter")
	d.sees("the store does not answer", "a mount did not take the new pair")
	if len(f.cr.ended) != 0 {
		t.Fatal("the former pair was forgotten")
	}
	d.press("space", "enter") // remount
	d.sees("The pair is rotated")
	if !slices.Equal(f.cr.swapped, []string{"refresh " + testHome + "/mnt/train", "remount " + testHome + "/mnt/train"}) {
		t.Errorf("swapped %v", f.cr.swapped)
	}
}

// Verifying can be cancelled, and what comes late changes nothing.
func TestRotateCancelVerify(t *testing.T) {
	f := withCredentials()
	d := drive(t, f, 80, 24)
	d.clear()
	f.holdBack("VerifyRotation")
	d.rotateTo(stepVerify)
	d.sees("trying the new pair")
	d.press("esc")
	d.sees("2 new keys")
	d.release()
	d.sees("2 new keys")
	d.seesNot("✓ train-data")
}

// While the pair is being saved, or a mount is taking it, leaving waits for how that ends.
func TestRotateLeftWhileBusy(t *testing.T) {
	f := withCredentials()
	d := drive(t, f, 80, 24)
	d.clear()
	d.rotateTo(stepSave)
	f.holdBack("SaveRotation")
	d.press("enter", "esc", "u")
	d.sees("saving…", "Rotate credentials")
	d.release()
	d.sees("5 mounts", "former kept beside it")
	d.press("esc")
	f.holdBack("RefreshCredentials")
	d.press("space", "enter", "esc", "u")
	d.sees("replacing the pair of mounts", "Rotate credentials")
	d.release()
	d.sees("The pair is rotated")
	if !slices.Equal(f.cr.ended, []bool{false}) {
		t.Errorf("ended %v", f.cr.ended)
	}
}

// A command that fails says so at the keys.
func TestRotateCommandFails(t *testing.T) {
	f := withCredentials()
	f.cr.issueErr = fault.New(fault.Auth, "run it in a shell", "its command printed no JSON document")
	d := drive(t, f, 80, 24)
	d.clear()
	d.press("4", "r", "enter", "shift+tab")
	d.text("false")
	d.press("enter")
	d.sees("printed no JSON document", "run it in a shell", "2 new keys")
}

// SPEC A21, A24: single fields, masked; what is left empty is left alone.
func TestEditCredentials(t *testing.T) {
	d := drive(t, withCredentials(), 80, 24)
	d.clear()
	d.press("4", "e")
	d.sees("Global credentials", "AKIA***726M", "LFq0***g03S", "eu-west-2")
	d.press("tab", "tab", "tab")
	d.text("eu-west-3")
	d.press("enter", "enter")
	d.sees("saved the credentials")
	c := d.app.cr.changes
	if len(c) != 1 || c[0].AccessKeyID != nil || c[0].SecretAccessKey != nil || c[0].SessionToken != nil || *c[0].Region != "eu-west-3" || c[0].Store != "" {
		t.Fatalf("changes %+v", c)
	}
	d.clear()
	d.press("e", "tab")
	d.paste(testSecret)
	d.press("tab")
	d.text("-")
	d.press("tab", "tab")
	d.text("keyring")
	if want := "artifacts storage set --secret-access-key - --session-token '' --store keyring"; d.m.command() != want {
		t.Errorf("the command line is %q", d.m.command())
	}
	d.press("enter")
	c = d.app.cr.changes
	if len(c) != 2 || c[1].SecretAccessKey.Reveal() != testSecret || !c[1].SessionToken.IsZero() || c[1].Store != keyring.InKeyring {
		t.Fatalf("changes %+v", c[1:])
	}
	d.noSecret()
}

// SPEC A30, A40: verify and forget on the page, refresh on that of the mounts; what cannot be done
// says why.
func TestCredentialsPage(t *testing.T) {
	f := withCredentials()
	f.cr.refuse["old-runs"] = true
	f.mounts[0].StaleCredentials = true
	f.mounts[0].Health = "ok"
	d := drive(t, f, 120, 32)
	d.clear()
	d.press("4", "v")
	d.sees("refused by 1 of 2 workspaces", "old-runs: the store does not know the access")
	d.clear()
	d.press("d")
	d.sees("Forget these credentials?", "in the 0600 file")
	d.press("enter")
	d.sees("forgot the credentials")
	d.clear()
	d.press("j", "j", "r")
	d.sees("profile vault keeps no pair")
	d.clear()
	d.press("2")
	d.sees("stale-credentials")
	d.press("g")
	for range 3 {
		if strings.Contains(d.m.command(), "mnt/train") {
			break
		}
		d.press("j")
	}
	d.press("r")
	d.sees("mnt/train signs with 0123456789ab")
}

// Before anything was typed there is nothing to ask about: esc leaves.
func TestRotateLeftUntouched(t *testing.T) {
	d := drive(t, withCredentials(), 80, 24)
	d.clear()
	d.press("4", "r", "enter")
	d.sees("2 new keys")
	d.press("esc")
	d.seesNot("Rotate credentials")
	d.press("r", "enter")
	d.paste(testKey)
	d.press("esc")
	d.sees("Nothing was saved.")
}
