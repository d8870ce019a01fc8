package coordinator

import (
	"context"
	"errors"
	"path/filepath"

	"github.com/artifacts-tui/artifacts-tui/backend/coordinator/config"
	"github.com/artifacts-tui/artifacts-tui/backend/store"
	"github.com/artifacts-tui/artifacts-tui/backend/store/bolt"
	"github.com/artifacts-tui/artifacts-tui/backend/store/local"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// Fsck checks the store of a coordinator that does not run. With o.Repair it corrects
// counters and removes orphaned blobs; bytes that are lost stay lost, and are reported.
func Fsck(ctx context.Context, c config.Config, o store.CheckOptions) (r store.CheckReport, err error) {
	s, end, err := openStopped(ctx, c)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, end()) }()
	return s.Check(ctx, o)
}

// openStopped opens the store of a coordinator that does not run, and keeps it from being started until end.
func openStopped(ctx context.Context, c config.Config) (s *store.Store, end func() error, err error) {
	dataDir := c.S3.DataDir
	if err := there(c); fault.Is(err, fault.NotFound) {
		return nil, nil, fault.New(fault.NotFound, "give --data-dir or --config of the coordinator that is meant", "%s", err)
	} else if err != nil {
		return nil, nil, err
	}
	unlock, err := lockDataDir(dataDir)
	if err != nil {
		if fault.Is(err, fault.Conflict) {
			err = fault.New(fault.Conflict, "`artifacts-tui coordinator stop` stops the local one", "a coordinator uses %s", dataDir)
		}
		return nil, nil, err
	}
	if c.Storage.Index == "" {
		if err := bolt.Probe(filepath.Join(dataDir, local.IndexFile)); err != nil {
			unlock()
			return nil, nil, fault.Wrap(fault.Failure, err,
				"bring the folder back from a copy; of a backup `artifacts-tui coordinator restore` makes a new one, without the objects", "the index of the store is damaged")
		}
	}
	s, err = openStore(ctx, c, nil, true)
	if err != nil {
		unlock()
		return nil, nil, err
	}
	return s, func() error {
		defer unlock()
		return s.Close()
	}, nil
}
