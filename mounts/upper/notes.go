package upper

import (
	"bytes"
	"container/heap"
	"context"
	"errors"
	"fmt"
	"time"
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
			if n.entry != nil {
				dir.dir.fresh, dir.dir.sheet = false, present
			}
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
		if isErr(err, ErrChanged) || isErr(err, ErrNoObject) {
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
