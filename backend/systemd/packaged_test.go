package systemd_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/artifacts-tui/artifacts-tui/backend/systemd"
)

// SPEC B21, C17: the units of the packages say what the commands write, to the line, and the verifier
// finds nothing in them.
func TestPackagedUnits(t *testing.T) {
	program := []string{"/usr/bin/artifacts-tui"}
	for file, written := range map[string]systemd.Unit{
		"user/artifacts-mount@.service":      systemd.Service{Command: program, Final: []int{2, 3, 4, 8}},
		"user/artifacts-coordinator.service": systemd.Daemon{Command: program},
		"system/artifacts-coordinator.service": systemd.Daemon{
			Command: program, System: true, State: "artifacts-coordinator",
		},
	} {
		t.Run(file, func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join("../../packaging/systemd", file))
			must(t, err)
			want, err := written.Text()
			must(t, err)
			lines := strings.Split(string(text), "\n")
			for line := range strings.Lines(want) {
				line = strings.TrimSuffix(line, "\n")
				differs := strings.HasPrefix(line, "# Written by") || strings.HasPrefix(line, "Description=") || strings.HasPrefix(line, "ExecStart=")
				if !differs && !slices.Contains(lines, line) {
					t.Errorf("no line %q", line)
				}
			}
			// The verifier looks for the program.
			dir := t.TempDir()
			exe := filepath.Join(dir, "artifacts-tui")
			must(t, os.WriteFile(exe, []byte("#!/bin/sh\n"), 0o755))
			path := filepath.Join(dir, strings.Replace(filepath.Base(file), "@", "@notes", 1))
			must(t, os.WriteFile(path, bytes.ReplaceAll(text, []byte(program[0]), []byte(exe)), 0o644))
			manager := "--" + filepath.Dir(file)
			verify := exec.Command("systemd-analyze", manager, "--man=no", "verify", path)
			verify.Env = []string{"PATH=/usr/bin:/bin", "HOME=" + dir, "XDG_RUNTIME_DIR=" + dir, "LC_ALL=C.UTF-8"}
			if said, err := verify.CombinedOutput(); err != nil || len(bytes.TrimSpace(said)) > 0 {
				t.Errorf("systemd-analyze verify: %v\n%s", err, said)
			}
			if manager != "--system" {
				return
			}
			if said, err := exec.Command("systemd-analyze", "security", "--offline=yes", "--threshold=30", path).CombinedOutput(); err != nil {
				t.Errorf("systemd-analyze security: %v\n%s", err, said)
			}
		})
	}
}
