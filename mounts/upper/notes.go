package upper

import (
	"bytes"
	"container/heap"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

const (
	// A sheet is written when nothing was noted for so many times the write-back delay,
	// or was kept back for so many: a thousand files in one directory are one sheet.
	sheetDelays     = 3
	sheetDelaysMost = 30
	// One that is large is written more rarely: so many bytes cost a second more, up to a minute.
	sheetBytesASecond = 256 << 10
	sheetSlowest      = time.Minute
	sheetTries        = 8 // conditional writes that others were faster than
)

// noted is one entry on its way to a sheet: nil takes the one that is there out.
type noted struct {
	key   string // of the sheet
	name  string // key within the directory
	entry *entry
	op    *op // the write that it is for, where that is not for the queue to say
}

// note plans what the sheet of n's directory is to say about n as it is now; n was
// closed, or made, as the object etag.
func (f *FS) note(n *Node, etag string, a attrs) []noted {
	if n.kind != Dir && etag == "" {
		return nil
	}
	return f.noteUnder(n.kind, n.parent, n.name, f.entryFor(n.kind, etag, a))
}

// noteUnder is note for a name that something is about to have. An entry that says nothing
// takes out the one that may be there.
func (f *FS) noteUnder(kind Kind, parent *Node, name string, e *entry) []noted {
	switch {
	case f.opt.NoAttributes:
		return nil
	case parent == nil:
		return []noted{{key: SheetName, name: selfName, entry: e}}
	case parent.detached(), e == nil && parent.dir.sheet == absent:
		return nil
	}
	return []noted{{key: sheetKey(parent.path()), name: keyOf(name, kind), entry: e}}
}

// unnote plans that the sheet of n's directory says nothing about n any more.
func (f *FS) unnote(n *Node) []noted { return f.noteUnder(n.kind, n.parent, n.name, nil) }

// pendingSheet is the unfinished write of the sheet at key that can still take notes.
func (q *queue) pendingSheet(key string) *op {
	if o := q.last(key); o != nil && o.kind == opSheet && q.loose(o) {
		return o
	}
	return nil
}

func (o *op) note(name string, e *entry) {
	if o.notes == nil {
		o.notes = map[string]*entry{}
	}
	o.notes[name] = e
}

// writeNotes adds notes to r, which queues writes of the sheets that none is queued for:
// those get the ids from next on. FS.mu is held, and the journal is to follow.
func (f *FS) writeNotes(r *record, next uint64, notes []noted) []*op {
	var fresh []*op
	seq := f.j.seq.Load() + 1
	byKey := map[string]*op{}
	for _, n := range notes {
		o := byKey[n.key]
		if n.op != nil {
			r.Notes = append(r.Notes, noteRecord{Op: n.op.id, Name: n.name, Entry: n.entry})
			continue
		}
		if o == nil {
			if o = f.q.pendingSheet(n.key); o != nil {
				r.Notes = append(r.Notes, noteRecord{Op: o.id, Name: n.name, Entry: n.entry})
				continue
			}
			o = &op{id: next + uint64(len(fresh)), seq: seq, kind: opSheet, key: n.key}
			if dir := f.find(sheetDir(n.key)); dir != nil && dir.dir != nil {
				o.fresh = dir.dir.fresh
			}
			fresh = append(fresh, o)
			byKey[n.key] = o
		}
		o.note(n.name, n.entry)
	}
	for _, o := range fresh {
		r.Add = append(r.Add, o.record())
	}
	return fresh
}

// applyNotes is writeNotes after the journal has it.
func (f *FS) applyNotes(notes []noted, fresh []*op) {
	now := time.Now()
	for _, o := range fresh {
		o.born = now
		f.q.add(o)
	}
	f.q.nextID += uint64(len(fresh))
	for _, n := range notes {
		if n.op != nil {
			n.op.note(n.name, n.entry)
			continue
		}
		var more time.Duration
		if dir := f.find(sheetDir(n.key)); dir != nil && dir.dir != nil {
			dir.dir.fresh, dir.dir.sheet = false, present
			more = min(time.Duration(dir.dir.sheetSize)*time.Second/sheetBytesASecond, sheetSlowest)
		}
		o := f.q.pendingSheet(n.key)
		o.note(n.name, n.entry)
		o.due = now.Add(sheetDelays*f.opt.WriteBack + more)
		if last := o.born.Add(sheetDelaysMost*f.opt.WriteBack + more); last.Before(o.due) {
			o.due = last
		}
		f.q.retime(o)
	}
}

// retime puts o where it belongs among those that wait for time alone.
func (q *queue) retime(o *op) {
	if o.slot < 0 {
		return
	}
	q.ready[o.slot].at = q.when(o)
	heap.Fix(&q.ready, o.slot)
	q.wake()
}

// renotes are the notes, of those that wait for the moveTree o, that are about an object
// whose copy has another ETag. FS.mu is held.
func (f *FS) renotes(o *op, made treeCopy) (notes []noted) {
	if made.etag == made.object.ETag || made.etag == "" {
		return nil
	}
	// A note is kept by the name that its object has after the moves before it.
	for t, key := o, made.object.Key; t != nil; {
		next := f.q.taker(key, t.id)
		dir, name := splitPath(key)
		for _, s := range f.q.unfinished(sheetKey(dir)) {
			if e := s.notes[name]; e != nil && e.ETag == made.etag && s.id > t.id && (next == nil || s.id < next.id) {
				e := *e
				e.ETag = made.object.ETag
				notes = append(notes, noted{key: s.key, name: name, entry: &e, op: s})
			}
		}
		if next != nil {
			key = next.dst + key[len(next.key):]
		}
		t = next
	}
	return notes
}

// taker is the first moveTree after the operation id that takes key elsewhere, or nil.
func (q *queue) taker(key string, id uint64) *op {
	for _, t := range q.trees {
		if t.id > id && below(key, t.key) {
			return t
		}
	}
	return nil
}

// executeSheet writes what was noted about a directory's names into its sheet. Other
// hosts do that too: the write is conditional, and starts over where one was faster.
func (f *FS) executeSheet(o *op) error {
	f.mu.Lock()
	blank := o.fresh // nobody else knows the directory
	f.mu.Unlock()
	for range sheetTries {
		var s *sheet
		var etag string
		var err error
		if !blank {
			s, etag, err = f.readSheet(f.ctx, o.key)
		}
		blank = false
		var damaged *damagedSheet
		if errors.As(err, &damaged) {
			f.log.Warn("a damaged sheet of attributes is replaced", "key", o.key, "err", err)
			s, err = nil, nil
		}
		if err != nil {
			return err
		}
		if s == nil {
			s = &sheet{Entries: map[string]*entry{}}
		}
		f.mu.Lock()
		if o.abandoned {
			f.mu.Unlock()
			return errAbandoned
		}
		changed := f.patchSheet(s, o)
		f.mu.Unlock()
		if !changed {
			return f.done(o, nil, func() {})
		}
		err = f.putSheet(o.key, s, etag)
		if isErr(err, ErrChanged) {
			continue
		}
		if err != nil {
			return err
		}
		return f.done(o, nil, func() {
			if dir := f.find(sheetDir(o.key)); dir != nil && dir.dir != nil {
				dir.dir.sheetSize = s.size
			}
		})
	}
	return fmt.Errorf("attributes of %s: %w", o.shownPath(), ErrChanged)
}

// putSheet writes s in place of the sheet that has etag; of none for "".
func (f *FS) putSheet(key string, s *sheet, etag string) error {
	b, err := s.bytes(sheetFull)
	if err != nil {
		return err
	}
	meta := PutMeta{ContentType: "application/json", IfMatch: etag, IfNoneMatch: etag == ""}
	_, err = f.opt.Remote.Put(context.Background(), key, bytes.NewReader(b), int64(len(b)), meta)
	return err
}

// patchSheet reports whether o's notes change s. What two listings in a row found to be
// about nothing goes too. FS.mu is held.
func (f *FS) patchSheet(s *sheet, o *op) (changed bool) {
	for name, e := range o.notes {
		old := s.Entries[name]
		switch {
		case e == nil && old == nil, e != nil && e.same(old):
			continue
		case e == nil:
			delete(s.Entries, name)
		default:
			s.Entries[name] = e
		}
		changed = true
	}
	if dir := f.find(sheetDir(o.key)); changed && dir != nil && dir.dir != nil {
		for name, x := range dir.dir.orphans {
			_, known := dir.dir.children[nodePath(name)]
			if e := s.Entries[name]; x.again && e != nil && e.ETag == x.etag && o.notes[name] == nil && !known {
				delete(s.Entries, name)
			}
		}
	}
	return changed
}

func (e *entry) same(other *entry) bool {
	return other != nil && e.ETag == other.ETag && e.Mode == other.Mode && e.MTime == other.MTime &&
		samePtr(e.UID, other.UID) && samePtr(e.GID, other.GID) && attrs{xattrs: e.Xattrs}.equal(attrs{xattrs: other.Xattrs})
}

func samePtr(a, b *uint32) bool { return a == b || a != nil && b != nil && *a == *b }

// damagedSheet is an object at a sheet's key that is none.
type damagedSheet struct{ err error }

func (d *damagedSheet) Error() string { return d.err.Error() }

// readSheet returns the sheet at key and its ETag; nil where there is none.
func (f *FS) readSheet(ctx context.Context, key string) (*sheet, string, error) {
	b, etag, err := f.opt.Remote.Get(ctx, key, sheetMost)
	if isErr(err, ErrNoObject) {
		return nil, "", nil
	}
	if err != nil {
		return nil, "", err
	}
	s, err := parseSheet(b)
	var newer *fault.Error
	if err != nil && !errors.As(err, &newer) {
		err = &damagedSheet{err}
	}
	return s, etag, err
}

// listing is what the store shows of one place of a directory.
type listing struct {
	objects []Object
	sheet   *sheet // nil: there is none, or it cannot be read
	has     presence
	lost    bool // there is one, and it cannot be read
}

// listWithSheet lists the directory path, and reads its sheet beside that where one was
// seen before; one that the listing shows is read in any case.
func (f *FS) listWithSheet(ctx context.Context, path string, expected bool) (l listing, err error) {
	type answer struct {
		s   *sheet
		err error
	}
	read := func() answer {
		s, _, err := f.readSheet(ctx, sheetKey(path))
		return answer{s, err}
	}
	var ahead chan answer
	if expected && !f.opt.NoAttributes {
		ahead = make(chan answer, 1)
		f.wg.Add(1)
		go func() {
			defer f.wg.Done()
			ahead <- read()
		}()
	}
	if l.objects, err = f.opt.Lower.List(ctx, path); err != nil {
		return l, err
	}
	l.has = absent
	for i, o := range l.objects {
		if o.Kind == File && entryName(o) == SheetName {
			l.objects = append(l.objects[:i:i], l.objects[i+1:]...)
			l.has = present
			break
		}
	}
	var a answer
	switch {
	case ahead != nil:
		a = <-ahead
	case l.has == present && !f.opt.NoAttributes:
		a = read()
	}
	if a.err != nil && !fault.Is(a.err, fault.Unreachable) {
		f.log.Warn("attributes cannot be read; those of fresh files are shown", "dir", path, "err", a.err)
		a.err, l.lost = nil, true
	}
	l.sheet = a.s
	return l, a.err
}

// known is what sheets and what waits to be written into them say about a directory.
type known struct {
	entries map[string]*entry
	waiting map[string]bool // names with a note that the sheets may not have
	lost    bool            // a sheet could not be read
}

// known overlays what was read from the sheets of dir's places, when they were listed from
// start on, with what was noted since. FS.mu is held.
func (f *FS) known(from []source, places []listing, start uint64) known {
	k := known{entries: map[string]*entry{}, waiting: map[string]bool{}}
	var came uint64
	for i, s := range from {
		removed := f.removal(s, start)
		if l := places[i]; removed == nil && l.sheet != nil {
			for name, e := range l.sheet.Entries {
				k.entries[name] = follow(from, name, e)
			}
		}
		k.lost = k.lost || places[i].lost
		for _, o := range f.noting(s.path, start) {
			if removed != nil && o.id < removed.id || o.id < came || f.q.taker(o.key, o.id) != s.op {
				continue
			}
			for name, e := range o.notes {
				k.waiting[name] = true
				if e == nil {
					delete(k.entries, name)
				} else {
					k.entries[name] = follow(from, name, e)
				}
			}
		}
		if s.op != nil {
			came = s.op.id
		}
	}
	return k
}

// removal is the newest removal of a directory at s, before what s is about leaves there,
// that is unfinished or ended after start: what a listing shows of its sheet is about the
// former one.
func (f *FS) removal(s source, start uint64) (last *op) {
	if s.path == "" {
		return nil
	}
	for _, o := range f.q.at(s.path + "/").since(start) {
		if o.kind == opDeleteMarker && (!o.ended || o.done) && (s.op == nil || o.id < s.op.id) {
			last = o
		}
	}
	return last
}

// noting are the writes of the sheet of path that a listing from start may not show, in order.
func (f *FS) noting(path string, start uint64) (ops []*op) {
	for _, o := range f.q.at(sheetKey(path)).since(start) {
		if o.kind == opSheet && !o.abandoned && (!o.ended || o.done) {
			ops = append(ops, o)
		}
	}
	return ops
}

// follow is e, about what is name at one of these places, as it holds for the copy of a
// moveTree under way where there is one.
func follow(from []source, name string, e *entry) *entry {
	for _, s := range from {
		if s.op == nil || e.ETag == "" {
			continue
		}
		if made, ok := s.op.copied[joinPath(s.path, name)]; ok && made.etag == e.ETag {
			moved := *e
			moved.ETag = made.object.ETag
			e = &moved
		}
	}
	return e
}
