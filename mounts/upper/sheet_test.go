package upper

import (
	"context"
	"encoding/json"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// elsewhere is another host's view of w's store.
func (w *world) elsewhere(change ...func(*Options)) *world {
	return newWorldOver(w.t, w.store, change...)
}

func (w *world) chmod(path string, mode uint32) {
	w.t.Helper()
	n, err := w.node(path)
	w.must(err)
	_, err = w.SetAttr(context.Background(), n, nil, Change{Mode: &mode})
	w.must(err)
}

func (w *world) utime(path string, at time.Time) {
	w.t.Helper()
	n, err := w.node(path)
	w.must(err)
	_, err = w.SetAttr(context.Background(), n, nil, Change{MTime: &at})
	w.must(err)
}

func (w *world) setx(path, name, value string) {
	w.t.Helper()
	n, err := w.node(path)
	w.must(err)
	w.must(w.SetXattr(n, name, []byte(value), 0))
}

func (w *world) stat(path string) Attr {
	w.t.Helper()
	n, err := w.node(path)
	w.must(err)
	return w.Attr(n)
}

func (w *world) wantMode(path string, mode uint32) {
	w.t.Helper()
	if got := w.stat(path).Mode; got != mode {
		w.t.Errorf("%s: mode %#o, want %#o", path, got, mode)
	}
}

func (w *world) wantTime(path string, at time.Time) {
	w.t.Helper()
	if got := w.stat(path).MTime; !got.Equal(at) {
		w.t.Errorf("%s: mtime %v, want %v", path, got, at)
	}
}

func (w *world) wantXattr(path, name, value string) {
	w.t.Helper()
	n, err := w.node(path)
	w.must(err)
	if got, err := w.Xattr(n, name); err != nil || string(got) != value {
		w.t.Errorf("%s: %s is %q, %v, want %q", path, name, got, err, value)
	}
}

func (w *world) sheetOf(dir string) map[string]*entry {
	w.t.Helper()
	data, ok := w.store.get(sheetKey(dir))
	if !ok {
		return nil
	}
	var s sheet
	w.must(json.Unmarshal([]byte(data), &s))
	return s.Entries
}

var longAgo = time.Date(2001, 2, 3, 4, 5, 6, 7, time.UTC)

// Attributes are seen by another host, of files, directories and what was renamed.
func TestSheetsAcrossHosts(t *testing.T) {
	for _, multipart := range []bool{false, true} {
		store := newFakeStore()
		store.multipart = multipart // copies have other ETags
		w := newWorldOver(t, store)
		w.mkdir("d")
		w.mkdir("d/sub")
		w.write("d/sub/f", "content")
		w.chmod("d/sub", 0o700)
		w.chmod("d/sub/f", 0o755)
		w.utime("d/sub/f", longAgo)
		w.setx("d/sub/f", "user.a", "b")
		w.write("g", "moved")
		w.chmod("g", 0o600)
		w.drain()
		o := w.elsewhere()
		o.wantMode("d/sub", 0o700)
		o.wantMode("d/sub/f", 0o755)
		o.wantTime("d/sub/f", longAgo)
		o.wantXattr("d/sub/f", "user.a", "b")
		o.wantMode("g", 0o600)

		before := w.stat("g").MTime
		w.rename("g", "d/h")
		w.rename("d", "e")
		w.drain()
		o = w.elsewhere()
		o.wantMode("e/sub", 0o700)
		o.wantMode("e/sub/f", 0o755)
		o.wantTime("e/sub/f", longAgo)
		o.wantXattr("e/sub/f", "user.a", "b")
		o.wantMode("e/h", 0o600)
		o.wantTime("e/h", before)
		if s := w.sheetOf(""); s["g"] != nil {
			t.Errorf("the sheet still names g: %+v", s)
		}
	}
}

// A renamed directory of objects that never had a sheet keeps their times.
func TestRenamedTreeKeepsTimes(t *testing.T) {
	w := newWorld(t)
	w.store.set("d/f", "somebody else's")
	before := w.stat("d/f").MTime
	w.rename("d", "e")
	w.drain()
	w.elsewhere().wantTime("e/f", before)
}

// What somebody else put in an object's place has attributes of its own.
func TestSheetOfAnotherObject(t *testing.T) {
	w := newWorld(t)
	w.write("f", "ours")
	w.chmod("f", 0o755)
	w.drain()
	w.store.set("f", "theirs")
	w.elsewhere().wantMode("f", 0o644)
	w.refresh()
	w.ls("")
	w.wantMode("f", 0o644)
}

// Attributes that were set survive a crash before they reach the store. SPEC C7.
func TestAttributesAfterACrash(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.WriteBack = time.Hour })
	w.store.set("old", "content")
	w.ls("")
	w.chmod("old", 0o711)
	w.write("new", "content")
	w.chmod("new", 0o755)
	w.setx("new", "user.k", "v")
	w.mkdir("d")
	w.chmod("d", 0o700)
	w.crash()
	w.wantMode("old", 0o711)
	w.wantMode("new", 0o755)
	w.wantXattr("new", "user.k", "v")
	w.wantMode("d", 0o700)
	w.drain()
	o := w.elsewhere()
	o.wantMode("old", 0o711)
	o.wantMode("new", 0o755)
	o.wantXattr("new", "user.k", "v")
	o.wantMode("d", 0o700)
}

// Two hosts that write one sheet at the same time both get through.
func TestSheetOfTwoHosts(t *testing.T) {
	w := newWorld(t)
	o := w.elsewhere()
	w.write("a", "1")
	o.write("b", "2")
	w.drain()
	o.drain()
	w.chmod("a", 0o755)
	o.chmod("b", 0o700)
	w.drain()
	o.drain()
	third := w.elsewhere()
	third.wantMode("a", 0o755)
	third.wantMode("b", 0o700)
	w.refresh()
	w.wantMode("b", 0o700)
}

// A sheet has no entry for what is gone, and goes with its directory.
func TestSheetsGo(t *testing.T) {
	w := newWorld(t)
	w.mkdir("d")
	w.write("d/f", "content")
	w.chmod("d", 0o711)
	w.drain()
	if s := w.sheetOf("d"); s["f"] == nil {
		t.Fatalf("the sheet has %v", s)
	}
	w.unlink("d/f")
	w.drain()
	if s := w.sheetOf("d"); s["f"] != nil {
		t.Errorf("the sheet has %v", s)
	}
	w.rmdir("d")
	w.drain()
	if s := w.sheetOf("d"); s != nil {
		t.Errorf("the sheet is left: %v", s)
	}
	w.mkdir("d")
	w.drain()
	w.elsewhere().wantMode("d", 0o755)
}

// The sheet's name is reserved and hidden; without attributes it is left alone.
func TestSheetIsHidden(t *testing.T) {
	w := newWorld(t)
	w.write("f", "x")
	w.drain()
	if got := w.elsewhere().ls(""); got != "f" {
		t.Errorf("ls: %q", got)
	}
	_, _, err := w.Create(context.Background(), w.Root(), SheetName, 0o644, os.O_WRONLY)
	if err != syscall.EPERM { //nolint:errorlint // what the kernel is told
		t.Errorf("create: %v, want EPERM", err)
	}
	before := w.sheetOf("")
	o := w.elsewhere(func(o *Options) { o.NoAttributes = true })
	if got := o.ls(""); got != "f" {
		t.Errorf("ls: %q", got)
	}
	o.chmod("f", 0o755)
	o.write("g", "y")
	o.drain()
	if after := w.sheetOf(""); len(after) != len(before) {
		t.Errorf("the sheet changed: %v", after)
	}
}

// Times before 1970 and with every digit come back.
func TestSheetTimes(t *testing.T) {
	for _, at := range []time.Time{longAgo, time.Unix(0, 0), time.Unix(-1, 5), time.Unix(-86400, 999999999), time.Unix(1<<33, 1)} {
		if got, ok := parseTime(formatTime(at.UnixNano())); !ok || got != at.UnixNano() {
			t.Errorf("%v became %v", at, time.Unix(0, got))
		}
	}
	for _, s := range []string{"", "x", "1.x", strings.Repeat("9", 40)} {
		if _, ok := parseTime(s); ok {
			t.Errorf("%q is a time", s)
		}
	}
}

// A listing costs one GET at most, and none where the directory has no sheet: the listing
// itself tells. The first sheet of a new directory is written without asking for one.
func TestWhatSheetsCost(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.WriteBack = time.Hour })
	w.store.set("plain/a", "somebody else's")
	w.store.set("plain/sub/b", "somebody else's")
	w.ls("")
	w.ls("plain")
	w.ls("plain/sub")
	w.refresh()
	w.ls("plain")
	if w.store.gets != 0 {
		t.Errorf("%d sheets were asked for where there is none", w.store.gets)
	}
	w.mkdir("d")
	for _, name := range []string{"a", "b", "c", "e", "f"} {
		w.write("d/"+name, name)
	}
	lists := w.store.lists
	w.drain()
	if w.store.gets != 0 || w.store.lists != lists {
		t.Errorf("%d sheets and %d listings were asked for by uploads to a new directory", w.store.gets, w.store.lists-lists)
	}
	if w.store.sheets != 1 {
		t.Errorf("%d sheets were written for one new directory", w.store.sheets)
	}
	o := w.elsewhere()
	gets := w.store.gets
	o.ls("")
	o.ls("d")
	o.wantMode("d/c", 0o644)
	if n := w.store.gets - gets; n != 1 {
		t.Errorf("%d GETs for two listings of which one has a sheet", n)
	}
}

// What would make a sheet too large to be written again and again is left out of it.
func TestSheetOfVeryManyNames(t *testing.T) {
	s := &sheet{Entries: map[string]*entry{
		"time": {ETag: "1", MTime: "1.000000000"},
		"mode": {ETag: "2", MTime: "2.000000000", Mode: "0755"},
		"d/":   {Xattrs: map[string][]byte{"user.a": []byte("b")}},
	}}
	if b, err := s.bytes(1 << 10); err != nil || len(s.Entries) != 3 || int64(len(b)) != s.size {
		t.Fatalf("%d entries, %d bytes, %v", len(s.Entries), s.size, err)
	}
	if _, err := s.bytes(50); err != nil || len(s.Entries) != 2 || s.Entries["time"] != nil {
		t.Errorf("%v, %v", s.Entries, err)
	}
}
