//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// mountSizes are what -scale makes smaller.
type mountSizes struct {
	big   int // bytes of the large file
	small int // files of 4 KiB that are copied and read
	many  int // entries of the directory that is listed
}

func scaled64(n int, by float64, least int) int { return max(int(float64(n)*by), least) }

func mountSizesOf(by float64) mountSizes {
	return mountSizes{big: scaled64(1<<30, by, 8<<20) &^ (1<<20 - 1), small: scaled64(1000, by, 10), many: scaled64(20_000, by, 100)}
}

func (z mountSizes) bigName() string {
	if z.big == 1<<30 {
		return "1 GiB"
	}
	return fmt.Sprintf("%d MiB", z.big>>20)
}

// scene is what is measured in one mount; it has a row for each of its figures.
type scene struct {
	name string // for -rows
	far  bool   // from the distant store
	rows []*metric
	run  func(*stage) ([]float64, error)
}

// stage is one mount of one program.
type stage struct {
	*mounter
	mountSizes
	ctx   context.Context // ends when the scene takes too long
	store *conn           // to the store itself
	far   *distance
	files string // a folder with the small files, and a repository
	data  []byte // random, as many as the large file has
	out   string // folder of the bucket for what this scene writes
}

func scenes(z mountSizes) []*scene {
	less := func(unit, aim string, goal float64, format string, args ...any) *metric {
		return &metric{name: fmt.Sprintf(format, args...), unit: unit, better: "less", goal: goal, aim: aim, values: series{}}
	}
	const s, noAim = " s", ""
	big := z.bigName()
	return []*scene{
		{"read", true, []*metric{
			less(s, noAim, 1.6, "%s cold read, 30 ms", big),
			less(" MiB", noAim, 250, "… peak memory"),
			less(s, "", 0, "… CPU of the process"),
		}, (*stage).coldRead},
		{"cached", false, []*metric{
			less(s, "≤ rclone mount / 10", 0, "%s read again", big),
			less(s, "", 0, "%s from its cache on disk", big),
		}, (*stage).cachedRead},
		{"write", false, []*metric{
			less(s, noAim, 0.9, "%s write: close", big),
			less(s, "≤ s3fs", 0, "… durable"),
			less(" MiB", noAim, 250, "… peak memory"),
			less(s, "", 0, "… CPU of the process"),
		}, (*stage).writeBig},
		{"copy", false, []*metric{
			less(s, noAim, 0.4, "%s × 4 KiB cp, local", thousands(z.small)),
			less(s, noAim, 0.96, "… durable"),
		}, (*stage).copySmall},
		{"copy30", true, []*metric{
			less(s, "", 0, "%s × 4 KiB cp, 30 ms", thousands(z.small)),
			less(s, noAim, 2.1, "… durable"),
		}, (*stage).copySmall},
		{"ls", true, []*metric{
			less(s, noAim, 3, "ls -l of %s cold, 30 ms", thousands(z.many)),
			less(s, noAim, 0.2, "… warm"),
			less(" MiB", "", 0, "… peak memory"),
		}, (*stage).list},
		{"tar", true, []*metric{less(s, noAim, 5, "tar of %s small files cold, 30 ms", thousands(z.small))}, (*stage).tar},
		{"git", false, []*metric{
			less(s, "≤ best", 0, "git clone, local"),
			less(s, "≤ best", 0, "git status, local"),
		}, (*stage).git},
		{"random", true, []*metric{
			less(s, "", 0, "%d random 4 KiB of %s cold, 30 ms", randomReads, big),
			less(" MB", "", 0, "… fetched"),
		}, (*stage).random},
	}
}

const randomReads = 60

func (s *stage) usage() ([]float64, error) {
	rss, err1 := s.memory()
	cpu, err2 := s.cpu()
	return []float64{rss, cpu}, errors.Join(err1, err2)
}

// timed is how long fn takes, in seconds.
func timed(fn func() error) (float64, error) {
	begin := time.Now()
	err := fn()
	return time.Since(begin).Seconds(), err
}

// readAll reads the large file as cat does, and compares it.
func (s *stage) readAll(drop bool) (float64, error) {
	f, err := os.Open(s.path("big/file"))
	if err != nil {
		return 0, err
	}
	defer f.Close()
	if drop { // the mount's pages, not those of the cache's file below
		if err := unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED); err != nil {
			return 0, err
		}
	}
	buf := make([]byte, 1<<20)
	return timed(func() error {
		rest := s.data
		for s.ctx.Err() == nil {
			n, err := f.Read(buf)
			// All of it would take as long as the reading.
			if k := min(n, 64); n > len(rest) || !bytes.Equal(buf[:k], rest[:k]) {
				return errors.New("the file has other bytes")
			}
			rest = rest[n:]
			if err == io.EOF && len(rest) == 0 {
				return nil
			}
			if err != nil {
				return err
			}
		}
		return s.ctx.Err()
	})
}

func (s *stage) coldRead() ([]float64, error) {
	took, err := s.readAll(false)
	if err != nil {
		return nil, err
	}
	use, err := s.usage()
	return append([]float64{took}, use...), err
}

func (s *stage) cachedRead() ([]float64, error) {
	if _, err := s.readAll(false); err != nil {
		return nil, err
	}
	again, err := s.readAll(false)
	if err != nil {
		return nil, err
	}
	disk, err := s.readAll(true)
	return []float64{again, disk}, err
}

// durable waits until the store lists n objects of size bytes below what this scene writes.
func (s *stage) durable(n, size int, since time.Time) (float64, error) {
	for {
		objects, err := listObjects(s.store, "/"+mountBucket, s.out+"/")
		if err != nil {
			return 0, err
		}
		have := 0
		for _, o := range objects {
			if o.Size == int64(size) {
				have++
			}
		}
		if have >= n {
			return time.Since(since).Seconds(), nil
		}
		select {
		case <-s.ctx.Done():
			return 0, s.ctx.Err()
		case <-time.After(20 * time.Millisecond): // between two looks at the condition
		}
	}
}

func (s *stage) writeBig() ([]float64, error) {
	if err := os.Mkdir(s.path(s.out), 0o755); err != nil {
		return nil, err
	}
	begin := time.Now()
	closed, err := timed(func() error {
		f, err := os.Create(s.path(s.out + "/file"))
		if err != nil {
			return err
		}
		for rest := s.data; len(rest) > 0 && err == nil; rest = rest[min(1<<20, len(rest)):] {
			if err = s.ctx.Err(); err == nil {
				_, err = f.Write(rest[:min(1<<20, len(rest))])
			}
		}
		return errors.Join(err, f.Close())
	})
	if err != nil {
		return nil, err
	}
	stored, err := s.durable(1, s.big, begin)
	if err != nil {
		return nil, err
	}
	use, err := s.usage()
	return append([]float64{closed, stored}, use...), err
}

// command runs a program as a user would; what it prints is counted and dropped.
func (s *stage) command(name string, args ...string) (float64, int64, error) {
	cmd := exec.CommandContext(s.ctx, name, args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C", "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_SYSTEM="+os.DevNull)
	cmd.WaitDelay = 10 * time.Second
	var said counter
	var errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &errs // a pipe: tar does not read for /dev/null
	took, err := timed(cmd.Run)
	if err != nil {
		err = errors.Join(s.ctx.Err(), fmt.Errorf("%s: %w %.400s", name, err, errs.String()))
	}
	return took, int64(said), err
}

type counter int64

// Write implements io.Writer.
func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

func (s *stage) copySmall() ([]float64, error) {
	begin := time.Now()
	took, _, err := s.command("cp", "-r", filepath.Join(s.files, "small"), s.path(s.out))
	if err != nil {
		return nil, err
	}
	stored, err := s.durable(s.small, smallSize, begin)
	return []float64{took, stored}, err
}

func (s *stage) list() ([]float64, error) {
	var took []float64
	for range 2 {
		t, n, err := s.command("ls", "-l", s.path("many"))
		if err == nil && n < int64(s.many)*40 {
			err = fmt.Errorf("ls printed %d bytes for %d entries", n, s.many)
		}
		if err != nil {
			return nil, err
		}
		took = append(took, t)
	}
	rss, err := s.memory()
	return append(took, rss), err
}

func (s *stage) tar() ([]float64, error) {
	took, n, err := s.command("tar", "cf", "-", "-C", s.path(""), "small")
	if err == nil && n < int64(s.small)*smallSize {
		err = fmt.Errorf("tar wrote %d bytes", n)
	}
	return []float64{took}, err
}

func (s *stage) git() ([]float64, error) {
	to := s.path(s.out)
	clone, _, err := s.command("git", "clone", "-q", "--no-hardlinks", filepath.Join(s.files, "repository"), to)
	if err != nil {
		return nil, err
	}
	status, n, err := s.command("git", "-C", to, "status", "--porcelain")
	if err == nil && n > 0 {
		err = errors.New("git sees changes in a fresh clone")
	}
	return []float64{clone, status}, err
}

func (s *stage) random() ([]float64, error) {
	before := s.far.fetched.Load()
	f, err := os.Open(s.path("big/file"))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	// A mapping's or a database's access: the kernel is not asked to read ahead.
	if err := unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_RANDOM); err != nil {
		return nil, err
	}
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same places for everybody
	buf := make([]byte, 4<<10)
	took, err := timed(func() error {
		for range randomReads {
			off := random.Int64N(int64(s.big)/4096) * 4096
			if _, err := f.ReadAt(buf, off); err != nil {
				return err
			}
			if !bytes.Equal(buf, s.data[off:off+4096]) {
				return fmt.Errorf("other bytes at %d", off)
			}
			if err := s.ctx.Err(); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	// What was asked for in vain is on its way still.
	last := s.far.fetched.Load()
	for quiet := 0; quiet < 5; quiet++ {
		time.Sleep(100 * time.Millisecond)
		if now := s.far.fetched.Load(); now != last {
			last, quiet = now, 0
		}
		if s.ctx.Err() != nil {
			break
		}
	}
	return []float64{took, float64(last-before) / 1e6}, nil
}

// clear removes from the store what the scene wrote.
func (s *stage) clear() error {
	objects, err := listObjects(s.store, "/"+mountBucket, s.out+"/")
	if err != nil {
		return err
	}
	for _, o := range objects {
		if _, err := s.store.do(http.MethodDelete, "/"+mountBucket+"/"+escapePath(o.Key), "", noPayload, false); err != nil {
			return err
		}
	}
	return nil
}
