package keyring_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/keyring"
)

// SPEC B8, C12: a user is enrolled once at each coordinator, whichever was used in between and however many
// processes come together; the file is the user's alone.
func TestIdentities(t *testing.T) {
	warned := ""
	ids := keyring.NewIdentities(t.TempDir(), func(w string) { warned = w })
	if _, err := ids.Last(); !errors.Is(err, keyring.ErrNotFound) {
		t.Fatal(err)
	}
	var enrolled atomic.Int32
	use := func(coordinator string) keyring.Identity {
		id, err := ids.Use(coordinator, func() (keyring.Identity, error) {
			n := enrolled.Add(1)
			return keyring.Identity{Coordinator: coordinator, Peer: fmt.Sprint("peer-", n), Token: keyring.NewSecret(fmt.Sprint("token-", n))}, nil
		})
		if err != nil {
			t.Error(err)
		}
		return id
	}
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() { use("one") })
	}
	all.Wait()
	for range 3 {
		for _, coordinator := range []string{"two", "one"} {
			if id := use(coordinator); id.Coordinator != coordinator || id.Token.Reveal() != strings.Replace(id.Peer, "peer", "token", 1) {
				t.Errorf("%+v", id)
			}
			if last, err := ids.Last(); err != nil || last.Coordinator != coordinator {
				t.Errorf("%+v, %v", last, err)
			}
		}
	}
	if enrolled.Load() != 2 {
		t.Errorf("enrolled %d times", enrolled.Load())
	}
	if id, err := ids.Of("two"); err != nil || id.Peer != "peer-2" {
		t.Errorf("%+v, %v", id, err)
	}
	if err := ids.Renew("two", keyring.NewSecret("token-3")); err != nil {
		t.Error(err)
	}
	if id, err := ids.Of("two"); err != nil || id.Token.Reveal() != "token-3" || id.Peer != "peer-2" {
		t.Errorf("%+v, %v", id, err)
	}
	if last, err := ids.Last(); err != nil || last.Coordinator != "one" {
		t.Errorf("%+v, %v", last, err)
	}
	if err := ids.Renew("three", keyring.NewSecret("x")); !errors.Is(err, keyring.ErrNotFound) {
		t.Error(err)
	}
	if _, err := ids.Of("three"); !errors.Is(err, keyring.ErrNotFound) {
		t.Error(err)
	}
	failed := errors.New("no room")
	if _, err := ids.Use("three", func() (keyring.Identity, error) { return keyring.Identity{}, failed }); !errors.Is(err, failed) {
		t.Error(err)
	}
	for n := range 50 {
		use(fmt.Sprint("passing ", n))
	}
	if list, err := ids.List(); err != nil || len(list) > 40 || list[0].Coordinator != "passing 49" {
		t.Errorf("%d are kept, %v", len(list), err)
	}

	if err := os.Chmod(ids.Path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := ids.Last(); err != nil || !strings.Contains(warned, "tightened") {
		t.Errorf("%v, warned %q", err, warned)
	}
	if err := os.WriteFile(ids.Path, []byte(`{"coordinator":"x","token":"mesh_secret"`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ids.Last(); !fault.Is(err, fault.Failure) || strings.Contains(err.Error(), "mesh_secret") {
		t.Error(err)
	}
	if err := errors.Join(os.Rename(ids.Path, ids.Path+".x"), os.Symlink(ids.Path+".x", ids.Path)); err != nil {
		t.Fatal(err)
	}
	if _, err := ids.Last(); !fault.Is(err, fault.Auth) {
		t.Errorf("through a link: %v", err)
	}
}
