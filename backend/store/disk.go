package store

import (
	"context"
	"math"
	"sync"
	"time"
)

const (
	lookEvery = time.Second // how long an answer of the disk is believed
	entrySize = 4 << 10     // bytes: about what a new entry of the index takes
)

// disk keeps Options.Reserve bytes of the volume free of clients' data, so that control state
// can be recorded when nothing else can. It knows what writers have been promised and have not
// written yet, and so asks the volume once in lookEvery, and before it refuses.
type disk struct {
	free    func() (int64, error) // nil: there is nothing to keep
	reserve int64
	now     func() time.Time

	mu      sync.Mutex
	known   int64 // bytes free at the last look
	looked  time.Time
	written int64 // bytes since the last look
	claimed int64 // bytes promised and not written
	lowest  int64 // bytes that were free when low was last true; 0: never, or not since there was more
}

// claim is disk promised to a writer.
type claim struct {
	disk *disk
	keep int64 // bytes that it must leave free; negative: it takes what there is
	left int64 // bytes not written yet
}

// forClient promises n bytes to a write to bucket, or refuses with QuotaExceeded.
func (d *disk) forClient(bucket string, n int64) (*claim, error) {
	c := &claim{disk: d, keep: d.reserve}
	if bucket == SystemBucket {
		c.keep = -1
	}
	return c, c.grow(n)
}

// forSweep is forClient for bytes that are moved: to give space back needs a little of it.
func (d *disk) forSweep(n int64) (*claim, error) {
	c := &claim{disk: d, keep: d.reserve / 4}
	return c, c.grow(n)
}

// low reports whether half of the reserve is used up, and then again with each sixteenth: a
// sweep is to find what it can.
func (d *disk) low() bool {
	if d.free == nil {
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case !d.look():
		return false
	case d.known >= d.reserve/2:
		d.lowest = 0
		return false
	case d.lowest > 0 && d.known > d.lowest-d.reserve/16:
		return false
	}
	d.lowest = max(d.known, 1)
	return true
}

// room is what a client could still write, in bytes.
func (d *disk) room() int64 {
	if d.free == nil {
		return math.MaxInt64
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.now().Sub(d.looked) >= lookEvery && !d.look() {
		return math.MaxInt64
	}
	return max(d.left()-d.reserve, 0)
}

// Room is what clients can still write before the disk is full, in bytes, whatever quotas say;
// math.MaxInt64 where no disk is watched.
func (s *Store) Room() int64 { return s.disk.room() }

func (c *claim) grow(n int64) error {
	d := c.disk
	if d.free == nil {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if c.keep >= 0 {
		fits := d.now().Sub(d.looked) < lookEvery && n <= d.left()-c.keep
		// A disk that does not say what it has is not taken for full.
		if !fits && d.look() && n > d.left()-c.keep {
			return Refuse(QuotaExceeded, "the store's disk is full: of %d bytes that are free %d are kept for control state and %d are promised to writes under way; %d more are needed",
				d.known, c.keep, d.claimed, n)
		}
	}
	d.claimed += n
	c.left += n
	return nil
}

// left is called with mu held.
func (d *disk) left() int64 { return d.known - d.written - d.claimed }

// look asks the volume, and reports whether it answered. It is called with mu held.
func (d *disk) look() bool {
	free, err := d.free()
	if err != nil {
		return false
	}
	d.known, d.looked, d.written = free, d.now(), 0
	return true
}

// wrote says that n of the bytes are on the disk.
func (c *claim) wrote(n int64) {
	d := c.disk
	if d.free == nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	n = min(n, c.left)
	c.left -= n
	d.claimed -= n
	d.written += n
}

// end gives the claim up. What was not said to be written counts as written until the next look.
func (c *claim) end() { c.wrote(math.MaxInt64) }

// room is what a write was given, of the quotas and of the disk.
type room struct {
	quota Reservation
	disk  *claim
}

// begin asks for what a Put needs, of the quotas and of the disk. A refusal is QuotaExceeded.
func (s *Store) begin(ctx context.Context, bucket, key string, o PutOptions) (room, error) {
	quota, err := s.index.Begin(ctx, bucket, key, o.Size, o.condition())
	if err != nil {
		return room{}, err
	}
	return s.withDisk(bucket, quota, max(o.Size, 0))
}

// withDisk asks for the size bytes that will be written beside the quota.
func (s *Store) withDisk(bucket string, quota Reservation, size int64) (room, error) {
	c, err := s.disk.forClient(bucket, size+entrySize)
	if err != nil {
		quota.Release()
	}
	return room{quota, c}, err
}

// noteRoom refuses where the disk has no room for what only the index is told.
func (s *Store) noteRoom(bucket string) error {
	c, err := s.disk.forClient(bucket, entrySize)
	if err == nil {
		c.end()
	}
	return err
}

// grow is called for a body whose length was not announced.
func (r room) grow(n int64) error {
	if err := r.quota.Grow(n); err != nil {
		return err
	}
	return r.disk.grow(n)
}

func (r room) release() {
	r.quota.Release()
	r.disk.end()
}
