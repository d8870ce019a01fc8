package coordinator

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"

	"github.com/artifacts-tui/artifacts-tui/backend/coordinator/config"
	"github.com/artifacts-tui/artifacts-tui/backend/store"
	"github.com/artifacts-tui/artifacts-tui/backend/store/engines"
	"github.com/artifacts-tui/artifacts-tui/backend/store/local"
	"github.com/artifacts-tui/artifacts-tui/backend/store/migrate"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// Migrate moves the store of one configuration to the engines of another: see migrate.Run. No
// coordinator runs on either. It returns where both are.
func Migrate(ctx context.Context, from, to config.Config, log *slog.Logger, o migrate.Options) (report migrate.Report, source, target string, err error) {
	if from.Storage.Index == "" && to.Storage.Index == "" && sameFolder(from.S3.DataDir, to.S3.DataDir) {
		return report, "", "", fault.New(fault.Usage, "give the target another s3.data_dir", "both stores keep their index in %s", from.S3.DataDir)
	}
	if err := there(from); err != nil {
		return report, "", "", err
	}
	unlock, err := lockEnds(from, to)
	if err != nil {
		return report, "", "", err
	}
	defer unlock()
	a, err := openEnd(ctx, from, log)
	if err != nil {
		return report, "", "", err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	b, err := openEnd(ctx, to, log)
	if err != nil {
		return report, "", "", err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	source, target = a.Where(), b.Where()
	if source == target {
		return report, source, target, fault.New(fault.Usage, "give --to another configuration", "the source and the target are the same store: %s", source)
	}
	report, err = migrate.Run(ctx, end(a), end(b), o)
	return report, source, target, err
}

// TakeBack makes a store that was moved away one that can be served again, as it was then. It
// returns where it was moved to.
func TakeBack(ctx context.Context, c config.Config, log *slog.Logger) (from, to string, err error) {
	if err := there(c); err != nil {
		return "", "", err
	}
	unlock, err := lockEnds(c)
	if err != nil {
		return "", "", err
	}
	defer unlock()
	e, err := openEnd(ctx, c, log)
	if err != nil {
		return "", "", err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	from = e.Where()
	if to, err = store.MarkMoved.Read(ctx, e.Index); err != nil {
		return from, "", err
	}
	if to == "" {
		return from, "", fault.New(fault.NotFound, "", "the store in %s was not moved", from)
	}
	return from, to, store.MarkMoved.Drop(ctx, e.Index)
}

// there refuses a source whose index is a file that does not exist: opening it would make one.
func there(c config.Config) error {
	_, err := os.Stat(filepath.Join(c.S3.DataDir, local.IndexFile))
	if errors.Is(err, os.ErrPermission) {
		return fault.Wrap(fault.Failure, err, "run it as the user that owns the folder", "data_dir %s", c.S3.DataDir)
	}
	if err != nil && c.Storage.Index == "" {
		return fault.New(fault.NotFound, "give --from the coordinator.yaml, or the data_dir, of a store", "there is no store in %s", c.S3.DataDir)
	}
	return nil
}

func end(e *engines.Engines) migrate.End {
	return migrate.End{Index: e.Index, Blobs: e.Blobs, Where: e.Where(), Alone: e.Alone}
}

// openEnd opens a store that nobody else uses.
func openEnd(ctx context.Context, c config.Config, log *slog.Logger) (*engines.Engines, error) {
	o, err := c.Engines()
	if err != nil {
		return nil, err
	}
	o.MaxSize, o.Log, o.Idle, o.Alone = 0, log, true, true
	return engines.OpenParts(ctx, o)
}

// lockEnds keeps coordinators of this machine away while it lasts.
func lockEnds(list ...config.Config) (unlock func(), err error) {
	var dirs []string
	for _, c := range list {
		if !slices.ContainsFunc(dirs, func(d string) bool { return sameFolder(d, c.S3.DataDir) }) {
			dirs = append(dirs, c.S3.DataDir)
		}
	}
	var all []func()
	unlock = func() {
		for _, u := range all {
			u()
		}
	}
	for _, d := range dirs {
		u, err := lockDataDir(d)
		if err != nil {
			unlock()
			if fault.Is(err, fault.Conflict) {
				err = fault.New(fault.Conflict, "stop it first: `artifacts-tui coordinator stop` stops the local one", "a coordinator, or another migration, uses %s", d)
			}
			return nil, err
		}
		all = append(all, u)
	}
	return unlock, nil
}

func sameFolder(a, b string) bool {
	if filepath.Clean(a) == filepath.Clean(b) {
		return true
	}
	x, errX := os.Stat(a)
	y, errY := os.Stat(b)
	return errX == nil && errY == nil && os.SameFile(x, y)
}
