package upper

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
)

func (w *world) mkdirMode(path string, mode uint32) {
	w.t.Helper()
	dir, name := w.in(path)
	_, err := w.Mkdir(context.Background(), dir, name, mode)
	w.must(err)
}

// A directory that is made again while its former self is on its way out: the removal
// does not take the new one's sheet.
func TestSheetWaitsForTheRemovalBefore(t *testing.T) {
	w := newWorld(t)
	w.mkdir("d")
	w.write("d/f", "content")
	w.drain()
	removing, release := make(chan struct{}), make(chan struct{})
	w.unlink("d/f")
	w.drain()
	first := true
	w.store.before = func(op, key string) error {
		if op == "sheet" && key == sheetKey("d") && first {
			first = false
			close(removing)
			<-release
		}
		return nil
	}
	w.rmdir("d")
	<-removing
	w.mkdir("d")
	w.write("d/g", "content")
	w.chmod("d/g", 0o700)
	eventually(t, "d/g is in the store", func() bool { _, ok := w.store.get("d/g"); return ok })
	eventually(t, "its upload is over", func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.q.last("d/g") == nil
	})
	w.mu.Lock()
	if o := w.q.last(sheetKey("d")); o == nil || o.waits == 0 {
		t.Error("the sheet does not wait for the removal of the one before")
	}
	w.mu.Unlock()
	close(release)
	w.drain()
	w.elsewhere().wantMode("d/g", 0o700)
}

// What the sheet of a removed directory said holds for nothing in the one made after it.
func TestRemovedDirectoryTakesItsSheetAlong(t *testing.T) {
	w := newWorld(t)
	w.mkdir("d")
	w.mkdirMode("d/sub", 0o700)
	w.drain()
	w.client.setDown(true)
	w.rmdir("d/sub")
	w.rmdir("d")
	w.mkdir("d")
	w.mkdir("d/sub")
	w.wantMode("d/sub", 0o755)
	w.client.setDown(false)
	w.drain()
	w.elsewhere().wantMode("d/sub", 0o755)
	w.refresh()
	w.wantMode("d/sub", 0o755)
}

// The removal of a directory made where one was renamed from takes nothing that is on its
// way to the new name.
func TestRmdirKeepsWhatARenameCarries(t *testing.T) {
	w := newWorld(t)
	w.ls("")
	w.client.setDown(true)
	w.mkdir("a")
	w.mkdirMode("a/sub", 0o700)
	w.rename("a", "b")
	w.mkdir("a")
	w.rmdir("a")
	w.client.setDown(false)
	w.drain()
	w.elsewhere().wantMode("b/sub", 0o700)
}

// A note that waits while a move gives its object another ETag is about that object
// after a crash too. SPEC C7.
func TestNotesFollowCopiesThroughACrash(t *testing.T) {
	store := newFakeStore()
	store.multipart = true // copies have other ETags
	w := newWorldOver(t, store)
	w.mkdir("d")
	w.write("d/f", "content")
	w.drain()
	w.client.setDown(true)
	w.rename("d", "e")
	w.chmod("e/f", 0o700)
	var refuses atomic.Bool
	refuses.Store(true)
	store.before = func(op, key string) error {
		if !refuses.Load() {
			return nil
		}
		if _, there := store.get("d/f"); op == "sheet" && key == sheetKey("e") && !there {
			return errDown
		}
		return nil
	}
	w.client.setDown(false)
	w.Wake()
	eventually(t, "the directory is moved", func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		return len(w.q.trees) == 0
	})
	w.crash()
	refuses.Store(false)
	w.drain()
	w.elsewhere().wantMode("e/f", 0o700)
}

// A directory that two pending renames bring back to where it was has what was noted about
// it last, also after a crash. SPEC C7.
func TestDirectoryOnItsWayBack(t *testing.T) {
	w := newWorld(t)
	w.mkdir("d")
	w.mkdir("d/c")
	w.mkdir("e")
	w.mkdirMode("d/c/sub", 0o700)
	w.write("d/c/sub/f", "content")
	w.drain()
	w.client.setDown(true)
	w.setx("d/c/sub", "user.a", "b")
	w.rename("d/c", "e/c")
	w.rename("e", "d")
	w.write("d/c/sub/g", "content") // so that recovery knows the directory
	w.store.before = func(op, _ string) error {
		if op == "walk" || op == "sheet" {
			return errDown
		}
		return nil
	}
	w.crash()
	w.wantMode("d/c/sub", 0o700)
	w.wantXattr("d/c/sub", "user.a", "b")
}

// A file of a directory on its way back keeps its attributes while the first of two moves
// has copied it and is not done: the copy has another ETag.
func TestFileOnItsWayBack(t *testing.T) {
	store := newFakeStore()
	store.multipart = true // copies have other ETags
	w := newWorldOver(t, store)
	w.mkdir("d")
	w.mkdir("d/c")
	w.mkdir("e")
	w.write("d/c/f", "content")
	w.chmod("d/c/f", 0o700)
	w.drain()
	w.client.setDown(true)
	w.rename("d/c", "e/c")
	w.rename("e", "d")
	copying := make(chan struct{})
	var once sync.Once
	store.before = func(op, key string) error {
		switch {
		case op == "sheet":
			return errDown // so that no move gets further than its copies
		case op == "copy":
			<-copying
		case op == "listed" && key == "e/c": // where the first move copies to
			once.Do(func() {
				close(copying)
				eventually(t, "the file is copied", func() bool {
					w.mu.Lock()
					defer w.mu.Unlock()
					return len(w.q.trees) == 2 && w.q.trees[0].copied["d/c/f"].etag != ""
				})
			})
		}
		return nil
	}
	w.client.setDown(false)
	w.Wake()
	w.refresh()
	w.ls("d/c")
	w.wantMode("d/c/f", 0o700)
}
