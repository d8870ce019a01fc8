package hostos

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// BootID names the running kernel's boot, unlike any other's.
func BootID() (string, error) { return unix.Sysctl("kern.bootsessionuuid") }

// SyncData makes a file's bytes durable: Sync is F_FULLFSYNC here, which empties the
// drive's cache too, as fsync(2) of this system does not.
func SyncData(f *os.File) error { return f.Sync() }

// SyncBelow makes everything durable that was written below dir, names included. There is
// no syncfs(2), and sync(2) does not wait: each file and folder is handed to the drive
// (fsync, which is quick where nothing changed), whose cache is then emptied once.
func SyncBelow(dir string) error {
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.IsDir() && !e.Type().IsRegular() {
			return unlessGone(err)
		}
		f, err := os.Open(path)
		if err != nil {
			return unlessGone(err)
		}
		defer f.Close()
		return unix.Fsync(int(f.Fd()))
	})
	if err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// unlessGone is err but for what somebody removed meanwhile.
func unlessGone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// Reserve takes disk space for size bytes from off, the end of the file, where the file
// system can do that.
func Reserve(f *os.File, _, size int64) error {
	err := unix.FcntlFstore(f.Fd(), unix.F_PREALLOCATE, &unix.Fstore_t{
		Flags: unix.F_ALLOCATEALL, Posmode: unix.F_PEOFPOSMODE, Length: size,
	})
	if errors.Is(err, unix.ENOTSUP) || errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.EINVAL) {
		return nil
	}
	return err
}
