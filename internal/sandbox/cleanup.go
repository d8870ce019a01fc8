//go:build linux

package sandbox

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"
)

// CleanUp ends every process and mount that was left below dir: mount processes and
// coordinators by the pids that program tells of each state root (XDG_STATE_HOME; those that
// were never used are passed over), then what the mount table still has.
func CleanUp(program, dir string, env []string, stateRoots ...string) error {
	for _, state := range stateRoots {
		if _, err := os.Stat(filepath.Join(state, "tonbo", "artifacts")); err != nil {
			continue
		}
		run := func(args ...string) []byte {
			ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
			defer cancel()
			c := exec.CommandContext(ctx, program, args...)
			c.Env, c.Dir = append(slices.Clone(env), "XDG_STATE_HOME="+state), dir
			out, _ := c.Output()
			return out
		}
		var list []struct {
			Mountpoint string
			PID        int
		}
		_ = json.Unmarshal(run("mount", "list", "--format", "json"), &list)
		for _, m := range list {
			run("unmount", "--timeout", "1s", m.Mountpoint)
			if m.PID > 0 && Alive(m.PID) {
				_ = syscall.Kill(m.PID, syscall.SIGKILL)
			}
		}
		run("coordinator", "stop")
	}
	left, err := mountinfo.GetMounts(mountinfo.PrefixFilter(dir))
	if err != nil {
		return err
	}
	for _, m := range left {
		AbortConnection(m)
		if err := unix.Unmount(m.Mountpoint, unix.MNT_DETACH); err != nil {
			_ = exec.Command("fusermount3", "-uz", m.Mountpoint).Run()
		}
	}
	return nil
}

// AbortConnection frees whatever hangs on a FUSE mount whose process is gone.
func AbortConnection(m *mountinfo.Info) {
	_ = os.WriteFile(fmt.Sprintf("/sys/fs/fuse/connections/%d/abort", m.Minor), []byte("1"), 0)
}

// Alive reports whether pid runs; a zombie that its parent has not reaped does not.
func Alive(pid int) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	return !strings.HasPrefix(rest, "Z")
}
