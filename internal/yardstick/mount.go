//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// When a scene is given up, and when it is not repeated.
const (
	tooSlow  = 90 * time.Second
	longOnce = 15 * time.Second
)

// mountYardsticks measures our mount beside others, all on the coordinator's store.
func mountYardsticks(o options) (string, error) {
	if o.quick {
		o.scale, o.rounds = min(o.scale, 0.05), 1
	}
	us, err := ours(o.dir)
	if err != nil {
		return "", err
	}
	z := mountSizesOf(o.scale)
	all, missing := mounters(o.dir, us.program)
	all = slices.DeleteFunc(all, func(m *mounter) bool { return !chosen(o.only, m.name) })
	list := slices.DeleteFunc(scenes(z), func(s *scene) bool { return !chosen(o.rows, s.name) })
	if len(all) == 0 || len(list) == 0 {
		return "", errors.New("no such row or peer")
	}
	running.server.Store(us)
	if _, err := us.start(); err != nil {
		return "", err
	}
	defer func() { _ = us.stop() }()
	far, err := startDistance(us.target.address)
	if err != nil {
		return "", err
	}
	defer far.stop()
	set := stage{mountSizes: z, far: far, files: filepath.Join(o.dir, "files"), data: randomBytes(z.big)}
	if set.store, err = dial(us.target); err != nil {
		return "", err
	}
	if err := errors.Join(set.fillBucket(), set.makeFiles()); err != nil {
		return "", err
	}
	begin, rounds := time.Now(), 0
	for round := range o.rounds {
		if round > 0 && o.within > 0 && time.Since(begin) > o.within {
			break
		}
		rounds++
		for _, sc := range list {
			for _, m := range all {
				if first := sc.rows[0].values[m.name]; len(first) > 0 && first[0] > longOnce.Seconds() {
					continue
				}
				if err := set.play(sc, m, us.target, round); err != nil {
					fmt.Fprintf(os.Stderr, "round %d  %-18s %s: %v\n", round+1, m.name, sc.name, err)
					if m.manager != nil {
						return "", fmt.Errorf("%s: %w", sc.name, err)
					}
				}
			}
		}
	}
	var rows []*metric
	for _, sc := range list {
		rows = append(rows, sc.rows...)
	}
	columns, notes := []string{}, []string{}
	for _, m := range all {
		columns = append(columns, m.name)
		if v := m.version(); m.manager == nil && v != "" {
			notes = append(notes, m.name+" "+v)
		}
	}
	if len(missing) > 0 {
		notes = append(notes, "not found: "+strings.Join(missing, ", "))
	}
	times := "Measured once"
	if rounds > 1 {
		times = fmt.Sprintf("Medians of %d rounds", rounds)
	}
	return markdown("one mount", rows, columns) + fmt.Sprintf("\n%s. %s.\n", times, strings.Join(notes, "; ")), nil
}

// chosen reports whether a flag's list names it; an empty list names all.
func chosen(flag, name string) bool {
	return flag == "" || slices.Contains(strings.Split(flag, ","), name)
}

// play measures one scene in a fresh mount of m.
func (s stage) play(sc *scene, m *mounter, store target, round int) (err error) {
	if sc.far {
		store.address = s.far.address
	}
	running.mount.Store(m)
	if err := m.start(store); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), tooSlow)
	defer cancel()
	// What hangs in the mount comes back when its process is gone.
	stop := context.AfterFunc(ctx, func() {
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			m.kill()
		}
	})
	begin := time.Now()
	s.mounter, s.ctx, s.out = m, ctx, fmt.Sprintf("out-%s-%s-%d", sc.name, strings.ReplaceAll(m.name, " ", "-"), round)
	values, err := sc.run(&s)
	stop()
	if ctx.Err() != nil {
		for _, row := range sc.rows {
			if row.unit == " s" {
				row.values[m.name], row.capped = []float64{tooSlow.Seconds()}, append(row.capped, m.name)
			}
		}
		m.kill()
		return errors.Join(ctx.Err(), s.clear())
	}
	err = errors.Join(err, m.stop(), s.clear())
	running.mount.Store(nil)
	if err != nil {
		return err
	}
	var said []string
	for i, v := range values {
		sc.rows[i].values[m.name] = append(sc.rows[i].values[m.name], v)
		said = append(said, number(v)+sc.rows[i].unit)
	}
	fmt.Fprintf(os.Stderr, "round %d  %-18s %-8s %s  (%.1f s)\n", round+1, m.name, sc.name, strings.Join(said, ", "), time.Since(begin).Seconds())
	return nil
}

// fillBucket puts what is read: big/file, small/NNNN and many/NNNNNN. Directories have
// markers, without which s3fs does not see them.
func (s *stage) fillBucket() error {
	path := "/" + mountBucket
	if _, err := s.store.do(http.MethodPut, path, "", noPayload, false); err != nil {
		return err
	}
	type object struct {
		key  string
		body payload
	}
	todo := make(chan object)
	errs := make([]error, connections)
	var wg sync.WaitGroup
	for w := range connections {
		wg.Go(func() {
			c, err := dial(s.store.target)
			for o := range todo {
				if err == nil {
					_, err = c.do(http.MethodPut, path+"/"+o.key, "", o.body, false)
				}
			}
			if errs[w] = err; err == nil {
				c.close()
			}
		})
	}
	for _, dir := range []string{"big/", "small/", "many/"} {
		todo <- object{dir, noPayload}
	}
	todo <- object{"big/file", newPayload(s.data)}
	for i := range s.small {
		todo <- object{fmt.Sprintf("small/%04d", i), newPayload(s.data[i*16 : i*16+smallSize])}
	}
	tiny := newPayload([]byte("tiny\n"))
	for i := range s.many {
		todo <- object{fmt.Sprintf("many/%06d", i), tiny}
	}
	close(todo)
	wg.Wait()
	return errors.Join(errs...)
}

// makeFiles makes on the local disk what is copied and cloned.
func (s *stage) makeFiles() error {
	const folders, each = 20, 25
	repository := filepath.Join(s.files, "repository")
	write := func(path string, data []byte) error {
		return errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, data, 0o600))
	}
	var errs []error
	for i := range s.small {
		errs = append(errs, write(filepath.Join(s.files, "small", fmt.Sprintf("%04d", i)), s.data[i*16:i*16+smallSize]))
	}
	for i := range folders * each {
		errs = append(errs, write(filepath.Join(repository, fmt.Sprintf("%02d", i%folders), fmt.Sprintf("%02d.txt", i/folders)),
			bytes.Repeat(fmt.Appendf(nil, "line of file %d\n", i), 200)))
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	for _, args := range [][]string{{"init", "-q"}, {"add", "."}, {"-c", "user.name=y", "-c", "user.email=y@localhost", "commit", "-q", "-m", "files"}} {
		cmd := exec.Command("git", append([]string{"-C", repository}, args...)...)
		cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_SYSTEM="+os.DevNull)
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("git %s: %w %s", args[0], err, out)
		}
	}
	return nil
}

// listed is an object of a listing.
type listed struct {
	Key  string
	Size int64
}

func listObjects(c *conn, bucket, prefix string) (all []listed, err error) {
	for token := ""; ; {
		query := "list-type=2&prefix=" + escape(prefix)
		if token != "" {
			query = "continuation-token=" + escape(token) + "&" + query
		}
		text, err := c.do(http.MethodGet, bucket, query, noPayload, true)
		if err != nil {
			return nil, err
		}
		var page struct {
			Contents              []listed
			NextContinuationToken string
		}
		if err := xml.Unmarshal(text, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Contents...)
		if token = page.NextContinuationToken; token == "" {
			return all, nil
		}
	}
}

func escapePath(key string) string { return strings.ReplaceAll(escape(key), "%2F", "/") }
