//go:build linux

package mounts_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"

	"github.com/artifacts-tui/artifacts-tui/backend/s3/s3test"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/internal/xdg"
	"github.com/artifacts-tui/artifacts-tui/keyring"
	"github.com/artifacts-tui/artifacts-tui/mounts"
	"github.com/artifacts-tui/artifacts-tui/mounts/mountd"
	"github.com/artifacts-tui/artifacts-tui/mounts/remote"
	"github.com/artifacts-tui/artifacts-tui/mounts/upper"
)

// TestMain lets the test binary stand in for the program: a Manager runs it again as
// the mount process.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == mounts.DaemonCommand {
		if err := mountd.Main(); err != nil {
			os.Exit(int(fault.As(err).Kind))
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

const (
	bucket = "work"
	prefix = "ws/"
	// patience bounds every wait for something that should happen.
	patience = 60 * time.Second
)

// world is a store, a user's folders and a Manager. Nothing of it outlives its test.
type world struct {
	t      *testing.T
	store  *s3test.Server
	roots  xdg.Roots
	m      *mounts.Manager
	spec   mounts.Spec
	creds  keyring.Credentials
	bucket *remote.Client
}

func newWorld(t *testing.T) *world {
	t.Helper()
	// Root has FUSE or a broken machine; another user may not be let at it.
	if f, err := os.OpenFile("/dev/fuse", os.O_RDWR, 0); err == nil {
		_ = f.Close()
	} else if os.Geteuid() != 0 {
		t.Skip("NOT TESTED, this user may not mount:", err)
	} else {
		t.Fatal(err)
	}
	dir := t.TempDir()
	w := &world{t: t, store: s3test.Start(t), roots: xdg.Roots{
		Config: filepath.Join(dir, "config"), Cache: filepath.Join(dir, "cache"),
		State: filepath.Join(dir, "state"), Data: filepath.Join(dir, "data"),
	}}
	w.store.CreateBucket(t, bucket)
	key, secret := w.store.AddScoped(bucket, prefix, false)
	w.creds = keyring.Credentials{AccessKeyID: key, SecretAccessKey: keyring.NewSecret(secret)}
	w.m = mounts.NewManager(w.roots, "")
	w.spec = mounts.Spec{
		ID: "00112233445566ff", Workspace: "alpha", Backend: "managed", Mountpoint: filepath.Join(dir, "mnt"),
		Endpoint: w.store.Endpoint(), Bucket: bucket, Prefix: prefix, Region: "us-east-1",
		Options: mounts.Options{WriteBack: 20 * time.Millisecond, DirCache: time.Second},
	}
	if err := os.Mkdir(w.spec.Mountpoint, 0o755); err != nil {
		t.Fatal(err)
	}
	var err error
	w.bucket, err = remote.New(remote.Options{Endpoint: w.spec.Endpoint, Bucket: bucket, Prefix: prefix, Keys: remote.NewKeys(w.creds)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.bucket.Close)
	t.Cleanup(func() { w.sweep(dir) })
	return w
}

// sweep leaves no process and no mount below dir, whatever the test did.
func (w *world) sweep(dir string) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	list, _ := w.m.List(ctx)
	for _, s := range list {
		if s.PID > 0 {
			_, _ = w.m.Unmount(ctx, s.Mountpoint, mounts.UnmountOptions{Timeout: time.Millisecond})
			w.kill(s.PID)
		}
		if w.t.Failed() {
			log, _ := os.ReadFile(s.Log)
			w.t.Logf("log of %s:\n%s", s.Mountpoint, log)
		}
	}
	if w.t.Failed() && len(list) == 0 {
		log, _ := os.ReadFile(mounts.LogPath(w.roots, w.spec.ID))
		w.t.Logf("log:\n%s", log)
	}
	left, _ := mountinfo.GetMounts(mountinfo.PrefixFilter(dir))
	for _, i := range left {
		_ = os.WriteFile(fmt.Sprintf("/sys/fs/fuse/connections/%d/abort", i.Minor), []byte("1"), 0)
		_ = unix.Unmount(i.Mountpoint, unix.MNT_DETACH)
	}
}

// kill ends a mount process as kill -9 does, and waits until it is gone.
func (w *world) kill(pid int) {
	if err := unix.Kill(pid, unix.SIGKILL); err != nil {
		return
	}
	w.until("the process is gone", func() bool {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		return err != nil || strings.Contains(string(stat), ") Z ")
	})
}

func (w *world) mount() mounts.Status {
	w.t.Helper()
	s, err := w.m.Mount(w.t.Context(), w.spec, w.creds)
	if err != nil {
		w.t.Fatalf("mount: %v (hint: %s)", err, fault.As(err).Hint)
	}
	return s
}

// unmount drains, and holds the process to its proof of zeros (SPEC D1).
func (w *world) unmount() mounts.Drain {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	d, err := w.m.Unmount(ctx, w.spec.Mountpoint, mounts.UnmountOptions{})
	if err != nil {
		w.t.Fatalf("unmount: %v", err)
	}
	if d.Pending() != 0 {
		w.t.Fatalf("unmounted with %d pending: %+v", d.Pending(), d)
	}
	return d
}

// drained waits until the store has everything.
func (w *world) drained() mounts.Status {
	w.t.Helper()
	var s mounts.Status
	w.until("the queue is empty", func() bool {
		var err error
		s, err = w.m.Find(w.t.Context(), w.spec.Mountpoint)
		return err == nil && s.PID > 0 && s.Pending() == 0
	})
	return s
}

// until polls for a condition; a test that waits longer than patience has failed.
func (w *world) until(what string, done func() bool) {
	w.t.Helper()
	for deadline := time.Now().Add(patience); !done(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			w.t.Fatalf("waited %v until %s", patience, what)
		}
	}
}

// known has the mount list a directory, so that what follows works with the store away.
func (w *world) known(dir string) {
	w.t.Helper()
	if _, err := os.ReadDir(w.path(dir)); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) path(name string) string { return filepath.Join(w.spec.Mountpoint, name) }

func (w *world) write(name string, data []byte) {
	w.t.Helper()
	if err := os.WriteFile(w.path(name), data, 0o644); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) read(name string) []byte {
	w.t.Helper()
	data, err := os.ReadFile(w.path(name))
	if err != nil {
		w.t.Fatal(err)
	}
	return data
}

func (w *world) wantFile(name string, want []byte) {
	w.t.Helper()
	if got := w.read(name); !bytes.Equal(got, want) {
		w.t.Fatalf("%s holds %s, want %s", name, brief(got), brief(want))
	}
}

// objects are the keys and contents in the bucket, directory markers and sheets of attributes left out.
func (w *world) objects() map[string][]byte {
	w.t.Helper()
	objects := w.allObjects()
	maps.DeleteFunc(objects, func(key string, _ []byte) bool { return path.Base(key) == upper.SheetName })
	return objects
}

// allObjects are the sheets of attributes too.
func (w *world) allObjects() map[string][]byte {
	w.t.Helper()
	objects := map[string][]byte{}
	err := w.bucket.Walk(w.t.Context(), "", func(o upper.Object) error {
		if o.Kind == upper.Dir {
			return nil
		}
		body, err := w.bucket.ReadRange(w.t.Context(), o.Key, "", 0, o.Size)
		if err != nil {
			return err
		}
		defer body.Close()
		objects[o.Key], err = io.ReadAll(body)
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return objects
}

// wantObjects compares the bucket with want, byte for byte and key for key.
func (w *world) wantObjects(want map[string][]byte) {
	w.t.Helper()
	got := w.objects()
	for _, key := range slices.Sorted(maps.Keys(want)) {
		data, ok := got[key]
		switch {
		case !ok:
			w.t.Errorf("%s is not in the bucket", key)
		case !bytes.Equal(data, want[key]):
			w.t.Errorf("%s holds %s in the bucket, want %s", key, brief(data), brief(want[key]))
		}
	}
	for _, key := range slices.Sorted(maps.Keys(got)) {
		if _, ok := want[key]; !ok {
			w.t.Errorf("%s is in the bucket and should not be", key)
		}
	}
}

func (w *world) putObject(key string, data []byte) {
	w.t.Helper()
	if _, err := w.bucket.Put(w.t.Context(), key, bytes.NewReader(data), int64(len(data)), upper.PutMeta{}); err != nil {
		w.t.Fatal(err)
	}
}

// asPeer is a client of the whole bucket.
func (w *world) asPeer() *remote.Client {
	w.t.Helper()
	c, err := remote.New(remote.Options{
		Endpoint: w.store.Endpoint(), Bucket: bucket,
		Keys: remote.NewKeys(keyring.Credentials{AccessKeyID: w.store.AccessKey, SecretAccessKey: keyring.NewSecret(w.store.Secret)}),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(c.Close)
	return c
}

func brief(data []byte) string {
	if len(data) <= 60 {
		return fmt.Sprintf("%q", data)
	}
	return fmt.Sprintf("%d bytes beginning %q", len(data), data[:40])
}

// pattern is n bytes that differ from seed to seed and from place to place.
func pattern(seed, n int) []byte {
	b := make([]byte, n)
	x := uint32(seed)*2654435761 + 1
	for i := range b {
		x ^= x << 13
		x ^= x >> 17
		x ^= x << 5
		b[i] = byte(x)
	}
	return b
}

func each(n int, do func(i int) error) error {
	var (
		wg  sync.WaitGroup
		mu  sync.Mutex
		all error
	)
	for i := range n {
		wg.Go(func() {
			if err := do(i); err != nil {
				mu.Lock()
				defer mu.Unlock()
				all = errors.Join(all, err)
			}
		})
	}
	wg.Wait()
	return all
}
