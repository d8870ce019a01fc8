package upper

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// stream is the news of a fake store, as a coordinator tells it.
type stream struct {
	mu      sync.Mutex
	waiting []News
}

// put and deleted are changes by others.
func (s *stream) put(w *world, key, data string) {
	w.store.set(key, data)
	s.add(News{Key: key, ETag: etagOf([]byte(data))})
}

func (s *stream) deleted(w *world, key string) {
	w.store.unset(key)
	s.add(News{Key: key, Deleted: true})
}

func (s *stream) add(n News) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting = append(s.waiting, n)
}

// tell has w hear what waits.
func (s *stream) tell(w *world) {
	s.mu.Lock()
	waiting := s.waiting
	s.waiting = nil
	s.mu.Unlock()
	w.Hear(waiting)
}

// listen notes what the mount itself changes, after each request and before its answer.
func listen(w *world) *stream {
	s := &stream{}
	w.Missed()
	w.store.after = func(op, key string) error {
		w.store.mu.Lock()
		defer w.store.mu.Unlock()
		// A copy is told of by its source: what is under all keys now says the rest.
		for k, o := range w.store.objects {
			if op != "copy" && k == key || op == "copy" && o.ETag == w.store.objects[key].ETag && k != key {
				s.add(News{Key: k, ETag: o.ETag})
			}
		}
		if _, there := w.store.objects[key]; !there {
			s.add(News{Key: key, Deleted: true})
		}
		return nil
	}
	return s
}

func (w *world) lists() int {
	w.store.mu.Lock()
	defer w.store.mu.Unlock()
	return w.store.lists
}

// settled waits until nothing that was heard is kept back.
func (w *world) settled() {
	w.t.Helper()
	eventually(w.t, "what was kept back is heard", func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		return len(w.heard) == 0 && !w.rehearing
	})
}

// SPEC D5: news of others shows at once, and has nothing listed but what it is about.
func TestNewsShows(t *testing.T) {
	w := newWorld(t)
	for _, key := range []string{"f", "d/f", "d/sub/f", "other/f", "gone/f"} {
		w.store.set(key, "one")
	}
	s := listen(w)
	look := func() string {
		var all []string
		for _, dir := range []string{"", "d", "d/sub", "other"} {
			all = append(all, w.ls(dir))
		}
		return strings.Join(all, "|")
	}
	check := func(what, want string, lists int) {
		t.Helper()
		before := w.lists()
		s.tell(w)
		w.settled()
		if got := look(); got != want {
			t.Errorf("%s: %s, want %s", what, got, want)
		}
		if n := w.lists() - before; n > lists {
			t.Errorf("%s: %d listings, want %d", what, n, lists)
		}
	}
	check("the beginning", "d/ f gone/ other/|f sub/|f|f", 4)
	s.put(w, "d/new", "two")
	check("a new file", "d/ f gone/ other/|f new sub/|f|f", 1)
	s.put(w, "d/sub/f", "two")
	check("another content", "d/ f gone/ other/|f new sub/|f|f", 1)
	if got := w.read("d/sub/f"); got != "two" {
		t.Errorf("it reads %q", got)
	}
	s.deleted(w, "d/new")
	check("a deleted file", "d/ f gone/ other/|f sub/|f|f", 1)
	s.put(w, "fresh/deep/f", "one")
	check("a new tree", "d/ f fresh/ gone/ other/|f sub/|f|f", 1)
	s.put(w, "d/empty/", "")
	check("a new directory", "d/ f fresh/ gone/ other/|empty/ f sub/|f|f", 1)
	s.deleted(w, "d/empty/")
	check("a deleted directory", "d/ f fresh/ gone/ other/|f sub/|f|f", 1)
	s.deleted(w, "gone/f")
	check("the last object of a directory that was never listed", "d/ f fresh/ other/|f sub/|f|f", 1)
	s.put(w, "d/link"+SymlinkSuffix, "target")
	check("a symlink", "d/ f fresh/ other/|f link sub/|f|f", 1)
	s.add(News{Key: "f", ETag: etagOf([]byte("one"))})
	s.add(News{Key: "d/none", Deleted: true})
	check("what is known", "d/ f fresh/ other/|f link sub/|f|f", 0)
	w.store.set("d/missed", "x")
	w.Missed()
	check("what was missed", "d/ f fresh/ other/|f link missed sub/|f|f", 4)
}

// SPEC D5: what the mount itself changes comes back as news and costs no listing: before its
// answer, and after.
func TestOwnNewsCostsNothing(t *testing.T) {
	for _, early := range []bool{false, true} {
		w := newWorld(t)
		w.store.set("d/old", "old")
		w.store.set("d/gone", "old")
		s := listen(w)
		w.ls("")
		w.ls("d")
		if early {
			noted := w.store.after
			w.store.after = func(op, key string) error {
				err := noted(op, key)
				s.tell(w)
				return err
			}
		}
		before := w.lists()
		for range 3 {
			w.write("d/new", "new")
			w.write("d/old", "other")
			w.patch("d/old", "OT", 0)
			w.write("d/tmp", "short-lived")
			w.drain()
			s.tell(w)
			w.unlink("d/tmp")
			w.drain()
			s.tell(w)
			w.settled() // that it is gone is heard before it is there again
		}
		w.unlink("d/gone")
		w.mkdir("d/sub")
		w.write("d/sub/f", "x")
		w.rename("d/new", "d/sub/new")
		w.drain()
		s.tell(w)
		w.settled()
		if got := w.ls("") + "|" + w.ls("d") + "|" + w.ls("d/sub"); got != "d/|old sub/|f new" {
			t.Errorf("early %v: %s", early, got)
		}
		if n := w.lists() - before; n != 0 {
			t.Errorf("early %v: its own changes cost %d listings", early, n)
		}
	}
}

// SPEC D5: what waits to be uploaded, or may yet be written, stays; what others did meanwhile
// counts when it is over.
func TestNewsLeavesDirtyData(t *testing.T) {
	w := newWorld(t)
	for _, key := range []string{"written", "opened", "deleted"} {
		w.store.set(key, "one")
	}
	s := listen(w)
	w.ls("")
	written, opened, deleted := w.openFile("written", os.O_RDWR), w.openFile("opened", os.O_RDWR), w.openFile("deleted", os.O_RDWR)
	w.writeAt(written, "MINE", 0)
	s.put(w, "written", "theirs")
	s.put(w, "opened", "theirs")
	s.deleted(w, "deleted")
	s.tell(w)
	w.ls("")
	if got := w.readHandle(written); got != "MINE" {
		t.Errorf("what was written reads %q", got)
	}
	w.close(opened)
	w.close(deleted)
	eventually(t, "the file that was open shows as it is", func() bool { return w.read("opened") == "theirs" })
	eventually(t, "the file that was open is gone", func() bool { return !strings.Contains(w.ls(""), "deleted") })
	w.close(written)
	w.drain()
	s.tell(w)
	w.settled()
	if got, _ := w.store.get("written"); got != "theirs" && got != "MINE" {
		t.Errorf("the store has %q", got)
	}
	now, _ := w.store.get("written")
	if got := w.read("written"); got != now {
		t.Errorf("it reads %q, the store has %q", got, now)
	}
}

// SPEC D5: a look-up that comes after the news does not take a listing that began before.
func TestNewsOvertakesAListing(t *testing.T) {
	w := newWorld(t)
	w.store.set("f", "one")
	s := listen(w)
	g := w.hold("listed", "")
	first := make(chan string, 1)
	go func() { first <- w.ls("") }()
	<-g.arrived
	s.put(w, "new", "two")
	s.tell(w)
	found := make(chan error, 1)
	go func() {
		_, err := w.Lookup(context.Background(), w.Root(), "new")
		found <- err
	}()
	select {
	case err := <-found:
		t.Fatalf("it did not wait for a listing: %v", err)
	case <-time.After(50 * time.Millisecond): // it waits by now, or comes later; both are to do
	}
	g.let()
	<-first
	if err := <-found; err != nil {
		t.Errorf("the new file: %v", err)
	}
}

// SPEC D5: what others put into a directory that is being renamed here is found in it after.
func TestNewsBelowARename(t *testing.T) {
	w := newWorld(t)
	w.store.set("from/f", "one")
	s := listen(w)
	w.ls("")
	w.ls("from")
	g := w.hold("walk", "from/")
	w.rename("from", "to")
	<-g.arrived
	s.put(w, "from/theirs", "two")
	s.tell(w)
	g.let()
	w.drain()
	s.tell(w)
	w.settled()
	if got := w.ls("") + "|" + w.ls("to"); got != "to/|f theirs" {
		t.Error(got)
	}
}

// SPEC D5: a directory goes with the last of its objects, also where its listing was made while
// they went one by one.
func TestNewsOfADirectoryThatGoes(t *testing.T) {
	w := newWorld(t)
	for _, key := range []string{"d/a", "d/b", "d/c", "f", "g"} {
		w.store.set(key, "one")
	}
	s := listen(w)
	if got := w.ls("") + "|" + w.ls("d"); got != "d/ f g|a b c" {
		t.Fatal(got)
	}
	for _, key := range []string{"d/a", "d/b", "d/c"} {
		w.ls("")
		s.deleted(w, key)
		s.tell(w)
	}
	if got := w.ls(""); got != "f g" {
		t.Errorf("%s is left", got)
	}
}

// SPEC D5: news that comes while a listing is under way counts also where that listing fails.
func TestNewsMeetsAListingThatFails(t *testing.T) {
	w := newWorld(t)
	w.store.set("f", "one")
	s := listen(w)
	w.ls("")
	w.Missed()
	arrived, fail := make(chan struct{}), make(chan struct{})
	var once sync.Once
	w.store.before = func(op, _ string) error {
		var err error
		if op == "list" {
			once.Do(func() {
				close(arrived)
				<-fail
				err = errors.New("no")
			})
		}
		return err
	}
	first := make(chan string, 1)
	go func() { first <- w.ls("") }()
	<-arrived
	s.put(w, "new", "two")
	s.tell(w)
	close(fail)
	if got := <-first; got != "f" {
		t.Errorf("while the store fails: %s", got)
	}
	if got := w.ls(""); got != "f new" {
		t.Errorf("after it: %s", got)
	}
}
