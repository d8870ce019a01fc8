package systemd

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"strings"
)

// Manager speaks to the service manager of a user's session.
type Manager struct {
	LookPath func(string) (string, error) // nil: exec.LookPath
}

// Run is `systemctl --user ARGS`. Its error is one line.
func (m Manager) Run(ctx context.Context, args ...string) error {
	look := m.LookPath
	if look == nil {
		look = exec.LookPath
	}
	program, err := look("systemctl")
	if err != nil {
		return fmt.Errorf("systemctl is not installed")
	}
	cmd := exec.CommandContext(ctx, program, append([]string{"--user"}, args...)...)
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
