package systemd

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/artifacts-tui/artifacts-tui/internal/atomicfile"
)

const (
	// sessionTarget starts with the user's session, or with the machine where the user lingers.
	sessionTarget = "default.target"
	machineTarget = "multi-user.target"
)

// Dir is where a user's own units are.
func Dir(getenv func(string) string) string {
	if dir := getenv("XDG_CONFIG_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "systemd", "user")
	}
	return filepath.Join(getenv("HOME"), ".config", "systemd", "user")
}

// SystemDir is where the machine's own units are.
const SystemDir = "/etc/systemd/system"

// Unit is a service that Write writes.
type Unit interface {
	Text() (string, error)
	file() string   // its name
	target() string // what starts it
}

// Write puts the unit into dir and has it start with its target, as `systemctl enable` does.
// It returns the file's path.
func Write(dir string, u Unit) (string, error) {
	text, err := u.Text()
	if err != nil {
		return "", err
	}
	wants := filepath.Join(dir, u.target()+".wants")
	if err := os.MkdirAll(wants, 0o755); err != nil {
		return "", err
	}
	path := filepath.Join(dir, u.file())
	if err := atomicfile.Write(path, []byte(text), 0o644); err != nil {
		return "", err
	}
	link := filepath.Join(wants, u.file())
	if err := os.Remove(link); err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", err
	}
	return path, os.Symlink(path, link)
}

// Remove undoes Write; found says whether there was anything.
func Remove(dir, name string) (found bool, err error) {
	wants := []string{filepath.Join(dir, sessionTarget+".wants"), filepath.Join(dir, machineTarget+".wants")}
	for _, path := range []string{filepath.Join(wants[0], name), filepath.Join(wants[1], name), filepath.Join(dir, name)} {
		switch err := os.Remove(path); {
		case err == nil:
			found = true
		case !errors.Is(err, os.ErrNotExist):
			return found, err
		}
	}
	for _, dir := range wants {
		_ = os.Remove(dir) // where it is empty
	}
	return found, nil
}
