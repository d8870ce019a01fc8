package mounts

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// Holder is a process that keeps a mount in use.
type Holder struct {
	PID  int    `json:"pid"`
	Name string `json:"name"` // of its program, as ps(1) shows it
	Uses string `json:"uses"` // the file relative to the mountpoint, or "working directory"
}

// workingDirectory is what a process uses that does no more than be there.
const workingDirectory = "working directory"

// String is the holder as a message names it.
func (h Holder) String() string {
	return fmt.Sprintf("%s (pid %d, %s)", printable(h.Name), h.PID, printable(h.Uses))
}

// printable is text of somebody else's as it may stand in a line for a terminal.
func printable(s string) string {
	if strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return strconv.Quote(s)
	}
	return s
}

// holders are the processes that use the mount at mountpoint, as far as this user may
// look: open files, working directories, roots and mappings. It reads /proc alone and
// never touches the mount, which may not answer. One entry a process; none where there is
// no /proc, as on macOS, whose lsof(8) would have to touch it.
func holders(mountpoint string) []Holder {
	processes, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	var found []Holder
	for _, p := range processes {
		pid, err := strconv.Atoi(p.Name())
		if err != nil {
			continue
		}
		dir := filepath.Join("/proc", p.Name())
		if uses, ok := usesOf(dir, mountpoint); ok {
			if pid == os.Getpid() && uses == workingDirectory {
				continue // where the shell is that started the command, and is named itself
			}
			name, _ := os.ReadFile(filepath.Join(dir, "comm")) // it may have ended meanwhile
			found = append(found, Holder{PID: pid, Name: string(bytes.TrimSuffix(name, []byte("\n"))), Uses: uses})
		}
	}
	slices.SortFunc(found, func(a, b Holder) int { return a.PID - b.PID })
	return found
}

// usesOf tells what the process in dir, a folder of /proc, uses of the mount.
func usesOf(dir, mountpoint string) (string, bool) {
	descriptors, _ := os.ReadDir(filepath.Join(dir, "fd"))
	for _, d := range descriptors {
		if target, err := os.Readlink(filepath.Join(dir, "fd", d.Name())); err == nil {
			if rel, ok := under(target, mountpoint); ok {
				return rel, true
			}
		}
	}
	for _, l := range []struct{ name, what string }{{"cwd", workingDirectory}, {"root", "root directory"}, {"exe", "its program"}} {
		if target, err := os.Readlink(filepath.Join(dir, l.name)); err == nil {
			if _, ok := under(target, mountpoint); ok {
				return l.what, true
			}
		}
	}
	maps, _ := os.ReadFile(filepath.Join(dir, "maps"))
	for line := range strings.SplitSeq(string(maps), "\n") {
		// proc_pid_maps(5): the path is what follows the inode, and starts with a slash.
		if i := strings.IndexByte(line, '/'); i >= 0 {
			if rel, ok := under(line[i:], mountpoint); ok {
				return rel, true
			}
		}
	}
	return "", false
}

// under returns path relative to mountpoint, where it is that or below. The kernel puts
// "(deleted)" behind a name that it has let go of, which is no news of the file itself: it
// does so, too, where a name is to be looked up again.
func under(path, mountpoint string) (string, bool) {
	path = strings.TrimSuffix(path, " (deleted)")
	if path == mountpoint {
		return "its root", true
	}
	return strings.CutPrefix(path, strings.TrimSuffix(mountpoint, "/")+"/")
}

// naming says who holds the mount, at most three of them, or "" where nobody was found.
func naming(list []Holder) string {
	const most = 3
	var names []string
	for _, h := range list[:min(most, len(list))] {
		names = append(names, h.String())
	}
	text := strings.Join(names, ", ")
	if more := len(list) - most; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}
