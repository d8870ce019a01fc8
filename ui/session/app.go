package session

import (
	"context"

	"github.com/artifacts-tui/artifacts-tui/backend"
	"github.com/artifacts-tui/artifacts-tui/backend/workspace"
	"github.com/artifacts-tui/artifacts-tui/mounts"
)

// App is the program as the TUI uses it; *backend.App is the real one. Every
// method but Remembered and DefaultMountpoint may take its time and is called
// from a tea.Cmd; errors are for people (internal/fault).
type App interface {
	Workspaces(ctx context.Context) ([]workspace.Workspace, error)
	// CreateWorkspace returns notices besides the workspace, one line each.
	CreateWorkspace(ctx context.Context, req backend.CreateRequest) (workspace.Workspace, []string, error)
	DeleteWorkspace(ctx context.Context, name string) error
	Mounts(ctx context.Context) ([]mounts.Status, error)
	Mount(ctx context.Context, req backend.MountRequest) (mounts.Status, error)
	// Unmount drains first. What could not be uploaded is in Drain, with an
	// error of kind Pending; ending ctx stops the waiting, not the draining.
	Unmount(ctx context.Context, mountpoint string, opts mounts.UnmountOptions) (mounts.Drain, error)
	// Coordinator starts the embedded one where none runs, which may take a second.
	Coordinator(ctx context.Context) (backend.CoordinatorStatus, error)
	// Watch says what changed elsewhere until ctx ends; then it closes the channel.
	Watch(ctx context.Context) <-chan backend.Event
	// Remembered is what the last run knew, from a local file.
	Remembered() []workspace.Workspace
	// DefaultMountpoint is the absolute path proposed for a workspace.
	DefaultMountpoint(workspace string) string
}
