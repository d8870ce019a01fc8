package mounts

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/moby/sys/mountinfo"
)

// fsType is what our mounts have in the mount table.
const fsType = "fuse.artifacts"

// Source is the device that a mount of spec shows in the mount table: enough to name a
// stale one.
func Source(spec Spec) string { return spec.Workspace + "/" + spec.ID }

// entry is one of this user's mounts in /proc/self/mountinfo.
type entry struct {
	id, workspace, mountpoint string
	connection                int // its number under /sys/fs/fuse/connections
}

// table reads this user's mounts of our type. It touches no mountpoint.
func table() ([]entry, error) {
	owner := fmt.Sprintf("user_id=%d", os.Geteuid())
	infos, err := mountinfo.GetMounts(func(i *mountinfo.Info) (skip, stop bool) {
		return i.FSType != fsType || !hasOption(i.VFSOptions, owner), false
	})
	if err != nil {
		return nil, err
	}
	entries := make([]entry, 0, len(infos))
	for _, i := range infos {
		workspace, id, ok := strings.Cut(i.Source, "/")
		if !ok {
			continue
		}
		entries = append(entries, entry{id: id, workspace: workspace, mountpoint: i.Mountpoint, connection: i.Minor})
	}
	return entries, nil
}

func hasOption(options, want string) bool {
	for o := range strings.SplitSeq(options, ",") {
		if o == want {
			return true
		}
	}
	return false
}

// isMountpoint reports whether anything is mounted at path, by the mount table alone.
func isMountpoint(path string) (bool, error) {
	infos, err := mountinfo.GetMounts(mountinfo.SingleEntryFilter(path))
	return len(infos) > 0, err
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
