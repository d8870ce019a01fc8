package systemd

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/artifacts-tui/artifacts-tui/internal/atomicfile"
)

// wantedBy is what starts with the user's session, or with the machine where the user lingers.
const wantedBy = "default.target"

// Dir is where a user's own units are.
func Dir(getenv func(string) string) string {
	if dir := getenv("XDG_CONFIG_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "systemd", "user")
	}
	return filepath.Join(getenv("HOME"), ".config", "systemd", "user")
}

// Write puts the unit into dir and has it start with the session, as `systemctl enable` does.
// It returns the file's path.
func Write(dir string, s Service) (string, error) {
	text, err := s.Text()
	if err != nil {
		return "", err
	}
	wants := filepath.Join(dir, wantedBy+".wants")
	if err := os.MkdirAll(wants, 0o755); err != nil {
		return "", err
	}
	path := filepath.Join(dir, s.Name)
	if err := atomicfile.Write(path, []byte(text), 0o644); err != nil {
		return "", err
	}
	link := filepath.Join(wants, s.Name)
	if err := os.Remove(link); err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", err
	}
	return path, os.Symlink(path, link)
}

// Remove undoes Write; found says whether there was anything.
func Remove(dir, name string) (found bool, err error) {
	for _, path := range []string{filepath.Join(dir, wantedBy+".wants", name), filepath.Join(dir, name)} {
		switch err := os.Remove(path); {
		case err == nil:
			found = true
		case !errors.Is(err, os.ErrNotExist):
			return found, err
		}
	}
	_ = os.Remove(filepath.Join(dir, wantedBy+".wants")) // where it is empty
	return found, nil
}
