package session

import (
	"context"

	"github.com/artifacts-tui/artifacts-tui/backend"
	"github.com/artifacts-tui/artifacts-tui/backend/workspace"
	"github.com/artifacts-tui/artifacts-tui/keyring"
	"github.com/artifacts-tui/artifacts-tui/mounts"
	"github.com/artifacts-tui/artifacts-tui/ui/control"
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
	Credentials
	control.App
	Objects
	Jobs
}

// Credentials is the part of App that is about the user's own S3 credentials. No method
// returns a secret that can be printed.
type Credentials interface {
	CredentialSources(ctx context.Context) ([]backend.CredentialSource, error)
	// SetStorage returns notices besides what is kept then.
	SetStorage(change backend.StorageChange) (backend.Stored, []string, error)
	ClearStorage(profile string) (backend.Stored, error)
	// Verify calls each with every outcome as it comes.
	Verify(ctx context.Context, profile string, each func(backend.Verified)) ([]backend.Verified, error)
	RefreshCredentials(ctx context.Context, req backend.RefreshRequest) (backend.RefreshedCredentials, error)
	Remount(ctx context.Context, where string, opts mounts.UnmountOptions) (mounts.Status, error)

	Rotation(ctx context.Context, profile string) (backend.Rotation, error)
	IssuePair(ctx context.Context, command string) (keyring.Credentials, error)
	VerifyRotation(ctx context.Context, r backend.Rotation, creds keyring.Credentials, each func(backend.Verified)) ([]backend.Verified, error)
	SaveRotation(r backend.Rotation, creds keyring.Credentials) error
	FinishRotation(profile string) error
	UndoRotation(profile string) error
	// RotationDraft reads a small file.
	RotationDraft() *backend.RotationDraft
	KeepRotationDraft(d *backend.RotationDraft) error
}
