package store

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"log/slog"
	"sync"
	"time"
)

// Options tune a Store. The zero value is usable.
type Options struct {
	Log *slog.Logger // nil: nothing is logged
	// UploadExpiry is the age at which an upload in flight is given up; 0: seven days.
	UploadExpiry time.Duration
	Now          func() time.Time // nil: time.Now
	// Disk is asked for the bytes that are free where Blobs are; nil: there is no end to them.
	Disk func() (int64, error)
	// Reserve is how many of them are kept: what would leave less is refused with
	// QuotaExceeded. SystemBucket may use them, and the index, so that control state and
	// deletions can be recorded when nothing else can.
	Reserve int64
	// Linger is how long a blob that is freed stays for readers in other processes. 0: it is
	// deleted at once; those of this process are safe in any case.
	Linger time.Duration
	// Idle leaves out what a Store does by itself: nothing changes but by its methods.
	Idle bool
}

// Store is safe for use by many goroutines. Its methods return *Error where they
// refuse, and then have changed nothing.
type Store struct {
	index    Index
	blobs    Blobs
	log      *slog.Logger
	expiry   time.Duration
	now      func() time.Time
	pins     pins
	settling settling
	sweeping sync.Mutex
	disk     disk
	graves   graves

	stop context.CancelFunc
	done sync.WaitGroup
}

// New puts a Store over index and blobs, which Close closes. In the background it sweeps
// where that pays, and looks for expired uploads once an hour.
func New(index Index, blobs Blobs, o Options) *Store {
	s := &Store{
		index: index, blobs: blobs, log: o.Log, expiry: o.UploadExpiry, now: o.Now,
		pins: pins{count: map[string]int{}, doomed: map[string]bool{}},
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.expiry == 0 {
		s.expiry = expiry
	}
	if s.now == nil {
		s.now = time.Now
	}
	s.disk = disk{free: o.Disk, reserve: o.Reserve, now: s.now}
	s.graves = graves{linger: o.Linger, now: s.now}
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	if !o.Idle {
		s.done.Go(func() { s.maintain(ctx) })
		if o.Linger > 0 {
			s.done.Go(func() { s.bury(ctx) })
		}
	}
	return s
}

// Feed is what changes in the store, also by other processes where they share its index.
func (s *Store) Feed() Feed { return s.index.Feed() }

// Close ends the work in the background and closes index and blobs. Readers that are open go on.
func (s *Store) Close() error {
	s.stop()
	s.done.Wait()
	if err := s.index.Close(); err != nil {
		return err
	}
	return s.blobs.Close()
}

func newID() string {
	p := make([]byte, 16)
	rand.Read(p) // never fails: https://pkg.go.dev/crypto/rand#Read
	return hex.EncodeToString(p)
}

// free deletes blobs, those that a reader has pinned when it lets go of them, and where other
// processes may read them after a while.
func (s *Store) free(blobs []string) {
	for _, id := range blobs {
		if s.pins.doom(id) {
			continue
		}
		if id = s.graves.dig(id); id == "" {
			continue
		}
		// The request is answered whatever becomes of this; a sweep tries again.
		if err := s.blobs.Delete(context.Background(), id); err != nil {
			s.log.Warn("a blob that is not needed could not be deleted", "blob", id, "err", err)
		}
	}
}
