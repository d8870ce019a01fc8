package mountd

import (
	"errors"
	"io"
	"os"
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

// CheckMountpoint refuses what is there and cannot become a mount. What is missing can be made, and a
// mount whose process is gone makes way.
func CheckMountpoint(path string) error {
	path, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.ENOTCONN) {
		return nil
	}
	if err := mounts.CheckFree(path); err != nil {
		return err
	}
	return checkMountpoint(mounts.Start{Spec: mounts.Spec{Mountpoint: path}})
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
