package local

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/artifacts-tui/artifacts-tui/backend/store"
	"github.com/artifacts-tui/artifacts-tui/backend/store/bolt"
	"github.com/artifacts-tui/artifacts-tui/backend/store/dir"
)

// Options say where the store is.
type Options struct {
	Dir     string // made (0700) where it is missing
	MaxSize int64  // bytes of all buckets; 0: unlimited (SPEC B21 max_size)
	Log     *slog.Logger
	Reserve int64 // bytes of the volume that clients leave free; 0: 64 MiB, on a volume up to 1 GiB a sixteenth; negative: none
	Idle    bool  // see store.Options
}

// IndexFile is the file in Options.Dir without which there is no store.
const IndexFile = "index.db"

// Open opens the store in o.Dir: index.db and blobs/. One process has it at a time.
func Open(o Options) (*store.Store, error) {
	if o.Dir == "" {
		return nil, errors.New("the store has no data_dir")
	}
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, err
	}
	// The index comes first: its lock keeps another process out of the blobs.
	index, err := bolt.Open(filepath.Join(o.Dir, IndexFile), o.MaxSize)
	if err != nil {
		return nil, err
	}
	blobs, err := dir.Open(o.Dir)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open the blobs in %s: %w", o.Dir, err), index.Close())
	}
	options := store.Options{Log: o.Log, Idle: o.Idle}
	options.Reserve, options.Disk = Keep(o.Dir, o.Reserve)
	return store.New(index, blobs, options), nil
}
