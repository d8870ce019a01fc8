package engines

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/artifacts-tui/artifacts-tui/backend/store"
	"github.com/artifacts-tui/artifacts-tui/backend/store/bolt"
	"github.com/artifacts-tui/artifacts-tui/backend/store/dir"
	"github.com/artifacts-tui/artifacts-tui/backend/store/local"
	"github.com/artifacts-tui/artifacts-tui/backend/store/postgres"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// How long a freed blob stays for whoever is reading it.
const (
	lingerAlone  = time.Minute // in this process, between the index and the blob
	lingerShared = 10 * time.Minute
)

// Options say which engines, and how to reach them.
type Options struct {
	DataDir       string // of what is kept on this machine; absolute
	Index         string // postgres://…, without a password; empty: a file in DataDir
	IndexPassword string // never shown
	Blobs         string // s3://…, see ParseS3, or an absolute path; empty: in DataDir
	Keys          Keys   // of an S3 bucket
	CABundle      string // PEM file with the authority of the bucket's endpoint; empty: the system's alone

	MaxSize int64 // as of local.Options
	Reserve int64 // as of local.Options
	Log     *slog.Logger
	Idle    bool // see store.Options
	// Alone refuses engines that another process has open.
	Alone bool
}

// Engines are an index and blobs that belong together.
type Engines struct {
	Index  store.Index
	Blobs  store.Blobs
	Shared bool // other processes may have them open
	opt    Options
}

// Folder is that of the blobs, whose disk they fill; empty: they are in a bucket.
func (o Options) Folder() string {
	switch {
	case o.Blobs == "":
		return o.DataDir
	case strings.HasPrefix(o.Blobs, s3Scheme):
		return ""
	}
	return o.Blobs
}

// Embedded reports whether all of it is in DataDir.
func (o Options) Embedded() bool { return o.Index == "" && o.Blobs == "" }

// Where names both engines for a person, without secrets.
func (o Options) Where() string {
	index, blobs := o.Index, o.Blobs
	if o.Embedded() {
		return o.DataDir
	}
	if index == "" {
		index = filepath.Join(o.DataDir, local.IndexFile)
	}
	if blobs == "" {
		blobs = o.DataDir
	}
	return redact(index) + " and " + redact(blobs)
}

// redact leaves out what may come after the place itself.
func redact(url string) string {
	url, _, _ = strings.Cut(url, "?")
	return url
}

const s3Scheme = "s3://"

// Open opens a store that a coordinator serves, or another one works on. It refuses one that a
// migration is not finished with, and one that was moved. Errors are faults and hold no secret.
func Open(ctx context.Context, o Options) (*store.Store, error) {
	e, err := OpenParts(ctx, o)
	if err != nil {
		return nil, err
	}
	if err := e.Settled(ctx); err != nil {
		return nil, errors.Join(err, e.Close())
	}
	return e.Store(), nil
}

// OpenParts opens the engines as they are.
func OpenParts(ctx context.Context, o Options) (e *Engines, err error) {
	if o.DataDir == "" {
		return nil, errors.New("the store has no data_dir")
	}
	if err := os.MkdirAll(o.DataDir, 0o700); err != nil {
		return nil, fault.Wrap(fault.Failure, err, "choose a data_dir that this user can write", "data_dir %s", o.DataDir)
	}
	e = &Engines{opt: o, Shared: o.Index != ""}
	// The index comes first: the lock of its file keeps another process out of the blobs.
	if e.Index, err = openIndex(ctx, o); err != nil {
		return nil, err
	}
	if o.Alone {
		if err := e.Alone(ctx); err != nil {
			return nil, errors.Join(err, e.Index.Close())
		}
	}
	if e.Blobs, err = openBlobs(ctx, o); err != nil {
		return nil, errors.Join(err, e.Index.Close())
	}
	if err := e.belong(ctx); err != nil {
		return nil, errors.Join(err, e.Close())
	}
	return e, nil
}

// leaseTime is a little longer than a process that was killed is taken for one that is there.
var leaseTime = 30 * time.Second

// Alone waits until no other process has the index, for as long as one may be that was killed.
func (e *Engines) Alone(ctx context.Context) error {
	x, ok := e.Index.(interface {
		Others(ctx context.Context) (int, error)
	})
	if !ok {
		return nil // its file is locked
	}
	for until := time.Now().Add(leaseTime); ; {
		n, err := x.Others(ctx)
		if err != nil || n == 0 {
			return err
		}
		if time.Now().After(until) {
			return fault.New(fault.Conflict, "stop them first", "%d coordinators, or other processes, use the index %s", n, redact(e.opt.Index))
		}
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func openIndex(ctx context.Context, o Options) (store.Index, error) {
	if o.Index == "" {
		x, err := bolt.Open(filepath.Join(o.DataDir, local.IndexFile), o.MaxSize)
		if err != nil {
			return nil, fault.Wrap(fault.Failure, err, "check the disk and who owns the folder", "cannot open the store in %s", o.DataDir)
		}
		return x, nil
	}
	url, err := withPassword(o.Index, o.IndexPassword)
	if err != nil {
		return nil, err
	}
	x, err := postgres.Open(ctx, url, postgres.Options{MaxSize: o.MaxSize, Log: o.Log})
	if err != nil {
		return nil, fault.New(fault.Unreachable, "check storage.index, the database and its pg_hba.conf", "cannot open the index %s: %s", redact(o.Index), without(err.Error(), o.IndexPassword))
	}
	return x, nil
}

func openBlobs(ctx context.Context, o Options) (store.Blobs, error) {
	root := o.Folder()
	if root == "" {
		return openS3(ctx, o)
	}
	var b store.Blobs
	var err error
	if o.Index != "" || o.Blobs != "" {
		b, err = dir.OpenShared(root, dir.SharedOptions{})
	} else {
		b, err = dir.Open(root)
	}
	if err != nil {
		return nil, fault.Wrap(fault.Failure, err, "check the disk and who owns the folder", "cannot open the blobs in %s", root)
	}
	return b, nil
}

// place is blobs that tell one place from another.
type place interface {
	ID(ctx context.Context) (string, error)
	Empty(ctx context.Context) (bool, error)
	Where() string
}

// belong makes sure that the index and the blobs are of one store: a sweep of blobs that another
// index refers to would delete all of them. The first start makes them belong together.
func (e *Engines) belong(ctx context.Context) error {
	blobs, ok := e.Blobs.(place)
	if !ok || e.opt.Embedded() {
		return nil
	}
	id, err := blobs.ID(ctx)
	if err != nil {
		return fault.Wrap(fault.As(err).Kind, err, fault.As(err).Hint, "cannot open the blobs")
	}
	known, err := store.MarkBlobs.Read(ctx, e.Index)
	if err != nil {
		return err
	}
	if known == "" {
		empty, err := blobs.Empty(ctx)
		if err != nil {
			return err
		}
		if !empty { // perhaps since another coordinator's first start, a moment ago
			if known, err = store.MarkBlobs.Read(ctx, e.Index); err != nil {
				return err
			}
		}
		if !empty && known == "" {
			return fault.New(fault.Conflict, "give it an empty prefix, or the index that it belongs to", "%s holds the blobs of another store: this index has never used it", blobs.Where())
		}
		if err := store.MarkBlobs.Set(ctx, e.Index, id); err != nil && !errors.Is(err, store.ErrBucketAlreadyExists) {
			return err
		}
		if known, err = store.MarkBlobs.Read(ctx, e.Index); err != nil {
			return err
		}
	}
	if known != id {
		return fault.New(fault.Conflict, "correct storage.index or storage.blobs: one of them is of another store", "%s does not hold the blobs of this index", blobs.Where())
	}
	return nil
}

// Settled refuses a store that is not to be served.
func (e *Engines) Settled(ctx context.Context) error {
	from, err := store.MarkMigrating.Read(ctx, e.Index)
	if err != nil {
		return err
	}
	if from != "" {
		return fault.New(fault.Conflict, "run the same `coordinator migrate` again: it goes on where it was", "a migration into %s is not finished", e.opt.Where())
	}
	to, err := store.MarkMoved.Read(ctx, e.Index)
	if err != nil {
		return err
	}
	if to != "" {
		return fault.New(fault.Conflict, "start the coordinator with the configuration that it was moved to; `coordinator migrate --take-back` makes this one the store again",
			"the store in %s was moved to %s", e.opt.Where(), to)
	}
	return nil
}

// Where names both engines for a person, without secrets.
func (e *Engines) Where() string { return e.opt.Where() }

// Store puts a store over the engines, which its Close closes.
func (e *Engines) Store() *store.Store {
	o := store.Options{Log: e.opt.Log, Idle: e.opt.Idle}
	switch {
	case e.opt.Idle: // nobody reads
	case e.Shared:
		o.Linger = lingerShared
	case e.opt.Folder() == "":
		o.Linger = lingerAlone
	}
	if folder := e.opt.Folder(); folder != "" {
		o.Reserve, o.Disk = local.Keep(folder, e.opt.Reserve)
	}
	return store.New(e.Index, e.Blobs, o)
}

// Close closes both.
func (e *Engines) Close() error { return errors.Join(e.Index.Close(), e.Blobs.Close()) }

// withPassword puts a password into a postgres URL, where it has a user.
func withPassword(index, password string) (string, error) {
	if password == "" {
		return index, nil
	}
	scheme, rest, ok := strings.Cut(index, "://")
	user, host, named := strings.Cut(rest, "@")
	if !ok || !named || strings.ContainsAny(user, "/?:") {
		return "", fault.New(fault.Usage, "write it as postgres://USER@HOST/DATABASE", "storage.index names no user for its password")
	}
	return fmt.Sprintf("%s://%s:%s@%s", scheme, user, escape(password), host), nil
}
