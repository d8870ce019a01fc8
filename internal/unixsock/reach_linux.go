package unixsock

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// pathMax is the longest path sockaddr_un takes, its NUL aside (unix(7)).
const pathMax = 107

// reach opens dir, so that it has a short name below /proc.
func reach(dir string) (*folder, error) {
	fd, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: dir, Err: err}
	}
	return &folder{
		way:   fmt.Sprintf("/proc/self/fd/%d", fd),
		close: func() error { return unix.Close(fd) },
	}, nil
}
