package mounts

import (
	"fmt"
	"strconv"
	"strings"
)

// Export is the name under which the NFS server of a mount is mounted, after "host:": it
// tells a stale mount's workspace and port. once is good for one mount.
func Export(spec Spec, port int, once string) string {
	return fmt.Sprintf("/artifacts/%s/%d/%s", Source(spec), port, once)
}

// ParseExport reads host and Export as the mount table shows them; ok is false for the
// mounts of others.
func ParseExport(device string) (spec Spec, port int, ok bool) {
	_, path, found := strings.Cut(device, ":/artifacts/")
	parts := strings.Split(path, "/")
	if !found || len(parts) != 4 {
		return Spec{}, 0, false
	}
	port, err := strconv.Atoi(parts[2])
	return Spec{Workspace: parts[0], ID: parts[1]}, port, err == nil
}
