//go:build linux

package main

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
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

// machine is what the figures depend on, without what would name the machine.
func machine(dir string) string {
	var uts unix.Utsname
	_ = unix.Uname(&uts)
	var fs unix.Statfs_t
	_ = unix.Statfs(dir, &fs)
	names := map[int64]string{unix.EXT4_SUPER_MAGIC: "ext4", unix.XFS_SUPER_MAGIC: "xfs", unix.BTRFS_SUPER_MAGIC: "btrfs", unix.TMPFS_MAGIC: "tmpfs", unix.OVERLAYFS_SUPER_MAGIC: "overlay"}
	kernel := strings.Join(strings.SplitN(unix.ByteSliceToString(uts.Release[:]), ".", 3)[:2], ".")
	return fmt.Sprintf("%d cores of %s, %s of memory, %s, Linux %s, %s; measured %s.", runtime.NumCPU(),
		field("/proc/cpuinfo", "model name"), gib(field("/proc/meminfo", "MemTotal")), names[int64(fs.Type)], kernel, runtime.Version(), //nolint:unconvert // int32 on some architectures
		time.Now().UTC().Format(time.DateOnly))
}

// field is the first value of a "name: value" file.
func field(path, name string) string {
	text, _ := os.ReadFile(path)
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

func gib(kib string) string {
	var n float64
	if _, err := fmt.Sscanf(kib, "%f kB", &n); err != nil {
		return kib
	}
	return fmt.Sprintf("%.0f GiB", n/(1<<20))
}

// replaceBlock writes text between the markers of that name in a file.
func replaceBlock(path, name, text string) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	begin, end := fmt.Appendf(nil, "<!-- %s:begin -->\n", name), fmt.Appendf(nil, "<!-- %s:end -->", name)
	before, rest, ok1 := bytes.Cut(content, begin)
	_, after, ok2 := bytes.Cut(rest, end)
	if !ok1 || !ok2 {
		return fmt.Errorf("%s has no %s and %s", path, bytes.TrimSpace(begin), end)
	}
	return os.WriteFile(path, slices.Concat(before, begin, []byte(text), end, after), 0o644) //nolint:gosec // documentation
}
