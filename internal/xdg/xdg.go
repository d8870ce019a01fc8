// Package xdg finds the four folders the program keeps its files in, after the
// XDG Base Directory Specification: https://specifications.freedesktop.org/basedir-spec/.
// It imports nothing of this module.
package xdg

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// app is the folder under each root (SPEC A6).
const app = "tonbo/artifacts"

// Roots are the absolute folders of one user. None is created by looking it up.
type Roots struct {
	Config string // configuration and credentials
	Cache  string // mount cache and logs; always safe to delete
	State  string // sensitive runtime state: sockets, staged writes
	Data   string // the embedded coordinator's store
}

// Find reads XDG_CONFIG_HOME, XDG_CACHE_HOME, XDG_STATE_HOME and XDG_DATA_HOME
// through getenv. An unset, empty or relative value means the default under
// HOME (SPEC A7). It fails only where a default is needed and HOME is not known.
func Find(getenv func(string) string) (Roots, error) {
	home := getenv("HOME")
	var missing error
	root := func(variable, fallback string) string {
		if v := getenv(variable); filepath.IsAbs(v) {
			return filepath.Join(v, app)
		}
		if !filepath.IsAbs(home) {
			missing = errors.New("HOME is not set to an absolute path")
			return ""
		}
		return filepath.Join(home, fallback, app)
	}
	r := Roots{
		Config: root("XDG_CONFIG_HOME", ".config"),
		Cache:  root("XDG_CACHE_HOME", ".cache"),
		State:  root("XDG_STATE_HOME", ".local/state"),
		Data:   root("XDG_DATA_HOME", ".local/share"),
	}
	return r, missing
}

// Ensure creates dir and what is missing above it with mode 0700. Where dir did
// not exist yet and notice is not nil, one line "label: dir" goes to notice
// (SPEC A8: the resolved path is printed on first write).
func Ensure(dir, label string, notice io.Writer) error {
	info, err := os.Stat(dir)
	switch {
	case err == nil && info.IsDir():
		return nil
	case err == nil:
		return fmt.Errorf("%s is not a directory", dir)
	case !errors.Is(err, os.ErrNotExist):
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	// The umask can only have taken bits away; give the owner its own back.
	if err := os.Chmod(dir, 0o700); err != nil {
		return err
	}
	if notice != nil {
		fmt.Fprintf(notice, "%s: %s\n", label, dir)
	}
	return nil
}
