package listing

import (
	"bytes"
	"cmp"
	"context"
	"runtime"
	"slices"
	"sync"
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

// Arrange returns the entries to show, as numbers in l. Those that hold the filter in
// one piece come before those that have its letters apart. It returns nil where ctx
// ends first.
func (l List) Arrange(ctx context.Context, o Order) []uint32 {
	rows, whole := l.filter(ctx, o.Filter)
	if ctx.Err() != nil {
		return nil
	}
	for _, part := range [][]uint32{rows[:whole], rows[whole:]} {
		l.sort(ctx, part, o)
	}
	if ctx.Err() != nil {
		return nil
	}
	return rows
}

// span is what one goroutine filters.
type span struct{ whole, apart []uint32 }

// filter returns the numbers of the names that match, whole of them in one piece.
func (l List) filter(ctx context.Context, needle string) (rows []uint32, whole int) {
	if needle == "" {
		rows = make([]uint32, l.n)
		for i := range rows {
			rows[i] = uint32(i)
		}
		return rows, len(rows)
	}
	p := newPattern(needle)
	parts := min(max(runtime.GOMAXPROCS(0), 1), 8)
	spans := make([]span, parts)
	var wg sync.WaitGroup
	for k := range parts {
		from, to := len(l.chunks)*k/parts, len(l.chunks)*(k+1)/parts
		wg.Go(func() { spans[k] = l.matches(ctx, p, from, to) })
	}
	wg.Wait()
	total := 0
	for _, s := range spans {
		total += len(s.whole) + len(s.apart)
	}
	rows = make([]uint32, 0, total)
	for _, s := range spans {
		rows = append(rows, s.whole...)
	}
	whole = len(rows)
	for _, s := range spans {
		rows = append(rows, s.apart...)
	}
	return rows, whole
}

// matches filters the chunks from up to to.
func (l List) matches(ctx context.Context, p pattern, from, to int) (s span) {
	for k := from; k < to && ctx.Err() == nil; k++ {
		c := &l.chunks[k]
		start := uint32(0)
		for j, end := range c.ends {
			switch p.match(c.names[start:end]) {
			case inOnePiece:
				s.whole = append(s.whole, uint32(k<<chunkBits+j))
			case apart:
				s.apart = append(s.apart, uint32(k<<chunkBits+j))
			}
			start = end
		}
	}
	return s
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
	// In pieces, so that a sort nobody waits for any more ends soon.
	const piece = 1 << 16
	for from := 0; from < len(rows) && ctx.Err() == nil; from += piece {
		slices.SortFunc(rows[from:min(from+piece, len(rows))], compare)
	}
	for width := piece; width < len(rows) && ctx.Err() == nil; width *= 2 {
		merged := make([]uint32, 0, len(rows))
		for from := 0; from < len(rows); from += 2 * width {
			mid, end := min(from+width, len(rows)), min(from+2*width, len(rows))
			merged = merge(merged, rows[from:mid], rows[mid:end], compare)
		}
		copy(rows, merged)
	}
	if o.Reverse {
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
