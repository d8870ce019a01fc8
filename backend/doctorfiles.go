package backend

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/dustin/go-humanize"
	"golang.org/x/sys/unix"

	"github.com/artifacts-tui/artifacts-tui/keyring"
)

// Free space below which writers will wait for uploads, or fail, in bytes.
const (
	spaceWarning = 1 << 30
	spaceFailed  = 100 << 20
)

// rootFolder is one of the roots.
type rootFolder struct{ name, path string }

func (a *App) folders() []rootFolder {
	r := a.opt.Roots
	return []rootFolder{{"config", r.Config}, {"state", r.State}, {"cache", r.Cache}, {"data", r.Data}}
}

// checkFolders looks whether the roots can be written, by nobody else, and how much room they have.
func (a *App) checkFolders(_ context.Context, _ DoctorOptions) []Finding {
	var all []Finding
	for _, variable := range []string{"XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME"} {
		if v := a.opt.Getenv(variable); v != "" && !filepath.IsAbs(v) {
			all = append(all, warning("folders", "give an absolute path", "%s is relative, and therefore ignored", variable))
		}
	}
	rooms := map[string]bool{}
	for _, f := range a.folders() {
		at, err := existing(f.path)
		if err != nil {
			all = append(all, failedBy("folders", err, "make it a folder of yours"))
			continue
		}
		if err := unix.Access(at, unix.W_OK|unix.X_OK); err != nil {
			all = append(all, failed("folders", "make it yours, or set another XDG root", "the %s root %s cannot be written: %s may not be changed by you", f.name, f.path, at))
			continue
		}
		all = append(all, modeOf(f, at))
		if f.name != "config" {
			all = append(all, roomOf(f, at, rooms)...)
		}
	}
	return all
}

// existing is the folder, or the one above it in which it would be made.
func existing(path string) (string, error) {
	for {
		info, err := os.Stat(path)
		switch {
		case err == nil && info.IsDir():
			return path, nil
		case err == nil:
			return "", fmt.Errorf("%s is not a folder", path)
		case !errors.Is(err, fs.ErrNotExist) || filepath.Dir(path) == path:
			return "", err
		}
		path = filepath.Dir(path)
	}
}

func modeOf(f rootFolder, at string) Finding {
	if at != f.path {
		return okay("folders", "the %s root %s will be made when it is needed", f.name, f.path)
	}
	info, err := os.Stat(at)
	if err != nil {
		return failedBy("folders", err, "make it a folder of yours")
	}
	if perm := info.Mode().Perm(); perm&0o077 != 0 {
		return warning("folders", fmt.Sprintf("chmod 700 %s", at), "others can look into the %s root %s (mode %04o)", f.name, at, perm)
	}
	return okay("folders", "the %s root is %s", f.name, at)
}

// roomOf looks at the free space, once a file system.
func roomOf(f rootFolder, at string, seen map[string]bool) []Finding {
	var s unix.Statfs_t
	if err := unix.Statfs(at, &s); err != nil {
		return []Finding{failedBy("disk", err, "look at it with df")}
	}
	if id := fmt.Sprint(s.Fsid); seen[id] {
		return nil
	} else {
		seen[id] = true
	}
	free, size := int64(s.Bavail)*int64(s.Bsize), int64(s.Blocks)*int64(s.Bsize) //nolint:unconvert // their types differ between systems
	text := fmt.Sprintf("%s free of %s where the %s root is", humanize.IBytes(uint64(free)), humanize.IBytes(uint64(size)), f.name)
	const hint = "free some space there, or set another XDG root; the cache root may be deleted"
	switch {
	case free < spaceFailed:
		return []Finding{failed("disk", hint, "%s", text)}
	case free < spaceWarning:
		return []Finding{warning("disk", hint, "%s", text)}
	}
	return []Finding{okay("disk", "%s", text)}
}

// checkPrivateFiles looks at the files that hold credentials: who can read them, and whether they can be read at all.
func (a *App) checkPrivateFiles(_ context.Context, _ DoctorOptions) []Finding {
	const check = "credentials"
	var all []Finding
	sound := func(path string) bool {
		f, there := privateFile(path)
		if there {
			all = append(all, f)
		}
		return there && f.State == FindingOK
	}
	read := func(path string, err error) {
		if err != nil && !errors.Is(err, keyring.ErrNotFound) {
			all = append(all, failedBy(check, err, "remove "+path+" and give the credentials again"))
		}
	}
	if sound(a.cache.Path) {
		_, err := a.cache.Stat()
		read(a.cache.Path, err)
	}
	if sound(a.contexts.Path) {
		_, _, err := a.contexts.List()
		read(a.contexts.Path, err)
	}
	if sound(a.IdentityFile()) {
		_, err := a.identities.List()
		read(a.IdentityFile(), err)
	}
	if sound(a.profiles.Path()) {
		list, err := a.profiles.List()
		read(a.profiles.Path(), err)
		for _, p := range list {
			if pair := a.profiles.Pair(p.Name); p.Type == keyring.Static && sound(pair.Path) {
				_, err := pair.Stat()
				read(pair.Path, err)
			}
		}
	}
	if len(all) == 0 {
		return []Finding{skipped(check, "no credentials are kept")}
	}
	return all
}

// privateFile looks at a file as it is, without mending it.
func privateFile(path string) (f Finding, there bool) {
	const check = "credentials"
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return f, false
	case err != nil:
		return failedBy(check, err, "make it a file of yours"), true
	case info.Mode()&fs.ModeSymlink != 0:
		return failed(check, "replace the link with a file of your own", "%s is a symbolic link, which credentials are not read through", path), true
	case !info.Mode().IsRegular():
		return failed(check, "move it away", "%s is not a file", path), true
	}
	if s, ok := info.Sys().(*syscall.Stat_t); ok && int(s.Uid) != os.Geteuid() {
		return failed(check, "move it away, or run as its owner", "%s belongs to user %d", path, s.Uid), true
	}
	if perm := info.Mode().Perm(); perm&0o077 != 0 {
		return failed(check, "chmod 600 "+path+"; if others use this machine, rotate what is in it", "others could read %s (mode %04o)", path, perm), true
	}
	return okay(check, "%s is yours alone", path), true
}
