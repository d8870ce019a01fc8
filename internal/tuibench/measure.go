//go:build linux

package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"
)

// bench is one run.
type bench struct {
	options
	home    string
	env     []string
	store   *store
	x       *terminal
	figures []figure
	missed  int
}

// add keeps a figure, and prints it.
func (b *bench) add(name, value, goal string, met bool) {
	b.figures = append(b.figures, figure{name, value, goal})
	mark := "met"
	switch {
	case goal == "":
		mark = ""
	case !met:
		mark = "MISSED"
		b.missed++
	}
	fmt.Printf("%-60s %-14s %-10s %s\n", name, value, goal, mark)
}

func (b *bench) within(name string, got, goal time.Duration) {
	b.add(name, ms(got), "≤ "+ms(goal), got <= goal)
}

func (b *bench) note(name, value string) { b.add(name, value, "", true) }

func (b *bench) measure() (err error) {
	if err := b.firstPaint(); err != nil {
		return err
	}
	if b.x, err = open(b.bin, b.env); err != nil {
		return err
	}
	defer b.x.close()
	for _, step := range []func() error{b.firstPage, b.allObjects, b.keysWhileListing, b.startJob, b.keysBesideJob, b.letters, b.cancelJob, b.rest} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// firstPaint is when the rows are there that the last run knew.
func (b *bench) firstPaint() error {
	var paints []time.Duration
	for range 9 {
		x, err := open(b.bin, b.env)
		if err != nil {
			return err
		}
		if err := x.sees("million"); err != nil {
			return err
		}
		paints = append(paints, x.firstPaint())
		x.close()
	}
	b.within("first paint, median of 9", quantile(paints, 0.5), 60*time.Millisecond)
	return nil
}

// setup is how many round trips a new connection to the store takes before the answer: one of
// the connection is not delayed here, the look at the workspace goes to the coordinator.
const setup = 1

const firstObject = "object-0000000"

func (b *bench) firstPage() error {
	if err := b.x.sees("● embedded"); err != nil {
		return err
	}
	b.store.delay.Store(int64(b.rtt))
	defer b.store.delay.Store(0)
	if _, err := b.x.keysTo("3", "million", "byo workspace"); err != nil {
		return err
	}
	if _, err := b.x.keysTo("/million\r", "▸ million"); err != nil {
		return err
	}
	first, err := b.x.keysTo("\r", firstObject)
	if err != nil {
		return err
	}
	b.within(fmt.Sprintf("first page, store %v away, new connection", b.rtt), first, setup*b.rtt+50*time.Millisecond)
	again, err := b.enterAgain()
	if err != nil {
		return err
	}
	b.within(fmt.Sprintf("first page, store %v away", b.rtt), again, b.rtt+50*time.Millisecond)
	return nil
}

// enterAgain leaves the bucket and goes into it once more.
func (b *bench) enterAgain() (time.Duration, error) {
	if _, err := b.x.keysToLoss("h", firstObject); err != nil {
		return 0, err
	}
	if err := b.x.sees("▸ million"); err != nil {
		return 0, err
	}
	return b.x.keysTo("\r", firstObject)
}

const whole = "entries, " // is on the screen when the listing has ended

func (b *bench) allObjects() error {
	began := time.Now()
	b.x.write("L")
	if err := b.x.seesIn(5*time.Minute, whole); err != nil {
		return err
	}
	b.note(fmt.Sprintf("all %s objects", thousands(b.objects)), ms(time.Since(began)))
	peak, rss := memory(b.x.cmd.Process.Pid)
	b.add("resident memory with all objects", mib(rss), "≤ 200 MiB", rss <= 200<<20)
	b.note("resident memory at most, while they were read", mib(peak))
	return nil
}

// keysWhileListing presses keys while the objects come again. The screen changes all the time
// then, so that a key counts when the cursor has moved.
func (b *bench) keysWhileListing() error {
	if _, err := b.enterAgain(); err != nil {
		return err
	}
	b.x.write("L")
	var times []time.Duration
	for row, listed := 1, false; !listed; row++ {
		time.Sleep(between)
		took, err := b.x.keysTo("j", fmt.Sprintf("▸ object-%07d", row))
		if err != nil {
			return err
		}
		times = append(times, took)
		listed = strings.Contains(b.x.text(), whole)
	}
	times = times[:len(times)-1] // the last may have come after the listing
	b.within(fmt.Sprintf("key to the screen while all are listed, p50 of %d", len(times)), quantile(times, 0.5), 9*time.Millisecond)
	b.within("… p99", quantile(times, 0.99), 20*time.Millisecond)
	return nil
}

// startJob begins a download that does not end.
func (b *bench) startJob() error {
	if _, err := b.x.keysTo("o", "Download"); err != nil {
		return err
	}
	if _, err := b.x.keysTo("\x15"+"~/sink\r", "5 Jobs ◐1"); err != nil {
		return err
	}
	b.x.write("g")
	return nil
}

func (b *bench) keysBesideJob() error {
	var times []time.Duration
	for i := range b.keys {
		key := "j"
		if i%20 > 14 {
			key = "\x04" // half a page
		}
		d, err := b.x.keyToByte(key)
		if err != nil {
			return err
		}
		times = append(times, d)
	}
	b.within(fmt.Sprintf("key to first byte beside a job, p50 of %d", b.keys), quantile(times, 0.5), 9*time.Millisecond)
	b.within("… p99", quantile(times, 0.99), 20*time.Millisecond)
	return nil
}

// letters filters all objects, letter by letter, and by several at once.
func (b *bench) letters() error {
	last := fmt.Sprintf("%07d", b.objects-1)
	found := func(n int) string { return thousands(n) + " of " + thousands(b.objects) }
	b.x.write("G/")
	var times []time.Duration
	for n := 1; n < len(last); n++ { // each takes some away
		time.Sleep(between)
		took, err := b.x.keysTo(last[n:n+1], " "+found(b.matching(last[1:n+1])))
		if err != nil {
			return err
		}
		times = append(times, took)
	}
	b.within(fmt.Sprintf("a letter of a filter, to the screen, slowest of %d", len(times)), quantile(times, 1), 50*time.Millisecond)
	if err := b.unfilter(); err != nil {
		return err
	}
	took, err := b.x.keysTo("/"+last, " "+found(1), "object-"+last)
	if err != nil {
		return err
	}
	b.note(fmt.Sprintf("%d letters at once, to the screen", len(last)), ms(took))
	return b.unfilter()
}

func (b *bench) unfilter() error {
	_, err := b.x.keysTo("\x1b", thousands(b.objects)+" entries")
	time.Sleep(300 * time.Millisecond) // an escape with a key right behind it would be that key with alt
	return err
}

// matching is how many names hold the letters in this order.
func (b *bench) matching(letters string) (n int) {
	for i := range b.objects {
		k := 0
		for _, c := range fmt.Appendf(nil, "object-%07d", i) {
			if k < len(letters) && c == letters[k] {
				k++
			}
		}
		if k == len(letters) {
			n++
		}
	}
	return n
}

func (b *bench) cancelJob() error {
	if _, err := b.x.keysTo("5", "◐ running"); err != nil {
		return err
	}
	began := time.Now()
	took, err := b.x.keysToLoss("x", "◐ running")
	if err != nil {
		return err
	}
	b.within("cancel of the job, to the screen", took, 100*time.Millisecond)
	if err := b.x.sees("○ cancelled"); err != nil {
		return err
	}
	b.note("… until it had cleaned up", ms(time.Since(began)))
	if left, _ := filepath.Glob(filepath.Join(b.home, "sink*")); len(left) > 0 {
		b.add("left behind by it", strings.Join(left, " "), "nothing", false)
	}
	return nil
}

// rest watches the app, and its coordinator, doing nothing.
func (b *bench) rest() error {
	time.Sleep(12 * time.Second) // messages expire
	pids := []int{b.x.cmd.Process.Pid, coordinator(b.home)}
	before := []work{worked(pids[0]), worked(pids[1])}
	time.Sleep(b.idle)
	for i, name := range []string{"the app", "its coordinator"} {
		now := worked(pids[i])
		percent := 100 * (now.cpu - before[i].cpu).Seconds() / b.idle.Seconds()
		wakes := float64(now.wakes-before[i].wakes) / b.idle.Seconds()
		name = fmt.Sprintf("processor time of %s at rest, over %v", name, b.idle)
		if i == 0 {
			b.add(name, fmt.Sprintf("%.3f %%", percent), "0.0 %", percent < 0.05)
		} else {
			b.note(name, fmt.Sprintf("%.3f %%", percent))
		}
		b.note("… times it woke, a second", fmt.Sprintf("%.1f", wakes))
	}
	return nil
}
