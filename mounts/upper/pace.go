package upper

import "time"

const (
	paceFirst = 16 // changes under way at first
	paceMost  = 64
	paceLeast = 1
	// paceQuick bounds the operations by whose latency the store is judged, in bytes.
	paceQuick = 1 << 20
	// paceStrained is how many times its best a store's latency may be before it is sent less.
	paceStrained = 4
	// pacePause is between two cuts because of latency: that takes a while to fall.
	pacePause = 200 * time.Millisecond
)

// pace is how many changes are under way at once: more while the store keeps up (one more
// for each that ends while all places are taken, which doubles it each round trip, and past
// what the store refused last one more a round trip, as TCP does: RFC 5681), fewer
// when it is slow or says SlowDown. Guarded by FS.mu.
type pace struct {
	limit, most float64
	careful     float64       // past this it grows slowly; 0: nothing was refused yet
	fixed       bool          // somebody chose it
	best        time.Duration // of quick operations
	usual       time.Duration // of late, a moving average
	cut         time.Time
}

func newPace(chosen int) pace {
	if chosen > 0 {
		return pace{limit: float64(chosen), most: float64(chosen), fixed: true}
	}
	return pace{limit: paceFirst, most: paceMost}
}

// served takes account of an operation of size bytes that took so long. busy says that
// others waited for a place.
func (p *pace) served(size int64, took time.Duration, busy bool, now time.Time) {
	if p.fixed {
		return
	}
	if size <= paceQuick {
		if p.best == 0 || took < p.best {
			p.best = took
		}
		p.best += p.best / 1000 // what was best long ago may never come back
		if p.usual == 0 {
			p.usual = took
		}
		p.usual += (took - p.usual) / 8
	}
	switch {
	case p.usual > paceStrained*p.best && p.usual > 50*time.Millisecond:
		if now.Sub(p.cut) > pacePause {
			p.limit, p.cut = max(p.limit*0.9, paceFirst/2), now
		}
	case busy && p.careful > 0 && p.limit >= p.careful:
		p.limit = min(p.limit+1/p.limit, p.most)
	case busy:
		p.limit = min(p.limit+1, p.most)
	}
}

// refused halves the pace after a SlowDown to a request that began at that time; those that
// were under way at the last cut knew nothing of it and count no more. It reports whether the pace is at
// its least.
func (p *pace) refused(began, now time.Time) (least bool) {
	if !began.Before(p.cut) {
		least = p.limit <= paceLeast
		p.limit, p.cut = max(p.limit/2, paceLeast), now
		p.careful = p.limit
	}
	if p.fixed {
		p.limit = p.most // the backing off of each operation has to do
	}
	return least
}
