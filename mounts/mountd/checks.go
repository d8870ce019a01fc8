package mountd

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/mounts"
)

// checkMountpoint refuses what cannot become a mount, each case with its own words
// (SPEC C4), before anything is done.
func checkMountpoint(start mounts.Start) error {
	path := start.Spec.Mountpoint
	if !filepath.IsAbs(path) {
		return fault.New(fault.Usage, "give an absolute path", "the mountpoint %s is not absolute", path)
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return fault.New(fault.NotFound, "create it with 'mkdir -p "+path+"'", "the mountpoint %s does not exist", path)
	case errors.Is(err, unix.ENOTCONN):
		return fault.New(fault.Conflict, "run 'artifacts mount repair' or 'fusermount3 -uz "+path+"'", "%s is a mount whose process is gone", path)
	case errors.Is(err, unix.EACCES):
		return fault.New(fault.Auth, "choose a folder of your own", "the mountpoint %s cannot be reached: permission denied", path)
	case err != nil:
		return fault.Wrap(fault.Failure, err, "", "cannot look at the mountpoint")
	case !info.IsDir():
		return fault.New(fault.Usage, "give an empty folder", "the mountpoint %s is not a folder", path)
	}
	if unix.Access(path, unix.W_OK) != nil {
		return fault.New(fault.Auth, "choose a folder that you may write", "the mountpoint %s is not writable", path)
	}
	dir, err := os.Open(path)
	if err != nil {
		return fault.Wrap(fault.Auth, err, "choose a folder that you may read", "cannot read the mountpoint")
	}
	defer dir.Close()
	if _, err := dir.Readdirnames(1); !errors.Is(err, io.EOF) {
		return fault.New(fault.Conflict, "move its files away or choose another folder", "the mountpoint %s is not empty", path)
	}
	for _, root := range []string{start.Roots.State, start.Roots.Cache, start.Roots.Config, start.Roots.Data} {
		if within(root, path) {
			return fault.New(fault.Usage, "choose a folder outside "+root,
				"the mountpoint %s would hide the program's own files in %s", path, root)
		}
	}
	return nil
}

// within reports whether path is dir or above it.
func within(dir, path string) bool {
	if dir == "" {
		return false
	}
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		dir = real
	}
	return dir == path || strings.HasPrefix(dir, strings.TrimSuffix(path, "/")+"/")
}

// machine is what mounting needs of the system.
type machine struct {
	device   string // /dev/fuse
	root     bool   // whether mount(2) is ours to call
	lookPath func(program string) (string, error)
}

func thisMachine() machine {
	return machine{device: "/dev/fuse", root: os.Geteuid() == 0, lookPath: exec.LookPath}
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
