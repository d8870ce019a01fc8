package listing

import (
	"bytes"
	"cmp"
	"context"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Key is what a list is ordered by.
type Key int

// The keys. The store's own order is that of the names' bytes.
const (
	ByName Key = iota
	BySize     // the largest first
	ByTime     // the newest first
)

// Order is how a list is shown.
type Order struct {
	By      Key
	Reverse bool
	Filter  string // letters that a name has in this order; empty: every name
}

// Plain reports whether the order is that of the list itself.
func (o Order) Plain() bool { return o == Order{} }

// Arrangement is a list, or the beginning of one, in an order.
type Arrangement struct {
	Order Order
	// Rows are the entries to show, as numbers in the list. Those that hold the filter in one
	// piece come before those that have its letters apart.
	Rows []uint32

	of    int      // entries of the list that it was made of
	found []uint32 // those that match the filter, in the list's order
}

// Arrange puts the list in an order; nil where ctx ends first. last is an arrangement of the
// same list or of its beginning, or nil: a filter that only adds to last's looks through what that
// one found.
func (l List) Arrange(ctx context.Context, o Order, last *Arrangement) *Arrangement {
	a := &Arrangement{Order: o, of: l.n}
	whole := l.n
	if o.Filter == "" {
		a.Rows = make([]uint32, l.n)
		for i := range a.Rows {
			a.Rows[i] = uint32(i)
		}
	} else {
		whole = a.find(ctx, l, last)
	}
	for _, part := range [][]uint32{a.Rows[:whole], a.Rows[whole:]} {
		if ctx.Err() == nil {
			l.sort(ctx, part, o)
		}
	}
	if ctx.Err() != nil {
		return nil
	}
	return a
}

// find fills in what matches and returns how much of it does in one piece.
func (a *Arrangement) find(ctx context.Context, l List, last *Arrangement) (whole int) {
	p := newPattern(a.Order.Filter)
	var known []uint32 // instead of the entries before from
	from := 0
	if last != nil && last.Order.Filter != "" && last.of <= l.n && newPattern(last.Order.Filter).match([]byte(a.Order.Filter)) != no {
		known, from = last.found, last.of
	}
	const some = chunkSize // entries that are looked at in one go
	before := (len(known) + some - 1) / some
	spans := make([]span, before+len(l.chunks)-from>>chunkBits)
	each(ctx, len(spans), func(k int) {
		if k < before {
			spans[k] = l.matching(p, known[k*some:min((k+1)*some, len(known))])
		} else {
			spans[k] = l.matches(p, k-before+from>>chunkBits, from)
		}
	})
	total, n := 0, 0
	for _, s := range spans {
		total += len(s.found)
		n += len(s.inOnePiece())
	}
	a.found, a.Rows = make([]uint32, 0, total), make([]uint32, n, total)
	for _, s := range spans {
		a.found = append(a.found, s.found...)
		whole += copy(a.Rows[whole:], s.inOnePiece())
		if !s.mixed {
			continue
		}
		next := 0 // of those in one piece
		for _, i := range s.found {
			if next < len(s.whole) && s.whole[next] == i {
				next++
			} else {
				a.Rows = append(a.Rows, i)
			}
		}
	}
	return whole
}

// span is what was found in one go, in the list's order.
type span struct {
	found []uint32
	mixed bool     // some are in one piece, some apart
	whole []uint32 // those in one piece, where mixed
}

func (s *span) add(i uint32, v verdict) {
	if v == no {
		return
	}
	if v == apart && !s.mixed {
		s.mixed, s.whole = true, slices.Clone(s.found)
	}
	s.found = append(s.found, i)
	if s.mixed && v == inOnePiece {
		s.whole = append(s.whole, i)
	}
}

// inOnePiece is what of it is in one piece.
func (s *span) inOnePiece() []uint32 {
	if s.mixed {
		return s.whole
	}
	return s.found
}

// matches looks through a chunk, but for the entries before from.
func (l List) matches(p pattern, k, from int) (s span) {
	c := &l.chunks[k]
	start := uint32(0)
	for j, end := range c.ends {
		if i := k<<chunkBits + j; i >= from {
			s.add(uint32(i), p.match(c.names[start:end]))
		}
		start = end
	}
	return s
}

// matching looks through some entries.
func (l List) matching(p pattern, some []uint32) (s span) {
	for _, i := range some {
		s.add(i, p.match(l.name(i)))
	}
	return s
}

// turn is how long a processor is kept from whoever else wants one. With much to do beside it,
// such as a download, a shorter one would leave next to nothing for the order.
const turn = time.Millisecond

// processors are those of the machine that this program may use.
var processors = runtime.GOMAXPROCS(0)

// each calls f with 0 to n-1 on all processors, as long as ctx lasts. Whoever else wants one
// gets it between two calls, after a turn.
func each(ctx context.Context, n int, f func(k int)) {
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(processors, n) {
		wg.Go(func() {
			began := time.Now()
			for ctx.Err() == nil {
				k := int(next.Add(1)) - 1
				if k >= n {
					return
				}
				f(k)
				if time.Since(began) >= turn {
					runtime.Gosched()
					began = time.Now()
				}
			}
		})
	}
	wg.Wait()
}

// sort orders rows, which are in the list's order. A cancelled one is left half done.
func (l List) sort(ctx context.Context, rows []uint32, o Order) {
	compare := func(a, b uint32) int { return cmp.Compare(a, b) }
	switch o.By {
	case ByName:
		if !l.mixed {
			if o.Reverse {
				slices.Reverse(rows)
			}
			return
		}
		compare = func(a, b uint32) int { return bytes.Compare(l.name(a), l.name(b)) }
	case BySize:
		compare = func(a, b uint32) int { return cmp.Or(-cmp.Compare(l.size(a), l.size(b)), cmp.Compare(a, b)) }
	case ByTime:
		compare = func(a, b uint32) int {
			return cmp.Or(-cmp.Compare(l.modified(a), l.modified(b)), cmp.Compare(a, b))
		}
	}
	// In pieces, so that a sort nobody waits for any more ends soon, and side by side.
	const piece = 1 << 14
	n := len(rows)
	each(ctx, (n+piece-1)/piece, func(k int) {
		slices.SortFunc(rows[k*piece:min((k+1)*piece, n)], compare)
	})
	if n <= piece {
		reverse(rows, o.Reverse)
		return
	}
	from, to := rows, make([]uint32, n)
	for width := piece; width < n && ctx.Err() == nil; width *= 2 {
		each(ctx, (n+2*width-1)/(2*width), func(k int) {
			at, mid, end := 2*k*width, min((2*k+1)*width, n), min(2*(k+1)*width, n)
			merge(to[at:at:end], from[at:mid], from[mid:end], compare)
		})
		from, to = to, from
	}
	copy(rows, from)
	reverse(rows, o.Reverse)
}

func reverse(rows []uint32, really bool) {
	if really {
		slices.Reverse(rows)
	}
}

func merge(to, a, b []uint32, compare func(a, b uint32) int) []uint32 {
	for len(a) > 0 && len(b) > 0 {
		if compare(a[0], b[0]) <= 0 {
			to, a = append(to, a[0]), a[1:]
		} else {
			to, b = append(to, b[0]), b[1:]
		}
	}
	return append(append(to, a...), b...)
}

// How a name matches.
type verdict int

const (
	no verdict = iota
	apart
	inOnePiece
)

// pattern is a filter, in small letters as far as they are ASCII.
type pattern []byte

func newPattern(needle string) pattern {
	p := make(pattern, len(needle))
	for i := range p {
		p[i] = fold[needle[i]]
	}
	return p
}

// fold makes ASCII letters small.
var fold = func() (table [256]byte) {
	for i := range table {
		table[i] = byte(i)
		if i >= 'A' && i <= 'Z' {
			table[i] += 'a' - 'A'
		}
	}
	return table
}()

func (p pattern) match(name []byte) verdict {
	k := 0
	first := -1 // where the first letter was found
	for i, c := range name {
		if fold[c] == p[k] {
			if k == 0 {
				first = i
			}
			if k++; k == len(p) {
				if i-first+1 == len(p) || p.within(name[first+1:]) {
					return inOnePiece
				}
				return apart
			}
		}
	}
	return no
}

func (p pattern) within(name []byte) bool {
	for i := 0; i+len(p) <= len(name); i++ {
		k := 0
		for k < len(p) && fold[name[i+k]] == p[k] {
			k++
		}
		if k == len(p) {
			return true
		}
	}
	return false
}
