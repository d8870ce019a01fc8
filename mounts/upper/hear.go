package upper

import (
	"context"
	"io"
	"slices"
	"strings"
	"sync"
	"time"
)

// News is a change of one object in the bucket, by whomever: this mount's own come back too.
type News struct {
	Key     string // below the workspace's root; that of a directory's marker ends in "/"
	ETag    string // of the object that is there now
	Deleted bool   // there is none any more
}

const (
	heardMost   = 10_000 // news kept back; more of them and every listing is made anew
	rehearAfter = 50 * time.Millisecond
	rehearEach  = 50 * time.Microsecond  // more for each of them, so that many are heard more rarely
	relistAfter = 200 * time.Millisecond // so that a tree that goes key by key is listed once
)

// Hear forgets what is not true any more after news: the listing of the directory that it is
// about, and what the kernel knows of the name. What waits to be uploaded is not touched: what
// is heard about it counts when it has been. News that the tree agrees with, and of what this
// mount has written itself, costs nothing.
func (f *FS) Hear(news []News) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, n := range news {
		f.hear(n)
	}
}

// Missed says that there may be news that was not heard: every listing is made anew at its next use.
func (f *FS) Missed() {
	f.own.listen()
	f.mu.Lock()
	defer f.mu.Unlock()
	forgetBelow(f.root, f.nextTick())
}

// keepBack has n heard when nothing is under way at its key. FS.mu is held.
func (f *FS) keepBack(n News) {
	if len(f.heard) == heardMost {
		f.heard = nil
		forgetBelow(f.root, f.nextTick())
	}
	f.heard = append(f.heard, n)
	f.hearAgain()
}

// hear keeps n back where something is under way at its key: it may be that very change, or
// one that this mount's own will meet. FS.mu is held.
func (f *FS) hear(n News) {
	if f.engaged(n.Key) {
		f.keepBack(n)
		// A rename of a directory that is under way takes along what it finds.
		for _, t := range f.q.trees {
			if below(n.Key, t.key) {
				f.keepBack(News{Key: t.dst + n.Key[len(t.key):], ETag: "?"})
			}
		}
		return
	}
	if !n.Deleted && f.own.wrote(n.Key, n.ETag) {
		return
	}
	dir, name := f.root, n.Key
	for {
		part, rest, deeper := strings.Cut(name, "/")
		if !deeper || rest == "" {
			break
		}
		next := dir.dir.children[part]
		if next == nil || next.dir == nil {
			// Below a directory that is not known here. One more object makes it appear.
			if !n.Deleted || !dir.dir.loaded {
				f.outdate(dir)
			}
			return
		}
		dir, name = next, rest
	}
	f.compare(dir, name, n)
}

// compare outdates the listing of dir, unless it agrees with n, which is about the key name in it.
func (f *FS) compare(dir *Node, name string, n News) {
	kind, shown := File, name
	switch {
	case name == "": // the marker of the root: it is not listed
		return
	case strings.HasSuffix(name, "/"):
		kind, shown = Dir, name[:len(name)-1]
	case strings.HasSuffix(name, SymlinkSuffix):
		kind, shown = Symlink, strings.TrimSuffix(name, SymlinkSuffix)
	case name == SheetName:
		if !f.opt.NoAttributes {
			f.outdate(dir)
		}
		return
	}
	child := dir.dir.children[shown]
	same := child != nil && child.kind == kind
	switch {
	case n.Deleted && dir.dir.loaded && !same:
		return
	case same && !n.Deleted && (kind == Dir || child.base != nil && child.base.ETag == n.ETag):
		return
	}
	stays := dir.holdsMore()
	f.outdate(dir)
	if child != nil && kind != Dir {
		f.tell(child, true)
	}
	if n.Deleted {
		f.emptied(dir, stays, kind == Dir)
	}
}

// outdate makes dir be listed again at the next use, whatever is being listed now.
func (f *FS) outdate(dir *Node) { dir.dir.forget(f.nextTick()) }

// emptied follows a deletion in dir: a directory without a marker is gone with the last
// object in it, and the kernel is to hear of that although nobody asks. stays says that dir
// surely has others, itself that what was deleted is the marker of a directory in dir.
func (f *FS) emptied(dir *Node, stays, itself bool) {
	for d := dir; ; d = d.parent {
		if itself {
			f.relist(d)
		}
		if stays || d.parent == nil {
			return
		}
		stays, itself = d.parent.holdsMore(), true
		f.outdate(d.parent)
	}
}

// holdsMore reports whether the directory has more than one entry by a listing that nothing
// was heard about since: one that is outdated shows what may be gone.
func (n *Node) holdsMore() bool {
	d := n.dir
	return d.loaded && d.listed >= d.forgot && len(d.children) > 1
}

// relist lists dir before anybody asks, a little later.
func (f *FS) relist(dir *Node) {
	if dir.dir.relisting || !dir.dir.loaded || f.closed {
		return
	}
	dir.dir.relisting = true
	time.AfterFunc(relistAfter, func() {
		f.mu.Lock()
		dir.dir.relisting = false
		f.mu.Unlock()
		_ = f.load(f.ctx, dir, false) // whoever needs it is told what fails
	})
}

// engaged reports whether this mount is about to change what is at key, or has it open to.
func (f *FS) engaged(key string) bool {
	if len(f.q.unfinished(key)) > 0 {
		return true
	}
	for _, t := range f.q.trees {
		if below(key, t.key) || below(key, t.dst) {
			return true
		}
	}
	n := f.find(strings.TrimSuffix(key, SymlinkSuffix))
	return n != nil && n.kind != Dir && n.pending()
}

// hearAgain hears what was kept back, a little later. FS.mu is held.
func (f *FS) hearAgain() {
	if len(f.heard) == 0 || f.rehearing || f.closed {
		return
	}
	f.rehearing = true
	time.AfterFunc(rehearAfter+time.Duration(len(f.heard))*rehearEach, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		if !f.closed {
			again := f.heard
			f.heard = nil
			for _, n := range again {
				f.hear(n)
			}
		}
		f.rehearing = false
		f.hearAgain()
	})
}

// ownWrites are what this mount has written lately, by key: it comes back as news. They are
// kept for two of ownEach at most.
type ownWrites struct {
	mu      sync.Mutex
	hearing bool // there is somebody to tell of news
	now     map[string][]string
	before  map[string][]string
	since   time.Time
}

const (
	ownFor  = time.Minute
	ownEach = 4096
)

// listen begins anew: of what was written before nothing need come back.
func (w *ownWrites) listen() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hearing, w.now, w.before = true, nil, nil
}

func (w *ownWrites) add(key, etag string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.hearing || etag == "" {
		return
	}
	if w.now == nil || len(w.now) >= ownEach || time.Since(w.since) > ownFor {
		w.before, w.now, w.since = w.now, map[string][]string{}, time.Now()
	}
	w.now[key] = append(w.now[key], etag)
}

// wrote reports whether the object etag at key is one of them, and strikes it out.
func (w *ownWrites) wrote(key, etag string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, m := range []map[string][]string{w.before, w.now} {
		for i, e := range m[key] {
			if e != etag {
				continue
			}
			if m[key] = slices.Delete(m[key], i, i+1); len(m[key]) == 0 {
				delete(m, key)
			}
			return true
		}
	}
	return false
}

// noting is a Remote that notes what it writes.
type noting struct {
	Remote
	own *ownWrites
}

// Put implements Remote.
func (r noting) Put(ctx context.Context, key string, body io.ReaderAt, size int64, meta PutMeta) (Object, error) {
	o, err := r.Remote.Put(ctx, key, body, size, meta)
	if err == nil {
		r.own.add(key, o.ETag)
	}
	return o, err
}

// Patch implements Remote.
func (r noting) Patch(ctx context.Context, key string, base Object, body io.ReaderAt, parts []Part, meta PutMeta) (Object, error) {
	o, err := r.Remote.Patch(ctx, key, base, body, parts, meta)
	if err == nil {
		r.own.add(key, o.ETag)
	}
	return o, err
}
