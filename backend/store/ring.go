package store

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"sort"
	"strconv"
	"strings"
	"sync"
)

// Bounds of a Ring. A stretch is what it lets go of at once.
const (
	ringStretch   = 1024     // changes
	ringStretches = 64       // kept; the newest may be partly filled
	ringBytes     = 16 << 20 // of keys and records, whatever the number
	changeCost    = 160      // bytes of a Change without its key, about
)

// Ring is a Feed in memory: the newest 64 Ki changes or 16 MiB of them, whichever is less, of
// one process. Publish never waits for a reader.
type Ring struct {
	mu        sync.Mutex
	life      string     // positions begin with it
	stretches []*stretch // oldest first
	last      uint64     // number of the newest change; the first is 1
	bytes     int
	news      chan struct{} // closed and replaced by Publish
	bound     int           // of bytes
}

// stretch is filled once and never changed, so that readers share it without a copy.
type stretch struct {
	first   uint64 // number of changes[0]
	changes []Change
	bytes   int
}

// NewRing makes an empty one. Its positions are of no use to any other.
func NewRing() *Ring {
	r := &Ring{news: make(chan struct{}), bound: ringBytes}
	r.Restart()
	return r
}

var _ Feed = (*Ring)(nil)

// Publish appends changes, which become durable before it is called, and gives them positions.
func (r *Ring) Publish(changes []Change) {
	if len(changes) == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range changes {
		r.last++
		c.Position = r.position(r.last)
		r.append(c)
	}
	for len(r.stretches) > 1 && (len(r.stretches) > ringStretches || r.bytes > r.bound) {
		r.bytes -= r.stretches[0].bytes
		r.stretches = append(r.stretches[:0:0], r.stretches[1:]...)
	}
	close(r.news)
	r.news = make(chan struct{})
}

func (r *Ring) append(c Change) {
	size := changeCost + len(c.Key)
	var tail *stretch
	if n := len(r.stretches); n > 0 {
		tail = r.stretches[n-1]
	}
	// Small ones too where keys are long, so that what is let go of is a part of the bound.
	if tail == nil || len(tail.changes) == ringStretch || tail.bytes > r.bound/ringStretches {
		tail = &stretch{first: r.last}
		r.stretches = append(r.stretches, tail)
	}
	tail.changes = append(tail.changes, c)
	tail.bytes += size
	r.bytes += size
}

// Restart begins another life: there may have been changes that were not published.
func (r *Ring) Restart() {
	p := make([]byte, 8)
	rand.Read(p) // never fails: https://pkg.go.dev/crypto/rand#Read
	r.mu.Lock()
	defer r.mu.Unlock()
	r.life, r.stretches, r.last, r.bytes = hex.EncodeToString(p), nil, 0, 0
	close(r.news)
	r.news = make(chan struct{})
}

// Head implements Feed.
func (r *Ring) Head(context.Context) (Position, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.position(r.last), nil
}

// Read implements Feed. It returns fewer than limit also where more are there.
func (r *Ring) Read(_ context.Context, after Position, limit int) ([]Change, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n, ok := r.number(after)
	switch {
	case !ok || n > r.last:
		return nil, ErrFeedLost
	case n == r.last:
		return nil, nil
	case n+1 < r.stretches[0].first:
		return nil, ErrFeedLost
	}
	// The last one that begins at or before what is wanted.
	i := sort.Search(len(r.stretches), func(i int) bool { return r.stretches[i].first > n+1 }) - 1
	found := r.stretches[i].changes[n+1-r.stretches[i].first:]
	end := min(max(limit, 1), len(found))
	return found[:end:end], nil
}

// News implements Feed.
func (r *Ring) News() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.news
}

func (r *Ring) position(n uint64) Position {
	return Position(r.life + "-" + strconv.FormatUint(n, 10))
}

func (r *Ring) number(p Position) (uint64, bool) {
	life, rest, ok := strings.Cut(string(p), "-")
	if !ok || life != r.life {
		return 0, false
	}
	n, err := strconv.ParseUint(rest, 10, 64)
	return n, err == nil
}
