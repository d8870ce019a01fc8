//go:build linux

package cmd_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/artifacts-tui/artifacts-tui/internal/delays"
	"github.com/artifacts-tui/artifacts-tui/internal/xdg"
	"github.com/artifacts-tui/artifacts-tui/mounts"
)

// clusterRounds is how many are played: CLUSTER_ROUNDS, which `make soak` sets, or a few.
func clusterRounds() int {
	if n, err := strconv.Atoi(os.Getenv("CLUSTER_ROUNDS")); err == nil {
		return n
	}
	return 6
}

// mount mounts a workspace at this coordinator's machine, with listings that are believed for an hour.
func (n *node) mount(workspace string) string {
	n.t.Helper()
	at := filepath.Join(n.home, "mnt")
	n.t.Cleanup(func() {
		if _, err := n.run("unmount", "--timeout", "20s", at); err != nil {
			n.t.Error(err)
		}
	})
	if _, err := n.run("mount", workspace, at, "--create", "--dir-cache", "1h", "--write-back", "10ms"); err != nil {
		n.t.Fatal(err)
	}
	return at
}

// mountStatus is what the mount at this coordinator's machine says.
func (n *node) mountStatus() mounts.Status {
	n.t.Helper()
	out, err := n.run("mount", "list", "--format", "json")
	if err != nil {
		n.t.Fatal(err)
	}
	var list []mounts.Status
	if err := json.Unmarshal([]byte(out), &list); err != nil || len(list) != 1 {
		n.t.Fatalf("%v in %s", err, out)
	}
	return list[0]
}

// drained waits until the mount at this coordinator's machine has uploaded everything, and returns when it had.
func (n *node) drained(at string) time.Time {
	roots, err := xdg.Find(func(name string) string {
		if name == "HOME" {
			return n.home
		}
		return ""
	})
	if err != nil {
		n.t.Error(err)
	}
	manager := mounts.NewManager(roots, "")
	n.await("the upload", func() bool {
		s, err := manager.Find(context.Background(), at)
		return err == nil && s.PID > 0 && s.Pending() == 0
	})
	return time.Now()
}

// SPEC B31, D5: what is written in a mount of one coordinator shows in a mount of another whose
// listings are believed for an hour, as a new file, another version, and a deletion; also
// after the other one's coordinator was stopped and started, and the database crashed.
func TestClusterMounts(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 0)
	if _, err := c.nodes[2].run("workspace", "create", "notes"); err != nil {
		t.Fatal(err)
	}
	from, to := c.nodes[0].mount("notes"), c.nodes[1].mount("notes")
	live := func() {
		t.Helper()
		c.await("changes to be live", func() bool {
			s := c.nodes[1].mountStatus().Changes
			return s != nil && s.State == mounts.ChangesLive
		})
	}
	live()
	all, after := delays.Delays{}, delays.Delays{}
	// shows waits for it at the other mount, which is looked at before the upload has ended too.
	shows := func(round int, what string, ok func() bool) {
		t.Helper()
		begin := time.Now()
		stored := make(chan time.Time, 1)
		go func() { stored <- c.nodes[0].drained(from) }()
		c.await(fmt.Sprintf("round %d: %s", round, what), ok)
		shown := time.Now()
		all.Add(what, shown.Sub(begin))
		after.Add(what, max(shown.Sub(<-stored), 0))
	}
	holds := func(name, content string) func() bool {
		return func() bool {
			b, err := os.ReadFile(filepath.Join(to, name))
			return err == nil && string(b) == content
		}
	}
	play := func(round int) {
		t.Helper()
		if t.Failed() {
			t.FailNow()
		}
		name := fmt.Sprintf("dir-%d/file-%d", round%3, round)
		if err := os.MkdirAll(filepath.Join(from, filepath.Dir(name)), 0o755); err != nil {
			t.Fatal(err)
		}
		for _, what := range []string{"create", "overwrite"} {
			content := fmt.Sprint(what, " ", round)
			if err := os.WriteFile(filepath.Join(from, name), []byte(content), 0o644); err != nil {
				t.Fatal(err)
			}
			shows(round, what, holds(name, content))
		}
		if round%2 == 0 {
			return
		}
		if err := os.Remove(filepath.Join(from, name)); err != nil {
			t.Fatal(err)
		}
		shows(round, "delete", func() bool {
			_, err := os.Stat(filepath.Join(to, name))
			return os.IsNotExist(err)
		})
	}
	rounds := clusterRounds()
	for round := range rounds {
		play(round)
	}
	t.Logf("%d rounds\nfrom close until the other mount shows it:\n%s\nfrom the end of the upload on:\n%s", rounds, all, after)

	// The listing is known there; what comes while the stream is cut must not be missed.
	c.nodes[1].kill()
	if err := os.WriteFile(filepath.Join(from, "dir-0/meanwhile"), []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	c.await("the upload", func() bool { return c.nodes[0].mountStatus().Pending() == 0 })
	c.nodes[1].start()
	shows(rounds, "what came while its coordinator was away", holds("dir-0/meanwhile", "x"))
	live()
	c.pg.Kill()
	c.pg.Restart(t)
	live()
	play(rounds + 1)
}
