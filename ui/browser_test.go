package ui

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/artifacts-tui/artifacts-tui/backend"
	"github.com/artifacts-tui/artifacts-tui/backend/jobs"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/ui/page"
	"github.com/artifacts-tui/artifacts-tui/ui/session"
)

// lookAt lets what is under the cursor be read.
func (d *driver) lookAt() {
	d.t.Helper()
	d.pass(100 * time.Millisecond)
}

// browse goes into the folder of a place, such as "datasets/train".
func (d *driver) browse(path string) {
	d.t.Helper()
	d.press("3")
	place, folders, _ := strings.Cut(path, "/")
	d.enter(place)
	for _, name := range strings.SplitAfter(folders, "/") {
		if name == "" {
			continue
		}
		d.enter(name)
	}
	d.lookAt()
}

// enter opens the row called name.
func (d *driver) enter(name string) {
	d.t.Helper()
	d.cursor(name)
	d.press("enter")
}

// cursor puts the cursor on the row called name.
func (d *driver) cursor(name string) {
	d.t.Helper()
	d.press("g")
	for range 200 {
		if strings.Contains(d.screen(), "▸ "+name) || strings.Contains(d.screen(), "> "+name) || strings.Contains(d.screen(), "▸   "+name) {
			return
		}
		d.press("j")
	}
	d.t.Fatalf("there is no row %s:\n%s", name, d.screen())
}

func TestBrowse(t *testing.T) {
	d := drive(t, withObjects(), 120, 32)
	d.clear()
	d.press("3")
	d.sees("Places", "datasets", "40 %", "notes", "managed workspace")
	d.enter("datasets")
	d.sees("Places › datasets", "README.md", "train/", "9 entries")
	d.enter("train/")
	d.sees("Places › datasets › train", "shard-00000.parquet", "62 entries")
	d.press("backspace")
	d.sees("▸ train/")
	d.press("h")
	d.sees("▸ datasets")
	d.enter("notes")
	d.sees("Places › notes", "a.txt", "1 entry")
	if cmd := d.m.command(); cmd != "artifacts object get workspace:notes/a.txt ." {
		t.Errorf("the command is %s", cmd)
	}
	d.press("q") // back, then leave
	d.sees("▸ notes")
	d.press("q")
	if !d.quit {
		t.Error("q at the places does not leave")
	}
}

func TestPreviewFollowsTheCursor(t *testing.T) {
	d := drive(t, withObjects(), 140, 40)
	d.clear()
	d.browse("datasets")
	d.cursor("config.json")
	if len(d.app.ob.reads) != 0 && strings.Contains(strings.Join(d.app.ob.reads, " "), "config") {
		t.Fatalf("read before the cursor had come to rest: %q", d.app.ob.reads)
	}
	d.lookAt()
	d.sees(`"layers": 24,`, "author ada", "stage draft", "JSON")
	d.cursor("metrics.csv")
	d.lookAt()
	d.sees("step  loss  accuracy")
	// A cursor on its way reads nothing.
	before := len(d.app.ob.reads)
	d.press("g", "j", "j", "j")
	if n := len(d.app.ob.reads); n != before {
		t.Errorf("%d reads on the way: %q", n-before, d.app.ob.reads[before:])
	}
	d.cursor("weights.bin")
	d.lookAt()
	d.sees("000000  00 01 02 ff")
	if last := d.app.ob.reads[len(d.app.ob.reads)-1]; last != "datasets/weights.bin 0+24000" {
		t.Errorf("read %s", last)
	}
	d.press("enter")
	d.sees("0000a0")
	d.press("j", "j")
	d.seesNot("000008  ")
	d.press("esc")
	d.sees("▸ weights.bin")
}

// The cursor stays on its name while others come and go around it.
func TestCursorStaysOnItsName(t *testing.T) {
	d := drive(t, withObjects(), 120, 32)
	d.clear()
	d.browse("datasets")
	d.cursor("config.json")
	for _, name := range []string{"AAA", "B", "zzz"} {
		d.app.ob.objects["datasets/"+name] = "new"
		d.press("R")
		d.sees("▸ config.json", name)
	}
	d.press("s") // by size
	d.sees("▸ config.json", "↓SIZE")
	delete(d.app.ob.objects, "datasets/plot.png")
	delete(d.app.ob.objects, "datasets/zzz")
	d.press("R")
	d.sees("▸ config.json")
	d.seesNot("plot.png")
}

// Rows come page by page; what was not asked for is not read.
func TestListingIsReadAsFarAsItIsSeen(t *testing.T) {
	d := drive(t, folderOf(30_000, 1000), 80, 24)
	d.clear()
	d.browse("datasets")
	d.sees("12,000 of ? loaded, L loads all")
	if n := d.app.ob.pages; n > 13 {
		t.Errorf("%d pages were listed for 12,000 rows", n)
	}
	d.press("G")
	d.sees("24,000 of ? loaded")
	d.press("s")
	d.sees("by size of these alone")
	d.press("L")
	d.sees("30,000 entries", "by size")
	d.seesNot("of these alone")
	d.press("/")
	d.text("29999")
	d.sees("/29999", "1 of 30,000", "object-0029999")
	d.press("esc")
	d.sees("30,000 entries")
}

func TestLoadAllIsCancelled(t *testing.T) {
	f := folderOf(30_000, 1000)
	d := drive(t, f, 80, 24)
	d.clear()
	d.browse("datasets")
	d.m.session.Browser.State = session.Listing // as while pages arrive
	d.m.session.Browser.All = true
	d.press("esc")
	d.sees("12,000 of ? loaded")
	d.press("L")
	d.sees("30,000 entries")
}

func TestListingBreaksOff(t *testing.T) {
	f := folderOf(1500, 1000)
	f.ob.listErr = fault.New(fault.Unreachable, "check the network", "list datasets/: no answer")
	d := drive(t, f, 80, 24)
	d.clear()
	d.browse("datasets")
	d.sees("1,500 loaded, then it broke off")
	d.press("R") // it breaks off again, and what is known stays
	d.sees("1,500 loaded, then it broke off")
	f.ob.objects = nil
	d.press("h", "enter")
	d.sees("It could not be listed.", "no answer")
}

// SPEC E12: deleted at once on the screen, taken back within five seconds, or gone.
func TestDeleteAndUndo(t *testing.T) {
	d := drive(t, withObjects(), 120, 32)
	d.clear()
	d.browse("datasets")
	d.cursor("config.json")
	d.press("space", "space", "x") // and what follows it
	d.seesNot("config.json", "eval/")
	d.sees("deleting 2 entries in 5 s", "u undo", "README.md")
	d.pass(4 * time.Second)
	d.press("u")
	d.sees("config.json", "eval/", "taken back")
	d.pass(10 * time.Second)
	if len(d.app.ob.transfers) != 0 {
		t.Fatalf("deleted all the same: %v", d.app.ob.transfers)
	}
	d.press("u")
	d.sees("there is no deletion to take back")
	d.cursor("config.json")
	d.press("x")
	d.pass(6 * time.Second)
	d.until("the deletion", func() bool { return d.app.ob.objects["datasets/config.json"] == "" })
	d.seesNot("  config.json")
	d.finishJobs()
	d.sees("deleted", "README.md")
	d.seesNot("▸ config.json")
	if got := d.app.ob.transfers; len(got) != 1 || got[0].Kind != backend.Remove || got[0].From[0].String() != "datasets/config.json" {
		t.Errorf("transfers: %+v", got)
	}
}

// until waits for what happens beside the screen.
func (d *driver) until(what string, met func() bool) {
	d.t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		d.app.mu.Lock()
		ok := met()
		d.app.mu.Unlock()
		if ok {
			return
		}
	}
	d.t.Fatalf("waited in vain for %s", what)
}

// finishJobs waits for all jobs and tells the app how they ended.
func (d *driver) finishJobs() {
	d.t.Helper()
	var ended []jobs.Job
	for _, j := range d.app.ob.jobs.List() {
		j, err := d.app.ob.jobs.Wait(d.t.Context(), j.ID)
		if err != nil {
			d.t.Fatal(err)
		}
		ended = append(ended, j)
	}
	d.take(session.JobsChanged{Jobs: ended, At: d.now})
}

func TestActionsOfTheBrowser(t *testing.T) {
	d := drive(t, withObjects(), 120, 32)
	d.clear()
	d.browse("datasets")
	d.press("p")
	d.sees("Upload", "to datasets/")
	d.text("~/da")
	d.press("tab")
	d.sees("~/data", "~/data.csv")
	d.text(".")
	d.press("tab")
	if cmd := d.m.command(); cmd != "artifacts object put ~/data.csv datasets/" {
		t.Errorf("the command is %s", cmd)
	}
	d.press("enter")
	d.sees("upload has begun")
	d.finishJobs()
	d.cursor("README.md")
	d.press("o", "enter")
	d.press("c")
	d.text("copy/")
	d.sees("object cp datasets/README.md datasets/copy/")
	d.press("enter")
	d.press("v", "enter")
	d.sees("it is there already")
	d.press("ctrl+u")
	d.text("workspace:notes/")
	d.press("enter")
	d.finishJobs()
	var got []string
	for _, t := range d.app.ob.transfers {
		got = append(got, fmt.Sprintf("%s%v%s%v", t.Kind, t.From, t.To, t.Local))
	}
	want := []string{
		"upload[]datasets/[/home/ada/data.csv]", "download[datasets/README.md]/[/home/ada/Downloads/]",
		"copy[datasets/README.md]datasets/copy/[]", "move[datasets/README.md]workspace:notes/[]",
	}
	for _, w := range want {
		if !strings.Contains(strings.Join(got, "\n"), w) {
			t.Errorf("%s is not among\n%s", w, strings.Join(got, "\n"))
		}
	}
}

// A link goes to the clipboard and is never drawn: it opens the object for whoever has it.
func TestLinkIsNotDrawn(t *testing.T) {
	d := drive(t, withObjects(), 120, 32)
	d.clear()
	d.browse("datasets")
	d.cursor("README.md")
	d.press("P")
	d.sees("copied a link", "datasets/README.md")
	if len(d.clip) != 1 || !strings.Contains(d.clip[0], "X-Amz-Signature") {
		t.Errorf("on the clipboard: %q", d.clip)
	}
	d.press("t")
	for _, f := range d.frames {
		if strings.Contains(f, "X-Amz-Signature") || strings.Contains(f, testToken[:12]) {
			t.Fatal("the link was drawn")
		}
	}
}

func TestBucketsAndQuotas(t *testing.T) {
	d := drive(t, withObjects(), 120, 32)
	d.clear()
	d.press("3", "b")
	d.text("models")
	d.press("tab")
	d.text("2GB")
	d.sees("bucket create models --quota 2GB")
	d.press("enter")
	d.sees("created bucket models", "▸ models", "2.0 GiB")
	d.press("Q", "ctrl+u")
	d.text("3GB")
	d.press("enter")
	d.sees("the quota of bucket models is 3GB")
	d.clear()
	d.cursor("logs")
	d.press("Q")
	d.text("1MB")
	d.press("enter")
	d.sees("it holds 9.0 MiB already")
	d.press("esc")
	d.cursor("notes")
	d.press("Q")
	d.sees("a quota is set for a bucket of the mesh")
}

// A bucket goes with all in it once its name was typed.
func TestDeleteABucket(t *testing.T) {
	d := drive(t, withObjects(), 120, 32)
	d.clear()
	d.press("3")
	d.cursor("notes")
	d.press("d")
	d.sees("page 1 deletes it")
	d.clear()
	d.cursor("logs")
	d.press("d")
	d.sees("Delete bucket logs", "its 87 objects (9.0 MiB), for good", "bucket delete logs --yes --recursive")
	d.text("log")
	d.press("enter")
	d.sees("this is not its name")
	d.text("s")
	d.press("enter")
	d.sees("deleted bucket logs with 87 objects")
	d.clear()
	d.seesNot("logs")
	d.asked("DeleteBucket logs true")
}

// Where the browser was left is where the next run begins, as it was sorted and filtered.
func TestBrowserIsKept(t *testing.T) {
	d := drive(t, withObjects(), 140, 32)
	d.clear()
	d.browse("datasets/train/")
	d.press("s", "S", "/")
	d.text("5")
	d.press("enter", "w")
	d.cursor("shard-00015.parquet")
	left := d.m.keep()

	next := driveUnstarted(t, withObjects(), 140, 32)
	next.m.restore(left)
	next.sees("Places › datasets › train", "Listing…")
	next.run(next.m.session.Start())
	next.clear()
	next.sees("Places › datasets › train", "▸ shard-00015.parquet", "↑SIZE", "/5", "15 of 62 entries")
	next.press("esc", "h")
	next.sees("▸ train/")

	// A place that is gone is said to be; one that nobody could mean is passed over.
	odd := drive(t, withObjects(), 80, 24)
	odd.m.restore(kept{Page: "Browser", Pages: map[string]page.Kept{"Browser": {Folder: &page.KeptFolder{At: "/etc/passwd"}}}})
	odd.sees("Places")
	f := withObjects()
	f.ob.listErr = fault.New(fault.NotFound, "", "there is no bucket datasets")
	f.ob.objects = nil
	gone := driveUnstarted(t, f, 80, 24)
	gone.m.restore(left)
	gone.run(gone.m.session.Start())
	gone.clear()
	gone.sees("there is no bucket datasets")
}

// m on a folder makes a workspace of it and mounts that.
func TestMountAFolder(t *testing.T) {
	d := drive(t, withObjects(), 120, 32)
	d.clear()
	d.browse("datasets")
	d.cursor("train/")
	d.press("m")
	d.sees("artifacts workspace create train ~/mnt/train --backend mesh --bucket datasets --prefix train")
	d.press("ctrl+u")
	d.text("shards")
	d.press("tab", "ctrl+u")
	d.text("~/mnt/shards")
	d.press("enter")
	d.sees("mounted shards at ~/mnt/shards")
	if got := d.app.created; len(got) != 1 || got[0].Bucket != "datasets" || got[0].Prefix != "train/" {
		t.Errorf("%+v", got)
	}
}

func TestInfo(t *testing.T) {
	d := drive(t, withObjects(), 80, 24)
	d.clear()
	d.browse("datasets")
	d.cursor("README.md")
	d.press("i")
	d.lookAt()
	d.sees("text/plain", "crc32c", "yZRlqg==", "author", "stage")
	d.press("esc")
	d.cursor("train/")
	d.press("i")
	d.sees("that is a folder, not an object")
}

// sampleJobs is one of each.
func sampleJobs() []jobs.Job {
	ended := start.Add(-time.Minute)
	return []jobs.Job{
		{ID: "1", Kind: "upload", Title: "/home/ada/data to datasets/train/", State: jobs.Running, Bytes: 412 << 20, BytesTotal: 1 << 30, Objects: 41, ObjectsTotal: 120, Rate: 48 << 20, ETA: 13 * time.Second, Started: start.Add(-9 * time.Second)},
		{ID: "2", Kind: "copy", Title: "datasets/eval/ to workspace:notes/eval/", State: jobs.Queued},
		{ID: "3", Kind: "download", Title: "datasets/weights.bin to /home/ada/Downloads/", State: jobs.Failed, Bytes: 9 << 20, BytesTotal: 70 << 20, ObjectsTotal: 1, Started: ended, Ended: ended.Add(4 * time.Second), Err: fault.New(fault.Unreachable, "check the endpoint and the network", "read datasets/weights.bin: no answer from 127.0.0.1:8080")},
		{ID: "4", Kind: "delete", Title: "logs/2025/", State: jobs.Done, Objects: 1840, ObjectsTotal: 1840, Started: ended, Ended: ended.Add(2 * time.Second)},
		{ID: "5", Kind: "move", Title: "scratch/a.bin to scratch/b.bin", State: jobs.Cancelled, Started: ended, Ended: ended.Add(time.Second)},
	}
}

func TestJobsPage(t *testing.T) {
	d := drive(t, withObjects(), 120, 32)
	d.clear()
	d.press("5")
	d.sees("Nothing runs.")
	d.take(session.JobsChanged{Jobs: sampleJobs(), At: start})
	d.clear()
	d.sees("◐ running", "48.0 MiB/s", "13 s", "40 %", "5 Jobs ◐2", "412 MiB of 1.0 GiB")
	d.press("r")
	d.sees("only what failed or was cancelled")
	d.press("q") // asks: two have not ended
	d.sees("Leave?", "upload ~/data to datasets/train/")
	d.press("esc")
	d.seesNot("Leave?")
}

// A job of the app is started, cancelled and retried by keys; what has ended stays until it is
// cleared.
func TestJobByKeys(t *testing.T) {
	f := withObjects()
	f.drainPause = time.Hour // it runs until it is cancelled
	d := drive(t, f, 120, 32)
	d.clear()
	d.browse("datasets")
	d.press("o", "enter", "5")
	d.until("the job", func() bool { return len(f.ob.transfers) == 1 })
	d.take(session.JobsChanged{Jobs: f.ob.jobs.List(), At: d.now})
	d.sees("◐ running", "download")
	d.press("x")
	d.finishJobs()
	d.sees("○ cancelled", "1 job")
	d.press("r")
	d.until("the second life", func() bool { return len(f.ob.transfers) == 2 })
	d.press("x")
	d.finishJobs()
	d.press("d")
	d.sees("Nothing runs.")
}

// browseAgain leaves a deletion that can be taken back, and the places on the screen.
func (d *driver) browseAgain() {
	d.t.Helper()
	d.enter("datasets")
	d.cursor("config.json")
	d.press("x", "h")
}

// SPEC D7: enter on a workspace browses it, and says of what was written to its mount that it is to come.
func TestBrowseWorkspace(t *testing.T) {
	d := drive(t, aFew(), 80, 24)
	d.clear()
	d.to("mnt/train")
	d.press("enter")
	d.sees("Places › train-data", "Nothing is in here yet.", "3 files to come")
	d.press("q")
	d.sees("▸ train-data", "FULL")
}
