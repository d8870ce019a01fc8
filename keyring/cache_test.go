package keyring_test

import (
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/keyring"
)

// inSession names the part of a test that runs inside a D-Bus session of its own.
const inSession = "ARTIFACTS_TEST_IN_SESSION"

// withSecretService runs the calling test again with an unlocked gnome-keyring behind a bus
// of its own, and reports whether this is that run.
func withSecretService(t *testing.T) bool {
	t.Helper()
	if os.Getenv(inSession) != "" {
		return true
	}
	for _, program := range []string{"dbus-run-session", "gnome-keyring-daemon"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Fatalf("%v (make test installs it)", err)
		}
	}
	home := t.TempDir()
	cmd := exec.CommandContext(t.Context(), "dbus-run-session", "--", "sh", "-c",
		`printf 'test\n' | gnome-keyring-daemon --unlock --components=secrets >"$HOME/daemon" 2>&1 && exec "$@"`, "sh",
		os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), inSession+"=1", "HOME="+home, "XDG_DATA_HOME="+home, "XDG_RUNTIME_DIR="+home, "XDG_CONFIG_HOME="+home)
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Errorf("in a session: %v\n%s", err, out)
	}
	return false
}

// SPEC A42: a real Secret Service keeps the pair; the file holds the region and a pointer,
// mode 0600, and nothing secret. Moving it back, clearing and rotating leave no item behind.
func TestKeyringStore(t *testing.T) {
	if !withSecretService(t) {
		return
	}
	cache := keyring.NewCache(t.TempDir(), func(w string) { t.Error(w) })
	want := pair(envKey, envSecret, "a-token", "eu-west-2")
	if err := cache.Update(func(e *keyring.Entry) error { e.Credentials, e.Store = want, keyring.InKeyring; return nil }); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(cache.Path)
	if err != nil || strings.Contains(string(text), envSecret) || strings.Contains(string(text), envKey) || strings.Contains(string(text), "a-token") {
		t.Fatalf("the file says %q, %v", text, err)
	}
	if !strings.Contains(string(text), "REGION=eu-west-2\n") || !strings.Contains(string(text), "STORE=keyring\n") {
		t.Errorf("the file says %q", text)
	}
	if info, err := os.Stat(cache.Path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	e, err := cache.Load()
	if err != nil || e.Credentials != want || e.Fingerprint != want.Fingerprint() {
		t.Fatalf("loaded %+v, %v", e, err)
	}
	items(t, 1)

	// A field alone, and the pair stays in the keyring under a new name.
	if err := cache.Update(func(e *keyring.Entry) error { e.Region = "eu-west-3"; return nil }); err != nil {
		t.Fatal(err)
	}
	if e, err = cache.Load(); err != nil || e.Region != "eu-west-3" || e.SecretAccessKey != want.SecretAccessKey || e.Store != keyring.InKeyring {
		t.Errorf("after a change of the region: %+v, %v", e, err)
	}
	items(t, 1)

	// A rotation keeps both, undo and finish one.
	next := keyring.Entry{Credentials: pair(cacheKey, cacheSecret, "", "eu-west-3"), Store: keyring.InKeyring}
	if err := cache.Rotate(next); err != nil {
		t.Fatal(err)
	}
	items(t, 2)
	if err := cache.UndoRotation(); err != nil {
		t.Fatal(err)
	}
	items(t, 1)
	if e, err = cache.Load(); err != nil || e.AccessKeyID != envKey {
		t.Errorf("undone: %+v, %v", e, err)
	}
	if err := cache.Rotate(next); err != nil {
		t.Fatal(err)
	}
	if err := cache.FinishRotation(); err != nil {
		t.Fatal(err)
	}
	items(t, 1)

	if err := cache.Update(func(e *keyring.Entry) error { e.Store = keyring.InFile; return nil }); err != nil {
		t.Fatal(err)
	}
	items(t, 0)
	if e, err = cache.Load(); err != nil || e.AccessKeyID != cacheKey || e.Store != keyring.InFile {
		t.Errorf("moved to the file: %+v, %v", e, err)
	}
	if err := cache.Update(func(e *keyring.Entry) error { e.Store = keyring.InKeyring; return nil }); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := cache.Clear(); err != nil {
			t.Fatal(err)
		}
	}
	items(t, 0)
	if _, err := cache.Load(); !errors.Is(err, keyring.ErrNotFound) {
		t.Errorf("cleared: %v", err)
	}
}

// items wants n items of the program in the Secret Service, by another client of it.
func items(t *testing.T, n int) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "dbus-send", "--session", "--print-reply", "--dest=org.freedesktop.secrets", "/org/freedesktop/secrets",
		"org.freedesktop.Secret.Service.SearchItems", "dict:string:string:service,artifacts").CombinedOutput()
	if got := strings.Count(string(out), "object path"); err != nil || got != n {
		t.Errorf("%d items in the Secret Service, want %d: %v\n%s", got, n, err, out)
	}
}

// SPEC A42, A40b: a rotation that was cut off right after it had set the former pair aside, and an undo cut
// off before it forgot it, leave two files that name one item: neither end of the rotation loses it.
func TestRotationCutOff(t *testing.T) {
	if !withSecretService(t) {
		return
	}
	want := pair(envKey, envSecret, "", "eu-west-2")
	for name, end := range map[string]func(keyring.Cache) error{
		"finish": keyring.Cache.FinishRotation, "undo": keyring.Cache.UndoRotation,
		"set, then undo": func(c keyring.Cache) error {
			if err := c.Update(func(e *keyring.Entry) error { e.Region = "eu-west-9"; return nil }); err != nil {
				return err
			}
			return c.UndoRotation()
		},
	} {
		cache := keyring.NewCache(t.TempDir(), func(w string) { t.Error(w) })
		if err := cache.Update(func(e *keyring.Entry) error { e.Credentials, e.Store = want, keyring.InKeyring; return nil }); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(cache.Path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(cache.Path+".former", text, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := end(cache); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if e, err := cache.Load(); err != nil || e.Credentials != want {
			t.Errorf("%s: %+v, %v", name, e, err)
		}
		items(t, 1)
		if err := os.WriteFile(cache.Path+".former", text, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := cache.Clear(); err != nil {
			t.Errorf("clear after %s: %v", name, err)
		}
		items(t, 0)
	}
}

// SPEC A42: no bus, a bus without a Secret Service, and one that never answers: a clear error
// within the bound that names the file store; what was there stays.
func TestKeyringThatDoesNotAnswer(t *testing.T) {
	silent, err := net.Listen("unix", filepath.Join(t.TempDir(), "bus"))
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	go func() {
		for {
			conn, err := silent.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(io.Discard, conn) }() // it listens, and never says a word
		}
	}()
	for name, bus := range map[string]string{
		"no bus": "", "nobody listens": "unix:path=/nonexistent/bus", "silent": "unix:path=" + silent.Addr().String(),
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := os.Stat("/run/user/0/bus"); err == nil && bus == "" {
				t.Skip("NOT TESTED: this machine has a bus that needs no variable")
			}
			t.Setenv("DBUS_SESSION_BUS_ADDRESS", bus)
			cache := keyring.NewCache(t.TempDir(), nil)
			want := pair(cacheKey, cacheSecret, "", "")
			if err := cache.Save(want); err != nil {
				t.Fatal(err)
			}
			err := cache.Update(func(e *keyring.Entry) error { e.Store = keyring.InKeyring; return nil })
			if err == nil || !strings.Contains(fault.As(err).Hint, "--store file") || strings.Contains(err.Error(), cacheSecret) {
				t.Errorf("%v", err)
			}
			if e, err := cache.Load(); err != nil || e.Credentials != want {
				t.Errorf("after the failure: %+v, %v", e, err)
			}
			pointer := "STORE=keyring\nKEYRING_ITEM=x\nFINGERPRINT=0123\nREGION=eu-west-1\n"
			if err := os.WriteFile(cache.Path, []byte(pointer), 0o600); err != nil {
				t.Fatal(err)
			}
			if e, err := cache.Stat(); err != nil || e.Region != "eu-west-1" || e.Fingerprint != "0123" || e.Store != keyring.InKeyring {
				t.Errorf("the file alone: %+v, %v", e, err)
			}
			if _, err := cache.Load(); err == nil || !strings.Contains(fault.As(err).Hint, "--store file") {
				t.Errorf("load: %v", err)
			}
			if err := cache.Clear(); err == nil {
				t.Error("the pointer was cleared, and the item forgotten")
			}
			// The way out that the hint names.
			if err := cache.Save(want); err != nil {
				t.Errorf("saving in the file: %v", err)
			}
		})
	}
}

// SPEC A10: what must not be read or replaced is refused, and left alone.
func TestCacheRefusals(t *testing.T) {
	dir := t.TempDir()
	fifo := keyring.Cache{Path: filepath.Join(dir, "folder")}
	if err := os.Mkdir(fifo.Path, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := fifo.Save(pair(envKey, envSecret, "", "")); !fault.Is(err, fault.Auth) {
		t.Errorf("a folder: %v", err)
	}
	if os.Geteuid() == 0 {
		foreign := keyring.Cache{Path: filepath.Join(dir, "foreign")}
		if err := os.WriteFile(foreign.Path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(foreign.Path, 12345, 12345); err != nil {
			t.Fatal(err)
		}
		if err := foreign.Save(pair(envKey, envSecret, "", "")); !fault.Is(err, fault.Auth) || !strings.Contains(err.Error(), "belongs to user 12345") {
			t.Errorf("another user's: %v", err)
		}
	}
	nowhere := keyring.Cache{Path: filepath.Join(dir, "missing", "x")}
	if err := nowhere.Save(pair(envKey, envSecret, "", "")); err == nil || fault.As(err).Hint == "" {
		t.Errorf("a folder that is not there: %v", err)
	}
	if err := nowhere.Clear(); err != nil {
		t.Errorf("clearing what cannot be: %v", err)
	}
}

// SPEC A40b: a rotation keeps the former pair until it ends, and can go back to nothing too.
func TestRotation(t *testing.T) {
	cache := keyring.NewCache(t.TempDir(), nil)
	next := keyring.Entry{Credentials: pair(envKey, envSecret, "", "r"), Store: keyring.InFile}
	if err := cache.UndoRotation(); !fault.Is(err, fault.NotFound) {
		t.Errorf("nothing to undo: %v", err)
	}
	if err := cache.Rotate(next); err != nil {
		t.Fatal(err)
	}
	if former, rotating := cache.Rotating(); !rotating || former != "" {
		t.Errorf("rotating %v, former %q", rotating, former)
	}
	if err := cache.Rotate(next); !fault.Is(err, fault.Conflict) {
		t.Errorf("a second rotation: %v", err)
	}
	if err := cache.UndoRotation(); err != nil {
		t.Fatal(err)
	}
	if _, err := cache.Load(); !errors.Is(err, keyring.ErrNotFound) {
		t.Errorf("back to nothing: %v", err)
	}
	before := pair(cacheKey, cacheSecret, "t", "r")
	if err := cache.Save(before); err != nil {
		t.Fatal(err)
	}
	if err := cache.Rotate(next); err != nil {
		t.Fatal(err)
	}
	if former, rotating := cache.Rotating(); !rotating || former != before.Fingerprint() {
		t.Errorf("rotating %v, former %q", rotating, former)
	}
	if err := cache.UndoRotation(); err != nil {
		t.Fatal(err)
	}
	if e, err := cache.Load(); err != nil || e.Credentials != before {
		t.Errorf("back: %+v, %v", e, err)
	}
	if err := cache.Rotate(next); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := cache.FinishRotation(); err != nil {
			t.Fatal(err)
		}
	}
	if e, err := cache.Load(); err != nil || e.Credentials != next.Credentials {
		t.Errorf("finished: %+v, %v", e, err)
	}
	if _, rotating := cache.Rotating(); rotating {
		t.Error("the rotation has not ended")
	}
	// SPEC A30: what is cleared is cleared, the former pair too.
	if err := cache.Rotate(keyring.Entry{Credentials: before, Store: keyring.InFile}); err != nil {
		t.Fatal(err)
	}
	if err := cache.Clear(); err != nil {
		t.Fatal(err)
	}
	if err := cache.UndoRotation(); !fault.Is(err, fault.NotFound) {
		t.Errorf("the former pair outlived a clear: %v", err)
	}
	// Where there is no folder yet there is nothing to end, and nothing to go back to.
	nowhere := keyring.Cache{Path: filepath.Join(t.TempDir(), "missing", "x")}
	if err := nowhere.FinishRotation(); err != nil {
		t.Errorf("finish of nothing: %v", err)
	}
	if err := nowhere.UndoRotation(); !fault.Is(err, fault.NotFound) {
		t.Errorf("undo of nothing: %v", err)
	}
}
