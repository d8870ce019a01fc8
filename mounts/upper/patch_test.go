package upper

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func small(o *Options) { o.PatchFrom, o.partLeast = 64, 16 }

// letters are n bytes that tell their place.
func letters(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteByte(byte('a' + i/16%26))
	}
	return b.String()
}

// Parts cover the object, in order; each that changed is sent; all but the last are as large
// as S3 wants, none larger, and there are not too many.
func TestPlanParts(t *testing.T) {
	const mib = 1 << 20
	rng := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		size := rng.Int64N(2<<30) + 1
		if rng.IntN(5) == 0 {
			size *= 400
		}
		base := rng.Int64N(2 * size)
		var changed extents
		for range rng.IntN(6) {
			off := rng.Int64N(size)
			changed = changed.add(off, min(size, off+rng.Int64N(30*mib)+1))
		}
		parts := planParts(size, base, changed, partLeast)
		at := int64(0)
		for i, p := range parts {
			n := p.End - p.Off
			if p.Off != at || n <= 0 || n < partLeast && i < len(parts)-1 || n > 5<<30 {
				t.Fatalf("%d bytes: part %d is %+v after %d", size, i, p, at)
			}
			if p.Copy && (p.End > base || len(changed.within(p.Off, p.End)) > 0) {
				t.Fatalf("%+v is copied; base has %d bytes, changed: %s", p, base, changed)
			}
			at = p.End
		}
		if at != size || len(parts) > partsMost {
			t.Fatalf("%d parts cover %d of %d bytes", len(parts), at, size)
		}
	}
	sent := sentBytes(planParts(256*mib, 256*mib, extents{{100 * mib, 100*mib + 4096}}, partLeast))
	if sent != partLeast {
		t.Errorf("4 KiB of 256 MiB: %d bytes are sent", sent)
	}
}

// A change of a little of a large object sends a part, and fetches no more than that.
func TestPatchOnTheServer(t *testing.T) {
	for name, change := range map[string]func(w *world, old string) (want string, sent int64){
		"in the middle": func(w *world, old string) (string, int64) {
			w.patch("f", "XYZ", 500)
			return old[:500] + "XYZ" + old[503:], 16
		},
		"at the end": func(w *world, old string) (string, int64) {
			h := w.openFile("f", os.O_WRONLY|os.O_APPEND)
			w.writeAt(h, "tail", 0)
			w.close(h)
			return old + "tail", 12
		},
		"shorter": func(w *world, old string) (string, int64) {
			n, err := w.node("f")
			w.must(err)
			size := int64(805)
			_, err = w.SetAttr(w.t.Context(), n, nil, Change{Size: &size})
			w.must(err)
			return old[:805], 0
		},
	} {
		w := newWorld(t, small)
		old := letters(1000)
		w.store.set("f", old)
		w.ls("")
		want, sent := change(w, old)
		w.drain()
		w.wantRemote(map[string]string{"f": want})
		if w.store.bytes != sent {
			t.Errorf("%s: %d bytes were sent, want %d", name, w.store.bytes, sent)
		}
		if got := w.read("f"); got != want {
			t.Errorf("%s: reads %q", name, got)
		}
		w.patch("f", "again", 20) // on top of what it is now
		w.rename("f", "g")
		want = want[:20] + "again" + want[25:]
		w.crash()
		if got := w.read("g"); got != want {
			t.Errorf("%s: reads %q after a crash", name, got)
		}
		w.drain()
		w.wantRemote(map[string]string{"g": want})
		if c := w.Stats().Conflicts; len(c) > 0 {
			t.Errorf("%s: %+v", name, c)
		}
	}
}

func TestPatchWithoutServerCopies(t *testing.T) {
	w := newWorld(t, small)
	w.store.noPatch = true
	old := letters(1000)
	w.store.set("f", old)
	w.patch("f", "XYZ", 500)
	w.drain()
	w.wantRemote(map[string]string{"f": old[:500] + "XYZ" + old[503:]})
	if w.store.bytes != 1000 {
		t.Errorf("%d bytes were sent", w.store.bytes)
	}
}

// A patch that got through although its answer was lost is not made twice, also where the
// process ended, or the file was renamed or patched again meanwhile.
func TestPatchWhoseAnswerIsLost(t *testing.T) {
	for _, then := range []string{"", "crash", "patch", "patch, crash", "rename", "rename, crash"} {
		w := newWorld(t, small)
		old := letters(1000)
		w.store.set("f", old)
		w.ls("")
		var stuck atomic.Bool
		w.store.before = func(string, string) error {
			if stuck.Load() {
				return errDown
			}
			return nil
		}
		w.store.after = func(string, string) error {
			if !stuck.Swap(true) {
				return errors.New("connection reset")
			}
			return nil
		}
		w.patch("f", "one", 500)
		eventually(t, "the answer is lost", stuck.Load)
		want, key := old[:500]+"one"+old[503:], "f"
		if strings.HasPrefix(then, "patch") {
			w.patch("f", "two", 100)
			want = want[:100] + "two" + want[103:]
		}
		if strings.HasPrefix(then, "rename") {
			w.rename("f", "g")
			key = "g"
		}
		if strings.HasSuffix(then, "crash") {
			w.crash()
		}
		w.store.after = nil
		stuck.Store(false)
		w.drain()
		w.wantRemote(map[string]string{key: want})
		if s := w.Stats(); len(s.Conflicts)+s.Quarantined > 0 {
			t.Errorf("%s: %+v", then, s)
		}
		if got := w.read(key); got != want {
			t.Errorf("%s: reads %q", then, got)
		}
	}
}

// Somebody who reads while the object is replaced by its patched self gets the bytes.
func TestReadWhilePatching(t *testing.T) {
	w := newWorld(t, small)
	old := letters(1000)
	w.store.set("f", old)
	w.ls("")
	h := w.openFile("f", os.O_RDONLY)
	defer h.Release()
	committed, answer := make(chan struct{}), make(chan struct{})
	w.store.after = func(op, _ string) error {
		if op == "put" {
			close(committed)
			<-answer
		}
		return nil
	}
	w.patch("f", "XYZ", 500)
	<-committed
	got := make(chan string, 1)
	go func() { got <- w.readHandle(h) }()
	select {
	case s := <-got:
		t.Errorf("read %q before the answer came", s)
	case <-time.After(50 * time.Millisecond): // it waits
	}
	close(answer)
	if want := old[:500] + "XYZ" + old[503:]; <-got != want {
		t.Error("read something else")
	}
	w.drain()
}

// A patch of an object that somebody else replaced is a conflict here too.
func TestConflictOfPatchOnTheServer(t *testing.T) {
	w := newWorld(t, small)
	w.store.set("f", letters(1000))
	w.ls("")
	g := w.hold("patch", "f")
	w.patch("f", "XYZ", 500)
	<-g.arrived
	w.store.set("f", letters(900))
	g.let()
	w.drain()
	if k := w.Stats().Conflicts; len(k) != 1 || k[0].Quarantined == "" {
		t.Errorf("conflicts %+v", k)
	}
	w.wantRemote(map[string]string{"f": letters(900)})
}

// What was written here is patched without being sent again, also while it still goes up.
func TestPatchOfWhatWasWrittenHere(t *testing.T) {
	w := newWorld(t, small)
	old := letters(1000)
	g := w.hold("half", "f")
	w.write("f", old)
	<-g.arrived
	w.patch("f", "XYZ", 500)
	g.let()
	w.drain()
	w.patch("f", "ABC", 100)
	w.drain()
	want := old[:500] + "XYZ" + old[503:]
	want = want[:100] + "ABC" + want[103:]
	w.wantRemote(map[string]string{"f": want})
	if w.store.bytes != 1000+16+16 {
		t.Errorf("%d bytes were sent", w.store.bytes)
	}
	w.write("f", strings.ToUpper(old)) // begins anew
	w.drain()
	w.wantRemote(map[string]string{"f": strings.ToUpper(old)})
}

// What is remembered of a file that is closed again and again is bounded, and never less than
// what changed.
func TestManyClosesOfOneFile(t *testing.T) {
	w := newWorld(t, small)
	old := letters(5000)
	w.store.set("f", old)
	w.ls("")
	g := w.hold("patch", "f")
	want := []byte(old)
	h := w.openFile("f", os.O_WRONLY)
	for i := range 300 {
		at := i * 7 % 2000
		w.writeAt(h, "#", int64(at))
		want[at] = '#'
		w.must(h.Flush(t.Context()))
	}
	h.Release()
	n, _ := w.node("f")
	w.mu.Lock()
	kept := len(n.file.closes)
	w.mu.Unlock()
	if kept > closesKept {
		t.Errorf("%d closes are remembered", kept)
	}
	g.let()
	w.drain()
	w.wantRemote(map[string]string{"f": string(want)})
	if w.store.bytes > 5000 {
		t.Errorf("%d bytes were sent", w.store.bytes)
	}
}

// A file is read while its patch has reached the store, the answer was lost, and the store
// does not say at once which object it has.
func TestReadWhileAPatchIsInDoubt(t *testing.T) {
	old := strings.Repeat("0123456789abcdef", 8)
	w := newWorld(t, func(o *Options) { o.PatchFrom, o.partLeast = 1, 16 })
	w.store.set("f", old)
	w.ls("")
	var lost atomic.Bool
	var heads atomic.Int32
	w.store.after = func(op, key string) error {
		if op == "put" && key == "f" && !lost.Swap(true) {
			return errors.New("connection reset")
		}
		return nil
	}
	w.store.before = func(op, _ string) error {
		if op == "head" && lost.Load() && heads.Add(1) <= 5 {
			return errDown
		}
		return nil
	}
	h := w.openFile("f", os.O_RDWR)
	w.writeAt(h, "XX", 0)
	w.must(h.Flush(context.Background()))
	h.Release()
	eventually(t, "the patch is in the store", lost.Load)
	if got := w.read("f"); got != "XX"+old[2:] {
		t.Errorf("read %q", got)
	}
}
