package ui

import (
	"encoding/base64"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/artifacts-tui/artifacts-tui/backend/coordinator/client"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/mounts"
	"github.com/artifacts-tui/artifacts-tui/ui/page"
)

// section goes to a section of the coordinator's page.
func (d *driver) section(name string) {
	d.t.Helper()
	d.press("6")
	p := d.m.page().(*page.Coordinator)
	for range 6 {
		before := d.m.page().Scope()
		p.Select(name)
		if d.m.page().Scope() == before {
			return
		}
	}
}

// addPeer adds one, up to where its token is told.
func (d *driver) addPeer() {
	d.t.Helper()
	d.section("Peers")
	d.press("n")
	d.text("laptop")
	d.press("enter")
	d.text("bucket-read:logs admin")
	d.press("enter")
}

func (d *driver) asked(want ...string) {
	d.t.Helper()
	if got := d.app.plane.asked; !reflect.DeepEqual(got, want) {
		d.t.Errorf("asked for %q, want %q", got, want)
	}
}

// unseen fails where a secret is in a frame, a toast, a message or a command line.
func (d *driver) unseen(secret string) {
	d.t.Helper()
	for _, form := range []string{secret, base64.StdEncoding.EncodeToString([]byte(secret)), secret[8:24]} {
		for _, frame := range d.frames {
			if strings.Contains(strings.ReplaceAll(frame, "\n", ""), form) {
				d.t.Fatalf("the secret is on the screen:\n%s", frame)
			}
		}
		for _, m := range d.m.toasts.All() {
			if strings.Contains(m.Text+strings.Join(m.Details, "\n"), form) {
				d.t.Errorf("the secret is in a message: %s", m.Text)
			}
		}
		for _, clip := range d.clip {
			if strings.Contains(clip, form) {
				d.t.Errorf("the secret is on the clipboard: %s", clip)
			}
		}
	}
}

// SPEC B8, D8: a token is shown once, whole at every size, copied when that is asked for, and with
// its dialog it is gone.
func TestTokenIsToldOnce(t *testing.T) {
	for _, size := range [][2]int{{80, 24}, {40, 10}, {200, 60}} {
		d := drive(t, withControl(), size[0], size[1])
		d.addPeer()
		d.asked("AddPeer laptop [bucket-read:logs admin]")
		whole := strings.Map(func(r rune) rune {
			if strings.ContainsRune(" \n│", r) {
				return -1
			}
			return r
		}, d.screen())
		if !strings.Contains(whole, meshToken) {
			t.Fatalf("the token is not whole at %v:\n%s", size, d.screen())
		}
		d.press("enter") // by habit
		d.sees("not shown again")
		d.press("y")
		if len(d.clip) > 0 {
			t.Error("y copied something of the token's dialog")
		}
		d.press("c")
		if len(d.clip) != 1 || !strings.Contains(d.clip[0], meshToken) {
			t.Errorf("the clipboard has %q", d.clip)
		}
		d.press("esc")
		d.frames, d.clip = nil, nil
		for _, key := range []string{"t", "esc", "y", "j", "k", "?", "esc", ":", "esc", "1", "6", "R", "y"} {
			d.press(key)
		}
		d.unseen(meshToken)
	}
}

// What is typed as a token or a passphrase is not drawn, not even at the end of its line, and is in no
// command line.
func TestSecretsThatAreTyped(t *testing.T) {
	d := drive(t, withControl(), 120, 32)
	d.press("C", "l")
	d.text("https://lab.mesh:8443")
	d.press("enter")
	d.paste(meshToken)
	d.press("ctrl+y", "tab", "tab", "enter")
	d.asked("Login https://lab.mesh:8443")
	if got := d.app.plane.logins; len(got) != 1 || got[0].Token.Reveal() != meshToken {
		t.Errorf("logged in with %v", got)
	}
	d.section("Backup")
	d.press("b", "enter")
	d.paste(shareSecret)
	d.press("ctrl+y", "enter")
	d.sees("wrote the backup")
	d.unseen(meshToken)
	d.unseen(shareSecret)
}

// SPEC C12: a certificate that nobody vouches for is taken only once its fingerprint was shown and
// confirmed.
func TestLoginShowsTheFingerprint(t *testing.T) {
	f := withControl()
	f.plane.loginErr = fault.Wrap(fault.Auth, &client.Untrusted{Met: strings.Repeat("ab", 32), Err: errFor("signed by nobody")}, "", "the certificate is not trusted")
	d := drive(t, f, 120, 32)
	d.press("C", "l")
	d.text("https://lab.mesh:8443")
	d.press("enter")
	d.paste(meshToken)
	d.press("enter", "enter", "enter")
	d.sees("AB:AB", "compare this")
	d.asked("Login https://lab.mesh:8443")
	d.press("enter")
	colons := strings.TrimSuffix(strings.Repeat("AB:", 32), ":")
	d.asked("Login https://lab.mesh:8443", "Login https://lab.mesh:8443 "+colons)
	d.seesNot("compare this", "Coordinators")
}

type errFor string

func (e errFor) Error() string { return string(e) }

// SPEC D7, D8: every change of the control plane by keys, what it asks for, and the command line of it.
func TestControlByKeys(t *testing.T) {
	for _, c := range []struct {
		name    string
		play    func(d *driver)
		command string // while its dialog is open; empty: there is none
		confirm []string
		asked   string
	}{
		{"rotate", func(d *driver) { d.section("Peers"); d.press("j", "j", "r"); d.text("2h") }, "peer rotate ci-runner-7f --grace 2h", []string{"enter"}, "RotatePeer ci-runner-7f 2h0m0s"},
		{"remove", func(d *driver) { d.section("Peers"); d.press("j", "j", "d"); d.text("ci-runner") }, "peer remove ci-runner-7f --yes", []string{"enter"}, "RemovePeer ci-runner-7f"},
		{"bind", func(d *driver) { d.section("Peers"); d.press("j", "b"); d.text("bucket-read") }, "role bind auditor-31 bucket-read", []string{"enter"}, "Bind auditor-31 bucket-read:*"},
		{"unbind", func(d *driver) { d.section("Peers"); d.press("j", "j", "u"); d.text("bucket-read:datasets/2026/") }, "role unbind b3", []string{"enter"}, "Unbind b3"},
		{"create bucket", func(d *driver) { d.section("Buckets"); d.press("n"); d.text("models"); d.press("enter"); d.text("5GB") }, "bucket create models --quota 5GB", []string{"enter"}, "CreateBucket models 5368709120"},
		{"quota", func(d *driver) { d.section("Buckets"); d.press("Q", "ctrl+u"); d.text("20GB") }, "bucket quota set build-artifacts 20GB", []string{"enter"}, "SetBucketQuota build-artifacts 21474836480"},
		{"no quota", func(d *driver) { d.section("Buckets"); d.press("Q", "ctrl+u") }, "bucket quota clear build-artifacts", []string{"enter"}, "SetBucketQuota build-artifacts 0"},
		{"recycle", func(d *driver) { d.section("Buckets"); d.press("b"); d.text("7d") }, "bucket recycle build-artifacts 7d", []string{"enter"}, "SetRecycle build-artifacts 168h0m0s"},
		{"restore object", func(d *driver) { d.section("Buckets"); d.press("v") }, "bucket restore build-artifacts --id r1", []string{"enter"}, "RestoreObject build-artifacts r1"},
		{"delete bucket", func(d *driver) { d.section("Buckets"); d.press("d"); d.text("build-artifacts") }, "bucket delete build-artifacts --yes --recursive", []string{"enter"}, "DeleteBucket build-artifacts true"},
		{"share", func(d *driver) {
			d.section("Shares")
			d.press("n")
			d.text("review")
			d.press("enter")
			d.text("logs/2026/")
			d.press("enter")
		}, "share create review --bucket logs --prefix 2026/", []string{"enter"}, "CreateShare review logs 2026/"},
		{"revoke", func(d *driver) { d.section("Shares"); d.press("d") }, "share revoke release", []string{"enter"}, "RevokeShare release"},
		{"restore workspace", func(d *driver) { d.section("Deleted"); d.press("r") }, "", nil, "RestoreWorkspace d1d1d1d1d1d1d1d1"},
		{"purge", func(d *driver) { d.section("Deleted"); d.press("d"); d.text("old-notes") }, "workspace purge d1d1d1d1d1d1d1d1 --yes", []string{"enter"}, "PurgeWorkspace d1d1d1d1d1d1d1d1"},
		{"backup", func(d *driver) { d.section("Backup"); d.press("b") }, "coordinator backup ~/artifacts-2026-11-21.backup", []string{"enter", "enter"}, "Backup " + testHome + "/artifacts-2026-11-21.backup false"},
		{"workspace quota", func(d *driver) { d.to("mnt/notes"); d.press("Q", "ctrl+u"); d.text("1GB") }, "workspace quota set notes 1GB", []string{"enter"}, "SetWorkspaceQuota notes 1073741824"},
		{"bandwidth", func(d *driver) { d.press("2"); d.to("mnt/notes"); d.press("b"); d.text("1M:2M") }, "mount bwlimit ~/mnt/notes 1M:2M", []string{"enter"}, "SetBandwidth " + testHome + "/mnt/notes 1048576 2097152"},
		{"context", func(d *driver) { d.press("C", "j") }, "context use work", []string{"enter"}, "UseContext work"},
		{"logout", func(d *driver) { d.press("C", "j", "d") }, "logout work", []string{"enter"}, "Logout [work]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := drive(t, withControl(), 120, 32)
			c.play(d)
			if got := d.m.command(); c.command != "" && got != "artifacts "+c.command {
				t.Errorf("the command line is %q, want %q", got, c.command)
			}
			d.press(c.confirm...)
			d.asked(c.asked)
		})
	}
}

// What was refused stays in its form, and says why.
func TestControlRefused(t *testing.T) {
	f := withControl()
	f.plane.err = fault.New(fault.Conflict, "give another name", "there is a bucket models")
	d := drive(t, f, 80, 24)
	d.section("Buckets")
	d.press("n")
	d.text("models")
	d.press("enter", "enter")
	d.sees("Could not create bucket models", "there is a bucket models", "give another name")
	d.press("esc")
	d.sees("New bucket", "models")
	// A name that is not typed in full deletes nothing.
	d.press("esc", "d")
	d.text("build")
	d.press("enter")
	d.sees("this is not its name")
	d.asked("CreateBucket models 0")
}

// Who is no admin sees who they are, what is theirs, and why the rest is not shown.
func TestControlForPeers(t *testing.T) {
	d := drive(t, asPeer(), 100, 32)
	d.section("Overview")
	d.sees("ada-0001", "bucket-write:build-artifacts", "admins of the mesh alone")
	d.section("Peers")
	d.sees("told to admins")
	d.press("n")
	d.sees("only an admin of the mesh may")
	d.section("Buckets")
	d.sees("build-artifacts", "88 %")
	d.press("Q")
	d.sees("sets its quota")
	d.asked()
}

// A coordinator in place of another: nothing of the former one is shown any more.
func TestContextSwitch(t *testing.T) {
	d := drive(t, withControl(), 120, 32)
	d.sees("train-data")
	d.app.workspaces = d.app.workspaces[1:2]
	d.press("C", "j", "enter")
	d.sees("the context is work", "notes")
	d.seesNot("train-data")
	if d.app.called("Coordinator") < 2 {
		t.Error("the other coordinator was not asked")
	}
}

// The keys of a page that was not opened are read when it is.
func TestControlIsReadWhenShown(t *testing.T) {
	d := drive(t, withControl(), 120, 32)
	before := d.app.called("WhoAmI")
	d.pass(time.Minute)
	if d.app.called("WhoAmI") != before {
		t.Error("the control plane was read while nobody looked")
	}
	d.press("6")
	if d.app.called("WhoAmI") != before+1 {
		t.Error("the control plane was not read when its page was shown")
	}
}

// SPEC D4: what a quota refuses names the key that raises the quota to who may, and whom to ask to others.
func TestQuotaRefusalNamesTheKey(t *testing.T) {
	d := drive(t, withControl(), 200, 60)
	d.press("2")
	d.to("mnt/experiments")
	d.sees("2 files", "Q raises the quota")
	d.press("Q")
	d.sees("Quota of workspace experiments-2026", "Holds  40.0 GiB")
	d.text("10GB")
	d.press("enter")
	d.sees("it holds 40.0 GiB already")
	d.asked()

	d = drive(t, asPeer(), 200, 60)
	d.press("2")
	d.to("mnt/experiments")
	d.sees("ask an admin of the mesh")
	d.press("Q")
	d.sees("only an admin of the mesh may")
}

// SPEC C18: the bound of a mount's bandwidth, when its keys end, and the files that others changed
// too, with where this user's version is.
func TestMountTellsAll(t *testing.T) {
	f := withControl()
	notes := &f.mounts[1]
	notes.Options.Bandwidth = mounts.Bandwidth{Up: 1 << 20}
	soon := start.Add(5 * time.Minute)
	notes.Fingerprint, notes.CredentialProfile, notes.CredentialsEnd = "3fa94c01b7de", "vault", &soon
	notes.Conflicts = []mounts.Conflict{{Time: start, Path: "plan.md", Copy: "plan.conflict-1.md", Reason: "changed in the bucket meanwhile"}}
	d := drive(t, f, 200, 60)
	d.press("2")
	d.to("mnt/notes")
	d.sees("up 1.0 MiB/s, down unbounded", "profile vault", "in 5 min", "1 conflict", "plan.md", "plan.conflict-1.md")
}
