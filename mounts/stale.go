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

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// removeStale detaches every mount at mountpoint whose process is gone. A process that
// was killed while it waited for its own mount goes only once the connection is aborted.
func removeStale(ctx context.Context, mountpoint string) error {
	entries, err := table()
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.mountpoint != mountpoint {
			continue
		}
		// Best effort: where /sys/fs/fuse/connections is not mounted, detaching is enough.
		_ = os.WriteFile(fmt.Sprintf("/sys/fs/fuse/connections/%d/abort", e.connection), []byte("1"), 0)
		if err := detachLazily(ctx, mountpoint); err != nil {
			return fault.Wrap(fault.Failure, err, "try 'fusermount3 -uz "+mountpoint+"'", "cannot remove the stale mount at %s", mountpoint)
		}
	}
	return nil
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
