package mountd

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/mounts"
	"github.com/artifacts-tui/artifacts-tui/mounts/fusefs"
)

// lingers says that a detached mount goes on serving the files that are open.
const lingers = true

// seal hides memory, descriptors and environment from other processes of the user
// (SPEC A35): /proc/PID/mem and ptrace are refused from now on.
func seal() error { return unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0) }

// show mounts through FUSE.
func (d *daemon) show() (layer, error) {
	spec := d.start.Spec
	shown, err := fusefs.Mount(d.upper, fusefs.Options{
		Mountpoint: spec.Mountpoint, Source: mounts.Source(spec), ReadOnly: spec.ReadOnly, Xattrs: !spec.Options.NoAttributes, Space: d.space.forStatfs, Log: d.log,
	})
	if err != nil {
		return nil, mountError(err, spec.Mountpoint)
	}
	return shown, nil
}

func mountError(err error, mountpoint string) error {
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) {
		return fault.Wrap(fault.Auth, err, "in a container start it with --cap-add SYS_ADMIN --device /dev/fuse",
			"mounting at %s is not permitted", mountpoint)
	}
	return fault.Wrap(fault.Failure, err, "what fusermount3 said is in the mount's log", "cannot mount at %s", mountpoint)
}

// checkLayer says what is missing to mount at all.
func checkLayer() error {
	return checkFUSE(machine{device: "/dev/fuse", root: os.Geteuid() == 0, lookPath: exec.LookPath})
}

// machine is what mounting needs of the system.
type machine struct {
	device   string // /dev/fuse
	root     bool   // whether mount(2) is ours to call
	lookPath func(program string) (string, error)
}

// checkFUSE says what is missing to mount at all (SPEC C26: containers).
func checkFUSE(m machine) error {
	const container = "load the module with 'modprobe fuse'; in a container start it with --device /dev/fuse and --cap-add SYS_ADMIN"
	f, err := os.OpenFile(m.device, os.O_RDWR, 0)
	switch {
	case errors.Is(err, os.ErrNotExist), errors.Is(err, unix.ENODEV), errors.Is(err, unix.ENXIO):
		return fault.New(fault.Failure, container, "FUSE is not available: there is no %s", m.device)
	case errors.Is(err, unix.EACCES), errors.Is(err, unix.EPERM):
		return fault.New(fault.Auth, container, "FUSE is not available: %s may not be opened", m.device)
	case err != nil:
		return fault.Wrap(fault.Failure, err, container, "FUSE is not available")
	}
	f.Close()
	if m.root {
		return nil
	}
	for _, helper := range []string{"fusermount3", "fusermount", "/bin/fusermount3", "/bin/fusermount"} {
		if _, err := m.lookPath(helper); err == nil {
			return nil
		}
	}
	return fault.New(fault.Failure, "install it with 'apt install fuse3' or the like", "fusermount3 is not installed, and only root mounts without it")
}

// unmountOnce is umount2(2), or fusermount3 where that is not ours to call. A mount in
// use is unix.EBUSY either way.
func unmountOnce(path string, lazy bool) error {
	if os.Geteuid() == 0 {
		flags := unix.UMOUNT_NOFOLLOW
		if lazy {
			flags |= unix.MNT_DETACH
		}
		return unix.Unmount(path, flags)
	}
	how := "-u"
	if lazy {
		how = "-uz"
	}
	helper, err := exec.LookPath("fusermount3")
	if err != nil {
		if helper, err = exec.LookPath("fusermount"); err != nil {
			return err
		}
	}
	cmd := exec.Command(helper, how, "--", path)
	cmd.Dir = "/"
	cmd.Env = []string{"LC_ALL=C"}
	var text bytes.Buffer
	cmd.Stderr = &text
	if err := cmd.Run(); err != nil {
		switch said := strings.TrimSpace(text.String()); {
		case strings.Contains(said, "busy"):
			return unix.EBUSY
		case strings.Contains(said, "not found in"), strings.Contains(said, "Invalid argument"):
			return unix.EINVAL
		default:
			return errors.New(said)
		}
	}
	return nil
}
