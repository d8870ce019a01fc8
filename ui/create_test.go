package ui

import (
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/artifacts-tui/artifacts-tui/backend"
	"github.com/artifacts-tui/artifacts-tui/backend/workspace"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

func contains(s, part string) bool { return strings.Contains(s, part) }

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

// SPEC A5b: a bucket of the mesh's store needs no keys, and the command says the same.
func TestCreateMesh(t *testing.T) {
	d := drive(t, newFake(), 120, 32)
	d.press("B")
	d.sees("A bucket of the mesh")
	d.text("shared")
	d.press("tab")
	d.press("tab")
	d.press("enter")
	d.sees("the bucket is missing")
	d.text("team")
	d.press("tab")
	d.text("docs")
	d.sees("$ artifacts workspace create shared --backend mesh --bucket team --prefix docs") // SPEC D8
	d.press("enter")
	d.sees("▸ shared", "created shared")
	if got := d.app.created[0]; got != (backend.CreateRequest{Name: "shared", Backend: workspace.Mesh, Bucket: "team", Prefix: "docs"}) {
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
