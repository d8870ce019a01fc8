//go:build linux

package main

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// metric is a row of the table.
type metric struct {
	name   string
	unit   string
	better string   // "more" or "less"
	values series   // of each server, by its name
	goal   float64  // of ours, from the design; 0: none
	aim    string   // a goal in words
	capped []string // servers that were given up after their value
}

// series are the values of every round, by server.
type series map[string][]float64

func (m *metric) median(server string) float64 {
	v := slices.Sorted(slices.Values(m.values[server]))
	switch n := len(v); {
	case n == 0:
		return math.NaN()
	case n%2 == 0:
		return (v[n/2-1] + v[n/2]) / 2
	default:
		return v[n/2]
	}
}

// times says how many times better ours is than peer: above 1 ours is better, whichever
// way the metric goes.
func (m *metric) times(ours, peer string) float64 {
	if m.better == "less" {
		return m.median(peer) / m.median(ours)
	}
	return m.median(ours) / m.median(peer)
}

// number has three significant digits, or all that are left of the point.
func number(v float64) string {
	switch a := math.Abs(v); {
	case math.IsNaN(v):
		return "–"
	case a >= 100:
		return fmt.Sprintf("%.0f", v)
	case a >= 10:
		return fmt.Sprintf("%.1f", v)
	default:
		return fmt.Sprintf("%.2f", v)
	}
}

// markdown has a column for each server; the first is ours.
func markdown(head string, metrics []*metric, servers []string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "| %s | %s | goal |\n|---|%s\n", head, strings.Join(servers, " | "), strings.Repeat("---:|", len(servers)+1))
	for _, m := range metrics {
		fmt.Fprintf(&b, "| %s | **%s%s** |", m.name, number(m.median(servers[0])), m.unit)
		for _, peer := range servers[1:] {
			if len(m.values[peer]) == 0 {
				b.WriteString(" – |")
				continue
			}
			more := ""
			if slices.Contains(m.capped, peer) {
				more = "> "
			}
			fmt.Fprintf(&b, " %s%s%s (%s%s×) |", more, number(m.median(peer)), m.unit, more, number(m.times(servers[0], peer)))
		}
		goal := m.aim
		if m.goal > 0 {
			sign := map[string]string{"more": "≥ ", "less": "≤ "}[m.better]
			goal = sign + number(m.goal) + m.unit
		}
		fmt.Fprintf(&b, " %s |\n", goal)
	}
	return b.String()
}
