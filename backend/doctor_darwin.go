package backend

import (
	"context"

	"golang.org/x/sys/unix"
)

// kernel names the running one.
func kernel() string {
	release, err := unix.Sysctl("kern.osrelease")
	if err != nil {
		return ""
	}
	return ", Darwin " + release
}

// mountHelper is of Linux.
func mountHelper(context.Context) []Finding { return nil }
