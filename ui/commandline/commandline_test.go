package commandline

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/artifacts-tui/artifacts-tui/backend"
	"github.com/artifacts-tui/artifacts-tui/backend/workspace"
	"github.com/artifacts-tui/artifacts-tui/keyring"
)

// SPEC D8: a shell reads each line back as the words it was made of.
func TestShellReadsItBack(t *testing.T) {
	const home = "/home/ada"
	for _, path := range []string{
		"/mnt/notes", home + "/mnt/notes", home + "/my notes", "/mnt/it's $HOME `x`", "/mnt/\"q\"", "-rf", "/mnt/a;b", "/mnt/ünï", home + "/~x", "~root", "",
	} {
		line := Mount("notes", path, home)
		script := "artifacts() { printf '%s\\0' \"$@\"; }; HOME=" + home + "; " + line
		out, err := exec.Command("sh", "-c", script).Output()
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		words := strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
		if len(words) != 3 || words[0] != "mount" || words[1] != "notes" || words[2] != path {
			t.Errorf("%s is read as %q", line, words)
		}
	}
}

func TestLines(t *testing.T) {
	secret := backend.CreateRequest{
		Name: "models", Backend: workspace.BYO, Bucket: "acme-ml", Endpoint: "https://h", Prefix: "p/",
		Credentials: keyring.Credentials{AccessKeyID: "AKIAIOSFODNN7EXAMPLE", SecretAccessKey: keyring.NewSecret("wJalrXUtnFEMI/K7MDENG")},
	}
	for got, want := range map[string]string{
		Create(backend.CreateRequest{Name: "notes", Backend: workspace.Managed}): "artifacts workspace create notes",
		Create(secret):                          "artifacts workspace create models --backend byo --bucket acme-ml --endpoint https://h --prefix p/",
		Unmount("/home/ada/mnt/x", "/home/ada"): "artifacts unmount ~/mnt/x",
		Delete("notes"):                         "artifacts workspace delete notes --yes",
	} {
		if got != want {
			t.Errorf("%s\nwant %s", got, want)
		}
	}
}
