package upper

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func journalLines(t *testing.T, records ...*record) []byte {
	t.Helper()
	var out []byte
	for i, r := range records {
		r.Seq = uint64(i + 1)
		b, err := r.line()
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, b...)
	}
	return out
}

func TestReadJournal(t *testing.T) {
	good := func() []byte {
		return journalLines(t, &record{Boot: "one"},
			&record{Add: []*opRecord{{ID: 1, Kind: opDelete, Key: "a\tb\nc \u2028"}}},
			&record{Add: []*opRecord{{ID: 2, Kind: opDelete, Key: "second"}}},
			&record{Done: 1})
	}
	lines := bytes.SplitAfter(good(), []byte("\n"))
	flip := func(b []byte, i int) []byte {
		b = bytes.Clone(b)
		b[i] ^= 1
		return b
	}
	for _, c := range []struct {
		name           string
		log            []byte
		records, after int
		damage         bool
	}{
		{"empty", nil, 0, 0, false},
		{"whole", good(), 4, 0, false},
		{"torn last line", good()[:len(good())-3], 3, 0, false},
		{"last line without its newline", good()[:len(good())-1], 3, 0, false},
		{"one byte of a last line", append(good(), '{'), 4, 0, false},
		{"a flipped bit in the last line", flip(good(), len(good())-12), 3, 0, false},
		{"a flipped bit in the middle", flip(good(), len(lines[0])+8), 1, 2, true},
		{"a flipped checksum in the middle", flip(good(), len(lines[0])+len(lines[1])-2), 1, 2, true},
		{"zeros in the middle", bytes.Join([][]byte{lines[0], bytes.Repeat([]byte{0}, 512), lines[3]}, nil), 1, 0, false},
		{"zeros and then good ones", bytes.Join([][]byte{lines[0], bytes.Repeat([]byte{0}, 512), []byte("\n"), lines[2], lines[3]}, nil), 1, 2, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "log")
			if err := os.WriteFile(path, c.log, 0o600); err != nil {
				t.Fatal(err)
			}
			records, after, damage, err := readJournal(path)
			if err != nil {
				t.Fatal(err)
			}
			if len(records) != c.records || len(after) != c.after || (damage != nil) != c.damage {
				t.Errorf("%d records, %d after, damage %v", len(records), len(after), damage)
			}
			if len(records) > 1 && records[1].Add[0].Key != "a\tb\nc \u2028" {
				t.Errorf("key %q", records[1].Add[0].Key)
			}
		})
	}
}

// A damaged record in the middle: what came before is delivered, what came after is set
// aside, nothing is deleted. SPEC C7.
func TestDamagedJournal(t *testing.T) {
	w := newWorld(t)
	w.ls("")
	w.client.setDown(true)
	w.write("before", "closed before the damage")
	w.write("damaged", "its record is damaged")
	w.write("after", "closed after the damage")
	w.must(w.Close())
	path := filepath.Join(w.dir, journalName)
	b, err := os.ReadFile(path)
	w.must(err)
	i := bytes.Index(b, []byte(`"key":"damaged"`))
	b[i+8] ^= 1
	w.must(os.WriteFile(path, b, 0o600))
	w.open()
	w.drain()
	w.wantRemote(map[string]string{"before": "closed before the damage"})
	q := w.quarantineOf()
	if q["damaged"] != "its record is damaged" || q["after"] != "closed after the damage" {
		t.Errorf("quarantine: %q", q)
	}
	if s := w.Stats(); s.Quarantined != 3 { // the two, and the damaged log
		t.Errorf("quarantined %d", s.Quarantined)
	}
}

func TestCompaction(t *testing.T) {
	w := newWorld(t)
	w.store.set("d/remote", "r")
	w.ls("d")
	g := w.hold("half", "running")
	w.write("running", "is uploaded meanwhile")
	<-g.arrived
	w.write("running", "superseded")
	w.write("clean", "clean")
	h := w.create("open", os.O_WRONLY)
	w.writeAt(h, "not closed", 0)
	w.rename("d", "e")
	w.write("e/f", "in a moved directory")
	for i := range 50 {
		w.write("again", fmt.Sprint("version ", i))
	}
	w.mu.Lock()
	before := w.j.size
	err := w.compact()
	after := w.j.size
	w.mu.Unlock()
	w.must(err)
	if after > before/3 {
		t.Errorf("the journal has %d bytes after compaction, %d before", after, before)
	}
	g.let()
	w.write("later", "after compaction")
	w.crash()
	w.drain()
	w.wantRemote(map[string]string{
		"running": "superseded", "clean": "clean", "e/remote": "r", "e/f": "in a moved directory",
		"again": "version 49", "later": "after compaction",
	})
	if q := w.quarantineOf(); len(q) != 1 || q["open"] != "not closed" {
		t.Errorf("quarantine: %q", q)
	}
}

// fullDisk makes the staging disk refuse. It takes effect where its fields are set.
type fullDisk struct {
	journal bool // refuse records, after a few bytes of each
	data    bool
	partial int // bytes that a refused write to a data file takes all the same
	err     error
}

func (w *world) fullDisk() *fullDisk {
	d := &fullDisk{err: syscall.ENOSPC}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.j.write = func(f *os.File, b []byte) (int, error) {
		if d.journal {
			n, _ := f.Write(b[:5])
			return n, d.err
		}
		return f.Write(b)
	}
	w.st.pwrite = func(f *os.File, p []byte, off int64) (int, error) {
		if d.data {
			n, _ := f.WriteAt(p[:min(d.partial, len(p))], off)
			return n, d.err
		}
		return f.WriteAt(p, off)
	}
	return d
}

// A journal that cannot take a record fails the close with the errno, and holds no half
// of it.
func TestJournalFull(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	w.write("f", "one")
	w.drain()
	w.ls("")
	h := w.openFile("f", os.O_RDWR|os.O_TRUNC)
	w.writeAt(h, "three", 0)
	d := w.fullDisk()
	set := func(full bool) {
		w.mu.Lock()
		defer w.mu.Unlock()
		d.journal = full
	}
	set(true)
	if err := h.Flush(ctx); !isFull(err) {
		t.Errorf("close: %v, want ENOSPC", err)
	}
	if err := w.Unlink(ctx, w.Root(), "f"); !isFull(err) {
		t.Errorf("unlink: %v, want ENOSPC", err)
	}
	if _, err := w.Mkdir(ctx, w.Root(), "d", 0o755); !isFull(err) {
		t.Errorf("mkdir: %v, want ENOSPC", err)
	}
	if got := w.ls("") + w.read("f"); got != "fthree" {
		t.Errorf("ls, read: %s", got)
	}
	w.wantRemote(map[string]string{"f": "one"})
	set(false)
	w.close(h)
	w.drain()
	records, after, damage, err := readJournal(filepath.Join(w.dir, journalName))
	w.must(err)
	if damage != nil || len(after) > 0 || len(records) == 0 {
		t.Errorf("the journal: %d records, damage %v", len(records), damage)
	}
	w.wantRemote(map[string]string{"f": "three"})
}

// A journal that was compacted and whose folder could then not be synced, as when the process is
// out of descriptors: what is closed from then on is in the log that the next life reads, and is
// said to be durable only once the folder is. SPEC C7
func TestJournalWhoseFolderDoesNotSync(t *testing.T) {
	w := newWorld(t)
	w.ls("")
	w.client.setDown(true)
	w.write("before", "1")
	w.mu.Lock()
	w.j.syncDir = func(string) error { return syscall.EMFILE }
	if err := w.compact(); err != nil {
		t.Errorf("the new log has its name and is not used: %v", err)
	}
	w.mu.Unlock()
	w.write("after", "2")
	if err := w.j.sync(w.j.seq.Load()); !errors.Is(err, syscall.EMFILE) {
		t.Errorf("sync says %v, and the name of the log is not durable", err)
	}
	w.crash()
	w.drain()
	w.wantRemote(map[string]string{"before": "1", "after": "2"})
}

// A file whose close the journal refused, and whose handle went all the same, is recorded
// as soon as it can be.
func TestJournalFullAtRelease(t *testing.T) {
	w := newWorld(t)
	h := w.create("f", os.O_WRONLY)
	w.writeAt(h, "data", 0)
	d := w.fullDisk()
	w.mu.Lock()
	d.journal = true
	w.mu.Unlock()
	if err := h.Flush(context.Background()); !isFull(err) {
		t.Errorf("close: %v", err)
	}
	h.Release()
	if s := w.Stats(); s.Failed != 1 || len(s.Failures) != 1 || s.Failures[0].Path != "f" {
		t.Errorf("%+v", s)
	}
	w.mu.Lock()
	d.journal = false
	w.mu.Unlock()
	w.drain()
	w.wantRemote(map[string]string{"f": "data"})
}

// A full disk is ENOSPC for the writer, never EIO, and nothing of that file is uploaded.
func TestStagingDiskFull(t *testing.T) {
	for _, c := range []struct {
		name string
		err  error
		part int
	}{{"ENOSPC", syscall.ENOSPC, 0}, {"EIO half-way", syscall.EIO, 3}} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			ctx := context.Background()
			w.store.set("old", "old content")
			w.ls("")
			d := w.fullDisk()
			d.err, d.partial = c.err, c.part
			h := w.create("new", os.O_WRONLY)
			w.writeAt(h, "some", 0)
			g := w.openFile("old", os.O_RDWR)
			w.writeAt(g, "OLD", 0)
			d.data = true
			for _, x := range []*Handle{h, g} {
				if n, err := x.WriteAt(ctx, []byte("more"), 4); n != 0 || !errors.Is(err, c.err) {
					t.Errorf("write: %d, %v", n, err)
				}
				if err := x.Flush(ctx); !errors.Is(err, c.err) {
					t.Errorf("close: %v", err)
				}
			}
			h.Release()
			g.Release()
			d.data = false
			w.drain()
			w.wantRemote(map[string]string{"old": "old content"})
			if got := w.ls("") + " " + w.read("old"); got != "old old content" {
				t.Errorf("ls, read: %s", got)
			}
			w.crash()
			if q := w.quarantineOf(); len(q) != 0 {
				t.Errorf("quarantine: %q; its writers were told", q)
			}
		})
	}
}

// A writer that goes on after the disk has room again has its whole file.
func TestStagingDiskFullForAWhile(t *testing.T) {
	w := newWorld(t)
	d := w.fullDisk()
	h := w.create("f", os.O_WRONLY)
	w.writeAt(h, "some ", 0)
	d.data, d.partial = true, 2
	n, err := h.WriteAt(context.Background(), []byte("more"), 5)
	if n != 2 || err != nil {
		t.Errorf("a short write: %d, %v", n, err)
	}
	d.partial = 0
	if _, err := h.WriteAt(context.Background(), []byte("re"), 7); !isFull(err) {
		t.Errorf("write: %v", err)
	}
	d.data = false
	w.writeAt(h, "re", 7)
	w.close(h)
	w.drain()
	w.wantRemote(map[string]string{"f": "some more"})
}

// A full disk lets go of copies that the store has before it refuses.
func TestFullDiskReclaims(t *testing.T) {
	w := newWorld(t)
	w.write("clean", strings.Repeat("c", 1000))
	w.drain()
	if s := w.Stats(); s.CleanBytes != 1000 {
		t.Fatalf("clean copies: %d bytes", s.CleanBytes)
	}
	refusals := 0
	clean := w.root.dir.children["clean"].file.content.data.id
	w.st.pwrite = func(f *os.File, p []byte, off int64) (int, error) {
		if info, err := os.Stat(w.st.path(clean)); err == nil && info.Size() > 0 {
			refusals++
			return 0, syscall.ENOSPC
		}
		return f.WriteAt(p, off)
	}
	w.write("new", "n")
	if refusals != 1 {
		t.Errorf("%d refusals, want 1", refusals)
	}
	w.drain()
	w.wantRemote(map[string]string{"clean": strings.Repeat("c", 1000), "new": "n"})
	if got := w.read("clean"); got != strings.Repeat("c", 1000) {
		t.Error("the evicted file reads wrong")
	}
}

func TestCleanCopiesAreBounded(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.CleanBytes = 3000 })
	for i := range 10 {
		w.write(fmt.Sprint("f", i), strings.Repeat("c", 1000))
		w.drain()
	}
	if s := w.Stats(); s.CleanBytes > 3000 || s.CleanBytes == 0 {
		t.Errorf("clean copies: %d bytes", s.CleanBytes)
	}
	w.must(w.Sync(context.Background()))
	entries, err := os.ReadDir(w.st.dir)
	w.must(err)
	full := 0
	for _, e := range entries {
		if info, err := e.Info(); err == nil && info.Size() > 0 {
			full++
		}
	}
	if full != 3 {
		t.Errorf("%d data files, want 3", full)
	}
}
