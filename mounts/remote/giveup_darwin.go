package remote

import (
	"time"

	"golang.org/x/sys/unix"
)

// giveUp ends a connection whose sent bytes stay unacknowledged for that long (tcp(4)).
func giveUp(fd int, after time.Duration) error {
	return unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_RXT_CONNDROPTIME, int(after.Seconds()))
}
