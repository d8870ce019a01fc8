package mountd

import (
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/artifacts-tui/artifacts-tui/mounts"
	"github.com/artifacts-tui/artifacts-tui/mounts/remote"
)

// stats is what the mount has done so far.
func (d *daemon) stats() mounts.Stats {
	s := d.status()
	var space *remote.Space
	if known, ok := d.space.space(); ok {
		space = &known
	}
	return mounts.Stats{
		Workspace: s.Workspace, Mountpoint: s.Mountpoint, Since: s.Since,
		BytesRead: s.BytesRead, BytesWritten: s.BytesWritten, CacheBytes: s.CacheBytes, CacheLimit: s.CacheLimit,
		Cache: d.lower.Reads(), Store: d.remote.Traffic(), Queue: s.Drain, Space: space, Process: s.Process, Changes: s.Changes,
		RSS: residentBytes(), CPUSeconds: computed().Seconds(),
	}
}

// computed is the time that processors have worked for this process, the system's included.
func computed() time.Duration {
	var used unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &used) != nil {
		return 0
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano()).Round(time.Millisecond)
}

// residentBytes is the memory this process occupies: proc_pid_statm(5) counts pages.
func residentBytes() int64 {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	var all, resident int64
	if _, err := fmt.Sscan(string(text), &all, &resident); err != nil {
		return 0
	}
	return resident * int64(os.Getpagesize())
}

// openFiles is how many descriptors this process has; 0 where nobody tells.
func openFiles() int {
	dir, err := os.Open("/proc/self/fd")
	if err != nil {
		dir, err = os.Open("/dev/fd") // macOS
	}
	if err != nil {
		return 0
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(-1)
	return max(len(names)-1, 0) // without the one that reads them
}
