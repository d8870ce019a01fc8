package action

import (
	"github.com/artifacts-tui/artifacts-tui/backend"
	"github.com/artifacts-tui/artifacts-tui/backend/objects"
	"github.com/artifacts-tui/artifacts-tui/ui/listing"
)

// Of the browser. Those that only look have Reads.
type (
	// Browse goes to a folder, or with an empty name to the places.
	Browse struct{ At objects.Name }
	// LoadMore reads more of the folder.
	LoadMore struct{ All bool }
	// StopListing gives up reading all of it.
	StopListing struct{}
	// Arrange orders and filters what is there.
	Arrange struct{ Order listing.Order }
	// Look reads about an object.
	Look struct{ At objects.Name }
	// OpenInfo shows all that is known of an object.
	OpenInfo struct{ At objects.Name }
	// Presign puts a link on the clipboard.
	Presign struct{ At objects.Name }
	// OpenUpload asks for the file or folder to upload.
	OpenUpload struct{ To objects.Name }
	// OpenDownload asks where to.
	OpenDownload struct{ From []objects.Name }
	// OpenCopy asks where to.
	OpenCopy struct {
		From []objects.Name
		Move bool
	}
	// Complete looks for the local paths that begin with Text.
	Complete struct{ Text string }
	// Transfer starts a job.
	Transfer struct{ Transfer backend.Transfer }
	// Remove deletes in a while; Restore takes that back.
	Remove struct{ What []objects.Name }
	// Restore takes the last deletion back that has not begun.
	Restore struct{}
	// OpenMountPlace asks for the name and the path of a workspace of a bucket's folder.
	OpenMountPlace struct{ At objects.Name }
	// MountPlace makes that workspace and mounts it.
	MountPlace struct {
		Name, Mountpoint string
		At               objects.Name
	}
	// CancelJob ends a job.
	CancelJob struct{ ID string }
	// RetryJob starts one again.
	RetryJob struct{ ID string }
	// ForgetJobs clears one that has ended, or with an empty ID all of them.
	ForgetJobs struct{ ID string }
	// OpenJob shows a job's errors.
	OpenJob struct{ ID string }
)

func (Browse) action()         {}
func (LoadMore) action()       {}
func (StopListing) action()    {}
func (Arrange) action()        {}
func (Look) action()           {}
func (OpenInfo) action()       {}
func (Presign) action()        {}
func (OpenUpload) action()     {}
func (OpenDownload) action()   {}
func (OpenCopy) action()       {}
func (Complete) action()       {}
func (Transfer) action()       {}
func (Remove) action()         {}
func (Restore) action()        {}
func (OpenMountPlace) action() {}
func (MountPlace) action()     {}
func (CancelJob) action()      {}
func (RetryJob) action()       {}
func (ForgetJobs) action()     {}
func (OpenJob) action()        {}

// Reads: these change nothing but what is on the screen.
func (Browse) Reads() bool { return true }

// Reads is so for a listing.
func (LoadMore) Reads() bool { return true }

// Reads is so for a listing.
func (StopListing) Reads() bool { return true }

// Reads is so for an order.
func (Arrange) Reads() bool { return true }

// Reads is so for a preview.
func (Look) Reads() bool { return true }

// Reads is so for what is shown.
func (OpenInfo) Reads() bool { return true }

// Reads is so for what is shown.
func (OpenJob) Reads() bool { return true }

// Reads is so for a list of paths.
func (Complete) Reads() bool { return true }

// Reads is so for a list on the screen.
func (ForgetJobs) Reads() bool { return true }
