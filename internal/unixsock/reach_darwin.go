package unixsock

import (
	"os"
	"path/filepath"
)

// pathMax is the longest path sockaddr_un takes, its NUL aside (unix(4)).
const pathMax = 103

// reach makes a symlink to dir in a private temporary folder: no descriptor of a
// directory has a name here.
func reach(dir string) (*folder, error) {
	if _, err := os.Stat(dir); err != nil {
		return nil, err
	}
	private, err := os.MkdirTemp("", "sock")
	if err != nil {
		return nil, err
	}
	f := &folder{way: filepath.Join(private, "d"), close: func() error { return os.RemoveAll(private) }}
	if err := os.Symlink(dir, f.way); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}
