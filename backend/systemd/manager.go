package systemd

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"strings"
)

// Manager speaks to the service manager of a user's session, or of the machine.
type Manager struct {
	System   bool
	LookPath func(string) (string, error) // nil: exec.LookPath
}

// Line is `systemctl --user ARGS` or `systemctl ARGS`, as Run runs it.
func (m Manager) Line(args ...string) string {
	return strings.Join(append([]string{"systemctl"}, m.words(args)...), " ")
}

func (m Manager) words(args []string) []string {
	if m.System {
		return args
	}
	return append([]string{"--user"}, args...)
}

// Run is `systemctl --user ARGS`, or `systemctl ARGS` for the machine. Its error is one line.
func (m Manager) Run(ctx context.Context, args ...string) error {
	look := m.LookPath
	if look == nil {
		look = exec.LookPath
	}
	program, err := look("systemctl")
	if err != nil {
		return fmt.Errorf("systemctl is not installed")
	}
	cmd := exec.CommandContext(ctx, program, m.words(args)...)
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if text := strings.TrimSpace(said.String()); text != "" {
			first, _, _ := strings.Cut(text, "\n")
			return fmt.Errorf("%s", first)
		}
		return err
	}
	return nil
}
