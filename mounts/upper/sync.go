package upper

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/artifacts-tui/artifacts-tui/internal/hostos"
)

// syncEvery bounds what a loss of power can take: a second of closes.
const syncEvery = time.Second

// keepSynced makes closed versions durable in the background (SPEC C7), tries again what
// the journal refused, and keeps the journal short.
func (f *FS) keepSynced() {
	defer f.wg.Done()
	tick := time.NewTicker(syncEvery)
	defer tick.Stop()
	for {
		select {
		case <-f.ctx.Done():
			return
		case <-tick.C:
		}
		if err := f.Sync(f.ctx); err != nil {
			f.log.Error("the staging disk does not sync", "err", err)
		}
		f.mu.Lock()
		f.recordUnrecorded()
		if f.j.size > max(compactAt, 2*f.j.compacted) || f.j.broken != nil {
			if err := f.compact(); err != nil {
				f.log.Error("the journal cannot be compacted", "err", err)
			}
		}
		f.mu.Unlock()
	}
}

// Sync brings every closed version to disk and says so in the journal: they then survive
// a loss of power.
func (f *FS) Sync(context.Context) error {
	f.syncMu.Lock()
	defer f.syncMu.Unlock()
	f.mu.Lock()
	seq := f.j.seq.Load()
	stale := seq != f.quiet
	f.mu.Unlock()
	if stale {
		if err := f.syncTo(seq); err != nil {
			return err
		}
	}
	f.mu.Lock()
	trash := f.takeTrash()
	f.mu.Unlock()
	for _, d := range trash {
		if err := f.st.remove(d); err != nil && !errors.Is(err, fs.ErrNotExist) {
			f.log.Error("cannot remove a staged file", "err", err)
		}
	}
	return nil
}

func (f *FS) syncTo(seq uint64) error {
	if err := hostos.SyncBelow(f.st.dir); err != nil {
		return fmt.Errorf("staging folder: %w", err)
	}
	f.mu.Lock()
	r := &record{Synced: seq}
	err := f.record(r)
	f.mu.Unlock()
	if err != nil {
		return err
	}
	// What recovery may have to do without goes only after it can know so.
	if err := f.j.sync(r.Seq); err != nil {
		return errno(err)
	}
	f.mu.Lock()
	f.synced = seq
	if r.Seq == seq+1 {
		f.quiet = r.Seq
	}
	f.mu.Unlock()
	return nil
}

// takeTrash returns the data files that no recovery can need any more, and lets bytes of
// versions change that are durably done with. FS.mu is held.
func (f *FS) takeTrash() (files []*dataFile) {
	keep := f.garbage[:0]
	for _, g := range f.garbage {
		if g.seq <= f.synced || f.quiet == f.j.seq.Load() {
			files = append(files, g.data)
		} else {
			keep = append(keep, g)
		}
	}
	f.garbage = keep
	held := f.finished[:0]
	for _, x := range f.finished {
		if x.seq <= f.synced || f.quiet == f.j.seq.Load() {
			x.v.data.unhold(x.v)
		} else {
			held = append(held, x)
		}
	}
	clear(f.finished[len(held):])
	f.finished = held
	return files
}

// reclaim makes room on a full disk: clean copies go, and what was superseded. It
// reports whether that can have helped. No lock is held.
func (f *FS) reclaim() bool {
	f.mu.Lock()
	f.evict(0)
	trash := len(f.garbage)
	f.mu.Unlock()
	if trash == 0 {
		return false
	}
	return f.Sync(f.ctx) == nil
}

// persist brings a data file to disk, its name included.
func (s *staging) persist(d *dataFile) error {
	f, err := s.acquire(d)
	if err != nil {
		return err
	}
	defer s.release(d)
	if err := hostos.SyncData(f); err != nil {
		return fmt.Errorf("fdatasync: %w", err)
	}
	return syncDir(s.dir)
}
