package backend

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// kernel names the running one.
func kernel() string {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return ""
	}
	return ", Linux " + unix.ByteSliceToString(u.Release[:])
}

// mountHelper looks at fusermount3, which mounts for everybody but root.
func mountHelper(ctx context.Context) []Finding {
	const check = "fusermount3"
	path, err := exec.LookPath("fusermount3")
	if err != nil {
		if os.Geteuid() == 0 {
			return []Finding{warning(check, "install it with 'apt install fuse3' or the like", "it is not installed; root mounts without it, others do not")}
		}
		return []Finding{failed(check, "install it with 'apt install fuse3' or the like", "it is not installed, and only root mounts without it")}
	}
	if info, err := os.Stat(path); err == nil && info.Mode()&os.ModeSetuid == 0 && os.Geteuid() != 0 {
		return []Finding{failed(check, "chmod u+s "+path+" as root", "%s is not set-user-ID, and may not mount", path)}
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, "-V")
	cmd.Env = []string{"LC_ALL=C"}
	cmd.WaitDelay = time.Second
	out, err := cmd.Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return []Finding{failed(check, "install it again", "%s cannot be run: %v", path, err)}
	}
	return []Finding{okay(check, "%s, %s", path, strings.TrimSpace(string(out)))}
}
