package systemd_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/artifacts-tui/artifacts-tui/backend/systemd"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// hurting are names that unit files have rules for.
var hurting = []string{
	"plain", "with blank", "  blanks around  ", "100%", "%h and %n", "$HOME ${HOME} $$", `"double"`, "'single'", `back\slash\n`,
	"ümläut ß 文件", "; semicolon", "# hash", "=equals", "-dash", "~", "{a,b}*?[c]", "ends in \\", "a\u00a0b",
}

// nobody runs systemd's own manager, which will not be root's.
const nobody = 65534

// SPEC C17: systemd reads from a unit exactly the words that were put in, whatever they hold:
// its verifier finds nothing, and its manager would run just them.
func TestSystemdReadsWhatWasWritten(t *testing.T) {
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		t.Fatalf("systemd-analyze (make test installs it): %v", err)
	}
	base := t.TempDir()
	home := filepath.Join(base, "home")
	must(t, os.MkdirAll(filepath.Join(home, "run"), 0o700))
	for _, program := range append([]string{"program"}, hurting...) {
		t.Run(program, func(t *testing.T) {
			exe := filepath.Join(base, "bin", program, "program")
			must(t, os.MkdirAll(filepath.Dir(exe), 0o755))
			must(t, os.WriteFile(exe, []byte("#!/bin/sh\n"), 0o755))
			words := []string{exe}
			for _, h := range hurting {
				words = append(words, "/mnt/"+h, "--flag="+h)
			}
			s := systemd.Service{
				Name: "artifacts-mount-test.service", Description: "Workspace x at /mnt/" + program + " (S3)", Command: words,
				Environment: []string{"XDG_STATE_HOME=/state/" + program}, Final: []int{2, 8},
			}
			dir := systemd.Dir(func(name string) string { return map[string]string{"HOME": home}[name] })
			path, err := systemd.Write(dir, s)
			must(t, err)
			readable(t, base)

			environment := []string{"PATH=/usr/bin:/bin", "HOME=" + home, "XDG_RUNTIME_DIR=" + filepath.Join(home, "run"), "LC_ALL=C.UTF-8"}
			verify := exec.Command("systemd-analyze", "--user", "verify", path)
			verify.Env = environment
			if said, err := verify.CombinedOutput(); err != nil || len(bytes.TrimSpace(said)) > 0 {
				t.Errorf("systemd-analyze verify: %v\n%s", err, said)
			}

			test := exec.Command("/lib/systemd/systemd", "--user", "--test", "--unit="+s.Name)
			test.Env = environment
			if os.Geteuid() == 0 {
				test.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
			}
			said, err := test.CombinedOutput()
			if err != nil {
				t.Fatalf("systemd --test: %v\n%s", err, said)
			}
			want := words
			if strings.ContainsAny(exe, `"'\`) {
				want = append([]string{"/usr/bin/env", "--"}, words...)
			}
			_, of, _ := strings.Cut(string(said), "-> Unit "+s.Name)
			if got := shellWords(t, after(of, "Command Line: ")); !slices.Equal(got, want) {
				t.Errorf("systemd would run %q\nwant %q", got, want)
			}
			if got := after(of, "Environment: "); got != s.Environment[0] {
				t.Errorf("with the environment %q, want %q", got, s.Environment[0])
			}
			if got := after(of, "Description: "); got != s.Description {
				t.Errorf("described as %q, want %q", got, s.Description)
			}
		})
	}
}

// readable has another user reach what the test made.
func readable(t *testing.T, base string) {
	t.Helper()
	if os.Geteuid() != 0 {
		return
	}
	must(t, os.Chmod(filepath.Dir(base), 0o755))
	must(t, filepath.WalkDir(base, func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, nobody, nobody)
	}))
}

// after is the rest of the line that begins with label.
func after(text, label string) string {
	_, rest, _ := strings.Cut(text, "\t"+label)
	line, _, _ := strings.Cut(rest, "\n")
	return line
}

// shellWords are those of a line that is quoted for a shell.
func shellWords(t *testing.T, line string) []string {
	t.Helper()
	out, err := exec.Command("sh", "-c", `printf '%s\0' `+line).Output()
	must(t, err)
	return strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
}

// What a line of a unit file cannot hold is refused, and nothing is written.
func TestRefused(t *testing.T) {
	dir := t.TempDir()
	for _, bad := range []string{"line\nbreak", "tab\t", "bell\a", "not \xff UTF-8"} {
		for _, s := range []systemd.Service{
			{Name: "x.service", Command: []string{"/bin/true", bad}},
			{Name: "x.service", Command: []string{"/bin/true"}, Description: bad},
			{Name: "x.service", Command: []string{"/bin/true"}, Environment: []string{"A=" + bad}},
		} {
			if _, err := systemd.Write(dir, s); !fault.Is(err, fault.Usage) {
				t.Errorf("%q: %v", bad, err)
			}
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("it left %v, %v", left, err)
	}
}

// Remove leaves nothing of what Write made, and other people's units alone.
func TestRemove(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "systemd", "user")
	s := systemd.Service{Name: "x.service", Command: []string{"/bin/true"}}
	for range 2 { // a second Write replaces the first
		_, err := systemd.Write(dir, s)
		must(t, err)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "default.target.wants", "x.service")); err != nil || !strings.Contains(string(text), `ExecStart=:"/bin/true"`) {
		t.Errorf("%s, %v", text, err)
	}
	other := filepath.Join(dir, "other.service")
	must(t, os.WriteFile(other, nil, 0o600))
	for _, want := range []bool{true, false} {
		if found, err := systemd.Remove(dir, "x.service"); found != want || err != nil {
			t.Errorf("found %v, %v; want %v", found, err, want)
		}
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 || left[0].Name() != "other.service" {
		t.Errorf("it left %v, %v", left, err)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
