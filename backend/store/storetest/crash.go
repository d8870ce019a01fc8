package storetest

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/artifacts-tui/artifacts-tui/backend/store"
)

const (
	crashPlace   = "STORETEST_CRASH_PLACE"
	crashRounds  = 10 // STORETEST_CRASH_ROUNDS has another number
	crashWorkers = 16
	crashKeys    = 3 // of each worker
)

// Child is called first by TestMain: in a process that the crash test started it works on the
// store until it is killed, and does not return.
func Child(open Backend) {
	place := os.Getenv(crashPlace)
	if place == "" {
		return
	}
	s, err := open(place, 0)
	if err == nil {
		err = crashWork(s, os.Getenv(crashPlace+"_ROUND"))
	}
	fmt.Fprintln(os.Stderr, "storetest child:", err)
	os.Exit(1)
}

// crashWork writes, overwrites, uploads, copies and deletes for ever, and begins and ends to
// count a prefix. A line is printed before
// each change ("begin key version") and after it ("end key version"); version "-" is no object.
func crashWork(s *store.Store, round string) error {
	ctx := context.Background()
	var mu sync.Mutex
	say := func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Printf(format+"\n", args...) // one write(2) a line: nothing is lost in a buffer
	}
	failed := make(chan error, crashWorkers+1)
	for w := range crashWorkers {
		go func() {
			for i := 0; ; i++ {
				key := fmt.Sprintf("w%d/k/%d", w, i%crashKeys)
				version := fmt.Sprintf("r%sw%di%d", round, w, i)
				if i%7 == 6 {
					version = "-"
				}
				say("begin %s %s", key, version)
				if err := crashChange(ctx, s, key, version, i); err != nil {
					failed <- err
					return
				}
				say("end %s %s", key, version)
			}
		}()
	}
	go func() {
		for i := int64(0); ; i++ {
			err := s.SetPrefix(ctx, "bucket", "w2/", i%2<<40)
			if err == nil && i%3 == 2 {
				err = s.DropPrefix(ctx, "bucket", "w2/")
			}
			if err != nil {
				failed <- err
				return
			}
		}
	}()
	return <-failed
}

func crashChange(ctx context.Context, s *store.Store, key, version string, i int) error {
	body := crashBody(version)
	switch {
	case version == "-":
		return s.Delete(ctx, "bucket", key)
	case i%5 == 3:
		return crashUpload(ctx, s, key, body)
	case i%5 == 4:
		// A copy: the source is overwritten by the next turn, and shares its bytes until then.
		if _, err := s.Put(ctx, "scratch", key, strings.NewReader(body), store.PutOptions{Size: int64(len(body))}); err != nil {
			return err
		}
		_, err := s.Copy(ctx, "scratch", key, "bucket", key, store.CopyOptions{})
		return err
	}
	_, err := s.Put(ctx, "bucket", key, strings.NewReader(body), store.PutOptions{Size: int64(len(body))})
	return err
}

func crashUpload(ctx context.Context, s *store.Store, key, body string) error {
	id, err := s.CreateUpload(ctx, store.UploadInfo{Bucket: "bucket", Key: key})
	if err != nil {
		return err
	}
	if _, err := s.PutPart(ctx, "bucket", key, id, 7, strings.NewReader("left out"), store.PartOptions{Size: 8}); err != nil {
		return err
	}
	p, err := s.PutPart(ctx, "bucket", key, id, 1, strings.NewReader(body), store.PartOptions{Size: int64(len(body))})
	if err != nil {
		return err
	}
	_, err = s.CompleteUpload(ctx, "bucket", key, id, []store.CompletedPart{{Number: 1, ETag: p.ETag}}, store.CompleteOptions{})
	return err
}

// crashBody is known by its version alone; its size varies with it.
func crashBody(version string) string {
	n := 0
	for _, c := range version {
		n = n*31 + int(c)
	}
	return blob(version, 100+n%40_000)
}

// Whatever the moment of a kill -9: every change that was acknowledged is there, the one under
// way is there whole or not at all, and the counters, of counted prefixes too, are exact.
// SPEC B26, D3, E9
func testCrash(t *testing.T, open Backend) {
	place := filepath.Join(t.TempDir(), "store")
	s, err := open(place, 0)
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{T: t, Store: s, ctx: context.Background()}
	f.must(s.CreateBucket(f.ctx, "bucket", store.CreateBucketOptions{}))
	f.must(s.CreateBucket(f.ctx, "scratch", store.CreateBucketOptions{}))
	for _, p := range []string{"w1/", "w1/k/", "w11/", "w3/k/"} {
		f.must(s.SetPrefix(f.ctx, "bucket", p, 1<<40))
	}
	f.must(s.SetPrefix(f.ctx, "scratch", "w1/", 1<<40))
	f.must(s.Close())

	rounds := crashRounds
	if v := os.Getenv("STORETEST_CRASH_ROUNDS"); v != "" {
		rounds, err = strconv.Atoi(v)
		f.must(err)
	}
	acked, begun := map[string]string{}, map[string]string{}
	for round := range rounds {
		crashRun(t, place, round, 10+rand.IntN(300), acked, begun)
		f.Store, err = open(place, 0)
		f.must(err)
		_, err = f.Sweep(f.ctx)
		f.must(err)
		if n, err := f.Sweep(f.ctx); n != 0 || err != nil {
			t.Errorf("round %d: %d orphans are left after a sweep, %v", round, n, err)
		}
		report, err := f.Check(f.ctx, store.CheckOptions{Deep: true})
		f.must(err)
		if !report.Sound() {
			t.Errorf("round %d: %+v", round, report)
		}
		for key := range begun {
			got := "-"
			if _, err := f.Head(f.ctx, "bucket", key); err == nil {
				got, _, _ = strings.Cut(f.content(key), "|")
				f.holds(key, crashBody(got))
			}
			was := acked[key]
			if was == "" {
				was = "-"
			}
			if got != was && got != begun[key] {
				t.Errorf("round %d: %s is %q; acknowledged was %q, under way %q", round, key, got, was, begun[key])
			}
			acked[key], begun[key] = got, got
		}
		f.recount()
		if p, err := f.Prefix(f.ctx, "bucket", "w1/k/"); err != nil || p.Quota != 1<<40 {
			t.Errorf("round %d: %+v, %v", round, p, err)
		}
		f.must(f.Close())
	}
}

// crashRun lets a child work until it has acknowledged n changes, and kills it a moment later.
func crashRun(t *testing.T, place string, round, n int, acked, begun map[string]string) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe, "-test.run=^$")
	cmd.Env = append(os.Environ(), crashPlace+"="+place, fmt.Sprintf("%s_ROUND=%d", crashPlace, round))
	var complaints strings.Builder
	cmd.Stderr = &complaints
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for ends := 0; lines.Scan(); {
		var what, key, version string
		if _, err := fmt.Sscan(lines.Text(), &what, &key, &version); err != nil {
			break // the kill may cut the last line
		}
		if what == "begin" {
			begun[key] = version
			continue
		}
		acked[key] = version
		if ends++; ends == n {
			time.AfterFunc(time.Duration(rand.IntN(3000))*time.Microsecond, func() { _ = cmd.Process.Kill() })
		}
	}
	_, _ = io.Copy(io.Discard, out)
	if err := cmd.Wait(); err == nil || complaints.Len() > 0 {
		t.Fatalf("the child ended by itself: %v %s", err, complaints.String())
	}
}
