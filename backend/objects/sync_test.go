package objects_test

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/artifacts-tui/artifacts-tui/backend/objects"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// SPEC C10: a second sync transfers nothing; what differs is sent, what is gone is deleted only if that is asked for.
func TestSync(t *testing.T) {
	w := newWorld(t)
	want := map[string]string{}
	for name, size := range map[string]int{"a": 10, "a.txt": 20, "a-/b": 5, "b/c": 30, "b.d": 3, "big": 17 << 20, "ü/日本": 4} {
		content := random(byte(size), size)
		want[name] = string(content)
		w.write("src/"+name, content)
	}
	if r := w.sync("@/src", "bkt/dst", true); r.Transferred != 7 || r.Same != 0 {
		t.Errorf("first: %+v", r)
	}
	w.server.Forget()
	if r := w.sync("@/src", "bkt/dst", true); r.Transferred != 0 || r.Same != 7 || r.Deleted != 0 {
		t.Errorf("second: %+v", r)
	}
	for _, r := range w.server.Requests() {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			t.Errorf("a second sync sent %s %s", r.Method, r.Path)
		}
	}
	// Without the same time or a listing that tells: by content alone.
	now := time.Now()
	_ = os.Chtimes(filepath.Join(w.dir, "src/big"), now, now)
	w.write("src/a", []byte("0123456789")) // as long as before
	want["a"] = "0123456789"
	w.write("src/new", []byte("n"))
	want["new"] = "n"
	if err := os.Remove(filepath.Join(w.dir, "src/b.d")); err != nil {
		t.Fatal(err)
	}
	delete(want, "b.d")
	dry := w.request("@/src", "bkt/dst")
	dry.DryRun = true
	var changes []string
	dry.Each = func(c objects.Change) {
		if c.Action != objects.Same {
			changes = append(changes, string(c.Action)+" "+c.To)
		}
	}
	before := w.keys()
	if r, err := objects.Sync(t.Context(), dry, true); err != nil || r.Transferred != 2 || r.Deleted != 1 {
		t.Errorf("dry: %+v, %v", r, err)
	}
	slices.Sort(changes)
	if !slices.Equal(changes, []string{"copy bkt/dst/a", "copy bkt/dst/new", "delete bkt/dst/b.d"}) || !slices.Equal(w.keys(), before) {
		t.Errorf("a dry run says %q, and leaves %q of %q", changes, w.keys(), before)
	}
	if r := w.sync("@/src", "bkt/dst", false); r.Transferred != 2 || r.Same != 5 || r.Deleted != 0 {
		t.Errorf("after a change: %+v", r)
	}
	if r := w.sync("@/src", "bkt/dst", true); r.Transferred != 0 || r.Deleted != 1 {
		t.Errorf("with deletion: %+v", r)
	}
	w.write("down/stays not", nil)
	if r := w.sync("bkt/dst", "@/down", true); r.Transferred != 7 || r.Deleted != 1 {
		t.Errorf("down: %+v", r)
	}
	compare(t, w.files("down"), want)
	if r := w.sync("bkt/dst", "@/down", true); r.Transferred != 0 || r.Same != 7 {
		t.Errorf("down again: %+v", r)
	}
	for range 2 {
		r := w.sync("bkt/dst", "bkt/copy", true)
		if s := w.sync("bkt/dst", "bkt/copy", true); s.Transferred != 0 || s.Same != 7 {
			t.Errorf("within the store: %+v, then %+v", r, s)
		}
	}
}

// SPEC C10, C14: a source in which nothing is deletes nothing: it is mistyped. An empty bucket, or a
// folder that a marker stands for, is there.
func TestSyncFromNothing(t *testing.T) {
	w := newWorld(t)
	w.server.CreateBucket(t, "empty")
	w.put("marked/", nil)
	w.put("file", []byte("no folder"))
	for from, there := range map[string]bool{"bkt/mistyped": false, "bkt/file": false, "bkt/marked": true, "empty/": true} {
		for _, to := range []string{"@/keep", "bkt/keep"} {
			w.write("keep/precious", []byte("p"))
			w.put("keep/precious", []byte("p"))
			result, err := objects.Sync(t.Context(), w.request(from, to), true)
			if there && (err != nil || result.Deleted != 1) {
				t.Errorf("%s to %s: %+v, %v", from, to, result, err)
			}
			if !there && (!fault.Is(err, fault.NotFound) || result.Deleted != 0 || string(w.content("keep/precious")) != "p" || w.files("keep")["precious"] != "p") {
				t.Errorf("%s to %s: %+v, %v", from, to, result, err)
			}
		}
	}
}

// A sync does not overwrite what somebody has written since it looked.
func TestSyncLosesNoUpdate(t *testing.T) {
	w := newWorld(t)
	w.write("src/a", []byte("ours"))
	w.put("a", []byte("old"))
	proxy := intercept(t, w.server.Endpoint(), func(r *http.Request) {
		if r.Method == http.MethodPut {
			w.put("a", []byte("theirs"))
		}
	}, nil)
	r := w.request("@/src", "bkt/")
	r.To.Store = open(t, proxy, "bkt", w.server.AccessKey, w.server.Secret)
	result, err := objects.Sync(t.Context(), r, true)
	if !fault.Is(err, fault.Conflict) || result.Failed != 1 {
		t.Errorf("%+v, %v", result, err)
	}
	if got := w.content("a"); string(got) != "theirs" {
		t.Errorf("the object is %q", got)
	}
}

// SPEC C10: a source is deleted once its copy is proven, and not where somebody changed it.
func TestMove(t *testing.T) {
	w := newWorld(t)
	w.write("src/a", []byte("a"))
	w.write("src/d/b", random(1, 17<<20))
	move := func(from, to string) objects.Request {
		r := w.request(from, to)
		r.Move = true
		return r
	}
	if r := w.must(move("@/src/", "bkt/one/")); r.Transferred != 2 || len(w.files("src")) != 0 {
		t.Errorf("up: %+v, left %v", r, keysOf(w.files("src")))
	}
	w.must(move("bkt/one/", "bkt/two/"))
	if got := w.keys(); !slices.Equal(got, []string{"two/a", "two/d/b"}) {
		t.Errorf("%q", got)
	}
	w.must(move("bkt/two/", "@/back/"))
	if got := w.files("back"); got["a"] != "a" || got["d/b"] != string(random(1, 17<<20)) || len(w.keys()) != 0 {
		t.Errorf("down: %q, left %q", keysOf(got), w.keys())
	}
	// The same object by another name of its store is not deleted as its own source.
	w.put("k", []byte("k"))
	alias := move("bkt/k", "bkt/k")
	id, secret := w.server.AddPeer("other")
	alias.From[0].Store = open(t, strings.Replace(w.server.Endpoint(), "127.0.0.1", "localhost", 1), "bkt", id, secret)
	if r, err := objects.Copy(t.Context(), alias); !fault.Is(err, fault.Conflict) || string(w.content("k")) != "k" {
		t.Errorf("onto itself: %+v, %v", r, err)
	}
	// Changed between copy and deletion.
	w.put("c", []byte("old"))
	proxy := intercept(t, w.server.Endpoint(), func(r *http.Request) {
		if r.Method == http.MethodDelete {
			w.put("c", []byte("new"))
		}
	}, nil)
	changed := move("bkt/c", "bkt/moved")
	s := open(t, proxy, "bkt", w.server.AccessKey, w.server.Secret)
	changed.From[0].Store, changed.To.Store = s, s
	if _, err := objects.Copy(t.Context(), changed); !fault.Is(err, fault.Conflict) || string(w.content("c")) != "new" || string(w.content("moved")) != "old" {
		t.Errorf("changed meanwhile: %v, %q, %q", err, w.content("c"), w.content("moved"))
	}
}
