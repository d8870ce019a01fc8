package mountd

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/mounts"
	"github.com/artifacts-tui/artifacts-tui/mounts/nfsfs"
)

// lingers says that a detached mount goes on serving the files that are open: this system
// has no way to do that.
const lingers = false

// seal keeps debuggers out of this process's memory (SPEC A35); others of the same user
// cannot read it here without being one.
func seal() error { return unix.PtraceDenyAttach() }

// show mounts through NFS.
func (d *daemon) show() (layer, error) {
	spec := d.start.Spec
	shown, err := nfsfs.Mount(d.upper, spec.Mountpoint, nfsfs.Options{
		ReadOnly: spec.ReadOnly, Space: d.space.forStatfs, Log: d.log,
		Export: func(port int, once string) string { return mounts.Export(spec, port, once) },
	})
	if err != nil {
		return nil, fault.Wrap(fault.Failure, err, "the folder must be yours", "cannot mount at %s", spec.Mountpoint)
	}
	return shown, nil
}

// checkLayer says what is missing to mount at all.
func checkLayer() error {
	if _, err := os.Stat(nfsfs.Helper); err != nil {
		return fault.Wrap(fault.Failure, err, "it is a part of macOS", "cannot mount without mount_nfs")
	}
	return nil
}

// unmountOnce is unmount(2). A mount in use is unix.EBUSY; by force it goes all the same,
// and programs that use it see errors.
func unmountOnce(path string, force bool) error {
	flags := 0
	if force {
		flags = unix.MNT_FORCE
	}
	err := unix.Unmount(path, flags)
	if errors.Is(err, unix.ENOENT) {
		return unix.EINVAL // not a mount point any more
	}
	return err
}
