// Package program builds the real program for tests that run it as a user would, and finds
// the tools that they run beside it. It imports nothing of this module.
package program

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

const module = "github.com/artifacts-tui/artifacts-tui"

// Build puts the program into dir, as version "test", under the three names it answers to.
// What it starts (the coordinator, a mount) is the program itself again, which a test binary
// cannot stand in for.
func Build(dir string) error {
	program := filepath.Join(dir, "artifacts-tui")
	build := exec.Command("go", "build", "-ldflags", "-X "+module+"/cmd.Version=test", "-o", program, module+"/cmd/artifacts-tui")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return fmt.Errorf("building the program: %w", err)
	}
	for _, link := range []string{"artifacts", "tunnelmesh"} {
		if err := os.Symlink(program, filepath.Join(dir, link)); err != nil {
			return err
		}
	}
	return nil
}

// ToolDirs come before PATH, each with a separator behind it: the tools that make test builds, and
// Debian's own aws and python3 before any shim of the same name.
func ToolDirs() string {
	dirs := ""
	if tools := os.Getenv("ARTIFACTS_TEST_TOOLS"); tools != "" {
		dirs += tools + string(os.PathListSeparator)
	}
	if _, err := os.Stat("/usr/bin/aws"); err == nil {
		dirs += "/usr/bin" + string(os.PathListSeparator)
	}
	return dirs
}

// GoEnv is what the go command needs to work in another home, from the caches of this one
// alone: NAME=value each.
func GoEnv() ([]string, error) {
	names := []string{"GOCACHE", "GOMODCACHE", "GOFLAGS", "GOTOOLCHAIN"}
	out, err := exec.Command("go", append([]string{"env"}, names...)...).Output()
	if err != nil {
		return nil, fmt.Errorf("go env: %w", err)
	}
	var env []string
	for i, value := range strings.Split(strings.TrimSuffix(string(out), "\n"), "\n") {
		env = append(env, names[i]+"="+value)
	}
	return env, nil
}
