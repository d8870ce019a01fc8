// Command tuibench measures the terminal app: the real program in a terminal of its own, with
// a coordinator of its own, on a bucket of a million objects that this process serves. It
// fails where a figure misses its goal and -check is set.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

func main() {
	bin := flag.String("bin", "bin/artifacts-tui", "the program")
	objects := flag.Int("objects", 1_000_000, "objects in the bucket")
	rtt := flag.Duration("rtt", 30*time.Millisecond, "delay of each answer of the store, while the first page is measured")
	idle := flag.Duration("idle", 30*time.Second, "how long the app is watched doing nothing")
	keys := flag.Int("keys", 400, "keys that are pressed")
	check := flag.Bool("check", false, "fail where a figure misses its goal")
	flag.Parse()
	path, err := filepath.Abs(*bin)
	if err == nil {
		err = run(path, *objects, *rtt, *idle, *keys, *check)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1)
	}
}

// figure is what was measured beside its goal.
type figure struct {
	name, value, goal string
	met               bool
}

func run(bin string, objects int, rtt, idle time.Duration, keys int, check bool) (err error) {
	home, err := os.MkdirTemp("", "tuibench-")
	if err != nil {
		return err
	}
	defer func() { err = firstOf(err, os.RemoveAll(home)) }()
	s, err := serve(objects)
	if err != nil {
		return err
	}
	defer s.close()
	env := environment(home)
	defer func() { _ = command(bin, env, "coordinator", "stop") }()
	if err := command(bin, append(env, "ARTIFACTS_S3_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE", "ARTIFACTS_S3_SECRET_ACCESS_KEY=benchbenchbenchbench"),
		"workspace", "create", "million", "--backend", "byo", "--bucket", "million", "--endpoint", s.url()); err != nil {
		return err
	}
	figures, err := measure(bin, env, s, rtt, idle, keys)
	missed := 0
	for _, f := range figures {
		mark := "met"
		if !f.met {
			mark = "MISSED"
			missed++
		}
		fmt.Printf("%-44s %-22s goal %-20s %s\n", f.name, f.value, f.goal, mark)
	}
	if err == nil && check && missed > 0 {
		err = fmt.Errorf("%d of %d goals were missed", missed, len(figures))
	}
	return err
}

func measure(bin string, env []string, s *store, rtt, idle time.Duration, keys int) (list []figure, err error) {
	add := func(name, value, goal string, met bool) { list = append(list, figure{name, value, goal, met}) }
	within := func(name string, got, goal time.Duration) { add(name, ms(got), "≤ "+ms(goal), got <= goal) }

	// The first paint: the rows that the last run knew.
	var paints []time.Duration
	for range 9 {
		x, err := open(bin, env)
		if err != nil {
			return list, err
		}
		if err := x.sees("million"); err != nil {
			return list, err
		}
		paints = append(paints, x.firstPaint())
		x.close()
	}
	within("first paint, median of 9", quantile(paints, 0.5), 60*time.Millisecond)

	x, err := open(bin, env)
	if err != nil {
		return list, err
	}
	defer x.close()
	if err := x.sees("● embedded"); err != nil {
		return list, err
	}
	s.delay.Store(int64(rtt))
	x.write("3")
	if err := x.sees("million", "byo workspace"); err != nil {
		return list, err
	}
	x.write("/million\r")
	if err := x.sees("▸ million"); err != nil {
		return list, err
	}
	began := time.Now()
	x.write("\r")
	if err := x.sees("object-0000000"); err != nil {
		return list, err
	}
	first := time.Since(began)
	within(fmt.Sprintf("first page, store %v away, new connection", rtt), first, setup*rtt+50*time.Millisecond)
	x.write("h")
	if err := x.sees("Places"); err != nil {
		return list, err
	}
	began = time.Now()
	x.write("\r")
	if err := x.sees("object-0000000"); err != nil {
		return list, err
	}
	within(fmt.Sprintf("first page, store %v away", rtt), time.Since(began), rtt+50*time.Millisecond)

	s.delay.Store(0)
	began = time.Now()
	x.write("L")
	if err := x.seesIn(5*time.Minute, "entries, "); err != nil {
		return list, err
	}
	add(fmt.Sprintf("all %d objects", s.objects), ms(time.Since(began)), "", true)
	peak, rss := x.memory()
	add("RSS with all objects", mib(rss), "≤ 200 MiB", rss <= 200<<20)
	add("RSS at most, while they were read", mib(peak), "", true)

	// A job runs from here on.
	x.write("o")
	if err := x.sees("Download"); err != nil {
		return list, err
	}
	x.write("\x15" + "~/sink\r")
	if err := x.sees("5 Jobs ◐1"); err != nil {
		return list, err
	}
	x.write("g")
	var times []time.Duration
	for i := range keys {
		key := "j"
		if i%20 > 14 {
			key = "\x04" // half a page
		}
		d, err := x.keyToByte(key)
		if err != nil {
			return list, err
		}
		times = append(times, d)
	}
	within(fmt.Sprintf("key to first byte, p50 of %d, a job running", keys), quantile(times, 0.5), 9*time.Millisecond)
	within("key to first byte, p99", quantile(times, 0.99), 20*time.Millisecond)

	x.write("G/")
	began = time.Now()
	last := fmt.Sprintf("%07d", s.objects-1)
	x.write(last)
	if err := x.sees(fmt.Sprintf("1 of %s", thousands(s.objects)), "object-"+last); err != nil {
		return list, err
	}
	add("seven letters of a filter, to the screen", ms(time.Since(began)), "", true)
	x.write("\x1b")
	if err := x.sees(thousands(s.objects) + " entries"); err != nil {
		return list, err
	}
	time.Sleep(300 * time.Millisecond) // an escape with a key right behind it would be that key with alt
	x.write("5")
	if err := x.sees("◐ running"); err != nil {
		return list, err
	}
	began = time.Now()
	x.write("x")
	if err := x.sees("○ cancelled"); err != nil {
		return list, err
	}
	within("cancel of the job, to the screen", time.Since(began), 100*time.Millisecond)
	if left, _ := filepath.Glob(filepath.Join(strings.TrimPrefix(env[0], "HOME="), "sink*")); len(left) > 0 {
		add("left behind by it", strings.Join(left, " "), "nothing", false)
	}
	time.Sleep(12 * time.Second) // messages expire
	before := x.cpu()
	time.Sleep(idle)
	used := x.cpu() - before
	percent := 100 * used.Seconds() / idle.Seconds()
	add(fmt.Sprintf("idle CPU over %v", idle), fmt.Sprintf("%.2f %%", percent), "0.0 %", percent < 0.05)
	return list, nil
}

// setup is how many round trips a new connection to the store takes before the answer: one of
// the connection is not delayed here, the look at the workspace goes to the coordinator.
const setup = 1

func quantile(list []time.Duration, q float64) time.Duration {
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
