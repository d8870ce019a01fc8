//go:build linux

// Command tuibench measures the terminal app: the real program in a terminal of its own, with
// a coordinator of its own, on a bucket of a million objects that this process serves. It
// writes what it measured into a page where -write is set, and fails where a figure misses its
// goal and -check is set.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/artifacts-tui/artifacts-tui/internal/benchpage"
)

// options are the flags.
type options struct {
	bin     string
	objects int
	rtt     time.Duration
	idle    time.Duration
	keys    int
	check   bool
	write   string
}

func main() {
	var o options
	flag.StringVar(&o.bin, "bin", "bin/artifacts-tui", "the program")
	flag.IntVar(&o.objects, "objects", 1_000_000, "objects in the bucket")
	flag.DurationVar(&o.rtt, "rtt", 30*time.Millisecond, "delay of each answer of the store, while the first page is measured")
	flag.DurationVar(&o.idle, "idle", 30*time.Second, "how long the app is watched doing nothing")
	flag.IntVar(&o.keys, "keys", 1000, "keys that are pressed")
	flag.BoolVar(&o.check, "check", false, "fail where a figure misses its goal")
	flag.StringVar(&o.write, "write", "", "replace the table between the markers of this file")
	flag.Parse()
	runtime.GOMAXPROCS(8) // the terminal is not to wait in line behind the store, which is in this process too
	if err := run(o); err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1)
	}
}

// figure is what was measured beside its goal.
type figure struct {
	name, value, goal string
}

func run(o options) (err error) {
	if o.bin, err = filepath.Abs(o.bin); err != nil {
		return err
	}
	home, err := os.MkdirTemp("", "tuibench-")
	if err != nil {
		return err
	}
	defer func() { err = firstOf(err, os.RemoveAll(home)) }()
	s, err := serve(o.objects)
	if err != nil {
		return err
	}
	defer s.close()
	env := environment(home)
	defer func() { _ = command(o.bin, env, "coordinator", "stop") }()
	if err := command(o.bin, append(env, "ARTIFACTS_S3_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE", "ARTIFACTS_S3_SECRET_ACCESS_KEY=benchbenchbenchbench"),
		"workspace", "create", "million", "--backend", "byo", "--bucket", "million", "--endpoint", s.url()); err != nil {
		return err
	}
	b := &bench{options: o, home: home, env: env, store: s}
	err = b.measure()
	if err == nil && o.write != "" {
		err = benchpage.Replace(o.write, "tui", benchpage.Machine(home)+"\n\n"+markdown(b.figures))
	}
	if err == nil && o.check && b.missed > 0 {
		err = fmt.Errorf("%d of %d figures missed their goals", b.missed, len(b.figures))
	}
	return err
}

func markdown(figures []figure) string {
	var b strings.Builder
	fmt.Fprintf(&b, "| a terminal of %d×%d | | goal |\n|---|---:|---:|\n", columns, rows)
	for _, f := range figures {
		fmt.Fprintf(&b, "| %s | **%s** | %s |\n", f.name, f.value, f.goal)
	}
	return b.String()
}

func quantile(list []time.Duration, q float64) time.Duration {
	if len(list) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(list))
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}

func ms(d time.Duration) string { return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000) }

func mib(n int64) string { return fmt.Sprintf("%.0f MiB", float64(n)/(1<<20)) }

func thousands(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
