// Package action is what pages and dialogs ask the root for. They never touch
// the program themselves. It imports the program's types and nothing of the UI.
package action

import (
	"time"

	"github.com/artifacts-tui/artifacts-tui/backend"
	"github.com/artifacts-tui/artifacts-tui/backend/workspace"
)

// Action is one request; nil asks for nothing.
type Action interface{ action() }

type (
	// OpenCreate asks for the form of a new workspace.
	OpenCreate struct{ Backend workspace.Backend }
	// OpenMount asks for the path to mount a workspace at.
	OpenMount struct{ Workspace string }
	// OpenUnmount asks to drain and unmount, with a dialog where that takes a while.
	OpenUnmount struct{ Workspace, Mountpoint string }
	// OpenDelete asks for the name to be typed.
	OpenDelete struct{ Workspace workspace.Workspace }
	// Create sends the form.
	Create struct{ Request backend.CreateRequest }
	// Mount mounts.
	Mount struct{ Request backend.MountRequest }
	// Unmount drains and unmounts.
	Unmount struct{ Workspace, Mountpoint string }
	// Delete deletes.
	Delete struct{ Name string }
	// Refresh reads everything again.
	Refresh struct{}
	// Show goes to a page and selects a row: a workspace's name or a mountpoint.
	Show struct {
		Page string
		ID   string
	}
	// Copy puts text on the clipboard and says What was copied.
	Copy struct{ Text, What string }
	// Close closes the topmost dialog.
	Close struct{}
	// CloseThen closes the topmost dialog and does Then.
	CloseThen struct{ Then Action }
	// After sends Msg to the topmost dialog when the time has passed.
	After struct {
		Wait time.Duration
		Msg  any
	}
	// Quit leaves the program; where something is under way only when Sure.
	Quit struct{ Sure bool }
)

func (OpenCreate) action()  {}
func (OpenMount) action()   {}
func (OpenUnmount) action() {}
func (OpenDelete) action()  {}
func (Create) action()      {}
func (Mount) action()       {}
func (Unmount) action()     {}
func (Delete) action()      {}
func (Refresh) action()     {}
func (Show) action()        {}
func (Copy) action()        {}
func (Close) action()       {}
func (CloseThen) action()   {}
func (After) action()       {}
func (Quit) action()        {}
