//go:build linux

package mounts_test

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/keyring"
	"github.com/artifacts-tui/artifacts-tui/mounts"
)

// SPEC C4, C14: each bad input has its own clear error, of the right kind, and nothing is
// left half done.
func TestBadInput(t *testing.T) {
	w := newWorld(t)
	dir := filepath.Dir(w.spec.Mountpoint)
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	refusing := "http://" + silent.Addr().String()
	silent.Close()
	for name, c := range map[string]struct {
		change func(spec *mounts.Spec, creds *keyring.Credentials)
		kind   fault.Kind
		says   string
	}{
		"missing": {func(s *mounts.Spec, _ *keyring.Credentials) {
			s.Mountpoint = filepath.Join(dir, "nowhere")
		}, fault.NotFound, "does not exist"},
		"a file": {func(s *mounts.Spec, _ *keyring.Credentials) {
			s.Mountpoint = filepath.Join(dir, "file")
			mustWrite(t, s.Mountpoint)
		}, fault.Usage, "is not a folder"},
		"not empty": {func(s *mounts.Spec, _ *keyring.Credentials) {
			s.Mountpoint = filepath.Join(dir, "full")
			mustWrite(t, filepath.Join(s.Mountpoint, "file"))
		}, fault.Conflict, "is not empty"},
		"hides our own files": {func(s *mounts.Spec, _ *keyring.Credentials) {
			s.Mountpoint = w.roots.Data
			if err := os.MkdirAll(s.Mountpoint, 0o700); err != nil {
				t.Fatal(err)
			}
		}, fault.Usage, "would hide"},
		"unknown key": {func(_ *mounts.Spec, c *keyring.Credentials) {
			c.AccessKeyID = "AKIANOBODY"
		}, fault.Auth, "does not know the access key"},
		"wrong secret": {func(_ *mounts.Spec, c *keyring.Credentials) {
			c.SecretAccessKey = keyring.NewSecret("wrong")
		}, fault.Auth, "does not match"},
		"another prefix": {func(s *mounts.Spec, _ *keyring.Credentials) {
			s.Prefix = "theirs/"
		}, fault.Auth, "refused"},
		"unreachable": {func(s *mounts.Spec, _ *keyring.Credentials) {
			s.Endpoint = refusing
		}, fault.Unreachable, "connection refused"},
		"no such host": {func(s *mounts.Spec, _ *keyring.Credentials) {
			s.Endpoint = "http://store.invalid/s3"
		}, fault.Unreachable, "no such host"},
		"not a URL": {func(s *mounts.Spec, _ *keyring.Credentials) {
			s.Endpoint = "s3 please"
		}, fault.Usage, "endpoint"},
	} {
		t.Run(name, func(t *testing.T) {
			spec, creds := w.spec, w.creds
			c.change(&spec, &creds)
			_, err := w.m.Mount(t.Context(), spec, creds)
			if !fault.Is(err, c.kind) || !strings.Contains(err.Error(), c.says) || fault.As(err).Hint == "" {
				t.Fatalf("%v (kind %s, hint %q); want kind %s, %q and a hint",
					err, fault.As(err).Kind.Code(), fault.As(err).Hint, c.kind.Code(), c.says)
			}
			if strings.Contains(err.Error(), w.creds.SecretAccessKey.Reveal()) {
				t.Error("the error shows the secret")
			}
			wantNothingLeft(t, w, dir)
		})
	}
}

// A bucket that does not exist is not found, with keys that may ask for it.
func TestMissingBucket(t *testing.T) {
	w := newWorld(t)
	w.spec.Bucket = "nothing-here"
	w.creds = keyring.Credentials{AccessKeyID: w.store.AccessKey, SecretAccessKey: keyring.NewSecret(w.store.Secret)}
	_, err := w.m.Mount(t.Context(), w.spec, w.creds)
	if !fault.Is(err, fault.NotFound) || fault.As(err).Hint == "" {
		t.Fatalf("%v, want kind not_found and a hint", err)
	}
	wantNothingLeft(t, w, filepath.Dir(w.spec.Mountpoint))
}

// A staging folder that another process holds is refused in words.
func TestStagingHeldByAnother(t *testing.T) {
	w := newWorld(t)
	staging := mounts.StagingDir(w.roots, w.spec.ID)
	if err := os.MkdirAll(staging, 0o700); err != nil {
		t.Fatal(err)
	}
	lock, err := os.OpenFile(filepath.Join(staging, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		t.Fatal(err)
	}
	if _, err := w.m.Mount(t.Context(), w.spec, w.creds); !fault.Is(err, fault.Conflict) {
		t.Fatalf("%v, want kind conflict", err)
	}
	wantNothingLeft(t, w, filepath.Dir(w.spec.Mountpoint))
}

// A journal full of garbage is no reason not to mount, nor to lose what is staged.
func TestCorruptJournal(t *testing.T) {
	w := newWorld(t)
	staging := mounts.StagingDir(w.roots, w.spec.ID)
	if err := os.MkdirAll(filepath.Join(staging, "data"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"journal.log": "{\"seq\":1 garbage\nmore\n", "data/1": "precious"} {
		if err := os.WriteFile(filepath.Join(staging, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	w.mount()
	w.write("new", []byte("works"))
	w.unmount()
	found := false
	_ = filepath.WalkDir(staging, func(path string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			data, _ := os.ReadFile(path)
			found = found || string(data) == "precious"
		}
		return nil
	})
	if !found {
		t.Error("a staged file in doubt was deleted")
	}
}

func wantNothingLeft(t *testing.T, w *world, dir string) {
	t.Helper()
	if list, err := w.m.List(t.Context()); err != nil || len(list) > 0 {
		t.Errorf("mounts: %+v, %v", list, err)
	}
	if left, err := mountinfo.GetMounts(mountinfo.PrefixFilter(dir)); err != nil || len(left) > 0 {
		t.Errorf("mount table: %+v, %v", left, err)
	}
}

func mustWrite(t *testing.T, path string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
}
