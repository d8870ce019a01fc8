package upper

import "slices"

// extent is a half-open range of bytes.
type extent struct{ off, end int64 }

// extents are the ranges of a file that its staged data holds: sorted, disjoint
// and never touching. Methods that change return the new value; the receiver may
// share its memory with it, so a snapshot needs clone.
type extents []extent

func (e extents) clone() extents { return slices.Clone(e) }

// add marks [off, end) as held.
func (e extents) add(off, end int64) extents {
	if off >= end {
		return e
	}
	// The common case is a file written front to back.
	if n := len(e); n > 0 && e[n-1].off <= off && off <= e[n-1].end {
		e[n-1].end = max(e[n-1].end, end)
		return e
	}
	i, _ := slices.BinarySearchFunc(e, off, func(x extent, off int64) int { return cmpInt64(x.end, off) })
	j := i
	for j < len(e) && e[j].off <= end {
		off, end = min(off, e[j].off), max(end, e[j].end)
		j++
	}
	return slices.Replace(e, i, j, extent{off, end})
}

// clip forgets everything at and after size.
func (e extents) clip(size int64) extents {
	for len(e) > 0 && e[len(e)-1].off >= size {
		e = e[:len(e)-1]
	}
	if n := len(e); n > 0 && e[n-1].end > size {
		e[n-1].end = size
	}
	return e
}

// covers reports whether all of [off, end) is held.
func (e extents) covers(off, end int64) bool {
	if off >= end {
		return true
	}
	i, _ := slices.BinarySearchFunc(e, off+1, func(x extent, off int64) int { return cmpInt64(x.end, off) })
	return i < len(e) && e[i].off <= off && e[i].end >= end
}

// missing returns the parts of [off, end) that are not held.
func (e extents) missing(off, end int64) []extent {
	var out []extent
	i, _ := slices.BinarySearchFunc(e, off+1, func(x extent, off int64) int { return cmpInt64(x.end, off) })
	for ; off < end && i < len(e) && e[i].off < end; i++ {
		if off < e[i].off {
			out = append(out, extent{off, e[i].off})
		}
		off = e[i].end
	}
	if off < end {
		out = append(out, extent{off, end})
	}
	return out
}

// within returns the parts of [off, end) that are held.
func (e extents) within(off, end int64) []extent {
	var out []extent
	for _, x := range e {
		if lo, hi := max(x.off, off), min(x.end, end); lo < hi {
			out = append(out, extent{lo, hi})
		}
	}
	return out
}

func cmpInt64(a, b int64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
