package upper

import (
	"context"
	"errors"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

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
