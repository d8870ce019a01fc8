package nfsfs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/artifacts-tui/artifacts-tui/mounts/upper"
)

// Helper is what mounts.
const Helper = "/sbin/mount_nfs"

// host is where the kernel finds the server.
const host = "127.0.0.1"

const (
	helperTimeout = 30 * time.Second
	tableEvery    = 250 * time.Millisecond
)

// FS is an upper.FS that is served and mounted.
type FS struct {
	*Server
	mountpoint string
}

// Mount serves up and mounts it at mountpoint. Programs wait for a server that does not
// answer (hard), but a signal ends them (intr); locks are this machine's; Finder and
// Spotlight leave the mount alone (nobrowse), since they would read all of it.
func Mount(up *upper.FS, mountpoint string, opt Options) (*FS, error) {
	s, err := Serve(up, opt)
	if err != nil {
		return nil, err
	}
	options := []string{
		"vers=3", "tcp", "retrycnt=0", fmt.Sprintf("port=%d", s.Port()), fmt.Sprintf("mountport=%d", s.Port()),
		"noresvport", "hard", "intr", "locallocks", "nobrowse", "nosuid", "nodev", "rdirplus", "actimeo=1",
		"rsize=1048576", "wsize=1048576", "dsize=65536",
	}
	if opt.ReadOnly {
		options = append(options, "rdonly")
	}
	ctx, cancel := context.WithTimeout(context.Background(), helperTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, Helper, "-o", strings.Join(options, ","), host+":"+s.Export(), mountpoint)
	cmd.Dir = "/"
	cmd.Env = []string{"LC_ALL=C"}
	text, err := cmd.CombinedOutput()
	if err == nil {
		return &FS{Server: s, mountpoint: mountpoint}, nil
	}
	_ = s.Close()
	if said := string(bytes.TrimSpace(text)); said != "" {
		err = errors.New(strings.ReplaceAll(said, s.Export(), "the mount"))
	}
	return nil, fmt.Errorf("mount_nfs: %w", err)
}

// Wait returns when the mount is gone from the mount table, and ends the server then.
func (f *FS) Wait() {
	tick := time.NewTicker(tableEvery)
	defer tick.Stop()
	for range tick.C {
		if there, err := f.mounted(); err == nil && !there {
			_ = f.Close()
			return
		}
	}
}

// mounted looks for the mount in the mount table; its export is unlike any other's.
func (f *FS) mounted() (bool, error) {
	n, err := unix.Getfsstat(nil, unix.MNT_NOWAIT)
	if err != nil {
		return false, err
	}
	infos := make([]unix.Statfs_t, n+8)
	if n, err = unix.Getfsstat(infos, unix.MNT_NOWAIT); err != nil {
		return false, err
	}
	if n == len(infos) {
		return true, nil // there may be more: look again
	}
	for _, i := range infos[:n] {
		if unix.ByteSliceToString(i.Mntfromname[:]) == host+":"+f.Export() {
			return true, nil
		}
	}
	return false, nil
}

// Unmount takes the mount away; unix.EBUSY while programs use it.
func (f *FS) Unmount() error { return unix.Unmount(f.mountpoint, 0) }
