package remote

import (
	"time"

	"golang.org/x/sys/unix"
)

// giveUp ends a connection whose sent bytes stay unacknowledged for that long (tcp(7)).
func giveUp(fd int, after time.Duration) error {
	return unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(after.Milliseconds()))
}
