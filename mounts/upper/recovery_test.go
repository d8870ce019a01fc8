package upper

import (
	"context"
	"errors"
	"os"
	"sync/atomic"
	"testing"
	"time"
)

// quarantineOf returns path to content of what was set aside.
func (w *world) quarantineOf() map[string]string {
	w.t.Helper()
	out := map[string]string{}
	list, err := ReadQuarantine(w.dir)
	w.must(err)
	for _, q := range list {
		data, err := os.ReadFile(QuarantinedPath(w.dir, q.File))
		w.must(err)
		out[q.Path] = string(data)
	}
	return out
}

// powerLoss goes on as after a loss of power in which all bytes happened to survive:
// another boot, so that nothing unsynced is proven.
func (w *world) powerLoss() {
	w.opt.BootID += "+"
	w.crash()
}

// Kill table: half-written file, kill, store down at remount. SPEC C7, E11.
func TestHalfWrittenIsQuarantined(t *testing.T) {
	w := newWorld(t)
	w.store.set("old", "old content")
	w.ls("")
	h := w.create("new", os.O_WRONLY)
	w.writeAt(h, "half", 0)
	g := w.openFile("old", os.O_RDWR)
	w.writeAt(g, "HALF", 0)
	u := w.create("unlinked", os.O_WRONLY)
	w.writeAt(u, "meant to go", 0)
	w.unlink("unlinked")
	w.client.setDown(true)
	w.crash()
	w.drain()
	w.wantRemote(map[string]string{"old": "old content"})
	if s := w.Stats(); s.Quarantined != 2 {
		t.Errorf("quarantined %d, want 2", s.Quarantined)
	}
	q := w.quarantineOf()
	if len(q) != 2 || q["new"] != "half" || q["old"] != "HALF" {
		t.Errorf("quarantine: %q", q)
	}
	if got := w.ls("") + " " + w.read("old"); got != "old old content" {
		t.Errorf("ls, read: %s", got)
	}
	w.must(w.Close())
	w.open()
	if s := w.Stats(); s.Quarantined != 2 {
		t.Errorf("after a remount: quarantined %d, want 2", s.Quarantined)
	}
}

// Appended but not closed: the closed part is delivered, the tail is set aside. SPEC E11.
func TestUnclosedTailIsQuarantined(t *testing.T) {
	w := newWorld(t)
	w.ls("")
	w.client.setDown(true)
	h := w.create("log", os.O_WRONLY)
	w.writeAt(h, "closed", 0)
	w.must(h.Flush(context.Background()))
	w.writeAt(h, " open", 6)
	w.crash()
	w.drain()
	w.wantRemote(map[string]string{"log": "closed"})
	if q := w.quarantineOf(); len(q) != 1 || q["log"] != " open" {
		t.Errorf("quarantine: %q", q)
	}
}

// An unclosed write into what waits for upload does not touch it. SPEC E11.
func TestUnclosedOverwriteLeavesClosedVersion(t *testing.T) {
	w := newWorld(t)
	w.ls("")
	w.client.setDown(true)
	w.write("f", "first version")
	h := w.openFile("f", os.O_RDWR)
	w.writeAt(h, "XXXXX", 0)
	if got := w.read("f"); got != "XXXXX version" {
		t.Errorf("read %q", got)
	}
	w.crash()
	if got := w.read("f"); got != "first version" {
		t.Errorf("after the crash: read %q", got)
	}
	w.drain()
	w.wantRemote(map[string]string{"f": "first version"})
}

// Kill table: patch and close with the store down, store back. SPEC E11.
func TestPatchWithStoreDownIsKept(t *testing.T) {
	for _, crash := range []bool{false, true} {
		w := newWorld(t)
		w.store.set("f", "0123456789")
		w.ls("")
		w.client.setDown(true)
		w.patch("f", "ab", 3)
		if crash {
			w.crash()
		} else {
			w.client.setDown(false)
		}
		w.drain()
		w.wantRemote(map[string]string{"f": "012ab56789"})
		if got := w.read("f"); got != "012ab56789" {
			t.Errorf("read %q", got)
		}
	}
}

// Kill table: unlink with the store down, kill: stays deleted. SPEC E11.
func TestUnlinkWithStoreDownStaysDeleted(t *testing.T) {
	w := newWorld(t)
	w.store.set("f", "x")
	w.store.set("g", "x")
	w.store.set("d/h", "x")
	w.ls("")
	w.ls("d")
	w.client.setDown(true)
	w.unlink("f")
	w.unlink("d/h")
	w.rmdir("d")
	w.crash()
	w.client.setDown(true)
	for _, name := range []string{"f", "d"} {
		if _, err := w.Lookup(context.Background(), w.Root(), name); err == nil {
			t.Errorf("%s came back while the store is down", name)
		}
	}
	w.client.setDown(false)
	w.Wake()
	if got := w.ls(""); got != "g" {
		t.Errorf("ls: %s", got)
	}
	w.drain()
	if got := w.store.keys(); len(got) != 1 || got[0] != "g" {
		t.Errorf("the store has %v", got)
	}
}

// Renames of files and directories made with the store down survive a kill. SPEC E11.
func TestRenamesSurviveKill(t *testing.T) {
	w := newWorld(t)
	w.store.multipart = true
	w.store.set("a", "remote a")
	w.store.set("d/x", "remote x")
	w.store.set("d/s/y", "remote y")
	w.ls("")
	w.ls("d")
	w.client.setDown(true)
	w.rename("a", "b")
	w.patch("b", "REMOTE", 0)
	w.rename("d", "e")
	w.patch("e/x", "REMOTE", 0)
	w.rename("e/x", "x")
	w.mkdir("d")
	w.write("d/x", "new x")
	w.crash()
	if got := w.ls("d") + "|" + w.ls("e") + "|" + w.ls(""); got != "x|s/|b d/ e/ x" {
		t.Errorf("ls: %s", got)
	}
	w.drain()
	want := map[string]string{"b": "REMOTE a", "x": "REMOTE x", "e/s/y": "remote y", "d/x": "new x"}
	w.wantRemote(want)
	for path, data := range want {
		if got := w.read(path); got != data {
			t.Errorf("read %s: %q, want %q", path, got, data)
		}
	}
}

// A crash after a tree was copied and before its sources are deleted: the move is done again.
func TestMoveTreeIsResumed(t *testing.T) {
	w := newWorld(t)
	for _, name := range []string{"1", "2", "3", "4"} {
		w.store.set("d/"+name, "content "+name)
	}
	w.ls("d")
	first := w.client
	killed := make(chan struct{})
	var deleted atomic.Int32
	w.store.after = func(op, _ string) error {
		if op == "delete" && deleted.Add(1) == 2 {
			first.kill() // the process dies between two deletes
			close(killed)
		}
		return nil
	}
	w.rename("d", "e")
	<-killed
	w.crash()
	if got := w.ls("e"); got != "1 2 3 4" {
		t.Errorf("ls: %s", got)
	}
	w.drain()
	w.wantRemote(map[string]string{"e/1": "content 1", "e/2": "content 2", "e/3": "content 3", "e/4": "content 4"})
}

// Without a synced record a loss of power may have taken any byte: nothing of it is uploaded. SPEC C7.
func TestPowerLossQuarantines(t *testing.T) {
	w := newWorld(t)
	w.store.set("old", "old content")
	w.store.set("gone", "x")
	w.ls("")
	w.client.setDown(true)
	w.syncMu.Lock() // keeps the background sync from proving anything
	old := w.FS
	defer func() {
		old.syncMu.Unlock()
		old.Close()
	}()
	w.write("new", "new content")
	w.write("old", "overwritten")
	w.unlink("gone")
	copied := w.t.TempDir()
	w.mu.Lock()
	copyTree(t, w.dir, copied)
	w.mu.Unlock()
	w.client.kill()
	w.dir = copied
	w.opt.BootID = "boot-2"
	w.open()
	w.drain()
	w.wantRemote(map[string]string{"old": "old content"}) // the deletion holds
	if q := w.quarantineOf(); len(q) != 2 || q["new"] != "new content" || q["old"] != "overwritten" {
		t.Errorf("quarantine: %q", q)
	}
}

func TestPowerLossKeepsWhatWasSynced(t *testing.T) {
	w := newWorld(t)
	w.ls("")
	w.client.setDown(true)
	w.write("f", "synced")
	w.write("g", "synced")
	w.must(w.Sync(context.Background()))
	w.powerLoss()
	w.drain()
	w.wantRemote(map[string]string{"f": "synced", "g": "synced"})
	if s := w.Stats(); s.Quarantined != 0 {
		t.Errorf("quarantined %d", s.Quarantined)
	}
}

// fsync(2) proves a file by itself.
func TestPowerLossKeepsWhatWasFsynced(t *testing.T) {
	w := newWorld(t)
	w.ls("")
	w.client.setDown(true)
	h := w.create("f", os.O_WRONLY)
	w.writeAt(h, "fsynced", 0)
	w.must(h.Fsync(context.Background()))
	w.powerLoss()
	w.drain()
	w.wantRemote(map[string]string{"f": "fsynced"})
}

// records replays a journal that was written by hand.
func replayed(boot string, records ...*record) *pastState {
	for i, r := range records {
		r.Seq = uint64(i + 1)
		for _, o := range r.Add {
			if o.Ver != nil && o.Ver.Seq == 0 {
				o.Ver.Seq = r.Seq
			}
		}
	}
	return replay(records, nil, nil, boot)
}

func putRecord(id uint64, key, data string, old ...uint64) *opRecord {
	return &opRecord{ID: id, Kind: opPut, Key: key, Old: old, Ver: &versionRecord{ID: data, Size: 1, Full: true}}
}

// After a loss of power the newest version that is proven is delivered. SPEC C7.
func TestReplayFallsBackToProvenVersion(t *testing.T) {
	boot := func() *record { return &record{Boot: "one"} }
	for _, c := range []struct {
		name    string
		records []*record
		want    map[string]string // key to data file of the uploads that stay
		doubt   int
		moves   string
	}{
		{"overwritten after the sync", []*record{
			boot(),
			{Add: []*opRecord{putRecord(1, "f", "v1")}},
			{Synced: 2},
			{Drop: []uint64{1}, Add: []*opRecord{putRecord(2, "f", "v2", 1)}},
		}, map[string]string{"f": "v1"}, 1, ""},
		{"twice", []*record{
			boot(),
			{Add: []*opRecord{putRecord(1, "f", "v1")}},
			{Synced: 2},
			{Drop: []uint64{1}, Add: []*opRecord{putRecord(2, "f", "v2", 1)}},
			{Drop: []uint64{2}, Add: []*opRecord{putRecord(3, "f", "v3", 2)}},
		}, map[string]string{"f": "v1"}, 1, ""},
		{"replaced by an atomic save", []*record{
			boot(),
			{Add: []*opRecord{putRecord(1, "f", "v1")}},
			{Synced: 2},
			{Add: []*opRecord{putRecord(2, "tmp", "v2")}},
			{Drop: []uint64{2, 1}, Add: []*opRecord{putRecord(3, "f", "v2", 2, 1)}},
		}, map[string]string{"f": "v1"}, 1, ""},
		{"uploaded after", []*record{
			boot(),
			{Add: []*opRecord{putRecord(1, "f", "v1")}},
			{Synced: 2},
			{Drop: []uint64{1}, Add: []*opRecord{putRecord(2, "f", "v2", 1)}},
			{Done: 2},
		}, map[string]string{}, 0, ""},
		{"deleted after", []*record{
			boot(),
			{Add: []*opRecord{putRecord(1, "f", "v1")}},
			{Synced: 2},
			{Drop: []uint64{1}, Add: []*opRecord{putRecord(2, "f", "v2", 1)}},
			{Drop: []uint64{2}, Add: []*opRecord{{ID: 3, Kind: opDelete, Key: "f"}}},
		}, map[string]string{}, 0, ""},
		{"changed and renamed: the store's copy is renamed", []*record{
			boot(),
			{Synced: 1},
			{Add: []*opRecord{putRecord(1, "a", "v1")}},
			{Drop: []uint64{1}, Add: []*opRecord{putRecord(2, "b", "v1", 1), {ID: 3, Kind: opDelete, Key: "a", After: 2}}},
		}, map[string]string{}, 1, "a>b"},
		{"proven by fsync", []*record{
			boot(), {Add: []*opRecord{putRecord(1, "f", "v1")}}, {Proven: 2},
		}, map[string]string{"f": "v1"}, 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := replayed("two", c.records...)
			got := map[string]string{}
			moves := ""
			for _, o := range s.ops {
				switch {
				case o.Ver != nil:
					got[o.Key] = o.Ver.ID
				case o.Kind == opMove:
					moves = o.Key + ">" + o.Dst
				}
			}
			if !sameFiles(got, c.want) || len(s.doubt) != c.doubt || moves != c.moves {
				t.Errorf("uploads %v, doubt %v, moves %q", got, s.doubt, moves)
			}
			if s := replayed("one", c.records...); len(s.doubt) != 0 {
				t.Errorf("in doubt though the kernel is the same: %v", s.doubt)
			}
		})
	}
}

// The staged files of what is pending never change, whatever happens later. SPEC E11.
func TestNoChangeOfUnsyncedUploads(t *testing.T) {
	w := newWorld(t)
	w.write("f", "version one")
	w.drain()
	w.mu.Lock()
	data := w.root.dir.children["f"].file.content.data
	frozen := data.frozen()
	w.mu.Unlock()
	if frozen != 11 {
		t.Errorf("before the done record is durable %d bytes are frozen, want 11", frozen)
	}
	w.must(w.Sync(context.Background()))
	w.mu.Lock()
	frozen = data.frozen()
	w.mu.Unlock()
	if frozen != 0 {
		t.Errorf("after it %d bytes are frozen", frozen)
	}
	h := w.openFile("f", os.O_RDWR)
	w.writeAt(h, "VERSION", 0)
	w.mu.Lock()
	same := w.root.dir.children["f"].file.content.data == data
	w.mu.Unlock()
	if !same {
		t.Error("a clean copy is not adopted in place")
	}
	w.crash() // its bytes are in doubt now
	w.drain()
	w.wantRemote(map[string]string{"f": "version one"})
	if q := w.quarantineOf(); q["f"] != "VERSION one" {
		t.Errorf("quarantine: %q", q)
	}
}

func TestAttributesOfPendingFilesSurvive(t *testing.T) {
	w := newWorld(t)
	w.ls("")
	w.client.setDown(true)
	w.write("f", "x")
	n, _ := w.node("f")
	mode, when := uint32(0o755), time.Unix(1234567890, 123456789)
	_, err := w.SetAttr(context.Background(), n, nil, Change{Mode: &mode, MTime: &when})
	w.must(err)
	w.crash()
	n, err = w.node("f")
	w.must(err)
	if a := w.Attr(n); a.Mode != mode || !a.MTime.Equal(when) {
		t.Errorf("mode %o, mtime %v", a.Mode, a.MTime)
	}
	w.drain()
	w.store.mu.Lock()
	meta := w.store.objects["f"].Meta
	w.store.mu.Unlock()
	if meta.Mode != mode || !meta.ModTime.Equal(when) {
		t.Errorf("uploaded with %+v", meta)
	}
}

// A name that two files get one after the other shows the second after a crash, also where
// the first is still on its way.
func TestTwoFilesForOneName(t *testing.T) {
	w := newWorld(t)
	w.store.set("b", "second")
	w.ls("")
	w.client.setDown(true)
	w.write("d", "first")
	h := w.create("c", os.O_WRONLY) // not closed: until it is the first stays
	w.rename("c", "d")
	w.rename("b", "d")
	g := w.hold("put", "d")
	w.crash()
	h.Release()
	if got := w.read("d"); got != "second" {
		t.Errorf("read %q", got)
	}
	g.let()
	w.drain()
	if got := w.read("d"); got != "second" {
		t.Errorf("read %q once it is in the store", got)
	}
	w.wantRemote(map[string]string{"d": "second"})
}

// A directory that was moved away before its own marker was made, and whose name was used
// again, still has what had reached the store in it when the process was killed. SPEC C7.
func TestKillAfterANameIsUsedAgain(t *testing.T) {
	store := newFakeStore()
	var let atomic.Bool
	store.before = func(op, key string) error {
		if op == "put" && (key == "x/" || key == "x/y/" && !let.Load()) {
			return errors.New("not now")
		}
		return nil
	}
	w := newWorldOver(t, store)
	w.mkdir("x")
	w.mkdir("x/y")
	w.rename("x", "z")
	w.mkdir("x")
	let.Store(true)
	eventually(t, "x/y is in the store", func() bool { _, ok := store.get("x/y/"); return ok })
	w.must(w.Sync(context.Background()))
	w.crash()
	if got := w.ls("z"); got != "y/" {
		t.Errorf("z has %q, want y/", got)
	}
}

// A file that a pending rename of its directory brings to a name shows there at once, also
// where the store finishes, just then, something about the file that had the name before.
// SPEC C7, E11.
func TestRenamedOverAnOlderMoveAfterACrash(t *testing.T) {
	w := newWorld(t)
	w.store.set("x", "older")
	w.store.set("s/d", "closed")
	w.store.set("t/", "")
	w.ls("")
	w.ls("s")
	w.ls("t")
	w.client.setDown(true)
	w.rename("x", "t/d")
	w.rename("t", "u")
	w.rename("s", "t")
	w.store.before = func(op, key string) error {
		if op == "list" && key == "s" {
			eventually(t, "the older file is moved", func() bool {
				w.mu.Lock()
				defer w.mu.Unlock()
				return w.q.last("t/d") == nil
			})
		}
		if op == "walk" {
			return errDown // the directories stay where they are
		}
		return nil
	}
	w.crash()
	if got := w.read("t/d"); got != "closed" {
		t.Errorf("t/d is %q", got)
	}
}
