package mounts

import (
	"context"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// removeStale detaches every mount at mountpoint whose process is gone.
func removeStale(ctx context.Context, mountpoint string) error {
	entries, err := table()
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.mountpoint != mountpoint {
			continue
		}
		if err := e.remove(ctx); err != nil {
			return fault.Wrap(fault.Failure, err, "try '"+forcedUnmount+" "+mountpoint+"'", "cannot remove the stale mount at %s", mountpoint)
		}
	}
	return nil
}
