package mounts

import (
	"context"

	"golang.org/x/sys/unix"
)

// forcedUnmount is what a person types where this program cannot remove a mount.
const forcedUnmount = "umount -f"

// remove detaches a mount whose process is gone: what still waits for it is an error then.
func (e entry) remove(context.Context) error { return unix.Unmount(e.mountpoint, unix.MNT_FORCE) }
