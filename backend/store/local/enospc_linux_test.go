package local_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/artifacts-tui/artifacts-tui/backend/store"
	"github.com/artifacts-tui/artifacts-tui/backend/store/local"
	"github.com/artifacts-tui/artifacts-tui/internal/alone"
)

const smallDisk = "LOCAL_TEST_SMALL_DISK"

// inSmallDisk runs the test again in a process that has a file system of 24 MiB, in a mount
// namespace of its own, and reports whether this is that process.
func inSmallDisk(t *testing.T) (root string, inside bool) {
	t.Helper()
	if root := os.Getenv(smallDisk); root != "" {
		must(t, unix.Mount("tmpfs", root, "tmpfs", 0, "size=24m"))
		return root, true
	}
	self, err := os.Executable()
	must(t, err)
	cmd := alone.Command(t.Context(), self, "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(cmd.Environ(), smallDisk+"="+t.TempDir())
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Fatalf("%v\n%s", err, out)
	}
	return "", false
}

// A disk that really is full: every refused write leaves the old object, usage stays exact
// (of a counted prefix too), reads and deletes go on, and so do writes once there is space again.
func TestDiskReallyFull(t *testing.T) {
	disk, inside := inSmallDisk(t)
	if !inside {
		return
	}
	root := filepath.Join(disk, "store")
	open := func() (*store.Store, error) { return local.Open(local.Options{Dir: root, Reserve: -1}) }
	s, err := open()
	must(t, err)
	must(t, s.CreateBucket(ctx, "bucket", store.CreateBucketOptions{}))
	must(t, s.SetPrefix(ctx, "bucket", "k/", 1<<40))
	put(t, s, "old small", "old")
	put(t, s, "old large", large("old"))
	stored := map[string]string{}
	write := func(i int) error {
		key, body := fmt.Sprint("k/", i), strings.Repeat(fmt.Sprintf("%d ", i), 1500) // in packs
		if i%3 == 0 {
			body = strings.Repeat(body, 30)
		}
		_, err := s.Put(ctx, "bucket", key, strings.NewReader(body), store.PutOptions{Size: int64(len(body))})
		if err == nil {
			stored[key] = body
		}
		return err
	}
	full := 0
	for i := 0; full < 60; i++ {
		if err := write(i); errors.Is(err, syscall.ENOSPC) {
			full++
		} else if err != nil {
			t.Fatal(err)
		}
		if full%10 == 1 {
			for _, key := range []string{"old small", "old large"} {
				body := strings.Repeat("new", 1<<20)
				if _, err := s.Put(ctx, "bucket", key, strings.NewReader(body), store.PutOptions{Size: int64(len(body))}); !errors.Is(err, syscall.ENOSPC) {
					t.Fatalf("an overwrite on a full disk: %v", err)
				}
			}
		}
	}
	look := func() {
		t.Helper()
		if read(t, s, "old small") != "old" || read(t, s, "old large") != large("old") {
			t.Fatal("an old object is not whole")
		}
		for key, body := range stored {
			if read(t, s, key) != body {
				t.Fatalf("%s is not whole", key)
			}
		}
		r, err := s.Check(ctx, store.CheckOptions{Deep: true})
		must(t, err)
		if !r.Sound() || r.Objects != int64(len(stored)+2) {
			t.Fatalf("%d objects: %+v", len(stored)+2, r)
		}
	}
	look()
	must(t, s.Close())
	s, err = open() // on a disk that is still full
	must(t, err)
	look()
	n := 0
	for key := range stored {
		if n++; n%2 == 0 {
			must(t, s.Delete(ctx, "bucket", key))
			delete(stored, key)
		}
	}
	_, err = s.Sweep(ctx)
	must(t, err)
	for i := range 20 {
		must(t, write(10_000+i))
	}
	look()
	must(t, s.Close())
}
