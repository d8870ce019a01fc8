// Package action is what pages and dialogs ask the root for. They never touch
// the program themselves. It imports the program's types, and of the UI the names of keys and changes.
package action

import (
	"time"

	"github.com/artifacts-tui/artifacts-tui/backend"
	"github.com/artifacts-tui/artifacts-tui/backend/workspace"
	"github.com/artifacts-tui/artifacts-tui/keyring"
	"github.com/artifacts-tui/artifacts-tui/ui/control"
	"github.com/artifacts-tui/artifacts-tui/ui/keymap"
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
	// OpenRotate asks for the wizard, with its cursor on a profile's pair, or on the global one.
	OpenRotate struct{ Profile string }
	// OpenEdit asks for the fields of what is kept.
	OpenEdit struct{ Source backend.CredentialSource }
	// OpenClear asks before what is kept is forgotten.
	OpenClear struct{ Source backend.CredentialSource }
	// SetStorage changes what is kept.
	SetStorage struct{ Change backend.StorageChange }
	// ClearStorage forgets what is kept.
	ClearStorage struct{ Profile string }
	// Verify tries credentials on the workspaces that use them.
	Verify struct{ Profile string }
	// RefreshCredentials gives a mount the credentials of now; Kept: those of the cache.
	RefreshCredentials struct {
		Mountpoint string
		Kept       bool
	}
	// Remount drains and mounts again.
	Remount struct{ Mountpoint string }
	// ReadRotation reads what a rotation would concern.
	ReadRotation struct{ Profile string }
	// IssuePair runs a command that prints a pair.
	IssuePair struct{ Command string }
	// VerifyRotation tries a new pair.
	VerifyRotation struct {
		Rotation backend.Rotation
		Pair     keyring.Credentials
	}
	// StopVerifying ends that.
	StopVerifying struct{}
	// SaveRotation keeps a new pair, and the former beside it.
	SaveRotation struct {
		Rotation backend.Rotation
		Pair     keyring.Credentials
	}
	// EndRotation forgets the former pair, or goes back to it.
	EndRotation struct {
		Profile string
		Undo    bool
	}
	// KeepDraft keeps a rotation for later; nil forgets it.
	KeepDraft struct{ Draft *backend.RotationDraft }
	// Change asks the control plane for something.
	Change struct{ Change *control.Change }
	// OpenControl asks for the dialog of an action on the control plane, on the row called ID.
	OpenControl struct {
		Name keymap.Action
		ID   string
	}
	// ReadControl reads the control plane again.
	ReadControl struct{}
	// ReadBin reads the deleted objects of a bucket.
	ReadBin struct{ Bucket string }
	// OpenNotice shows a message as a whole; Tone is a component.Tone.
	OpenNotice struct {
		Text    string
		Details []string
		Todo    string
		Tone    int
		At      time.Time
	}
	// OpenMessages lists all messages.
	OpenMessages struct{}
	// Invoke does what the action of this name in the key map does, as if its key was pressed.
	Invoke struct{ Name string }
	// Refresh reads everything again.
	Refresh struct{}
	// Show goes to a page and selects a row: a workspace's name or a mountpoint.
	Show struct {
		Page string
		ID   string
		Then Action // may be nil
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

func (OpenCreate) action()         {}
func (OpenMount) action()          {}
func (OpenUnmount) action()        {}
func (OpenDelete) action()         {}
func (Create) action()             {}
func (Mount) action()              {}
func (Unmount) action()            {}
func (Delete) action()             {}
func (OpenNotice) action()         {}
func (OpenMessages) action()       {}
func (Invoke) action()             {}
func (Change) action()             {}
func (OpenControl) action()        {}
func (ReadBin) action()            {}
func (ReadControl) action()        {}
func (Refresh) action()            {}
func (OpenRotate) action()         {}
func (OpenEdit) action()           {}
func (OpenClear) action()          {}
func (SetStorage) action()         {}
func (ClearStorage) action()       {}
func (Verify) action()             {}
func (RefreshCredentials) action() {}
func (Remount) action()            {}
func (ReadRotation) action()       {}
func (IssuePair) action()          {}
func (VerifyRotation) action()     {}
func (StopVerifying) action()      {}
func (SaveRotation) action()       {}
func (EndRotation) action()        {}
func (KeepDraft) action()          {}
func (Show) action()               {}
func (Copy) action()               {}
func (Close) action()              {}
func (CloseThen) action()          {}
func (After) action()              {}
func (Quit) action()               {}

// CommandLine is the command line that does the same.
func (c Change) CommandLine() string { return c.Change.Line }
