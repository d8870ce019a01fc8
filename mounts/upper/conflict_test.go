package upper

import (
	"errors"
	"os"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// setAt is another host's write at another time.
func (s *fakeStore) setAt(key, data string, at time.Time) {
	s.set(key, data)
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.objects[key]
	o.Time = at
	s.objects[key] = o
}

// A base that changed under a partial patch is a conflict, never a torn mix. Where its old
// bytes are known there is a copy, else what was written is set aside; nothing is retried.
// SPEC D4.
func TestConflictOfPartialPatch(t *testing.T) {
	for _, cached := range []bool{true, false} {
		for _, crash := range []bool{false, true} {
			w := newWorld(t)
			const old = "0123456789"
			w.store.set("f.txt", old)
			w.ls("")
			w.client.setDown(true)
			w.patch("f.txt", "abc", 2)
			w.store.set("f.txt", "somebody else's")
			if cached {
				w.store.cached = map[string]string{etagOf([]byte(old)): old}
			}
			if crash {
				w.crash()
			}
			w.client.setDown(false)
			w.drain()
			s := w.Stats()
			if len(s.Conflicts) != 1 || s.Conflicts[0].Path != "f.txt" {
				t.Fatalf("cached %v, crash %v: conflicts %+v", cached, crash, s.Conflicts)
			}
			k := s.Conflicts[0]
			want := map[string]string{"f.txt": "somebody else's"}
			if cached {
				if !regexp.MustCompile(`^f\.conflict-.*-\d{8}T\d{6}Z\.txt$`).MatchString(k.Copy) || k.Quarantined != "" {
					t.Errorf("conflict %+v", k)
				}
				want[k.Copy] = "01abc56789"
				if got := w.read(k.Copy); got != want[k.Copy] {
					t.Errorf("the copy reads %q", got)
				}
			} else {
				b, err := os.ReadFile(QuarantinedPath(w.dir, k.Quarantined))
				if err != nil || string(b) != "\x00\x00abc\x00\x00\x00\x00\x00" || s.Quarantined != 1 || !strings.Contains(k.Reason, "2-4") {
					t.Errorf("set aside: %q, %v; %+v", b, err, k)
				}
			}
			w.wantRemote(want)
			if got := w.read("f.txt"); got != "somebody else's" {
				t.Errorf("the file reads %q", got)
			}
			w.write("f.txt", "whole") // the last close wins
			w.drain()
			want["f.txt"] = "whole"
			w.wantRemote(want)
		}
	}
}

// A patch whose bytes are all here by the time somebody else changes the object does not
// overwrite them either.
func TestConflictAfterFetching(t *testing.T) {
	w := newWorld(t)
	w.store.set("f", "0123456789")
	w.ls("")
	g := w.hold("put", "f") // the rest was fetched
	w.patch("f", "abc", 2)
	<-g.arrived
	w.store.set("f", "somebody else's")
	g.let()
	w.drain()
	k := w.Stats().Conflicts
	if len(k) != 1 || k[0].Copy == "" {
		t.Fatalf("conflicts %+v", k)
	}
	w.wantRemote(map[string]string{"f": "somebody else's", k[0].Copy: "01abc56789"})
}

// Where no name is free for a copy what was written is set aside whole.
func TestConflictInADeepDirectory(t *testing.T) {
	w := newWorld(t)
	dir := strings.Repeat("d", 200)
	for range 4 {
		dir += "/" + strings.Repeat("e", 190)
	}
	dir += "/" + strings.Repeat("e", 30)
	w.store.set(dir+"/f", "0123456789")
	w.ls(dir)
	g := w.hold("put", dir+"/f")
	w.patch(dir+"/f", "abc", 2)
	<-g.arrived
	w.store.set(dir+"/f", "somebody else's")
	g.let()
	w.drain()
	k := w.Stats().Conflicts
	if len(k) != 1 || k[0].Quarantined == "" {
		t.Fatalf("conflicts %+v", k)
	}
	if b, err := os.ReadFile(QuarantinedPath(w.dir, k[0].Quarantined)); err != nil || string(b) != "01abc56789" {
		t.Errorf("set aside: %q, %v", b, err)
	}
	w.wantRemote(map[string]string{dir + "/f": "somebody else's"})
}

// A program that has the file open goes on with what it wrote, whoever got the name.
func TestConflictUnderAWriter(t *testing.T) {
	w := newWorld(t)
	w.store.set("f", "0123456789")
	w.ls("")
	w.client.setDown(true)
	h := w.openFile("f", os.O_RDWR)
	w.writeAt(h, "abc", 2)
	w.must(h.Flush(t.Context()))
	w.store.set("f", "somebody else's")
	w.writeAt(h, "xyz", 7)
	w.client.setDown(false)
	eventually(t, "the conflict is told", func() bool { return len(w.Stats().Conflicts) == 1 })
	w.close(h)
	w.drain()
	if n := w.countQuarantined(); n != 2 {
		t.Errorf("%d files set aside, want both closes", n)
	}
	w.wantRemote(map[string]string{"f": "somebody else's"})
}

// An upload that is sent again, since its answer was lost, overwrites nothing that came in
// between, and is not made twice. A newer close wins.
func TestSentAgain(t *testing.T) {
	reset := errors.New("connection reset")
	cases := map[string]struct {
		commits  bool // the first request, whose answer is lost
		then     time.Duration
		other    bool
		conflict bool
		puts     int
	}{
		"it got through":                     {commits: true, puts: 1},
		"it did not":                         {puts: 1},
		"it did, and was overwritten":        {commits: true, other: true, then: time.Second, conflict: true, puts: 2},
		"it did not, and there is something": {other: true, then: time.Second, conflict: true, puts: 1},
		"what is there is older":             {other: true, then: -time.Hour, puts: 1},
	}
	for name, c := range cases {
		for _, crash := range []bool{false, true} {
			w := newWorld(t)
			w.ls("")
			var lost, stuck atomic.Bool
			w.store.before = func(op, _ string) error {
				if stuck.Load() || op == "half" && !c.commits && !lost.Swap(true) {
					stuck.Store(true)
					return reset
				}
				return nil
			}
			w.store.after = func(op, _ string) error {
				if op == "put" && !lost.Swap(true) {
					stuck.Store(true)
					return reset
				}
				return nil
			}
			w.write("f", "mine")
			eventually(t, "the answer is lost", stuck.Load)
			if c.other {
				w.store.setAt("f", "theirs", time.Now().Add(c.then))
			}
			if crash {
				w.crash()
			}
			stuck.Store(false)
			w.drain()
			want := map[string]string{"f": "mine"}
			conflicts := w.Stats().Conflicts
			if c.conflict && len(conflicts) == 1 {
				want = map[string]string{"f": "theirs", conflicts[0].Copy: "mine"}
			}
			if got := len(conflicts) == 1; got != c.conflict {
				t.Errorf("%s, crash %v: conflicts %+v", name, crash, conflicts)
			}
			w.wantRemote(want)
			if w.store.puts != c.puts {
				t.Errorf("%s, crash %v: %d uploads, want %d", name, crash, w.store.puts, c.puts)
			}
		}
	}
}

// A request that was given up and commits late does not overwrite what is newer.
func TestLateCommit(t *testing.T) {
	w := newWorld(t)
	w.ls("")
	g := w.hold("half", "f")
	w.write("f", "first")
	<-g.arrived
	dead, left := w.FS, w.client
	left.setDown(true) // of the process that is killed now only this request is left
	t.Cleanup(func() { g.let(); dead.Close() })
	dir := t.TempDir()
	w.mu.Lock()
	copyTree(t, w.dir, dir)
	w.mu.Unlock()
	w.dir, w.store.before = dir, nil
	w.open()
	w.drain()
	w.write("f", "second")
	w.drain()
	g.let()
	eventually(t, "the late request is answered", func() bool { return dead.Stats().InProgress == 0 })
	w.wantRemote(map[string]string{"f": "second"})
}

func TestConflictNames(t *testing.T) {
	w := newWorld(t)
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for name, want := range map[string]string{
		"report.txt":                    `^report\.conflict-[^.]+-20260102T030405Z\.txt$`,
		".profile":                      `^\.profile\.conflict-[^.]+-20260102T030405Z$`,
		"Makefile":                      `^Makefile\.conflict-[^.]+-20260102T030405Z$`,
		strings.Repeat("ä", 120) + ".c": `^ä+\.conflict-[^.]+-20260102T030405Z\.c$`,
	} {
		got := conflictName(name, w.root, now)
		if !regexp.MustCompile(want).MatchString(got) || checkName(w.root, got) != nil {
			t.Errorf("%s: %s", name, got)
		}
	}
}
