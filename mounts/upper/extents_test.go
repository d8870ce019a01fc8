package upper

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func TestExtentsAgainstBitmap(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for round := range 300 {
		const n = 64
		var e extents
		var bits [n]bool
		for range 40 {
			a, b := rng.Int64N(n), rng.Int64N(n)
			if rng.IntN(6) == 0 {
				e = e.clip(a)
				for i := a; i < n; i++ {
					bits[i] = false
				}
			} else {
				e = e.add(a, b)
				for i := a; i < b; i++ {
					bits[i] = true
				}
			}
			for i := 1; i < len(e); i++ {
				if e[i-1].end >= e[i].off {
					t.Fatalf("round %d: extents touch or overlap: %v", round, e)
				}
			}
			lo, hi := rng.Int64N(n), rng.Int64N(n)
			var got, want [n]bool
			for _, x := range e.missing(lo, hi) {
				for i := x.off; i < x.end; i++ {
					got[i] = true
				}
			}
			all := true
			for i := lo; i < hi; i++ {
				want[i] = !bits[i]
				all = all && bits[i]
			}
			if got != want {
				t.Fatalf("missing(%d,%d) of %v = %v", lo, hi, e, e.missing(lo, hi))
			}
			if e.covers(lo, hi) != all {
				t.Fatalf("covers(%d,%d) of %v = %v", lo, hi, e, !all)
			}
			held := 0
			for _, x := range e.within(lo, hi) {
				held += int(x.end - x.off)
			}
			if lo < hi && held+countTrue(want[:]) != int(hi-lo) {
				t.Fatalf("within(%d,%d) of %v = %v", lo, hi, e, e.within(lo, hi))
			}
		}
	}
}

func countTrue(b []bool) (n int) {
	for _, x := range b {
		if x {
			n++
		}
	}
	return n
}

func TestExtentsTable(t *testing.T) {
	for _, c := range []struct {
		name string
		add  []extent
		want extents
	}{
		{"append", []extent{{0, 4}, {4, 8}}, extents{{0, 8}}},
		{"gap", []extent{{0, 4}, {6, 8}}, extents{{0, 4}, {6, 8}}},
		{"bridge", []extent{{0, 4}, {6, 8}, {3, 7}}, extents{{0, 8}}},
		{"before", []extent{{6, 8}, {0, 2}}, extents{{0, 2}, {6, 8}}},
		{"touching before", []extent{{6, 8}, {4, 6}}, extents{{4, 8}}},
		{"inside", []extent{{0, 9}, {2, 3}}, extents{{0, 9}}},
		{"empty", []extent{{3, 3}}, nil},
	} {
		var e extents
		for _, x := range c.add {
			e = e.add(x.off, x.end)
		}
		if !slices.Equal(e, c.want) {
			t.Errorf("%s: %v, want %v", c.name, e, c.want)
		}
	}
}
