package coordinator

import (
	"context"
	"errors"

	"github.com/artifacts-tui/artifacts-tui/backend/coordinator/config"
	"github.com/artifacts-tui/artifacts-tui/backend/store"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// Fsck checks the store of a coordinator that does not run. With o.Repair it corrects
// counters and removes orphaned blobs; bytes that are lost stay lost, and are reported.
func Fsck(ctx context.Context, c config.Config, o store.CheckOptions) (r store.CheckReport, err error) {
	dataDir := c.S3.DataDir
	if err := there(c); err != nil {
		return r, fault.New(fault.NotFound, "give --data-dir or --config of the coordinator that is to be checked", "%s", err)
	}
	unlock, err := lockDataDir(dataDir)
	if err != nil {
		if fault.Is(err, fault.Conflict) {
			return r, fault.New(fault.Conflict, "`artifacts-tui coordinator stop` stops the local one", "a coordinator uses %s", dataDir)
		}
		return r, err
	}
	defer unlock()
	s, err := openStore(ctx, c, nil, true)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return s.Check(ctx, o)
}
