//go:build linux

// Package benchpage writes figures into a page of documentation, with what they depend on. It
// imports nothing of this module.
package benchpage

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Machine is what the figures depend on, without what would name the machine; dir is
// on the disk that they were measured on.
func Machine(dir string) string {
	var uts unix.Utsname
	_ = unix.Uname(&uts)
	var fs unix.Statfs_t
	_ = unix.Statfs(dir, &fs)
	names := map[int64]string{unix.EXT4_SUPER_MAGIC: "ext4", unix.XFS_SUPER_MAGIC: "xfs", unix.BTRFS_SUPER_MAGIC: "btrfs", unix.TMPFS_MAGIC: "tmpfs", unix.OVERLAYFS_SUPER_MAGIC: "overlay"}
	kernel := strings.Join(strings.SplitN(unix.ByteSliceToString(uts.Release[:]), ".", 3)[:2], ".")
	return fmt.Sprintf("%d cores of %s, %s of memory, %s, Linux %s, %s; measured %s.", runtime.NumCPU(),
		Field("/proc/cpuinfo", "model name"), gib(Field("/proc/meminfo", "MemTotal")), names[int64(fs.Type)], kernel, runtime.Version(), //nolint:unconvert // int32 on some architectures
		time.Now().UTC().Format(time.DateOnly))
}

// Field is the first value of a "name: value" file.
func Field(path, name string) string {
	text, _ := os.ReadFile(path)
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

func gib(kib string) string {
	var n float64
	if _, err := fmt.Sscanf(kib, "%f kB", &n); err != nil {
		return kib
	}
	return fmt.Sprintf("%.0f GiB", n/(1<<20))
}

// Replace writes text between the markers of that name in a file.
func Replace(path, name, text string) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	begin, end := fmt.Appendf(nil, "<!-- %s:begin -->\n", name), fmt.Appendf(nil, "<!-- %s:end -->", name)
	before, rest, ok1 := bytes.Cut(content, begin)
	_, after, ok2 := bytes.Cut(rest, end)
	if !ok1 || !ok2 {
		return fmt.Errorf("%s has no %s and %s", path, bytes.TrimSpace(begin), end)
	}
	return os.WriteFile(path, slices.Concat(before, begin, []byte(text), end, after), 0o644) //nolint:gosec // documentation
}
