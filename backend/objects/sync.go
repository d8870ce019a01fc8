package objects

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// Sync makes the destination hold what the source holds: each object or file whose content
// differs is transferred, and only while the destination is as it was seen. With remove, what
// the source has not is deleted in the end, provided that nothing failed.
func Sync(ctx context.Context, r Request, remove bool) (Result, error) {
	r.Recursive = true
	t := r.start()
	t.sorted = true
	if err := t.checkSides(); err != nil {
		return t.end(err)
	}
	if len(t.From) != 1 || t.From[0].Kind == Std || t.To.Kind == Std {
		return t.end(fault.New(fault.Usage, "give a folder, a bucket or a workspace on each side", "only folders can be compared"))
	}
	var extra []extraItem
	err := t.run(ctx, func(ctx context.Context) (err error) {
		extra, err = t.compare(ctx, remove)
		return err
	})
	if err == nil && remove && t.first == nil {
		err = t.removeExtra(ctx, extra)
	} else if err == nil && remove && len(extra) > 0 {
		t.Each(Change{Action: LeftOut, Why: "nothing is deleted, since something failed"})
	}
	return t.end(err)
}

// extraItem is at the destination alone.
type extraItem struct {
	path string // key, or path in the folder
	size int64
}

// side is one of the two listings that are compared, both in the order of the keys.
type side struct {
	next chan sideItem
	some bool // there was an item; known, as err is, once next is closed
	err  error
}

type sideItem struct {
	rel  string
	item *item
}

// list begins a listing.
func (t *transfer) list(ctx context.Context, src found) *side {
	s := &side{next: make(chan sideItem, 1000)}
	go func() {
		defer close(s.next)
		s.err = t.each(ctx, src, func(rel string, i *item) error {
			s.some = true
			select {
			case s.next <- sideItem{rel, i}:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	}()
	return s
}

// folderPlace is a place as the folder that Sync means.
func (t *transfer) folderPlace(p Place) (found, error) {
	src := found{Place: p, contents: true, root: p.Path}
	if p.Store == nil {
		info, err := os.Stat(p.Path)
		if err == nil && !info.IsDir() {
			err = fault.New(fault.Usage, "give a folder, or use `object put` and `object get`", "%s is a file", p.Path)
		}
		if err != nil {
			return src, localError("read", p.Path, err)
		}
		return src, nil
	}
	plain, pattern := hasGlob(p.Path)
	if pattern {
		return src, fault.New(fault.Usage, `write \* and \? for the characters themselves`, "%s is a pattern", p)
	}
	if src.root = plain; plain != "" && !strings.HasSuffix(plain, "/") {
		src.root += "/"
	}
	return src, nil
}

// compare goes through both listings side by side, sends what has to be transferred, and
// returns what only the destination has.
func (t *transfer) compare(ctx context.Context, remove bool) ([]extraItem, error) {
	src, err := t.folderPlace(t.From[0])
	if err != nil {
		return nil, err
	}
	to := found{Place: t.To, root: t.To.Path, contents: true}
	if t.To.Store == nil {
		if _, serr := os.Stat(t.To.Path); errors.Is(serr, fs.ErrNotExist) && t.DryRun {
			return nil, t.each(ctx, src, func(rel string, i *item) error { i.to = rel; return t.send(ctx, i) })
		}
		if t.folder, err = openFolder(t.To.Path); err != nil {
			return nil, err
		}
	} else if to, err = t.folderPlace(t.To); err != nil {
		return nil, err
	}
	if src.Store != nil && to.Store != nil && src.Store.place() == to.Store.place() {
		a, b := *src.Store.full(src.root), *to.Store.full(to.root)
		if strings.HasPrefix(a, b) || strings.HasPrefix(b, a) {
			return nil, fault.New(fault.Usage, "give places that are apart", "one of %s and %s is in the other", src.Place, to.Place)
		}
	}
	to.quiet = true
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	from := t.list(ctx, src)
	extra, err := t.merge(ctx, from, t.list(ctx, to), src, to, remove)
	if err == nil && !from.some { // a mistyped source would delete all of the destination
		err = t.nothing(ctx, src)
	}
	return extra, err
}

func (t *transfer) merge(ctx context.Context, from, to *side, src, dest found, remove bool) (extra []extraItem, err error) {
	a, aok := <-from.next
	b, bok := <-to.next
	for aok || bok {
		switch {
		case !aok && from.err != nil, !bok && to.err != nil:
			return nil, errors.Join(from.err, to.err)
		case aok && (!bok || a.rel < b.rel):
			err = t.sendSync(ctx, dest, a, nil)
			a, aok = <-from.next
		case bok && (!aok || b.rel < a.rel):
			if remove && !src.hasFolder(b.rel) {
				extra = append(extra, dest.extra(b))
			}
			b, bok = <-to.next
		default:
			err = t.sendSync(ctx, dest, a, b.item)
			a, aok = <-from.next
			b, bok = <-to.next
		}
		if err != nil {
			return nil, err
		}
	}
	return extra, errors.Join(from.err, to.err)
}

// hasFolder reports whether rel is the marker of a folder that f, a local one, has.
func (f found) hasFolder(rel string) bool {
	if f.Store != nil || !strings.HasSuffix(rel, "/") {
		return false
	}
	info, err := os.Stat(filepath.Join(f.root, rel))
	return err == nil && info.IsDir()
}

func (f found) extra(b sideItem) extraItem {
	if f.Store == nil {
		return extraItem{b.rel, b.item.size()}
	}
	return extraItem{b.item.object.Key, b.item.size()}
}

func (t *transfer) sendSync(ctx context.Context, dest found, a sideItem, there *item) error {
	i := a.item
	i.to, i.looked, i.guarded = a.rel, true, true
	if dest.Store != nil {
		i.to = dest.root + a.rel
		if there != nil {
			i.there = &there.object
		}
	}
	return t.send(ctx, i)
}

func (t *transfer) removeExtra(ctx context.Context, extra []extraItem) error {
	var keys []string
	for _, e := range extra {
		if err := ctx.Err(); err != nil {
			return err
		}
		if t.DryRun {
			t.deleted(t.toPlace(&item{to: e.path}), e.size)
			continue
		}
		if t.To.Store == nil {
			if err := t.folder.root.Remove(e.path); err != nil {
				t.fail(localError("remove", filepath.Join(t.folder.path, e.path), err))
				continue
			}
			t.deleted(filepath.Join(t.folder.path, e.path), e.size)
			continue
		}
		keys = append(keys, e.path)
	}
	sizes := map[string]int64{}
	for _, e := range extra {
		sizes[e.path] = e.size
	}
	return t.deleteKeys(ctx, t.To.Store, keys, func(key string) int64 { return sizes[key] })
}

// Delete deletes objects: one, or what is below a place where Recursive is set, or what matches
// a pattern.
func Delete(ctx context.Context, r Request) (Result, error) {
	t := r.start()
	return t.end(t.deleteAll(ctx))
}

func (t *transfer) deleteAll(ctx context.Context) error {
	for _, p := range t.From {
		if p.Store == nil {
			return fault.New(fault.Usage, "`rm` deletes files; "+forms, "%s is not in a store", p)
		}
		src, err := t.findDeletion(ctx, p)
		if err != nil {
			return err
		}
		var batch []string
		sizes, some := map[string]int64{}, false
		flush := func() error {
			err := t.deleteKeys(ctx, p.Store, batch, func(key string) int64 { return sizes[key] })
			batch, sizes = batch[:0], map[string]int64{}
			return err
		}
		add := func(o Object) error {
			some = true
			t.Report.Expect(1, 0, true)
			if t.DryRun {
				t.deleted(p.Store.Place(o.Key), o.Size)
				return nil
			}
			batch, sizes[o.Key] = append(batch, o.Key), o.Size
			if len(batch) == 1000 {
				return flush()
			}
			return nil
		}
		if src.single != nil {
			err = add(src.single.object)
		}
		if err == nil && src.name != "-" {
			err = t.each(ctx, found{Place: src.Place, root: src.root, match: src.match}, func(_ string, i *item) error { return add(i.object) })
		}
		if err == nil && len(batch) > 0 {
			err = flush()
		}
		if err != nil {
			return err
		}
		if !some {
			return fault.New(fault.NotFound, "`object list` shows what is there", "nothing is at %s", p)
		}
	}
	return nil
}

// findDeletion is find, but an object goes with what is below its name. name is "-" where
// nothing is below.
func (t *transfer) findDeletion(ctx context.Context, p Place) (found, error) {
	plain, pattern := hasGlob(p.Path)
	if pattern || p.Dir() {
		src, err := t.find(ctx, p)
		if err == nil && !pattern { // the marker of the folder itself
			if info, herr := p.Store.Head(ctx, plain); plain != "" && herr == nil {
				src.single = &item{store: p.Store, object: info.Object}
			}
		}
		return src, err
	}
	info, err := p.Store.Head(ctx, plain)
	switch {
	case err == nil && !t.Recursive:
		return found{Place: p, name: "-", single: &item{store: p.Store, object: info.Object}}, nil
	case err == nil:
		return found{Place: p, root: plain + "/", single: &item{store: p.Store, object: info.Object}}, nil
	case errors.Is(err, errMissing):
		return t.find(ctx, p)
	}
	return found{}, err
}

func (t *transfer) deleteKeys(ctx context.Context, s *Store, keys []string, size func(string) int64) error {
	if len(keys) == 0 {
		return nil
	}
	refused := map[string]bool{}
	err := s.Delete(ctx, keys, func(key string, err error) {
		refused[key] = true
		t.fail(err)
	})
	if err != nil {
		return err
	}
	for _, k := range keys {
		if !refused[k] {
			t.deleted(s.Place(k), size(k))
			t.Report.Finish()
		}
	}
	return nil
}
