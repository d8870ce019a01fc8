package keyring_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/keyring"
)

func someContext(name string) keyring.Context {
	return keyring.Context{
		Name: name, URL: "http://" + name + ":8080", Coordinator: "c", Peer: "ada-1", Store: keyring.InFile,
		Token: keyring.NewSecret("mesh_token-of-" + name),
	}
}

// SPEC C12: logins side by side are all kept, in a 0600 file that goes with the last of them.
func TestContexts(t *testing.T) {
	contexts := keyring.NewContexts(t.TempDir(), func(w string) { t.Error(w) })
	if _, err := contexts.Get("a"); !errors.Is(err, keyring.ErrNotFound) {
		t.Errorf("nothing there: %v", err)
	}
	var wg sync.WaitGroup
	var names []string
	for i := range 8 {
		name := fmt.Sprint("host", i)
		names = append(names, name)
		wg.Go(func() {
			if err := contexts.Put(someContext(name)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if info, err := os.Stat(contexts.Path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
	list, active, err := contexts.List()
	if err != nil || len(list) != len(names) || active == "" {
		t.Fatalf("%d contexts, active %q, %v", len(list), active, err)
	}
	got, err := contexts.Get("host3")
	if err != nil || got.Token.Reveal() != "mesh_token-of-host3" || got.Fingerprint != got.Pair().Fingerprint() {
		t.Errorf("%+v %v", got, err)
	}
	if shown := fmt.Sprintf("%v %+v %#v", got, got, got); strings.Contains(shown, "mesh_token-of") {
		t.Errorf("the token shows: %s", shown)
	}
	if err := contexts.Use("nowhere"); !errors.Is(err, keyring.ErrNotFound) {
		t.Errorf("use of one that is not there: %v", err)
	}
	if err := contexts.Use(keyring.LocalContext); err != nil {
		t.Error(err)
	}
	if _, active, _ := contexts.List(); active != "" {
		t.Errorf("active is %q", active)
	}
	if removed, err := contexts.Remove(append(names, "nowhere")...); err != nil || len(removed) != len(names) {
		t.Errorf("removed %v, %v", removed, err)
	}
	if _, err := os.Lstat(contexts.Path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file stays: %v", err)
	}
}

// SPEC B8, C12: the new token of a peer goes to every context that has it; the active one stays.
func TestContextsRenew(t *testing.T) {
	contexts := keyring.NewContexts(t.TempDir(), func(w string) { t.Error(w) })
	other := someContext("other")
	other.Peer = "bob-1"
	for _, c := range []keyring.Context{someContext("a"), someContext("b"), other} {
		if err := contexts.Put(c); err != nil {
			t.Fatal(err)
		}
	}
	if err := contexts.Renew("c", "ada-1", keyring.NewSecret("mesh_new")); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"a": "mesh_new", "b": "mesh_new", "other": "mesh_token-of-other"} {
		c, err := contexts.Get(name)
		if err != nil || c.Token.Reveal() != want || c.Fingerprint != c.Pair().Fingerprint() {
			t.Errorf("%s: %+v, %v", name, c, err)
		}
	}
	if _, active, err := contexts.List(); active != "other" || err != nil {
		t.Errorf("active is %q, %v", active, err)
	}
}

// SPEC C12, A10: a symlink, another's file and a damaged one are refused and left as they are, and
// no error repeats what is in them.
func TestContextsRefusals(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, keyring.ContextsFile)
	target := filepath.Join(dir, "target")
	const secret = "mesh_secret-0123456789"
	damaged := map[string]string{
		"cut off":       `{"contexts": [{"name": "a", "token": "` + secret,
		"no token":      `{"contexts": [{"name": "a", "url": "http://a", "peer": "` + secret + `"}]}`,
		"a bad name":    `{"contexts": [{"name": "../a", "url": "http://a", "peer": "p", "token": "` + secret + `"}]}`,
		"named local":   `{"contexts": [{"name": "local", "url": "http://a", "peer": "p", "token": "` + secret + `"}]}`,
		"another shape": `{"contexts": "` + secret + `"}`,
		"not JSON":      secret,
	}
	contexts := keyring.NewContexts(dir, nil)
	refused := func(what string) {
		t.Helper()
		_, _, err := contexts.List()
		for _, err := range []error{err, contexts.Put(someContext("b")), contexts.Use("a")} {
			if err == nil || strings.Contains(err.Error()+fault.As(err).Hint, secret) {
				t.Errorf("%s: %v", what, err)
			}
		}
	}
	for what, text := range damaged {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		refused(what)
		if now, _ := os.ReadFile(path); string(now) != text {
			t.Errorf("%s: the file was changed", what)
		}
	}
	if err := os.Rename(path, target); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, path); err != nil {
		t.Fatal(err)
	}
	refused("a symlink")
	if os.Geteuid() == 0 {
		_ = os.Remove(path)
		if err := os.WriteFile(path, []byte("{}"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(path, 12345, 12345); err != nil {
			t.Fatal(err)
		}
		refused("another's file")
	}
	if _, err := contexts.Clear(); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("clear leaves it: %v", err)
	}
}

// SPEC C12: what is no token is refused, and not repeated.
func TestCheckToken(t *testing.T) {
	if err := keyring.CheckToken(keyring.NewSecret("mesh_Ab-_9")); err != nil {
		t.Error(err)
	}
	for _, text := range []string{"", " tok-en", "tok-en ", "tok en", "tok-en\n", "tok-en\r", "tok-en\x00", "tok\ten", "tök-en", strings.Repeat("tok-en", 1000)} {
		if err := keyring.CheckToken(keyring.NewSecret(text)); !fault.Is(err, fault.Usage) || strings.Contains(err.Error(), "tok-en") {
			t.Errorf("%q: %v", text, err)
		}
	}
}
