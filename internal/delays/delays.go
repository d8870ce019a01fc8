// Package delays tells how long things took, by kind: what the tests print that play many
// rounds. It imports nothing of this module.
package delays

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Delays are those of each kind.
type Delays map[string][]time.Duration

// Add notes one.
func (d Delays) Add(kind string, took time.Duration) { d[kind] = append(d[kind], took) }

// Longest is that of all kinds, 0 where there is none.
func (d Delays) Longest() (most time.Duration) {
	for _, list := range d {
		most = max(most, slices.Max(list))
	}
	return most
}

// String has a line for each kind, with its median, the 99th percentile and the longest, and
// one for all of them.
func (d Delays) String() string {
	var s strings.Builder
	fmt.Fprintf(&s, "%-20s %6s %8s %8s %8s", "kind", "number", "p50", "p99", "longest")
	line := func(kind string, list []time.Duration) {
		if len(list) == 0 {
			return
		}
		slices.Sort(list)
		at := func(percent int) time.Duration {
			return list[(len(list)-1)*percent/100].Round(time.Millisecond)
		}
		fmt.Fprintf(&s, "\n%-20s %6d %8v %8v %8v", kind, len(list), at(50), at(99), at(100))
	}
	var all []time.Duration
	for _, kind := range slices.Sorted(maps.Keys(d)) {
		list := slices.Clone(d[kind])
		line(kind, list)
		all = append(all, list...)
	}
	line("all", all)
	return s.String()
}
