package mounts

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"
)

// fsType is what our mounts have in the mount table.
const fsType = "fuse.artifacts"

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

// tableChanges sends when this user's mounts of our type have changed, until ctx ends; nil where
// the kernel does not tell. It wakes for any change of the mount table, and for nothing else.
func tableChanges(ctx context.Context) <-chan struct{} {
	f, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return nil
	}
	conn, err := f.SyscallConn()
	if err != nil || f.SetReadDeadline(time.Time{}) != nil { // it cannot be waited for
		_ = f.Close()
		return nil
	}
	known, _ := table()
	news := func(uintptr) bool {
		now, err := table()
		if err != nil || slices.Equal(now, known) {
			return false
		}
		known = now
		return true
	}
	changed := make(chan struct{}, 1)
	stop := context.AfterFunc(ctx, func() { _ = f.SetReadDeadline(time.Now()) })
	go func() {
		defer f.Close()
		defer stop()
		for conn.Read(news) == nil {
			select {
			case changed <- struct{}{}:
			default:
			}
		}
	}()
	return changed
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

// stale reports whether a mount has lost its process: the kernel then answers ENOTCONN at
// once. One that answers belongs to a process with other state roots, be it of the same
// workspace, and is left alone. So is one that is silent for a second, unless ours is gone:
// a process that was killed while it waited for its own mount leaves such a one.
func (e entry) stale(ctx context.Context, oursIsGone bool) bool {
	result := make(chan error, 1)
	go func() {
		var s unix.Statfs_t
		result <- unix.Statfs(e.mountpoint, &s)
	}()
	select {
	case err := <-result:
		return errors.Is(err, unix.ENOTCONN) || errors.Is(err, unix.ECONNABORTED)
	case <-time.After(time.Second):
		return oursIsGone
	case <-ctx.Done():
		return false
	}
}
