package bolt

import (
	"context"
	"math"
	"sync"

	"github.com/artifacts-tui/artifacts-tui/backend/store"
)

// space is the quota arithmetic. Committed usage plus what is reserved never exceeds
// a quota, whatever the order of writers (SPEC B25). Reservations are this process's:
// after a crash there are none.
type space struct {
	limit int64 // of all buckets, bytes; 0: unlimited

	mu       sync.Mutex
	buckets  map[string]*spaceBucket
	used     int64 // of all buckets
	reserved int64
}

type spaceBucket struct {
	quota, used, reserved int64
	gone                  bool // deleted; late reservations must not count again
}

func (s *space) reserve(bucket string, n int64) (*reservation, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.buckets[bucket]
	if b == nil {
		return nil, noBucket(bucket)
	}
	r := &reservation{space: s, bucket: b, exempt: bucket == store.SystemBucket}
	return r, r.grow(n)
}

// Free implements store.Index.
func (x *Index) Free(_ context.Context, bucket string) (bytes int64, bounded bool, err error) {
	s := &x.space
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.buckets[bucket]
	if b == nil {
		return 0, false, noBucket(bucket)
	}
	if bucket == store.SystemBucket {
		return 0, false, nil
	}
	bytes = math.MaxInt64
	if b.quota > 0 {
		bytes, bounded = b.quota-b.used-b.reserved, true
	}
	if s.limit > 0 {
		bytes, bounded = min(bytes, s.limit-s.used-s.reserved), true
	}
	if !bounded {
		return 0, false, nil
	}
	return max(bytes, 0), true, nil
}

// publish makes a committed transaction's usage the one that quotas are held
// against, and ends the reservations that it used up, in one step.
func (s *space) publish(t *txn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range t.consumed {
		r.give()
	}
	for name, rec := range t.counters {
		b := s.buckets[name]
		if rec == nil {
			if b != nil {
				s.used -= b.used
				s.reserved -= b.reserved
				b.gone = true
				delete(s.buckets, name)
			}
			continue
		}
		if b == nil {
			b = &spaceBucket{}
			s.buckets[name] = b
		}
		s.used += rec.total() - b.used
		b.used, b.quota = rec.total(), rec.Quota
	}
}

// reservation is a store.Reservation; its fields are under space.mu.
type reservation struct {
	space  *space
	bucket *spaceBucket
	exempt bool // store.SystemBucket
	n      int64
}

// grow is called with space.mu held.
func (r *reservation) grow(n int64) error {
	if n <= 0 {
		return nil
	}
	s, b := r.space, r.bucket
	if !r.exempt && b.quota > 0 && b.used+b.reserved+n > b.quota {
		return store.Refuse(store.QuotaExceeded, "the bucket's quota is %d bytes: %d are in use and %d more are needed",
			b.quota, b.used+b.reserved, n)
	}
	if !r.exempt && s.limit > 0 && s.used+s.reserved+n > s.limit {
		return store.Refuse(store.QuotaExceeded, "the store holds at most %d bytes: %d are in use and %d more are needed",
			s.limit, s.used+s.reserved, n)
	}
	r.n += n
	b.reserved += n
	if !b.gone {
		s.reserved += n
	}
	return nil
}

// give ends the reservation; it is called with space.mu held.
func (r *reservation) give() {
	r.bucket.reserved -= r.n
	if !r.bucket.gone {
		r.space.reserved -= r.n
	}
	r.n = 0
}

func (r *reservation) Grow(n int64) error {
	r.space.mu.Lock()
	defer r.space.mu.Unlock()
	return r.grow(n)
}

func (r *reservation) Release() {
	r.space.mu.Lock()
	defer r.space.mu.Unlock()
	r.give()
}

// cover makes the reservation at least n bytes large.
func (r *reservation) cover(n int64) error {
	r.space.mu.Lock()
	defer r.space.mu.Unlock()
	return r.grow(n - r.n)
}
