package store

import (
	"errors"
	"testing"
	"time"
)

// volume is a disk whose bytes a test can move.
type volume struct {
	free  int64
	looks int
	err   error
	now   time.Time
}

func (v *volume) disk(reserve int64) *disk {
	v.now = time.Now()
	return &disk{
		free:    func() (int64, error) { v.looks++; return v.free, v.err },
		reserve: reserve,
		now:     func() time.Time { return v.now },
	}
}

// The volume is asked once a second, and before each refusal.
func TestDiskIsNotAskedEachTime(t *testing.T) {
	v := &volume{free: 10_000}
	d := v.disk(1000)
	claims := func(n int, size int64) {
		t.Helper()
		for range n {
			c, err := d.forClient("bucket", size)
			if err != nil {
				t.Fatal(err)
			}
			c.wrote(size)
			c.end()
		}
	}
	claims(500, 10)
	if v.looks != 1 {
		t.Errorf("the disk was asked %d times", v.looks)
	}
	v.free = 5000
	v.now = v.now.Add(lookEvery)
	claims(400, 10) // to the last byte that is not kept
	if v.looks != 2 {
		t.Errorf("the disk was asked %d times", v.looks)
	}
	v.free = 1000
	if _, err := d.forClient("bucket", 1); !errors.Is(err, ErrQuotaExceeded) {
		t.Errorf("below the reserve: %v", err)
	}
	v.free = 1001 // something was deleted: nobody waits a second for that
	claims(1, 1)
	if v.looks != 4 {
		t.Errorf("the disk was asked %d times", v.looks)
	}
}

// What was promised and not written yet is not promised again; what was written is not counted twice.
func TestDiskPromises(t *testing.T) {
	v := &volume{free: 1000}
	d := v.disk(100)
	slow, err := d.forClient("bucket", 600)
	if err != nil {
		t.Fatal(err)
	}
	refused := func(n int64) {
		t.Helper()
		if _, err := d.forClient("bucket", n); !errors.Is(err, ErrQuotaExceeded) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
	refused(301)
	v.free -= 400
	slow.wrote(400)
	refused(301) // before and after a look at the disk
	v.now = v.now.Add(lookEvery)
	refused(301)
	if err := slow.grow(300); err != nil {
		t.Error(err)
	}
	if err := slow.grow(1); !errors.Is(err, ErrQuotaExceeded) {
		t.Error(err)
	}
	slow.end()
	slow.end()
	if got := d.room(); got != 0 {
		t.Errorf("%d bytes of room before a look", got)
	}
	v.now = v.now.Add(lookEvery)
	if got := d.room(); got != 500 {
		t.Errorf("%d bytes of room, want 500", got)
	}
	// Control state takes what there is, and a sweep most of it.
	if _, err := d.forClient(SystemBucket, 5000); err != nil {
		t.Error(err)
	}
	refused(1)
	v = &volume{free: 100}
	d = v.disk(100)
	if _, err := d.forSweep(75); err != nil {
		t.Error(err)
	}
	if _, err := d.forSweep(1); !errors.Is(err, ErrQuotaExceeded) {
		t.Error(err)
	}
}

// A disk that does not answer is not taken for full, nor for low.
func TestDiskDoesNotAnswer(t *testing.T) {
	v := &volume{err: errors.New("no answer")}
	d := v.disk(100)
	if _, err := d.forClient("bucket", 1); err != nil {
		t.Error(err)
	}
	if d.low() {
		t.Error("it is low")
	}
}

func TestDiskIsLow(t *testing.T) {
	v := &volume{}
	d := v.disk(1600)
	for _, step := range []struct {
		free int64
		low  bool
	}{{5000, false}, {800, false}, {799, true}, {799, false}, {700, false}, {699, true}, {0, true}, {0, false}, {750, false}, {900, false}, {790, true}} {
		v.free = step.free
		if got := d.low(); got != step.low {
			t.Errorf("%d free: low is %v", step.free, got)
		}
	}
}
