package upper

import (
	"slices"
	"strings"
	"time"
)

// sources are the paths at which dir's objects may be, those that pending moves of trees
// still have to empty first, in that order; its own path comes last.
func (f *FS) sources(dir *Node) []source {
	if dir.parent == nil {
		return []source{{}}
	}
	var out []source
	for _, s := range f.sources(dir.parent) {
		// Where its parent was before it came there is no place of its own.
		if s.op != nil && s.op.id > dir.dir.since {
			out = append(out, source{joinPath(s.path, dir.name), s.op})
		}
	}
	for _, s := range dir.dir.from {
		if !s.op.ended {
			out = append(out, s)
		}
	}
	slices.SortStableFunc(out, func(a, b source) int { return int(a.op.id) - int(b.op.id) })
	return append(out, source{path: dir.path()})
}

// leaving tells for each of from whether what the store shows there is on its way
// elsewhere: the directory was made anew in the place of one that a pending moveTree
// takes away, so that all it holds is known here. A directory on its way back to where it
// was has one place twice: what is there is what leaves first.
func (f *FS) leaving(from []source) []bool {
	skip := make([]bool, len(from))
	for i, s := range from {
		skip[i] = slices.ContainsFunc(from[:i], func(before source) bool { return before.path == s.path })
		for _, t := range f.q.trees {
			if (s.path == t.key || below(s.path, t.key)) && (s.op == nil || t.id < s.op.id) &&
				!slices.ContainsFunc(from, func(own source) bool { return own.op == t && own.path == s.path }) {
				skip[i] = true
			}
		}
	}
	return skip
}

// guarded reports whether operations on an object of a directory with these sources are
// unfinished, or ended after start, so that no listing from start decides about it. key
// is the object's within the directory; at is the place where a listing showed it, -1
// where none did. At each place only what came while the directory was there is about
// it: what came before is about another one, and hides no more than what is at that place.
func (f *FS) guarded(from []source, key string, start uint64, at int) bool {
	var came uint64
	for i, s := range from {
		for _, o := range f.q.dirs[s.path][key].since(start) {
			if (s.op == nil || o.id < s.op.id) && (o.id > came || i == at) {
				return true
			}
		}
		if s.op != nil {
			came = s.op.id
		}
	}
	return false
}

// listed is an object and the place, of several, that showed it.
type listed struct {
	Object
	at int
	// before are those of earlier places: what a moveTree that was interrupted has copied.
	before []Object // of a file
}

// about reports whether e speaks of o, or of what o is a copy of.
func (o listed) about(e *entry) bool {
	return e.about(o.Object) || slices.ContainsFunc(o.before, e.about)
}

// pick returns what counts of an object that several places showed: the last one that no
// operation is about.
func (f *FS) pick(from []source, key string, places []listed, start uint64) (o listed, ok bool) {
	for _, p := range slices.Backward(places) {
		switch {
		case f.guarded(from, key, start, p.at):
		case !ok:
			o, ok = p, true
		default:
			o.before = append(o.before, p.Object)
		}
	}
	if ok {
		from[o.at].relocate(&o.Object)
	}
	return o, ok
}

// unclear reports whether something ended, after start, that cleared a place for what a
// moveTree brings there: what was listed there may be the one or the other.
func (f *FS) unclear(from []source, found map[string][]listed, start uint64) bool {
	if len(from) == 1 {
		return false
	}
	for key, places := range found {
		for _, p := range places {
			if p.at == 0 {
				continue
			}
			for _, o := range f.q.dirs[from[p.at].path][key].since(start) {
				if o.ended && o.id < from[p.at-1].op.id {
					return true
				}
			}
		}
	}
	return false
}

// merge lays dir's pending state over a listing that began at start.
func (f *FS) merge(dir *Node, from []source, found map[string][]listed, k known, start uint64) {
	d := dir.dir
	shown := make(map[string]listed, len(found))
	hidden := map[string]bool{} // names of which the listing showed what no longer counts
	for key, places := range found {
		name := entryName(places[0].Object)
		o, ok := f.pick(from, key, places, start)
		if !ok {
			hidden[name] = true
			continue
		}
		// One name can stand for three keys: a directory hides a file, a file a symlink.
		if other, ok := shown[name]; !ok || o.Kind == Dir || o.Kind == File && other.Kind == Symlink {
			shown[name] = o
		}
	}
	for name, o := range shown {
		n := d.children[name]
		key := keyOf(name, o.Kind)
		e := k.entries[key]
		if !o.about(e) {
			e = nil
		}
		switch {
		case n == nil:
			f.adopt(dir, name, o.Object, e)
		case n.kind != Dir && n.pending() && n.kind == o.Kind:
			if n.base == nil || !sameObject(*n.base, o.Object) {
				f.keepBack(News{Key: joinPath(dir.path(), key), ETag: o.ETag})
			}
		case n.kind != o.Kind:
			if !n.pending() && !f.guarded(from, keyOf(name, n.kind), start, -1) {
				f.vanish(n)
				f.adopt(dir, name, o.Object, e)
			}
		case f.superseded(n, o):
			f.supersede(n)
			f.adopt(dir, name, o.Object, e)
		default:
			if n.kind != Dir {
				if n.base == nil || !slices.ContainsFunc(o.before, func(b Object) bool { return sameObject(*n.base, b) }) {
					f.refresh(n, o.Object)
				}
			}
			// What waits is what the node has, unless recovery made it without knowing.
			if known := n.kind != Dir || !n.dir.untold; !k.lost && (!known || !k.waiting[key] && !f.guarded(from, key, start, -1)) {
				f.describe(n, e)
			}
		}
	}
	if dir.parent == nil && !k.lost && !k.waiting[selfName] {
		f.describe(dir, k.entries[selfName])
	}
	d.adrift(k, shown)
	for name, n := range d.children {
		_, ok := shown[name]
		switch {
		case ok || hidden[name] || f.guarded(from, keyOf(name, n.kind), start, -1):
		case !n.pending():
			f.vanish(n)
		case n.kind != Dir && n.base != nil:
			f.keepBack(News{Key: n.key(), Deleted: true})
		}
	}
	d.loaded, d.loadedAt, d.listed = true, time.Now(), start
	if start < d.forgot {
		d.loadedAt = time.Time{}
	}
}

// relocate makes o, listed at s, the copy of it that a moveTree has made, where there is one:
// o may be deleted at any time.
func (s source) relocate(o *Object) {
	if s.op == nil {
		return
	}
	key := o.Key
	if o.Kind == Symlink && !strings.HasSuffix(key, SymlinkSuffix) {
		key += SymlinkSuffix
	}
	if made, ok := s.op.copied[key]; ok && made.etag == o.ETag && o.ETag != "" {
		mtime := o.ModTime
		*o = made.object
		o.ModTime = mtime
	}
}

// adrift notes which entries of the sheet are about no object that is there: only what
// stays so counts. Those of directories may be there before these are.
func (d *dirState) adrift(k known, shown map[string]listed) {
	var now map[string]orphan
	for key, e := range k.entries {
		if k.waiting[key] || e.ETag == "" {
			continue
		}
		name := nodePath(key)
		if o, ok := shown[name]; ok && keyOf(name, o.Kind) == key && o.about(e) {
			continue
		}
		if now == nil {
			now = map[string]orphan{}
		}
		before, again := d.orphans[key]
		now[key] = orphan{etag: e.ETag, again: again && before.etag == e.ETag}
	}
	d.orphans = now
}

// describe gives n the attributes that its directory's sheet has for it, nil where it says
// nothing: another host may have changed them.
func (f *FS) describe(n *Node, e *entry) {
	if f.opt.NoAttributes {
		return
	}
	if n.dir != nil {
		n.dir.untold = false
	}
	mtime := n.mtime
	if n.base != nil && !n.base.ModTime.IsZero() {
		mtime = n.base.ModTime.UnixNano()
	}
	a := e.over(n.kind, f.usual(n.kind, mtime))
	if a.equal(n.attrs) {
		return
	}
	n.attrs, n.ctime = a, time.Now().UnixNano()
	f.tell(n, false)
}

// adopt makes the node of a listed object, with what is known of its attributes.
func (f *FS) adopt(dir *Node, name string, o Object, e *entry) {
	n := f.newNode(dir, name, o.Kind)
	if o.Kind == Symlink && !strings.HasSuffix(o.Key, SymlinkSuffix) {
		o.Key += SymlinkSuffix
	}
	if o.Kind != Dir {
		n.base = &o
		n.setTimes(o.ModTime)
	}
	if e != nil {
		n.attrs = e.over(n.kind, n.attrs)
		n.setTimes(time.Unix(0, n.mtime))
	}
	dir.dir.children[name] = n
}

func (n *Node) setTimes(t time.Time) {
	if !t.IsZero() {
		n.mtime = t.UnixNano()
		n.atime, n.ctime = n.mtime, n.mtime
	}
}

// refresh compares a node with nothing pending with its listed object. Another object
// means that somebody else changed it.
func (f *FS) refresh(n *Node, o Object) {
	if o.Kind == Symlink && !strings.HasSuffix(o.Key, SymlinkSuffix) {
		o.Key += SymlinkSuffix
	}
	if b := n.base; b != nil && sameObject(*b, o) {
		if b.Key != o.Key || b.ModTime.IsZero() || b.ETag == "" {
			n.base = &o
			f.lean(n)
		}
		return
	}
	if n.file != nil && n.file.content != nil {
		f.letGo(n)
	}
	if n.file != nil {
		n.file.held = nil
	}
	n.base, n.target, n.ghost = &o, "", false
	n.attrs = f.usual(n.kind, n.mtime)
	n.setTimes(o.ModTime)
	n.shift()
	f.lean(n)
	f.tell(n, false)
}

func sameObject(a, b Object) bool {
	if a.Size != b.Size {
		return false
	}
	if a.ETag != "" && b.ETag != "" {
		return a.ETag == b.ETag
	}
	return a.ModTime.IsZero() || a.ModTime.Equal(b.ModTime)
}

// superseded reports whether o is somebody else's version of a file of which a program here
// has read the present one, or a part of it. Nothing is pending at n.
func (f *FS) superseded(n *Node, o listed) bool {
	if n.kind == Dir {
		return false
	}
	f.locate(n)
	if n.file == nil || !n.file.given || n.base == nil {
		return false
	}
	own := func(b Object) bool { return sameObject(*n.base, b) }
	return !own(o.Object) && !slices.ContainsFunc(o.before, own)
}

// supersede takes n out of the tree for another node to have its name, as a rename over it
// would: whoever reads it never gets a mixture of two versions. What is not at hand of its own
// is ESTALE.
func (f *FS) supersede(n *Node) {
	n.file.broken = n.base
	f.vanish(n)
}

// vanish takes out a node that the store no longer has.
func (f *FS) vanish(n *Node) {
	n.vanished = true
	f.tell(n, true)
	f.detach(n)
	f.settle(n)
}

// detach takes n out of its directory. It keeps its parent and name for those that hold it.
func (f *FS) detach(n *Node) {
	if n.parent.dir.children[n.name] == n {
		delete(n.parent.dir.children, n.name)
	}
	n.gone = true
	n.stir()
}

// attach puts n into dir as name.
func (f *FS) attach(n, dir *Node, name string) {
	n.parent, n.name, n.gone, n.vanished = dir, name, false, false
	dir.dir.children[name] = n
}
