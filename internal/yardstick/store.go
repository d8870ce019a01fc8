//go:build linux

package main

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

const (
	connections = 16
	bucket      = "/yardstick"
	smallSize   = 4 << 10
	listPrefix  = 100 // folders of the keys that are listed
	slow        = 10 * time.Second
)

// sizes are what -quick makes smaller.
type sizes struct {
	each  time.Duration // of a measurement that counts requests
	large int           // bytes of a large object
	parts int           // of 16 MiB, of the multipart upload
	reads int           // objects that GET and HEAD take turns on
	keys  int           // that are listed
}

var (
	full  = sizes{each: 3 * time.Second, large: 256 << 20, parts: 64, reads: 1000, keys: 100_000}
	quick = sizes{each: time.Second, large: 256 << 20, parts: 16, reads: 1000, keys: 10_000}
)

// trial measures one server in one round.
type trial struct {
	sizes
	*server
	conns []*conn
	round int
	small payload
	big   payload
	part  payload
}

// step is a row and how it is measured. It is left out of later rounds where it was slow.
type step struct {
	metric
	run func(*trial) (float64, error)
}

func steps(z sizes) []*step {
	mib := func(n int) string { return fmt.Sprintf("%d MiB", n>>20) }
	keys := fmt.Sprintf("%dk keys", z.keys/1000)
	return []*step{
		{metric{name: fmt.Sprintf("peak memory, %s multipart", mib(z.parts*16<<20)), unit: " MiB", better: "less", goal: 60}, (*trial).multipart},
		{metric{name: "PUT 4 KiB /s", better: "more", goal: 5000}, (*trial).putSmall},
		{metric{name: "GET 4 KiB /s", better: "more", goal: 25000}, (*trial).getSmall},
		{metric{name: "HEAD /s", better: "more", goal: 35000}, (*trial).headSmall},
		{metric{name: "PUT " + mib(z.large) + " MB/s, sha256", better: "more", goal: 430}, (*trial).putLarge},
		{metric{name: "GET " + mib(z.large) + " MB/s", better: "more", goal: 4000}, (*trial).getLarge},
		{metric{name: "first page of " + keys, unit: " ms", better: "less", goal: 1.5}, (*trial).firstPage},
		{metric{name: "all " + keys, unit: " s", better: "less", goal: 0.6}, (*trial).allPages},
	}
}

// yardsticks measures the servers in turn and returns the table.
func yardsticks(o options) (string, error) {
	z := full
	if o.quick {
		z, o.rounds = quick, 1
	}
	us, err := ours(o.dir)
	if err != nil {
		return "", err
	}
	others, missing := peers(o.dir)
	if o.only != "" {
		others = slices.DeleteFunc(others, func(s *server) bool { return !slices.Contains(strings.Split(o.only, ","), s.name) })
	}
	servers := append([]*server{us}, others...)
	list := steps(z)
	for _, s := range list {
		s.values = series{}
	}
	base := trial{sizes: z, small: newPayload(randomBytes(smallSize)), big: newPayload(randomBytes(z.large)), part: newPayload(randomBytes(16 << 20))}
	for round := range o.rounds {
		for _, s := range servers {
			t := base
			t.server, t.round = s, round
			if err := t.run(list); err != nil {
				return "", fmt.Errorf("%s: %w", s.name, err)
			}
		}
	}
	var columns []string
	metrics := make([]*metric, 0, len(list))
	for _, s := range list {
		metrics = append(metrics, &s.metric)
	}
	for _, s := range servers {
		columns = append(columns, s.name)
	}
	text := markdown(fmt.Sprintf("%d connections", connections), metrics, columns)
	var notes []string
	for _, s := range others {
		notes = append(notes, s.name+" "+s.version())
	}
	if len(missing) > 0 {
		notes = append(notes, "not found: "+strings.Join(missing, ", "))
	}
	return text + fmt.Sprintf("\nMedians of %d rounds. %s.\n", o.rounds, strings.Join(notes, "; ")), nil
}

// running is what a signal has to end.
var running = &current{}

type current struct {
	server atomic.Pointer[server]
	mount  atomic.Pointer[mounter]

	mu     sync.Mutex
	others []*server // that run beside server
}

// also notes a server that a signal has to end too.
func (c *current) also(s *server) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.others = append(c.others, s)
}

func (c *current) kill() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.others {
		if s.cmd != nil {
			_ = s.cmd.Process.Kill()
		}
	}
	if m := c.mount.Load(); m != nil {
		m.kill()
	}
	if s := c.server.Load(); s != nil && s.cmd != nil {
		_ = s.cmd.Process.Kill()
	}
}

// run measures every step, the peak of the memory first, in a process of its own.
func (t *trial) run(list []*step) error {
	fresh := *t
	fresh.server, fresh.conns = t.empty(), nil
	err := errors.Join(fresh.session(list[:1], fresh.makeBuckets), os.RemoveAll(fresh.dir))
	if err != nil {
		return err
	}
	if t.round == 0 {
		return t.session(list[1:], t.fill)
	}
	return t.session(list[1:], func() error { return nil })
}

// session starts the server, prepares it, measures and stops it.
func (t *trial) session(list []*step, prepare func() error) (err error) {
	unix.Sync() // what another server left in the page cache is not this one's work
	running.server.Store(t.server)
	if _, err := t.start(); err != nil {
		return err
	}
	defer func() {
		for _, c := range t.conns {
			c.close()
		}
		err = errors.Join(err, t.stop())
	}()
	if err := t.connect(); err != nil {
		return err
	}
	if err := prepare(); err != nil {
		return fmt.Errorf("prepare: %w", err)
	}
	for _, s := range list {
		if first := s.values[t.name]; s.unit == " s" && len(first) > 0 && first[0] > slow.Seconds() {
			continue
		}
		begin := time.Now()
		v, err := s.run(t)
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		s.values[t.name] = append(s.values[t.name], v)
		fmt.Fprintf(os.Stderr, "round %d  %-14s %-28s %10s%s  (%.1f s)\n", t.round+1, t.name, s.name, number(v), s.unit, time.Since(begin).Seconds())
	}
	return nil
}

func (t *trial) connect() error {
	for _, c := range t.conns {
		c.close()
	}
	t.conns = nil
	for range connections {
		c, err := dial(t.target)
		if err != nil {
			return err
		}
		t.conns = append(t.conns, c)
	}
	return nil
}

func (t *trial) makeBuckets() error {
	for _, b := range []string{bucket, bucket + "-list"} {
		if _, err := t.conns[0].do(http.MethodPut, b, "", noPayload, false); err != nil {
			return err
		}
	}
	return nil
}

// fill makes the objects to read and the keys to list.
func (t *trial) fill() error {
	if err := t.makeBuckets(); err != nil {
		return err
	}
	begin := time.Now()
	err := t.times(t.reads, func(c *conn, n int) error {
		_, err := c.do(http.MethodPut, t.readKey(n), "", t.small, false)
		return err
	})
	if err != nil {
		return err
	}
	tiny := newPayload([]byte("tiny"))
	err = t.times(t.keys, func(c *conn, n int) error {
		_, err := c.do(http.MethodPut, fmt.Sprintf("%s-list/folder%02d/key%05d", bucket, n%listPrefix, n), "", tiny, false)
		return err
	})
	fmt.Fprintf(os.Stderr, "fill     %-14s %d keys in %.1f s\n", t.name, t.keys, time.Since(begin).Seconds())
	return err
}

func (t *trial) readKey(n int) string { return fmt.Sprintf("%s/read/%04d", bucket, n%t.reads) }

// times calls fn n times on all connections.
func (t *trial) times(n int, fn func(c *conn, n int) error) error {
	var next atomic.Int64
	return t.parallel(func(c *conn) error {
		for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
			if err := fn(c, i); err != nil {
				return err
			}
		}
		return nil
	})
}

// rate calls fn on all connections for a while and returns calls a second.
func (t *trial) rate(fn func(c *conn, n int) error) (float64, error) {
	var next atomic.Int64
	begin := time.Now()
	err := t.parallel(func(c *conn) error {
		for time.Since(begin) < t.each {
			if err := fn(c, int(next.Add(1))); err != nil {
				return err
			}
		}
		return nil
	})
	return float64(next.Load()) / time.Since(begin).Seconds(), err
}

func (t *trial) parallel(fn func(c *conn) error) error {
	errs := make([]error, len(t.conns))
	var wg sync.WaitGroup
	for i, c := range t.conns {
		wg.Go(func() { errs[i] = fn(c) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

func (t *trial) putSmall() (float64, error) {
	return t.rate(func(c *conn, n int) error {
		_, err := c.do(http.MethodPut, fmt.Sprintf("%s/put%d/%02d/%d", bucket, t.round, n%listPrefix, n), "", t.small, false)
		return err
	})
}

func (t *trial) getSmall() (float64, error) {
	return t.rate(func(c *conn, n int) error {
		_, err := c.do(http.MethodGet, t.readKey(n), "", noPayload, false)
		return err
	})
}

func (t *trial) headSmall() (float64, error) {
	return t.rate(func(c *conn, n int) error {
		_, err := c.do(http.MethodHead, t.readKey(n), "", noPayload, false)
		return err
	})
}

// putLarge and getLarge use one connection after another: MB of 1,000,000 bytes a second.
func (t *trial) putLarge() (float64, error) {
	unix.Sync()
	return t.throughput(http.MethodPut, t.big, 2)
}

func (t *trial) getLarge() (float64, error) { return t.throughput(http.MethodGet, noPayload, 4) }

func (t *trial) throughput(method string, body payload, times int) (float64, error) {
	begin := time.Now()
	for i := range times {
		if _, err := t.conns[0].do(method, fmt.Sprintf("%s/large/%d", bucket, i%2), "", body, false); err != nil {
			return 0, err
		}
	}
	return float64(times*t.large) / 1e6 / time.Since(begin).Seconds(), nil
}

func (t *trial) firstPage() (float64, error) {
	var took []float64
	for begin := time.Now(); len(took) == 0 || (len(took) < 20 && time.Since(begin) < t.each); {
		at := time.Now()
		if _, err := t.conns[0].do(http.MethodGet, bucket+"-list", "list-type=2", noPayload, true); err != nil {
			return 0, err
		}
		took = append(took, float64(time.Since(at))/float64(time.Millisecond))
	}
	m := metric{values: series{"": took}}
	return m.median(""), nil
}

func (t *trial) allPages() (float64, error) {
	begin := time.Now()
	n, err := listAll(t.conns[0], bucket+"-list")
	if err == nil && n != t.keys {
		err = fmt.Errorf("%d keys of %d were listed", n, t.keys)
	}
	return time.Since(begin).Seconds(), err
}

// listAll counts the keys of all pages.
func listAll(c *conn, bucket string) (n int, err error) {
	for token := ""; ; {
		query := "list-type=2"
		if token != "" {
			query = "continuation-token=" + escape(token) + "&" + query
		}
		page, err := c.do(http.MethodGet, bucket, query, noPayload, true)
		if err != nil {
			return n, err
		}
		n += bytes.Count(page, []byte("<Key>"))
		if token = element(page, "NextContinuationToken"); token == "" {
			return n, nil
		}
	}
}

// element is the text of the first element of that name, "" where there is none.
func element(xml []byte, name string) string {
	_, rest, _ := bytes.Cut(xml, []byte("<"+name+">"))
	text, _, ok := bytes.Cut(rest, []byte("</"+name+">"))
	if !ok {
		return ""
	}
	return strings.NewReplacer("&#34;", `"`, "&quot;", `"`, "&#39;", "'", "&lt;", "<", "&gt;", ">", "&amp;", "&").Replace(string(text))
}

// escape is AWS's UriEncode.
func escape(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || strings.IndexByte("-._~", c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// multipart returns the server's peak memory after an upload.
func (t *trial) multipart() (float64, error) {
	if err := t.upload(); err != nil {
		return 0, err
	}
	return t.memory("VmHWM")
}

// upload sends parts on 4 connections.
func (t *trial) upload() error {
	key := bucket + "/multipart"
	answer, err := t.conns[0].do(http.MethodPost, key, "uploads=", noPayload, true)
	if err != nil {
		return err
	}
	id := escape(element(answer, "UploadId"))
	etags := make([]string, t.parts)
	few := *t
	few.conns = t.conns[:4]
	err = few.times(t.parts, func(c *conn, n int) error {
		_, err := c.do(http.MethodPut, key, fmt.Sprintf("partNumber=%d&uploadId=%s", n+1, id), t.part, false)
		etags[n] = c.etag
		return err
	})
	if err != nil {
		return err
	}
	var b bytes.Buffer
	b.WriteString("<CompleteMultipartUpload>")
	for i, etag := range etags {
		fmt.Fprintf(&b, "<Part><ETag>%s</ETag><PartNumber>%d</PartNumber></Part>", etag, i+1)
	}
	b.WriteString("</CompleteMultipartUpload>")
	_, err = t.conns[0].do(http.MethodPost, key, "uploadId="+id, newPayload(b.Bytes()), true)
	return err
}

// randomBytes cannot be compressed; they are the same in every run.
func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{}).Read(b)
	return b
}
