//go:build linux

package cmd_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/artifacts-tui/artifacts-tui/backend/coordinator"
	"github.com/artifacts-tui/artifacts-tui/backend/coordinator/client"
	"github.com/artifacts-tui/artifacts-tui/backend/workspace"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// controlWriter changes the control plane at random, and knows what must be so.
type controlWriter struct {
	c       *client.Client
	name    string
	made    int
	acked   *atomic.Int64
	pending func() error // does again, and notes, what was cut off; nil: nothing was

	tokens  map[string]string // peer id → token
	dead    []string          // tokens that were replaced, or whose peer was removed
	states  map[string]string // workspace → active, deleted or gone
	shares  map[string]bool   // whether it is there
	failure error
}

// do calls and notes; done is the answer of a call that finds its work done already.
func (w *controlWriter) do(call func() error, done fault.Kind, note func()) {
	w.pending = func() error {
		err := call()
		if fault.Is(err, done) {
			err = nil
		}
		if err == nil {
			note()
		}
		return err
	}
	if w.failure = call(); w.failure == nil {
		note()
		w.pending = nil
		w.acked.Add(1)
	}
}

func anyKey[V any](m map[string]V, match func(V) bool) (string, bool) {
	for k, v := range m { // in no order
		if match(v) {
			return k, true
		}
	}
	return "", false
}

func (w *controlWriter) step(t *testing.T) {
	ctx, none := t.Context(), time.Duration(0)
	fresh := func(kind string) string { w.made++; return fmt.Sprint(kind, "-", w.name, "-", w.made) }
	some := func(state string) (string, bool) {
		return anyKey(w.states, func(s string) bool { return s == state })
	}
	peer, havePeer := anyKey(w.tokens, func(string) bool { return true })
	switch rand.IntN(9) {
	case 0, 1:
		var p coordinator.NewPeer
		w.do(func() (err error) { p, err = w.c.AddPeer(ctx, coordinator.AddPeer{Name: fresh("p")}); return err }, -1, func() { w.tokens[p.ID] = p.Token })
	case 2:
		if havePeer {
			var p coordinator.NewPeer
			w.do(func() (err error) { p, err = w.c.RotatePeer(ctx, peer, &none); return err }, -1, func() {
				w.dead = append(w.dead, w.tokens[peer])
				w.tokens[peer] = p.Token
			})
		}
	case 3:
		if havePeer && len(w.tokens) > 2 {
			w.do(func() error { _, err := w.c.RemovePeer(ctx, peer); return err }, fault.NotFound, func() {
				w.dead = append(w.dead, w.tokens[peer])
				delete(w.tokens, peer)
			})
		}
	case 4, 5:
		name := fresh("w")
		w.do(func() error {
			_, err := w.c.Create(ctx, coordinator.CreateWorkspace{Name: name, Backend: workspace.Managed})
			return err
		}, fault.Conflict, func() { w.states[name] = "active" })
	case 6:
		if name, ok := some("active"); ok {
			w.do(func() error { _, err := w.c.Delete(ctx, name); return err }, fault.NotFound, func() { w.states[name] = "deleted" })
		}
	case 7:
		name, ok := some("deleted")
		switch {
		case ok && rand.IntN(2) == 0:
			w.do(func() error { _, err := w.c.RestoreWorkspace(ctx, name); return err }, fault.NotFound, func() { w.states[name] = "active" })
		case ok:
			w.do(func() error { _, err := w.c.PurgeWorkspace(ctx, name); return err }, fault.NotFound, func() { w.states[name] = "gone" })
		}
	case 8:
		if name, ok := anyKey(w.shares, func(on bool) bool { return on }); ok && rand.IntN(2) == 0 {
			w.do(func() error { _, err := w.c.RevokeShare(ctx, name); return err }, fault.NotFound, func() { w.shares[name] = false })
			return
		}
		name := fresh("s")
		w.do(func() error {
			_, err := w.c.CreateShare(ctx, coordinator.NewShare{Name: name, Bucket: "team"})
			return err
		}, fault.Conflict, func() { w.shares[name] = true })
	}
}

// check finishes what was cut off, and compares.
func (w *controlWriter) check(t *testing.T, url string) {
	t.Helper()
	ctx := t.Context()
	if w.failure != nil && !fault.Is(w.failure, fault.Unreachable) {
		t.Errorf("%s: %v", w.name, w.failure)
	}
	if w.pending != nil {
		if err := w.pending(); err != nil {
			t.Errorf("%s: what was cut off cannot be done again: %v", w.name, err)
		}
	}
	w.pending, w.failure = nil, nil
	knows := func(token string) bool {
		c := client.Remote(url, token)
		defer c.Close()
		_, err := c.WhoAmI(ctx)
		if err != nil && !fault.Is(err, fault.Auth) {
			t.Error(err)
		}
		return err == nil
	}
	for id, token := range w.tokens {
		if !knows(token) {
			t.Errorf("%s: the token of %s is lost", w.name, id)
		}
	}
	for _, token := range w.dead[max(0, len(w.dead)-5):] {
		if knows(token) {
			t.Errorf("%s: a token that has ended opens", w.name)
		}
	}
	for name, state := range w.states {
		present, err := w.c.Workspace(ctx, name)
		_, deleted := w.c.DeletedWorkspace(ctx, name)
		if (err == nil && present.State == workspace.Active) != (state == "active") || (deleted == nil) != (state == "deleted") {
			t.Errorf("%s: %s should be %s: %v, %v", w.name, name, state, err, deleted)
		}
	}
	list, err := w.c.Shares(ctx)
	if err != nil {
		t.Error(err)
	}
	for name, on := range w.shares {
		if on != slices.ContainsFunc(list, func(s coordinator.Share) bool { return s.Name == name }) {
			t.Errorf("%s: share %s should be there: %v", w.name, name, on)
		}
	}
}

// SPEC B8, B15, B29, C22, C27: what the control plane answered is so after kill -9, and what was cut off is
// done by doing it again. CONTROL_KILL_ROUNDS plays more of it.
func TestKillUnderControl(t *testing.T) {
	rounds := 3
	if n, err := strconv.Atoi(os.Getenv("CONTROL_KILL_ROUNDS")); err == nil {
		rounds = n
	}
	home := t.TempDir()
	file, socket := filepath.Join(home, "c.yaml"), filepath.Join(home, ".local/state/tonbo/artifacts/coordinator.sock")
	if err := os.WriteFile(file, []byte("s3: {data_dir: "+filepath.Join(home, "data")+"}\nlisten: 127.0.0.1:0\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := client.Local(socket)
	defer c.Close()
	var process *exec.Cmd
	kill := func() {
		_ = process.Process.Kill()
		_ = process.Wait()
	}
	start := func() (url string) {
		process = exec.Command(filepath.Join(programDir, "artifacts-tui"), "coordinator", "serve", "--config", file)
		process.Env = append(os.Environ(), "HOME="+home, "XDG_CONFIG_HOME=", "XDG_STATE_HOME=", "XDG_CACHE_HOME=", "XDG_DATA_HOME=")
		if err := process.Start(); err != nil {
			t.Fatal(err)
		}
		for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
			s, err := c.Status(t.Context())
			if err == nil {
				return s.URL
			}
			if time.Now().After(deadline) {
				kill()
				t.Fatalf("it does not come up: %v", err)
			}
		}
	}
	start()
	defer func() { kill() }()
	if _, err := c.CreateBucket(t.Context(), coordinator.NewBucket{Name: "team"}); err != nil {
		t.Fatal(err)
	}
	var acked atomic.Int64
	writers := make([]*controlWriter, 4)
	for i := range writers {
		writers[i] = &controlWriter{c: c, name: strconv.Itoa(i), acked: &acked, tokens: map[string]string{}, states: map[string]string{}, shares: map[string]bool{}}
	}
	for range rounds {
		enough := acked.Load() + 5 + rand.Int64N(40)
		var all sync.WaitGroup
		var refused atomic.Bool // before the kill: check says what
		for _, w := range writers {
			all.Go(func() {
				for w.failure == nil {
					w.step(t)
				}
				refused.Store(true)
			})
		}
		for acked.Load() < enough && !refused.Load() {
			time.Sleep(time.Millisecond)
		}
		kill()
		all.Wait()
		url := start()
		for _, w := range writers {
			w.check(t, url)
		}
		peers, err := c.Peers(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		bindings, err := c.Bindings(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range bindings {
			if !slices.ContainsFunc(peers, func(p coordinator.PeerInfo) bool { return p.ID == b.Peer }) {
				t.Errorf("a role of nobody: %+v", b)
			}
		}
		if t.Failed() {
			return
		}
	}
	t.Logf("%d changes in %d rounds", acked.Load(), rounds)
}
