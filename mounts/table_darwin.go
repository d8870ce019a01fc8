package mounts

import (
	"context"
	"net"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// table reads this user's mounts of ours. It touches no mountpoint.
func table() ([]entry, error) {
	infos, err := mounted()
	if err != nil {
		return nil, err
	}
	var entries []entry
	for _, i := range infos {
		if i.Owner != uint32(os.Geteuid()) || unix.ByteSliceToString(i.Fstypename[:]) != "nfs" {
			continue
		}
		source, port, ok := ParseExport(unix.ByteSliceToString(i.Mntfromname[:]))
		if !ok {
			continue
		}
		entries = append(entries, entry{
			id: source.ID, workspace: source.Workspace, connection: port,
			mountpoint: unix.ByteSliceToString(i.Mntonname[:]),
		})
	}
	return entries, nil
}

// tableChanges is nil: the mount table is looked at.
func tableChanges(context.Context) <-chan struct{} { return nil }

// mounted is the mount table as the kernel has it, no file system asked.
func mounted() ([]unix.Statfs_t, error) {
	for {
		n, err := unix.Getfsstat(nil, unix.MNT_NOWAIT)
		if err != nil {
			return nil, err
		}
		infos := make([]unix.Statfs_t, n+8)
		if n, err = unix.Getfsstat(infos, unix.MNT_NOWAIT); err != nil || n < len(infos) {
			return infos[:max(n, 0)], err
		}
	}
}

// isMountpoint reports whether anything is mounted at path, by the mount table alone.
func isMountpoint(path string) (bool, error) {
	infos, err := mounted()
	for _, i := range infos {
		if unix.ByteSliceToString(i.Mntonname[:]) == path {
			return true, err
		}
	}
	return false, err
}

// stale reports whether a mount has lost its process: nobody listens at its port then.
// The mountpoint is not touched, which might never answer.
func (e entry) stale(ctx context.Context, oursIsGone bool) bool {
	if oursIsGone {
		return true
	}
	dialer := net.Dialer{Timeout: time.Second}
	conn, err := dialer.DialContext(ctx, "tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(e.connection)))
	if err != nil {
		return ctx.Err() == nil
	}
	conn.Close()
	return false
}
