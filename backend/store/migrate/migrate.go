package migrate

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/artifacts-tui/artifacts-tui/backend/store"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// atOnce is how many objects are copied side by side.
const atOnce = 24

// End is one of the two stores. Nothing else changes either.
type End struct {
	Index store.Index
	Blobs store.Blobs
	Where string // for a person, without secrets
	// Alone is an error where another process has the store open. nil: none can.
	Alone func(ctx context.Context) error
}

// Options tune a Run.
type Options struct {
	// Quick leaves out that every byte is read back.
	Quick bool
	// Keep leaves the source a store that can be served.
	Keep     bool
	Progress func(Progress) // called often, by one goroutine at a time; may be nil
}

// Progress is how far a run is.
type Progress struct {
	Phase   string `json:"phase"` // look, copy, verify, done
	Bucket  string `json:"bucket,omitempty"`
	Objects int64  `json:"objects"` // of the target that are as the source's
	Bytes   int64  `json:"bytes"`
	All     Totals `json:"all"` // what there is to do
}

// Totals are counts of a store.
type Totals struct {
	Buckets  int   `json:"buckets"`
	Objects  int64 `json:"objects"`
	Parts    int64 `json:"parts"` // of uploads in flight
	Uploads  int64 `json:"uploads"`
	Prefixes int64 `json:"prefixes"`
	Bytes    int64 `json:"bytes"` // of objects and parts
}

// Report is what a run did.
type Report struct {
	Totals
	Copied      int64 `json:"copied"`       // objects and parts; the others were there from a run before
	CopiedBytes int64 `json:"copied_bytes"` // of them
	Verified    int64 `json:"verified"`     // bytes that were read back and summed
}

// run is one migration under way.
type run struct {
	from, to End
	opt      Options

	mu       sync.Mutex
	progress Progress
	report   Report
}

// settle compares the two once nobody can change the source any more.
func (r *run) settle(ctx context.Context) error {
	if r.from.Alone != nil {
		if err := r.from.Alone(ctx); err != nil {
			return err
		}
	}
	return r.compare(ctx)
}

// Run makes to what from is, and then from one that was moved. It may be killed at any moment
// and run again: it goes on where it was, and until it is done to is no store that is served.
// to is empty, or what a run from the same source left.
func Run(ctx context.Context, from, to End, opt Options) (Report, error) {
	r := &run{from: from, to: to, opt: opt}
	err := r.all(ctx)
	return r.report, err
}

func (r *run) all(ctx context.Context) error {
	r.tell(func(p *Progress) { p.Phase = "look" })
	if err := r.ready(ctx); err != nil {
		return err
	}
	if err := r.sound(ctx); err != nil {
		return err
	}
	r.tell(func(p *Progress) { p.Phase = "copy" })
	if err := r.copyAll(ctx); err != nil {
		return err
	}
	r.tell(func(p *Progress) { p.Phase, p.Bucket, p.Objects, p.Bytes = "verify", "", 0, 0 })
	if err := r.readBack(ctx); err != nil {
		return err
	}
	// In this order: at no moment are there two stores that can be served, and what somebody who
	// came meanwhile has written to the source is not left behind.
	if !r.opt.Keep {
		if err := store.MarkMoved.Set(ctx, r.from.Index, r.to.Where); err != nil && !errors.Is(err, store.ErrBucketAlreadyExists) {
			return err
		}
	}
	if err := r.settle(ctx); err != nil {
		if !r.opt.Keep {
			err = errors.Join(err, store.MarkMoved.Drop(context.WithoutCancel(ctx), r.from.Index))
		}
		return err
	}
	if err := store.MarkMigrating.Drop(ctx, r.to.Index); err != nil {
		return err
	}
	r.tell(func(p *Progress) { p.Phase = "done" })
	return nil
}

func (r *run) tell(change func(*Progress)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change(&r.progress)
	if r.opt.Progress != nil {
		r.opt.Progress(r.progress)
	}
}

// ready marks the target.
func (r *run) ready(ctx context.Context) error {
	moved, err := store.MarkMoved.Read(ctx, r.from.Index)
	if err != nil {
		return err
	}
	if moved != "" && moved != r.to.Where {
		return fault.New(fault.Conflict, "move it on from there, or take it back first with --take-back", "the store in %s was moved to %s", r.from.Where, moved)
	}
	unfinished, err := store.MarkMigrating.Read(ctx, r.from.Index)
	if err != nil {
		return err
	}
	if unfinished != "" {
		return fault.New(fault.Conflict, "run that one to its end first", "a migration from %s into %s is not finished", unfinished, r.from.Where)
	}
	source, err := r.source(ctx)
	if err != nil {
		return err
	}
	mark, err := store.MarkMigrating.Read(ctx, r.to.Index)
	switch {
	case err != nil:
		return err
	case mark == source:
		return nil
	case mark != "":
		return fault.New(fault.Conflict, "run that one to its end, or give another target", "a migration from another store into %s is not finished", r.to.Where)
	case moved != "":
		return fault.New(fault.Conflict, "start the coordinator with that configuration", "the store in %s was moved to %s already", r.from.Where, moved)
	}
	have, err := store.BucketsOf(ctx, r.to.Index)
	if err != nil {
		return err
	}
	if len(have) > 0 {
		return fault.New(fault.Conflict, "give an empty target: a migration never writes over a store", "there is a store in %s already", r.to.Where)
	}
	return store.MarkMigrating.Set(ctx, r.to.Index, source)
}

// source names the store that is moved, whatever it is called: by its first bucket, which is
// the system's, and when that was made.
func (r *run) source(ctx context.Context) (string, error) {
	b, err := r.from.Index.Bucket(ctx, store.SystemBucket)
	if errors.Is(err, store.ErrNoSuchBucket) {
		return "", fault.New(fault.NotFound, "check --from", "there is no store of a coordinator in %s", r.from.Where)
	}
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("the store of %s in %s", b.Created.UTC().Format("2006-01-02T15:04:05.000000Z"), r.from.Where), nil
}

// sound refuses a source whose index is not whole: what cannot be read would be left behind.
func (r *run) sound(ctx context.Context) error {
	found, err := r.from.Index.Recount(ctx, false)
	if err != nil {
		return err
	}
	if n := len(found.Problems) + len(found.Drifts) + found.Shared; n > 0 {
		return fault.New(fault.Failure, "`coordinator fsck` says which and corrects what it can", "the index in %s has %d faults", r.from.Where, n)
	}
	all := Totals{}
	buckets, err := store.BucketsOf(ctx, r.from.Index)
	if err != nil {
		return err
	}
	all.Buckets = len(buckets)
	for _, b := range buckets {
		all.Objects += b.Objects
		all.Bytes += b.Total()
	}
	r.tell(func(p *Progress) { p.All = all })
	return nil
}
