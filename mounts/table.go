package mounts

import (
	"path/filepath"
)

// Source is the device that a mount of spec shows in the mount table: enough to name a
// stale one.
func Source(spec Spec) string { return spec.Workspace + "/" + spec.ID }

// entry is one of this user's mounts in the system's mount table.
type entry struct {
	id, workspace, mountpoint string
	connection                int // its number under /sys/fs/fuse/connections; on macOS the port that serves it
}

// realPath is path as the mount table has it: absolute, and free of symlinks above its
// last element. The last element itself is looked at only where nothing is mounted there.
func realPath(path string) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	parent, err := filepath.EvalSymlinks(filepath.Dir(abs))
	if err != nil {
		return abs, nil // something above is missing; whoever uses the path says so
	}
	direct := filepath.Join(parent, filepath.Base(abs))
	if mounted, err := isMountpoint(direct); err != nil || mounted {
		return direct, err
	}
	if full, err := filepath.EvalSymlinks(direct); err == nil {
		return full, nil
	}
	return direct, nil
}
