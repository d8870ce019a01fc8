//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/artifacts-tui/artifacts-tui/backend/store"
	"github.com/artifacts-tui/artifacts-tui/backend/store/local"
)

const (
	scaleSize    = 512 // bytes of an object
	scaleFolders = 1000
	scaleWriters = 64
)

// report collects the rows of what is measured once.
type report struct{ rows []string }

func (r *report) add(name, format string, args ...any) {
	value := fmt.Sprintf(format, args...)
	fmt.Fprintf(os.Stderr, "%-52s %s\n", name, value)
	r.rows = append(r.rows, fmt.Sprintf("| %s | %s |\n", name, value))
}

// scale measures the coordinator's store with many objects.
func scale(o options) (string, error) {
	n := o.objects
	if o.quick {
		n = min(n, 100_000)
	}
	us, err := ours(o.dir)
	if err != nil {
		return "", err
	}
	running.server.Store(us)
	s := &scaled{trial: trial{sizes: full, server: us}, objects: n, data: filepath.Join(us.dir, "data")}
	if o.quick {
		s.each = quick.each
	}
	if err := s.measure(); err != nil {
		us.kill()
		return "", err
	}
	return fmt.Sprintf("| %s objects of %d bytes in %d folders | |\n|---|---:|\n%s", thousands(n), scaleSize, scaleFolders, strings.Join(s.rows, "")), nil
}

type scaled struct {
	trial
	report
	objects int
	data    string // the coordinator's data_dir
}

func (s *scaled) measure() error {
	if err := s.write("fill", s.objects, put); err != nil {
		return err
	}
	if err := s.open("open after a clean stop"); err != nil {
		return err
	}
	if err := s.read(); err != nil {
		return err
	}
	if err := s.crash(); err != nil {
		return err
	}
	if err := s.open("open after kill -9 under 16 writers"); err != nil {
		return err
	}
	if err := s.stop(); err != nil {
		return err
	}
	if err := s.write("overwrite all", s.objects, put); err != nil {
		return err
	}
	if err := s.write("delete half", s.objects/2, func(st *store.Store, i int, _ []byte) error {
		return st.Delete(context.Background(), "yardstick", scaleKey(2*i))
	}); err != nil {
		return err
	}
	if err := s.open("open after that"); err != nil {
		return err
	}
	n, err := listAll(s.conns[0], bucket)
	if err == nil && n != s.objects-s.objects/2 {
		err = fmt.Errorf("%d objects are left of %d", n, s.objects)
	}
	return errors.Join(err, s.stop())
}

func put(s *store.Store, i int, body []byte) error {
	_, err := s.Put(context.Background(), "yardstick", scaleKey(i), bytes.NewReader(body), store.PutOptions{Size: scaleSize})
	return err
}

// scaleKey spreads the objects over the folders, in an order that is not the keys'.
func scaleKey(i int) string { return fmt.Sprintf("folder%03d/key%06d", i%scaleFolders, i/scaleFolders) }

// write calls fn for 0 to n-1, from many goroutines, on the store itself, and reports what
// it left on the disk.
func (s *scaled) write(name string, n int, fn func(st *store.Store, i int, body []byte) error) (err error) {
	st, err := local.Open(local.Options{Dir: s.data})
	if err != nil {
		return err
	}
	err = st.CreateBucket(context.Background(), "yardstick", store.CreateBucketOptions{Owner: accessKey})
	if err != nil && !errors.Is(err, store.ErrBucketAlreadyExists) {
		return errors.Join(err, st.Close())
	}
	begin := time.Now()
	var next atomic.Int64
	errs := make([]error, scaleWriters)
	var wg sync.WaitGroup
	for w := range scaleWriters {
		wg.Go(func() {
			body := make([]byte, scaleSize)
			for i := int(next.Add(1)) - 1; i < n && errs[w] == nil; i = int(next.Add(1)) - 1 {
				for at := 0; at < len(body); at += 8 {
					copy(body[at:], fmt.Appendf(nil, "%08x", rand.Uint32()))
				}
				errs[w] = fn(st, i, body)
			}
		})
	}
	wg.Wait()
	took := time.Since(begin)
	if err := errors.Join(errors.Join(errs...), st.Close()); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	index, blobs, files, err := s.onDisk()
	s.add(name, "%s s, %s /s; index %s MiB, blobs %s MiB in %s files", number(took.Seconds()), number(float64(n)/took.Seconds()),
		number(index), number(blobs), thousands(files))
	return err
}

// onDisk is what the index and the rest take, in MiB of blocks, as du counts.
func (s *scaled) onDisk() (index, blobs float64, files int, err error) {
	err = filepath.WalkDir(s.data, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		mib := float64(info.Sys().(*syscall.Stat_t).Blocks) * 512 / (1 << 20)
		switch {
		case strings.HasPrefix(d.Name(), "index"):
			index += mib
		default:
			blobs += mib
			if info.Mode().IsRegular() {
				files++
			}
		}
		return nil
	})
	return index, blobs, files, err
}

func (s *scaled) open(name string) error {
	took, err := s.start()
	if err != nil {
		return err
	}
	rss, err := s.memory("VmRSS")
	if err != nil {
		return err
	}
	s.add(name, "%s ms to the first answer, %s MiB of memory", number(float64(took)/float64(time.Millisecond)), number(rss))
	return s.connect()
}

// read measures lists and HEADs.
func (s *scaled) read() error {
	page := func(name, query string, want string, count int) error {
		var took []float64
		for range 10 {
			begin := time.Now()
			xml, err := s.conns[0].do(http.MethodGet, bucket, query, noPayload, true)
			if err != nil {
				return err
			}
			if n := bytes.Count(xml, []byte(want)); n != count {
				return fmt.Errorf("%s has %d %s, want %d", name, n, want, count)
			}
			took = append(took, float64(time.Since(begin))/float64(time.Millisecond))
		}
		m := metric{values: series{"": took}}
		s.add(name, "%s ms", number(m.median("")))
		return nil
	}
	middle := escape(fmt.Sprintf("folder%03d/key", scaleFolders/2))
	err := errors.Join(
		page("first page", "list-type=2", "<Key>", 1000),
		page("page in the middle", "list-type=2&start-after="+middle, "<Key>", 1000),
		page("1,000 folders by delimiter", "delimiter=%2F&list-type=2", "<CommonPrefixes>", 1000),
	)
	if err != nil {
		return err
	}
	rate, err := s.rate(func(c *conn, _ int) error {
		_, err := c.do(http.MethodHead, bucket+"/"+scaleKey(rand.IntN(s.objects)), "", noPayload, false)
		return err
	})
	if err != nil {
		return err
	}
	s.add("HEAD of random keys, 16 connections", "%s /s", number(rate))
	begin := time.Now()
	n, err := listAll(s.conns[0], bucket)
	if err != nil || n != s.objects {
		return fmt.Errorf("%d of %d keys: %w", n, s.objects, err)
	}
	took := time.Since(begin)
	rss, err := s.memory("VmRSS")
	s.add("all keys", "%s s, %s MiB of memory after", number(took.Seconds()), number(rss))
	return err
}

// crash kills the server while it writes.
func (s *scaled) crash() error {
	body := newPayload(randomBytes(scaleSize))
	var acknowledged atomic.Int64
	killed := make(chan struct{})
	time.AfterFunc(s.each/2, func() {
		s.kill()
		close(killed)
	})
	_ = s.parallel(func(c *conn) error { // each ends with the error of a broken connection
		for {
			// The keys exist: what is listed later does not depend on how far this got.
			if _, err := c.do(http.MethodPut, bucket+"/"+scaleKey(rand.IntN(s.objects)), "", body, false); err != nil {
				return err
			}
			acknowledged.Add(1)
		}
	})
	<-killed
	if acknowledged.Load() == 0 {
		return errors.New("nothing was written before the crash")
	}
	return nil
}

func thousands(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
