package bolt

import (
	"context"
	"iter"
	"math"
	"slices"
	"strings"
	"sync"

	"go.etcd.io/bbolt"

	"github.com/artifacts-tui/artifacts-tui/backend/store"
)

// space is the quota arithmetic. Committed usage plus what is reserved never exceeds
// a quota, whatever the order of writers (SPEC B25). Reservations are this process's:
// after a crash there are none.
type space struct {
	mu      sync.Mutex
	all     account // of all buckets
	buckets map[string]*bucketSpace
}

// bucketSpace is a bucket's account, and its counted prefixes.
type bucketSpace struct {
	account
	prefixes map[string]*prefixSpace
}

// prefixSpace is a prefix's account, and what is recorded of it.
type prefixSpace struct {
	account
	record prefixRecord
}

// counted are the bucket's counted prefixes, as of the last transaction. It is for the
// goroutine that commits, which alone changes them.
func (s *space) counted(bucket string) map[string]*prefixSpace {
	if b := s.buckets[bucket]; b != nil {
		return b.prefixes
	}
	return nil
}

// account is what one quota is held against, in bytes.
type account struct {
	what                  string // is limited, as a refusal says it
	limit, used, reserved int64  // limit 0: unlimited
}

// left may be negative: a limit may be set below what is used.
func (a *account) left() int64 {
	if a.limit == 0 {
		return math.MaxInt64
	}
	return a.limit - a.used - a.reserved
}

// prefixesOf are the beginnings of key that end in "/", the longest first: what may cover it.
func prefixesOf(key string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for i := strings.LastIndexByte(key, '/'); i >= 0; i = strings.LastIndexByte(key[:i], '/') {
			if !yield(key[:i+1]) {
				return
			}
		}
	}
}

// covering appends the accounts of all quotas that a write to key is held to, the narrowest
// first. It is called with mu held.
func (s *space) covering(list []*account, bucket, key string) ([]*account, error) {
	b := s.buckets[bucket]
	if b == nil {
		return nil, noBucket(bucket)
	}
	if len(b.prefixes) > 0 {
		for p := range prefixesOf(key) {
			if a := b.prefixes[p]; a != nil {
				list = append(list, &a.account)
			}
		}
	}
	return append(list, &b.account, &s.all), nil
}

func (s *space) reserve(bucket, key string, n int64) (*reservation, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := &reservation{space: s, bucket: bucket, key: key}
	var err error
	if r.accounts, err = s.covering(r.few[:0], bucket, key); err != nil {
		return nil, err
	}
	return r, r.grow(n)
}

// SetMaxSize implements store.Index.
func (x *Index) SetMaxSize(bytes int64) {
	x.space.mu.Lock()
	defer x.space.mu.Unlock()
	x.space.all.limit = bytes
}

// MaxSize implements store.Index.
func (x *Index) MaxSize() int64 {
	x.space.mu.Lock()
	defer x.space.mu.Unlock()
	return x.space.all.limit
}

// Free implements store.Index.
func (x *Index) Free(_ context.Context, bucket, prefix string) (bytes int64, bounded bool, err error) {
	s := &x.space
	s.mu.Lock()
	defer s.mu.Unlock()
	accounts, err := s.covering(nil, bucket, prefix)
	if err != nil || bucket == store.SystemBucket {
		return 0, false, err
	}
	bytes = math.MaxInt64
	for _, a := range accounts {
		if a.limit > 0 {
			bytes, bounded = min(bytes, a.left()), true
		}
	}
	if !bounded {
		return 0, false, nil
	}
	return max(bytes, 0), true, nil
}

// load takes over what the file says and keeps what is reserved: at the start, and after a
// commit that failed, which may be in the file all the same.
func (s *space) load(tx *bbolt.Tx) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	buckets, prefixes := map[string]bool{}, map[prefixKey]bool{}
	err := eachBucket(tx.Bucket(tableBuckets), func(name string, rec *bucketRecord) {
		buckets[name] = true
		s.setBucket(name, rec)
	})
	if err != nil {
		return err
	}
	err = eachPrefix(tx.Bucket(tablePrefixes), "", func(at prefixKey, rec *prefixRecord) {
		prefixes[at] = true
		s.setPrefix(at, rec)
	})
	if err != nil {
		return err
	}
	for name, b := range s.buckets {
		if !buckets[name] {
			s.setBucket(name, nil)
		}
		for prefix := range b.prefixes {
			if at := (prefixKey{name, prefix}); !prefixes[at] {
				s.setPrefix(at, nil)
			}
		}
	}
	return nil
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
		s.setBucket(name, rec)
	}
	for at, rec := range t.prefixes {
		s.setPrefix(at, rec)
	}
}

// setBucket takes a bucket's record over; nil: there is no such bucket any more. A
// reservation for one that is gone goes on holding the store's account until it ends.
func (s *space) setBucket(name string, rec *bucketRecord) {
	b := s.buckets[name]
	if rec == nil {
		if b != nil {
			s.all.used -= b.used
			delete(s.buckets, name)
		}
		return
	}
	if b == nil {
		b = &bucketSpace{account: account{what: "the quota of bucket " + name}, prefixes: map[string]*prefixSpace{}}
		s.buckets[name] = b
	}
	s.all.used += rec.Total() - b.used
	b.used, b.limit = rec.Total(), rec.Quota
}

// setPrefix takes a prefix's record over; nil: it is not counted.
func (s *space) setPrefix(at prefixKey, rec *prefixRecord) {
	b := s.buckets[at.bucket]
	if b == nil {
		return
	}
	if rec == nil {
		delete(b.prefixes, at.prefix)
		return
	}
	a := b.prefixes[at.prefix]
	if a == nil {
		a = &prefixSpace{account: account{what: "the quota of " + at.prefix + " in bucket " + at.bucket}}
		b.prefixes[at.prefix] = a
	}
	a.record = *rec
	a.used, a.limit = rec.Total(), rec.Quota
}

// reservation is a store.Reservation; what changes of it is under space.mu. It holds n bytes
// of each of its accounts.
type reservation struct {
	space       *space
	bucket, key string
	accounts    []*account
	few         [3]*account // room for most accounts
	n           int64
}

// grow is called with space.mu held.
func (r *reservation) grow(n int64) error {
	if n <= 0 {
		return nil
	}
	if r.bucket != store.SystemBucket {
		for _, a := range r.accounts {
			if n > a.left() {
				return store.Refuse(store.QuotaExceeded, "%s is %d bytes: %d are in use and %d more are needed",
					a.what, a.limit, a.used+a.reserved, n)
			}
		}
	}
	r.n += n
	for _, a := range r.accounts {
		a.reserved += n
	}
	return nil
}

// give ends the reservation; it is called with space.mu held.
func (r *reservation) give() {
	for _, a := range r.accounts {
		a.reserved -= r.n
	}
	r.n = 0
}

// Grow implements store.Reservation.
func (r *reservation) Grow(n int64) error {
	r.space.mu.Lock()
	defer r.space.mu.Unlock()
	return r.grow(n)
}

// Release implements store.Reservation.
func (r *reservation) Release() {
	r.space.mu.Lock()
	defer r.space.mu.Unlock()
	r.give()
}

// cover makes the reservation at least n bytes large, of all accounts that cover the key
// now: prefixes, and the bucket, may have come and gone since it was made.
func (r *reservation) cover(n int64) error {
	r.space.mu.Lock()
	defer r.space.mu.Unlock()
	var few [3]*account
	now, err := r.space.covering(few[:0], r.bucket, r.key)
	if err != nil {
		return err
	}
	if !slices.Equal(now, r.accounts) {
		r.give()
		r.accounts = slices.Clone(now)
	}
	return r.grow(n - r.n)
}
