package dir

import (
	"os"

	"golang.org/x/sys/unix"
)

// beginWriteback starts to write dirty pages to the disk and does not wait for it:
// sync_file_range(2). It is a hint; durability comes from fsync.
func beginWriteback(f *os.File, off, n int64) {
	_ = unix.SyncFileRange(int(f.Fd()), off, n, unix.SYNC_FILE_RANGE_WRITE)
}

// syncData makes a file's bytes durable, and as much about it as is needed to read them.
func syncData(f *os.File) error { return unix.Fdatasync(int(f.Fd())) }
