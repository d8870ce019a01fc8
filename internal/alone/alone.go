// Package alone runs programs of tests in a mount namespace of their own. A namespace keeps
// what was mounted when it was made, for as long as it lives: FUSE file systems that other
// tests unmount meanwhile would not end. So it lets go of them first.
package alone

import (
	"context"
	"os"
	"os/exec"
)

// Script is a POSIX shell script that runs its arguments so.
const Script = `#!/bin/sh
exec unshare $UNSHARE --mount --propagation private sh -c '
	for m in $(awk "/ - fuse[.]/{ print \$5 }" /proc/self/mountinfo); do umount -l "$m" || :; done
	exec "$@"' sh "$@"
`

// Command is one that runs name so, of an ordinary user as root of a user namespace.
func Command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "sh", append([]string{"-c", Script, "sh", name}, args...)...)
	if os.Geteuid() != 0 {
		cmd.Env = append(os.Environ(), "UNSHARE=--user --map-root-user")
	}
	return cmd
}
