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
	sheetTries      = 8 // conditional writes that others were faster than
)

// noted is one entry on its way to a sheet: nil takes the one that is there out.
type noted struct {
	key   string // of the sheet
	name  string // key within the directory
	entry *entry
	node  *Node
}

// note plans what the sheet of n's directory is to say about n as it is now; n was
// closed, or made, as the object etag.
func (f *FS) note(n *Node, etag string, a attrs) []noted {
	if n.kind != Dir && etag == "" {
		return nil
	}
	return f.noteUnder(n, n.parent, n.name, f.entryFor(n.kind, etag, a, n.dir != nil && n.dir.timed))
}

// noteUnder is note for the place where n is about to be. An entry that says nothing
// takes out the one that is there.
func (f *FS) noteUnder(n, parent *Node, name string, e *entry) []noted {
	if f.opt.NoAttributes {
		return nil
	}
	dir, key := "", selfName
	if parent != nil {
		if parent.detached() {
			return nil
		}
		dir, key = parent.path(), keyOf(name, n.kind)
		_, stale := parent.dir.orphans[key]
		if e == nil && !n.noted && !stale {
			return nil
		}
	}
	return []noted{{sheetKey(dir), key, e, n}}
}

// unnote plans that the sheet of n's directory says nothing about n any more.
func (f *FS) unnote(n *Node) []noted {
	if !n.noted {
		return nil
	}
	return f.noteUnder(n, n.parent, n.name, nil)
}

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
		if o == nil {
			if o = f.q.pendingSheet(n.key); o != nil {
				r.Notes = append(r.Notes, noteRecord{Op: o.id, Name: n.name, Entry: n.entry})
				continue
			}
			o = &op{id: next + uint64(len(fresh)), seq: seq, kind: opSheet, key: n.key}
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
		if n.node != nil {
			n.node.noted = n.entry != nil
		}
		if dir := f.find(sheetDir(n.key)); dir != nil && dir.dir != nil {
			dir.dir.fresh, dir.dir.sheet = false, present
		}
		o := f.q.pendingSheet(n.key)
		o.note(n.name, n.entry)
		o.due = now.Add(sheetDelays * f.opt.WriteBack)
		if last := o.born.Add(sheetDelaysMost * f.opt.WriteBack); last.Before(o.due) {
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

// renote follows a copy on the server: what is noted about the object from is about to.
// FS.mu is held.
func (f *FS) renote(n *Node, from, to string) {
	if from == to || n.parent == nil {
		return
	}
	name := keyOf(n.name, n.kind)
	if o := f.q.pendingSheet(sheetKey(n.parent.path())); o != nil && o.notes[name] != nil && o.notes[name].ETag == from {
		e := *o.notes[name]
		e.ETag = to
		o.notes[name] = &e
	}
}

// executeSheet writes what was noted about a directory's names into its sheet. Other
// hosts do that too: the write is conditional, and starts over where one was faster.
func (f *FS) executeSheet(o *op) error {
	for range sheetTries {
		s, etag, err := f.readSheet(f.ctx, o.key)
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
		return f.done(o, nil, func() {})
	}
	return fmt.Errorf("attributes of %s: %w", o.shownPath(), ErrChanged)
}

// putSheet writes s in place of the sheet that has etag; of none for "".
func (f *FS) putSheet(key string, s *sheet, etag string) error {
	b, err := s.bytes()
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
			if e := s.Entries[name]; x.again && e != nil && e.ETag == x.etag && o.notes[name] == nil {
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

// listWithSheet lists the directory path and reads its sheet beside that, where one is
// expected; one that the listing shows is read in any case.
func (f *FS) listWithSheet(ctx context.Context, path string, expected bool) ([]Object, *sheet, presence, error) {
	type answer struct {
		s   *sheet
		err error
	}
	read := func() answer {
		s, _, err := f.readSheet(ctx, sheetKey(path))
		if err != nil && !fault.Is(err, fault.Unreachable) {
			f.log.Warn("attributes cannot be read; those of fresh files are shown", "dir", path, "err", err)
			s, err = nil, nil
		}
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
	objects, err := f.opt.Lower.List(ctx, path)
	if err != nil {
		return nil, nil, unknown, err
	}
	has := absent
	for i, o := range objects {
		if o.Kind == File && entryName(o) == SheetName {
			objects = append(objects[:i:i], objects[i+1:]...)
			has = present
			break
		}
	}
	var a answer
	switch {
	case ahead != nil:
		a = <-ahead
	case has == present && !f.opt.NoAttributes:
		a = read()
	}
	return objects, a.s, has, a.err
}

// known is what sheets and what waits to be written into them say about a directory.
type known struct {
	entries map[string]*entry
	waiting map[string]bool // names with a note that no sheet has yet
	trusted bool            // nothing was written while the sheets were read
}

// known overlays what was read from the sheets of dir's places with what is noted since.
// FS.mu is held.
func (f *FS) known(from []source, sheets []*sheet, start uint64) known {
	k := known{entries: map[string]*entry{}, waiting: map[string]bool{}, trusted: !f.wroteSheet(from, start)}
	for i, s := range from {
		if sheets[i] != nil {
			for name, e := range sheets[i].Entries {
				k.entries[name] = e
			}
		}
		ks := f.q.at(sheetKey(s.path))
		if ks == nil {
			continue
		}
		for _, o := range ks.ops {
			for name, e := range o.notes {
				k.waiting[name] = true
				if e == nil {
					delete(k.entries, name)
				} else {
					k.entries[name] = e
				}
			}
		}
	}
	return k
}

// wroteSheet reports whether a write of a sheet of these places ended after start, or runs.
func (f *FS) wroteSheet(from []source, start uint64) bool {
	for _, s := range from {
		ks := f.q.at(sheetKey(s.path))
		if ks != nil && (ks.tick >= start || len(ks.ops) > 0 && ks.ops[0].running) {
			return true
		}
	}
	return false
}
