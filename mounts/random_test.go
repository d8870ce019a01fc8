//go:build linux

package mounts_test

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// randomChanges is how many there are: RANDOM_CHANGES, which `make soak` sets, or 300.
func randomChanges() int {
	n, err := strconv.Atoi(os.Getenv("RANDOM_CHANGES"))
	if err != nil {
		return 300
	}
	return n
}

// changer makes the same random changes below two directories.
type changer struct {
	t     *testing.T
	rng   *rand.Rand
	model string
	mount string
	count int
	last  []string
}

func (c *changer) path() string {
	p := ""
	for range c.rng.IntN(3) {
		p += fmt.Sprintf("d%d/", c.rng.IntN(3))
	}
	return p + fmt.Sprintf("f%d", c.rng.IntN(6))
}

// both does a change in both places; they must agree about how it ends.
func (c *changer) both(what string, do func(root string) error) {
	c.t.Helper()
	c.count++
	want, got := errnoOf(do(c.model)), errnoOf(do(c.mount))
	c.last = append(c.last, fmt.Sprintf("%d %s: %v", c.count, what, want))
	c.last = c.last[max(0, len(c.last)-40):]
	if got != want {
		for _, line := range c.last {
			c.t.Log(line)
		}
		c.t.Fatalf("change %d, %s: %v, want %v", c.count, what, got, want)
	}
}

func errnoOf(err error) syscall.Errno {
	var number syscall.Errno
	if err != nil && !errors.As(err, &number) {
		return syscall.EIO
	}
	return number
}

func (c *changer) change() {
	a, b := c.path(), c.path()
	data := pattern(c.count, c.rng.IntN(100_000)*c.rng.IntN(2)+c.rng.IntN(3000))
	at := int64(c.rng.IntN(60_000))
	open := func(flags int, do func(*os.File) error) func(string) error {
		return func(root string) error {
			f, err := os.OpenFile(filepath.Join(root, a), flags, 0o644)
			if err != nil {
				return err
			}
			return errors.Join(do(f), f.Close())
		}
	}
	write := func(f *os.File) error { _, err := f.Write(data); return err }
	folder := fmt.Sprintf("d%d", c.rng.IntN(3))
	if c.rng.IntN(2) == 0 {
		folder += fmt.Sprintf("/d%d", c.rng.IntN(3))
	}
	other := fmt.Sprintf("d%d", c.rng.IntN(3))
	if c.rng.IntN(2) == 0 {
		other += fmt.Sprintf("/d%d", c.rng.IntN(3))
	}
	switch n := c.rng.IntN(100); {
	case n < 30:
		c.both("write "+a, open(os.O_WRONLY|os.O_CREATE|os.O_TRUNC, write))
	case n < 42:
		c.both("append to "+a, open(os.O_WRONLY|os.O_APPEND, write))
	case n < 54:
		patch := data[:min(len(data), 500)]
		c.both(fmt.Sprintf("patch %s at %d", a, at), open(os.O_WRONLY, func(f *os.File) error { _, err := f.WriteAt(patch, at); return err }))
	case n < 64:
		c.both(fmt.Sprintf("truncate %s to %d", a, at), func(root string) error { return os.Truncate(filepath.Join(root, a), at) })
	case n < 72:
		c.both("unlink "+a, func(root string) error { return syscall.Unlink(filepath.Join(root, a)) })
	case n < 84:
		c.both("rename "+a+" "+b, func(root string) error { return syscall.Rename(filepath.Join(root, a), filepath.Join(root, b)) })
	case n < 91:
		c.both("mkdir "+folder, func(root string) error { return syscall.Mkdir(filepath.Join(root, folder), 0o755) })
	case n < 95:
		c.both("rmdir "+folder, func(root string) error { return syscall.Rmdir(filepath.Join(root, folder)) })
	default:
		c.both("rename the directory "+folder+" "+other, func(root string) error {
			return syscall.Rename(filepath.Join(root, folder), filepath.Join(root, other))
		})
	}
}

// tree is all below root: contents by path, "/" for a directory.
func (c *changer) tree(root string) map[string][]byte {
	c.t.Helper()
	found := map[string][]byte{}
	must(c.t, filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(root, path)
		if e.IsDir() {
			found[name+"/"] = nil
			return nil
		}
		found[name], err = os.ReadFile(path)
		return err
	}))
	return found
}

func (c *changer) compare() {
	c.t.Helper()
	want, got := c.tree(c.model), c.tree(c.mount)
	for name, data := range want {
		if b, ok := got[name]; !ok {
			c.t.Errorf("%s is lost", name)
		} else if string(b) != string(data) {
			c.t.Errorf("%s holds %s, want %s", name, brief(b), brief(data))
		}
	}
	for name := range got {
		if _, ok := want[name]; !ok {
			c.t.Errorf("%s came back", name)
		}
	}
	if c.t.Failed() {
		for _, line := range c.last {
			c.t.Log(line)
		}
		c.t.FailNow()
	}
}

// Random changes of files and directories, with kills (-9) in between and while the last
// life's changes still go up, end as they do on a local disk: each with the same error or
// none, nothing lost, torn, zeroed or brought back. SPEC C7, E11.
func TestRandomChangesAndKills(t *testing.T) {
	w := newWorld(t)
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv("RANDOM_SEED"); text != "" {
		var err error
		seed, err = strconv.ParseUint(text, 10, 64)
		must(t, err)
	}
	t.Logf("RANDOM_SEED=%d", seed)
	w.spec.Options.WriteBack = 50 * time.Millisecond
	c := &changer{t: t, rng: rand.New(rand.NewPCG(seed, seed)), model: t.TempDir(), mount: w.spec.Mountpoint}
	w.mount()
	kills := 0
	for until := 0; c.count < randomChanges(); kills++ {
		w.store.SetDelay([]time.Duration{0, 5 * time.Millisecond, 40 * time.Millisecond}[c.rng.IntN(3)])
		for until = c.count + 10 + c.rng.IntN(90); c.count < until; {
			c.change()
		}
		if c.rng.IntN(4) == 0 {
			w.crash()
			time.Sleep(time.Duration(c.rng.IntN(100)) * time.Millisecond) // and once more, at some moment
		}
		w.crash()
		c.compare()
	}
	t.Logf("%d changes, %d kills", c.count, kills)
	w.store.SetDelay(0)
	if s := w.drained(); len(s.Conflicts) > 0 || s.Quarantined > 0 {
		t.Errorf("conflicts %+v, %d files set aside", s.Conflicts, s.Quarantined)
	}
	w.unmount()
	want := c.tree(c.model)
	for name := range want {
		if name[len(name)-1] == '/' {
			delete(want, name)
		}
	}
	w.wantObjects(want)
	w.mount()
	c.compare()
	w.unmount()
}
