package mounts

import (
	"path/filepath"

	"github.com/artifacts-tui/artifacts-tui/internal/xdg"
)

// socketSuffix ends the name of a mount's control socket, which begins with the workspace id.
const socketSuffix = ".sock"

// RunDir holds the control sockets, one a mount.
func RunDir(roots xdg.Roots) string { return filepath.Join(roots.State, "run") }

// SocketPath is where the mount process of workspace id listens.
func SocketPath(roots xdg.Roots, id string) string {
	return filepath.Join(RunDir(roots), id+socketSuffix)
}

// StagingDir holds what workspace id has not uploaded yet. It is state, not cache:
// losing it loses data.
func StagingDir(roots xdg.Roots, id string) string { return filepath.Join(roots.State, "staging", id) }

// LogPath is the log of the mount process of workspace id.
func LogPath(roots xdg.Roots, id string) string {
	return filepath.Join(roots.Cache, "logs", "mount-"+id+".log")
}
