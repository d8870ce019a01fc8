package session

import (
	"fmt"
	"time"

	"github.com/artifacts-tui/artifacts-tui/backend"
	"github.com/artifacts-tui/artifacts-tui/backend/workspace"
	"github.com/artifacts-tui/artifacts-tui/mounts"
)

// coordinatorID counts the coordinators that were in use: an answer of a former one comes too late.
type coordinatorID int

// The messages that commands of this package end in. At is when it happened: no
// other clock is read, so that a screen depends on messages alone.
type (
	// WorkspacesRead ends a read of the workspaces.
	WorkspacesRead struct {
		List []workspace.Workspace
		Err  error
		At   time.Time
		of   coordinatorID
	}
	// MountsRead ends a read of the mounts.
	MountsRead struct {
		List []mounts.Status
		Err  error
		At   time.Time
	}
	// CoordinatorRead ends finding or starting the coordinator.
	CoordinatorRead struct {
		Status backend.CoordinatorStatus
		Err    error
		At     time.Time
		of     coordinatorID
	}
	// Changed says what changed elsewhere.
	Changed struct {
		Kinds  map[backend.EventKind]bool
		At     time.Time
		events <-chan backend.Event
	}
	// Created ends CreateWorkspace.
	Created struct {
		Request   backend.CreateRequest
		Workspace workspace.Workspace
		Notices   []string
		Err       error
		At        time.Time
	}
	// Mounted ends Mount.
	Mounted struct {
		Request backend.MountRequest
		Status  mounts.Status
		Err     error
		At      time.Time
	}
	// Draining is news of a running Unmount, at most some ten a second.
	Draining struct {
		Mountpoint string
		Drain      mounts.Drain
		At         time.Time
		more       *latest
	}
	// Unmounted ends Unmount.
	Unmounted struct {
		Workspace, Mountpoint string
		Drain                 mounts.Drain
		Err                   error
		At                    time.Time
	}
	// Deleted ends DeleteWorkspace.
	Deleted struct {
		Name string
		Err  error
		At   time.Time
	}
	// Tick moves the clock.
	Tick struct {
		At time.Time
		n  int // which one; a later one takes its place
	}
	// Panicked ends a command that panicked.
	Panicked struct{ Err *PanicError }
)

// PanicError is a panic of a command, caught. Stack is for a log, not a screen.
type PanicError struct {
	Op    string
	Value any
	Stack []byte
}

// Error names the command and the panic's value.
func (e *PanicError) Error() string { return fmt.Sprintf("%s: panic: %v", e.Op, e.Value) }
