package mounts

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// forcedUnmount is what a person types where this program cannot remove a mount.
const forcedUnmount = "fusermount3 -uz"

// remove detaches a mount whose process is gone. One that was killed while it waited for
// its own mount goes only once the connection is aborted.
func (e entry) remove(ctx context.Context) error {
	// Best effort: where /sys/fs/fuse/connections is not mounted, detaching is enough.
	_ = os.WriteFile(fmt.Sprintf("/sys/fs/fuse/connections/%d/abort", e.connection), []byte("1"), 0)
	return detachLazily(ctx, e.mountpoint)
}

// detachLazily takes a mount out of the tree without touching what it serves.
func detachLazily(ctx context.Context, mountpoint string) error {
	if os.Geteuid() == 0 {
		return unix.Unmount(mountpoint, unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW)
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	for _, helper := range []string{"fusermount3", "fusermount"} {
		path, err := exec.LookPath(helper)
		if err != nil {
			continue
		}
		cmd := exec.CommandContext(ctx, path, "-uz", "--", mountpoint)
		cmd.Dir = "/"
		var text bytes.Buffer
		cmd.Stderr = &text
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("%s: %s", helper, strings.TrimSpace(text.String()))
		}
		return nil
	}
	return fmt.Errorf("fusermount3 is not installed")
}
