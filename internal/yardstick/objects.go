//go:build linux

package main

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// copier is a program that copies a folder to a bucket and back.
type copier struct {
	name string
	env  []string
	up   func(dir, to string) []string // its command line; to is a key prefix of the bucket
	down func(from, dir string) []string
}

// load is what is copied.
type load struct {
	name string
	dir  string
	size int64 // of each file
	n    int
}

// objectYardsticks measures `object put` and `object get` beside rclone copy, in turn, on one
// coordinator's store over TCP.
func objectYardsticks(o options) (string, error) {
	loads := []load{{name: "1,000 × 4 KiB", size: 4 << 10, n: 1000}, {name: "1 GiB", size: 1 << 30, n: 1}}
	if o.quick {
		o.rounds = 1
		loads = []load{{name: "100 × 4 KiB", size: 4 << 10, n: 100}, {name: "64 MiB", size: 64 << 20, n: 1}}
	}
	us, err := ours(o.dir)
	if err != nil {
		return "", err
	}
	for i := range loads {
		if err := loads[i].make(o.dir); err != nil {
			return "", err
		}
	}
	running.server.Store(us)
	if _, err := us.start(); err != nil {
		return "", err
	}
	defer func() { _ = us.stop() }()
	c, err := dial(us.target)
	if err != nil {
		return "", err
	}
	_, err = c.do(http.MethodPut, bucket, "", noPayload, false)
	c.close()
	if err != nil {
		return "", err
	}
	copiers, end, err := o.copiers(us)
	if err != nil {
		return "", err
	}
	defer end()
	var metrics []*metric
	names := []string{}
	for _, l := range loads {
		for _, way := range []string{"up", "down"} {
			metrics = append(metrics, &metric{name: l.name + " " + way, unit: " s", better: "less", aim: "≤ 1.2 × rclone", values: series{}})
		}
	}
	for _, p := range copiers {
		names = append(names, p.name)
	}
	for round := range o.rounds {
		for i, l := range loads {
			order := slices.Clone(copiers)
			if round%2 == 1 {
				slices.Reverse(order)
			}
			for _, p := range order {
				up, down, err := p.trip(o.dir, l, round)
				if err != nil {
					return "", fmt.Errorf("%s, %s: %w", p.name, l.name, err)
				}
				metrics[2*i].values[p.name] = append(metrics[2*i].values[p.name], up)
				metrics[2*i+1].values[p.name] = append(metrics[2*i+1].values[p.name], down)
				fmt.Fprintf(os.Stderr, "round %d  %-20s %-16s up %6.2f s  down %6.2f s\n", round+1, p.name, l.name, up, down)
			}
		}
	}
	return markdown("one command", metrics, names) + fmt.Sprintf("\nMedians of %d rounds.\n", o.rounds), nil
}

// copiers are ours, and rclone as it is and with as many transfers as we have.
func (o options) copiers(s *server) (list []copier, end func(), err error) {
	endpoint := "http://" + s.target.address + s.base
	home := filepath.Join(o.dir, "client-home")
	if err := os.MkdirAll(home, 0o700); err != nil {
		return nil, nil, err
	}
	path := "PATH=" + os.Getenv("PATH")
	env := []string{
		"HOME=" + home, path, "ARTIFACTS_S3_ACCESS_KEY_ID=" + s.target.key, "ARTIFACTS_S3_SECRET_ACCESS_KEY=" + s.target.secret,
	}
	// A bucket of one's own is reached over TCP, as rclone reaches it; that of the mesh would be through a socket.
	run := func(args ...string) error {
		c := exec.Command(s.program, args...)
		c.Env = env
		if out, err := c.CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w\n%s", args[0], err, out)
		}
		return nil
	}
	if err := run("workspace", "create", "yardstick", "--backend", "byo", "--bucket", strings.TrimPrefix(bucket, "/"), "--endpoint", endpoint); err != nil {
		return nil, nil, err
	}
	end = func() { _ = run("coordinator", "stop") }
	list = append(list, copier{
		name: "artifacts-tui", env: env,
		up: func(dir, to string) []string {
			return []string{s.program, "object", "put", "-r", "-q", dir + "/", "workspace:yardstick/" + to + "/"}
		},
		down: func(from, dir string) []string {
			return []string{s.program, "object", "get", "-r", "-q", "workspace:yardstick/" + from + "/", dir + "/"}
		},
	})
	program := find("rclone")
	if program == "" {
		return list, end, nil
	}
	rclone := copier{name: "rclone copy", env: []string{
		"HOME=" + home, path, "RCLONE_S3_PROVIDER=Other", "RCLONE_S3_ENDPOINT=" + endpoint, "RCLONE_S3_ACCESS_KEY_ID=" + s.target.key,
		"RCLONE_S3_SECRET_ACCESS_KEY=" + s.target.secret, "RCLONE_CONFIG=" + filepath.Join(home, "no-rclone.conf"),
	}}
	remote := ":s3:" + strings.TrimPrefix(bucket, "/") + "/"
	rclone.up = func(dir, to string) []string { return []string{program, "copy", dir, remote + to} }
	rclone.down = func(from, dir string) []string { return []string{program, "copy", remote + from, dir} }
	tuned := rclone
	tuned.name = "rclone copy, 16 transfers"
	tuned.env = append(slices.Clone(rclone.env), "RCLONE_TRANSFERS=16", "RCLONE_CHECKERS=16")
	return append(list, rclone, tuned), end, nil
}

// make writes the files.
func (l *load) make(dir string) error {
	l.dir = filepath.Join(dir, fmt.Sprintf("files-%d", l.n))
	if err := os.MkdirAll(l.dir, 0o755); err != nil {
		return err
	}
	content := randomBytes(int(min(l.size, 64<<20)))
	for i := range l.n {
		f, err := os.Create(filepath.Join(l.dir, fmt.Sprintf("file%04d", i)))
		if err != nil {
			return err
		}
		for left := l.size; left > 0 && err == nil; left -= int64(len(content)) {
			content[i%len(content)]++ // so that no two files, and no two pieces, are the same
			_, err = f.Write(content[:min(left, int64(len(content)))])
		}
		if err = errors.Join(err, f.Close()); err != nil {
			return err
		}
	}
	return nil
}

// trip takes a load up and down again, and compares it.
func (c *copier) trip(dir string, l load, round int) (up, down float64, err error) {
	to := fmt.Sprintf("%s-%d-%d", strings.NewReplacer(" ", "", ",", "").Replace(c.name), l.n, round)
	back := filepath.Join(dir, "back")
	if err := os.RemoveAll(back); err != nil {
		return 0, 0, err
	}
	if up, err = c.time(c.up(l.dir, to)); err != nil {
		return up, 0, err
	}
	if down, err = c.time(c.down(to, back)); err != nil {
		return up, down, err
	}
	return up, down, errors.Join(same(l, back), os.RemoveAll(back))
}

func (c *copier) time(args []string) (float64, error) {
	unix.Sync() // what was written before is not this one's work
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = c.env
	begin := time.Now()
	out, err := cmd.CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("%w\n%s", err, out)
	}
	return time.Since(begin).Seconds(), nil
}

// same compares the files that came back.
func same(l load, back string) error {
	for i := range l.n {
		name := fmt.Sprintf("file%04d", i)
		if l.size > 64<<20 { // its checksum was verified; here the size will do
			info, err := os.Stat(filepath.Join(back, name))
			if err != nil {
				return err
			}
			if info.Size() != l.size {
				return fmt.Errorf("%s came back with %d bytes", name, info.Size())
			}
			continue
		}
		a, err := os.ReadFile(filepath.Join(l.dir, name))
		if err != nil {
			return err
		}
		b, err := os.ReadFile(filepath.Join(back, name))
		if err != nil {
			return err
		}
		if !bytes.Equal(a, b) {
			return fmt.Errorf("%s came back otherwise", name)
		}
	}
	return nil
}
