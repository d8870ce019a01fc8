package upper

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// gate lets requests of one kind wait until the test has done what is to happen meanwhile.
type gate struct {
	arrived chan string
	open    chan struct{}
	let     func()
}

// hold makes requests of one kind for key wait until the gate, or the test, is over.
func (w *world) hold(op, key string) *gate {
	g := &gate{arrived: make(chan string, 100), open: make(chan struct{})}
	g.let = sync.OnceFunc(func() { close(g.open) })
	w.t.Cleanup(g.let)
	w.store.before = func(o, k string) error {
		if o == op && k == key {
			g.arrived <- k
			<-g.open
		}
		return nil
	}
	return g
}

func TestUnlinkWhileUploading(t *testing.T) {
	w := newWorld(t)
	g := w.hold("half", "f")
	w.write("f", "content")
	<-g.arrived
	w.unlink("f")
	g.let()
	w.drain()
	w.wantRemote(nil) // the delete ran after the put
	w.refresh()
	if got := w.ls(""); got != "" {
		t.Errorf("ls: %s", got)
	}
}

func TestRenameWhileUploading(t *testing.T) {
	w := newWorld(t)
	g := w.hold("half", "a")
	w.write("a", "content")
	<-g.arrived
	w.rename("a", "b")
	if got := w.ls("") + w.read("b"); got != "bcontent" {
		t.Errorf("ls, read: %s", got)
	}
	g.let()
	w.drain()
	w.wantRemote(map[string]string{"b": "content"})
	if w.store.puts != 1 || w.store.copies != 1 {
		t.Errorf("%d puts and %d copies, want the upload to be used", w.store.puts, w.store.copies)
	}
}

func TestRenameOverFileThatUploads(t *testing.T) {
	w := newWorld(t)
	g := w.hold("half", "b")
	w.write("b", "old")
	<-g.arrived
	w.write("tmp", "new")
	w.rename("tmp", "b")
	g.let()
	w.drain()
	w.wantRemote(map[string]string{"b": "new"})
}

func TestRenameDirectoryWhileUploading(t *testing.T) {
	w := newWorld(t)
	w.store.set("d/remote", "r")
	g := w.hold("half", "d/1")
	for _, name := range []string{"1", "2", "sub/3"} {
		if strings.HasPrefix(name, "sub") {
			w.mkdir("d/sub")
		}
		w.write("d/"+name, "content "+name)
	}
	<-g.arrived
	w.rename("d", "e")
	w.mkdir("d")
	w.write("d/1", "another")
	if got := w.ls("e") + "|" + w.ls("d"); got != "1 2 remote sub/|1" {
		t.Errorf("ls: %s", got)
	}
	w.refresh()
	if got := w.ls("e") + "|" + w.ls("d") + "|" + w.read("e/remote"); got != "1 2 remote sub/|1|r" {
		t.Errorf("ls after a listing: %s", got)
	}
	g.let()
	w.drain()
	w.wantRemote(map[string]string{
		"e/1": "content 1", "e/2": "content 2", "e/sub/3": "content sub/3", "e/remote": "r", "d/1": "another",
	})
	w.refresh()
	if got := w.read("e/remote") + w.read("e/1"); got != "rcontent 1" {
		t.Errorf("read: %s", got)
	}
}

// A file of a directory that moves is patched after it was copied, and before its source
// is deleted: the patch belongs to the copy.
func TestPatchDuringDirectoryRename(t *testing.T) {
	w := newWorld(t)
	w.store.multipart = true
	for _, name := range []string{"a", "b", "c"} {
		w.store.set("d/"+name, "0123456789 "+name)
	}
	w.ls("d")
	g := w.hold("delete", "d/a")
	w.rename("d", "e")
	<-g.arrived
	eventually(t, "the other sources are gone", func() bool { return len(w.store.keys()) == 4 })
	for _, name := range []string{"a", "b"} {
		w.patch("e/"+name, "abc", 3)
	}
	w.rename("e/c", "moved")
	if got := w.read("moved"); got != "0123456789 c" {
		t.Errorf("read %q", got)
	}
	g.let()
	w.drain()
	w.wantRemote(map[string]string{"e/a": "012abc6789 a", "e/b": "012abc6789 b", "moved": "0123456789 c"})
}

// A directory that takes the place of one that left a moving directory has nothing of it.
func TestDirectoryReplacedWithinMovingOne(t *testing.T) {
	w := newWorld(t)
	w.store.set("d/c/old", "old")
	w.store.set("q/new", "new")
	w.ls("d")
	w.ls("q")
	var stuck atomic.Bool // listings are answered, changes are not
	stuck.Store(true)
	w.store.before = func(op, _ string) error {
		if stuck.Load() && op != "list" && op != "listed" {
			return errDown
		}
		return nil
	}
	w.rename("d", "e")
	w.rename("e/c", "z")
	w.rename("q", "e/c")
	for _, crash := range []bool{false, true} {
		if crash {
			w.crash()
		}
		w.refresh()
		if got := w.ls("e/c") + "|" + w.ls("z"); got != "new|old" {
			t.Errorf("crashed %v: ls: %s", crash, got)
		}
	}
	stuck.Store(false)
	w.drain()
	w.wantRemote(map[string]string{"e/c/new": "new", "z/old": "old"})
}

func TestTruncateAndOverwriteWhileUploading(t *testing.T) {
	w := newWorld(t)
	w.store.onPut = func(_ string, data []byte) error {
		for i := range data {
			if data[i] != data[0] {
				return fmt.Errorf("torn upload: %.40q", data)
			}
		}
		return nil
	}
	g := w.hold("half", "f")
	w.write("f", strings.Repeat("1", 1000))
	<-g.arrived
	n, _ := w.node("f")
	size := int64(10)
	_, err := w.SetAttr(context.Background(), n, nil, Change{Size: &size})
	w.must(err)
	w.write("f", strings.Repeat("2", 2000))
	g.let()
	w.drain()
	w.wantRemote(map[string]string{"f": strings.Repeat("2", 2000)})
}

// A log file that is flushed again and again while it uploads is not copied each time.
func TestAppendDoesNotCopy(t *testing.T) {
	w := newWorld(t)
	g := w.hold("half", "log")
	h := w.create("log", os.O_WRONLY|os.O_APPEND)
	want := ""
	for i := range 200 {
		line := fmt.Sprintf("line %d\n", i)
		w.writeAt(h, line, 0)
		w.must(h.Flush(context.Background()))
		want += line
		if i == 0 {
			<-g.arrived
		}
	}
	entries, _ := os.ReadDir(w.st.dir)
	if len(entries) != 1 {
		t.Errorf("%d data files, want 1", len(entries))
	}
	if s := w.Stats(); s.Queued != 1 || s.InProgress != 1 {
		t.Errorf("queued %d, in progress %d; want the last close alone to wait", s.Queued, s.InProgress)
	}
	h.Release()
	g.let()
	w.drain()
	w.wantRemote(map[string]string{"log": want})
}

func TestFlushWhileOthersWrite(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.WriteBack = time.Millisecond })
	const size = 8192
	w.write("f", strings.Repeat("0", size))
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			h := w.openFile("f", os.O_RDWR)
			for k := range 60 {
				block := strings.Repeat(string(rune('a'+(i*60+k)%26)), size/4)
				if _, err := h.WriteAt(context.Background(), []byte(block), int64(i*size/4)); err != nil {
					t.Error(err)
				}
				if err := h.Flush(context.Background()); err != nil {
					t.Error(err)
				}
			}
			h.Release()
		}()
	}
	wg.Wait()
	want := w.read("f")
	for i := range 4 {
		block := want[i*size/4 : (i+1)*size/4]
		if block != strings.Repeat(block[:1], size/4) {
			t.Errorf("block %d is torn", i)
		}
	}
	w.drain()
	w.wantRemote(map[string]string{"f": want})
}

// An editor saves by writing a new file and renaming it over the old one, again and again.
func TestAtomicSaveLoop(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.WriteBack = time.Millisecond })
	w.store.set("doc", "first")
	w.store.before = func(string, string) error { time.Sleep(200 * time.Microsecond); return nil }
	for i := range 300 {
		w.write("doc.tmp", fmt.Sprintf("version %d", i))
		w.rename("doc.tmp", "doc")
		if got := w.read("doc"); got != fmt.Sprintf("version %d", i) {
			t.Fatalf("read %q", got)
		}
	}
	w.drain()
	w.wantRemote(map[string]string{"doc": "version 299"})
}

func TestOpenUnlinkedFileStaysReadable(t *testing.T) {
	w := newWorld(t)
	w.store.set("remote", strings.Repeat("r", 3000))
	h := w.openFile("remote", os.O_RDWR)
	g := w.openFile("remote", os.O_RDONLY)
	w.unlink("remote")
	w.writeAt(h, "W", 1)
	w.must(h.Flush(context.Background())) // publishes nothing
	w.drain()                             // the delete fetches what the handles still need
	w.wantRemote(nil)
	if got, want := w.readHandle(g), "rW"+strings.Repeat("r", 2998); got != want {
		t.Errorf("read %.20q…, want %.20q…", got, want)
	}
	n := h.Node()
	if a := w.Attr(n); a.Nlink != 0 || a.Size != 3000 {
		t.Errorf("attributes %+v", a)
	}
	h.Release()
	g.Release()
	w.drain()
	w.wantRemote(nil)
}

func TestReaderKeepsReplacedFile(t *testing.T) {
	w := newWorld(t)
	w.store.set("f", "the old content")
	h := w.openFile("f", os.O_RDONLY)
	w.write("tmp", "the new one")
	w.rename("tmp", "f")
	w.drain()
	w.wantRemote(map[string]string{"f": "the new one"})
	if got := w.readHandle(h); got != "the old content" {
		t.Errorf("read %q", got)
	}
	h.Release()
}

// Kill table: overwrite while a reader holds the file, kill.
func TestOverwriteUnderReaderThenKill(t *testing.T) {
	w := newWorld(t)
	w.store.set("f", "the old content")
	w.client.setDown(true)
	w.client.setDown(false)
	h := w.openFile("f", os.O_RDONLY)
	defer h.Release()
	w.readHandle(h)
	w.client.setDown(true)
	w.write("f", "overwritten")
	w.crash() // SPEC E11
	w.drain()
	w.wantRemote(map[string]string{"f": "overwritten"})
}

func TestDirectoryRemovedAndMadeAgain(t *testing.T) {
	w := newWorld(t)
	for i := range 5 {
		w.store.set(fmt.Sprintf("d/%d", i), "x")
	}
	w.ls("d")
	w.client.setDown(true)
	for i := range 5 {
		w.unlink(fmt.Sprintf("d/%d", i))
	}
	w.rmdir("d") // the deletions are pending
	w.mkdir("d")
	w.write("d/new", "n")
	w.client.setDown(false)
	w.refresh()
	if got := w.ls("") + "|" + w.ls("d"); got != "d/|new" {
		t.Errorf("ls: %s", got)
	}
	w.drain()
	w.wantRemote(map[string]string{"d/new": "n"})
	if _, ok := w.store.get("d/"); !ok {
		t.Error("no marker")
	}
	w.unlink("d/new")
	w.rmdir("d")
	w.drain()
	w.refresh()
	if got := fmt.Sprint(w.store.keys()) + w.ls(""); got != "[]" {
		t.Errorf("left: %s", got)
	}
}

// Another host must still see a directory whose last file went.
func TestEmptiedDirectoryStays(t *testing.T) {
	w := newWorld(t)
	w.store.set("d/only", "x")
	w.store.set("e/only", "x")
	h := w.create("d/unclosed", os.O_WRONLY)
	w.unlink("d/only")
	w.rename("e/only", "moved")
	w.drain()
	w.unlink("d/unclosed")
	h.Release()
	if got := fmt.Sprint(w.store.keys()); got != "[d/ e/ moved]" {
		t.Errorf("the store has %s", got)
	}
	w.refresh()
	if got := w.ls(""); got != "d/ e/ moved" {
		t.Errorf("ls: %s", got)
	}
}

// A listing that began before an operation ended says nothing about what it changed.
func TestListingOlderThanOperation(t *testing.T) {
	w := newWorld(t)
	w.store.set("gone", "x")
	w.store.set("stays", "x")
	w.ls("")
	w.refresh()
	g := w.hold("listed", "")
	done := make(chan string)
	go func() { done <- w.ls("") }()
	<-g.arrived // the listing is made, and still on its way
	ctx := context.Background()
	w.mu.Lock()
	w.root.dir.loadedAt = time.Now() // so that the changes below need no listing
	w.mu.Unlock()
	w.must(w.Unlink(ctx, w.Root(), "gone"))
	w.write("new", "n")
	w.drain()
	g.let()
	if got := <-done; got != "new stays" {
		t.Errorf("ls: %s", got)
	}
	w.refresh()
	if got := w.ls(""); got != "new stays" {
		t.Errorf("ls: %s", got)
	}
}

func TestRemoteChangeIsSeen(t *testing.T) {
	w := newWorld(t)
	w.store.set("f", "one")
	n, err := w.node("f")
	w.must(err)
	changed := make(chan *Node, 10)
	gone := make(chan *Node, 10)
	w.OnChange(func(n *Node, entry bool) {
		if entry {
			gone <- n
		} else {
			changed <- n
		}
	})
	before := n.Generation()
	w.patch("f", "ONE", 0)
	w.drain()
	if n.Generation() != before {
		t.Error("the own write changed the generation")
	}
	w.store.set("f", "another one")
	w.Forget("")
	w.ls("")
	if got := w.read("f"); got != "another one" || n.Generation() == before {
		t.Errorf("read %q, generation %d", got, n.Generation())
	}
	if <-changed != n {
		t.Error("told about another node")
	}
	w.store.unset("f")
	w.Forget("")
	if got := w.ls(""); got != "" {
		t.Errorf("ls: %s", got)
	}
	if <-gone != n {
		t.Error("told about another node")
	}
}

func TestPatchesFetchOnlyWhatIsMissing(t *testing.T) {
	w := newWorld(t)
	old := strings.Repeat("0123456789", 1000)
	w.store.set("f", old)
	w.ls("")
	reads := w.store.reads
	h := w.openFile("f", os.O_RDWR)
	w.writeAt(h, "abc", 5000)
	w.writeAt(h, "tail", 10000)
	if w.store.reads != reads {
		t.Error("opening or writing asked the store for bytes")
	}
	w.close(h)
	w.drain()
	want := old[:5000] + "abc" + old[5003:] + "tail"
	w.wantRemote(map[string]string{"f": want})
	w.patch("f", "xyz", 1)
	w.patch("f", "uvw", 9000)
	w.drain()
	w.wantRemote(map[string]string{"f": want[:1] + "xyz" + want[4:9000] + "uvw" + want[9003:]})
}

func TestSecondOpenIsRefused(t *testing.T) {
	w := newWorld(t)
	_, err := Open(Options{Dir: w.dir, Lower: w.client, Remote: w.client})
	if err == nil || !strings.Contains(err.Error(), "mounted by another process") {
		t.Errorf("a second process got the staging folder: %v", err)
	}
}

// What the store refuses shows at once, with its reason, and goes up when it is allowed. SPEC D4, E9.
func TestRefusalShows(t *testing.T) {
	w := newWorld(t)
	var mu sync.Mutex
	refuse := true
	w.store.before = func(op, _ string) error {
		mu.Lock()
		defer mu.Unlock()
		if op == "put" && refuse {
			return errQuota
		}
		return nil
	}
	w.write("big", "data")
	eventually(t, "the refusal shows", func() bool {
		s := w.Stats()
		return s.Failed == 1 && s.Queued == 0 && len(s.Failures) == 1 && s.Failures[0] == (Failure{"big", errQuota.Error()})
	})
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if err := w.Drain(ctx); err == nil {
		t.Error("drained what was refused")
	}
	mu.Lock()
	refuse = false
	mu.Unlock()
	w.drain()
	w.wantRemote(map[string]string{"big": "data"})
}

// SPEC C5, D1, E11: with the store down a drain gives up in time, keeps the data, and the
// next mount resumes.
func TestDrainWithStoreDown(t *testing.T) {
	w := newWorld(t)
	w.ls("")
	w.client.setDown(true)
	w.write("f", "data")
	w.mkdir("d")
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	err := w.Drain(ctx)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("drain: %v", err)
	}
	s := w.Stats()
	if s.Queued != 2 || s.PendingBytes != 4 || !strings.Contains(s.Unreachable, "no answer") {
		t.Errorf("%+v", s)
	}
	w.must(w.Close())
	w.open()
	if got := w.read("f"); got != "data" {
		t.Errorf("read %q", got)
	}
	w.drain()
	w.wantRemote(map[string]string{"f": "data"})
}

func TestClosedFSRefuses(t *testing.T) {
	w := newWorld(t)
	h := w.create("f", os.O_WRONLY)
	w.must(w.Close())
	if _, err := h.WriteAt(context.Background(), []byte("x"), 0); !errors.Is(err, syscall.ESHUTDOWN) {
		t.Errorf("write after Close: %v", err)
	}
}
