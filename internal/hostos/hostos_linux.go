package hostos

import (
	"errors"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// BootID names the running kernel's boot, unlike any other's.
func BootID() (string, error) {
	b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return strings.TrimSpace(string(b)), err
}

// SyncData makes a file's bytes durable, and as much about it as is needed to read them.
func SyncData(f *os.File) error { return unix.Fdatasync(int(f.Fd())) }

// SyncBelow makes everything durable that was written below dir, names included:
// syncfs(2) of its whole file system.
func SyncBelow(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return unix.Syncfs(int(d.Fd()))
}

// Reserve takes disk space for size bytes from off, the end of the file, where the file
// system can do that.
func Reserve(f *os.File, off, size int64) error {
	err := unix.Fallocate(int(f.Fd()), 0, off, size)
	if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.ENOSYS) {
		return nil
	}
	return err
}
