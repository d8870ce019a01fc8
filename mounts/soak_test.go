//go:build linux

package mounts_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/artifacts-tui/artifacts-tui/internal/faultproxy"
)

// soakTime is how long the load lasts: SOAK_TIME, which `make soak` sets, or a little.
func soakTime() time.Duration {
	d, err := time.ParseDuration(os.Getenv("SOAK_TIME"))
	if err != nil {
		return 10 * time.Second
	}
	return d
}

// holding is what a mount process holds at one moment.
type holding struct{ goroutines, files, nodes, rss int }

func (w *world) holding() holding {
	w.t.Helper()
	s := w.status()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.PID))
	must(w.t, err)
	h := holding{goroutines: s.Process.Goroutines, files: s.Process.Files, nodes: s.Process.Nodes}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kib, err := strconv.Atoi(strings.Fields(rest)[0])
			must(w.t, err)
			h.rss = kib << 10
		}
	}
	return h
}

// load is one program's work in a directory of its own.
type load struct {
	w       *world
	dir     string
	rng     *rand.Rand
	files   map[string][]byte
	changes int
	reads   int
}

// step makes a change or a check. Changes never wait for the store; a read may fail while it
// does, and is repeated.
func (l *load) step() error {
	name := fmt.Sprintf("%s/f%d", l.dir, l.rng.IntN(30))
	path, data := l.w.path(name), l.files[name]
	_, exists := l.files[name]
	l.changes++
	switch n := l.rng.IntN(10); {
	case n < 3 || !exists:
		l.files[name] = pattern(l.rng.IntN(1<<30), l.rng.IntN(200_000))
		return os.WriteFile(path, l.files[name], 0o644)
	case n < 4:
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
		if err != nil {
			return err
		}
		more := pattern(l.rng.IntN(1<<30), 3000)
		_, err = f.Write(more)
		l.files[name] = append(bytes.Clone(data), more...)
		return errors.Join(err, f.Close())
	case n < 6 && len(data) > 1000:
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		at := l.rng.IntN(len(data) - 500)
		_, err = f.WriteAt(pattern(l.changes, 500), int64(at))
		l.files[name] = bytes.Clone(data)
		copy(l.files[name][at:], pattern(l.changes, 500))
		return errors.Join(err, f.Close())
	case n < 7:
		to := fmt.Sprintf("%s/f%d", l.dir, l.rng.IntN(30))
		if to == name {
			return nil
		}
		l.files[to] = data
		delete(l.files, name)
		return os.Rename(path, l.w.path(to))
	case n < 8 && len(l.files) > 10:
		delete(l.files, name)
		return os.Remove(path)
	}
	l.changes--
	l.reads++
	var got []byte
	var err error
	for deadline := time.Now().Add(2 * patience); ; time.Sleep(50 * time.Millisecond) {
		if got, err = l.w.uncached(name); err == nil || time.Now().After(deadline) {
			break
		}
	}
	if err == nil && sha256.Sum256(got) != sha256.Sum256(data) {
		err = fmt.Errorf("%s reads %s, want %s", name, brief(got), brief(data))
	}
	return err
}

// A mount whose store fails at random goes on: nothing that was written is lost, changed or
// put in conflict with itself, and the process holds no more at the end than soon after the
// beginning. SPEC C6, D4.
func TestLoadWhileTheStoreFails(t *testing.T) {
	w := newWorld(t)
	p := w.behindProxy()
	w.spec.Options.WriteBack, w.spec.Options.StoreTimeout = 50*time.Millisecond, 5*time.Second
	w.mount()
	loads := make([]*load, 3)
	for i := range loads {
		loads[i] = &load{w: w, dir: fmt.Sprint("load", i), rng: rand.New(rand.NewPCG(4, uint64(i))), files: map[string][]byte{}}
		must(t, os.Mkdir(w.path(loads[i].dir), 0o755))
	}
	w.drained()
	p.Mix(4, 0.1, faultproxy.SlowDown, faultproxy.Broken, faultproxy.ResetRequest, faultproxy.ResetResponse,
		faultproxy.Truncate, faultproxy.HalfHeaders, faultproxy.Half404, faultproxy.Slow, faultproxy.Portal, faultproxy.EmptyList)

	ctx, stop := context.WithTimeout(t.Context(), soakTime())
	defer stop()
	var working sync.WaitGroup
	var failed atomic.Bool
	for _, l := range loads {
		working.Go(func() {
			for ctx.Err() == nil && !failed.Load() {
				if err := l.step(); err != nil {
					t.Error(err)
					failed.Store(true)
				}
				time.Sleep(5 * time.Millisecond) // a load, not a race
			}
		})
	}
	var samples []holding
	for tick := time.NewTicker(max(soakTime()/200, 100*time.Millisecond)); ctx.Err() == nil; {
		select {
		case <-tick.C:
			samples = append(samples, w.holding())
		case <-ctx.Done():
			tick.Stop()
		}
	}
	working.Wait()
	p.Set(faultproxy.Pass)
	s := w.drained()
	want := map[string][]byte{}
	changes, reads := 0, 0
	for _, l := range loads {
		changes, reads = changes+l.changes, reads+l.reads
		for name, data := range l.files {
			want[name] = data
		}
	}
	w.wantObjects(want)
	if len(s.Conflicts) > 0 || s.Quarantined > 0 {
		t.Errorf("conflicts %+v, %d files set aside", s.Conflicts, s.Quarantined)
	}
	wantTree(t, w, want)

	worst := func(of []holding) (h holding) {
		for _, x := range of {
			h = holding{max(h.goroutines, x.goroutines), max(h.files, x.files), max(h.nodes, x.nodes), max(h.rss, x.rss)}
		}
		return h
	}
	early, late, rest := worst(samples[len(samples)/4:len(samples)/2]), worst(samples[3*len(samples)/4:]), w.holding()
	t.Logf("%v: %d changes, %d reads, %d requests; held early %+v, late %+v, at rest %+v", soakTime(), changes, reads, p.Requests(), early, late, rest)
	if late.goroutines > early.goroutines+100 || late.files > early.files+100 || late.nodes > early.nodes+100 || late.rss > early.rss*5/4+(16<<20) {
		t.Errorf("it holds more and more: early %+v, late %+v", early, late)
	}
	w.until("the process is at rest", func() bool { rest = w.holding(); return rest.goroutines < 150 && rest.files < 200 })
	w.unmount()
}
