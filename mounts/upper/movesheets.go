package upper

import (
	"context"
	"strings"
)

// splitSheets parts the sheets of a tree from what they are about, unless they are not
// to be looked into.
func (f *FS) splitSheets(all []Object) (objects, sheets []Object) {
	if f.opt.NoAttributes {
		return all, nil
	}
	for _, o := range all {
		if _, name := splitKey(o.Key); name == SheetName {
			sheets = append(sheets, o)
		} else {
			objects = append(objects, o)
		}
	}
	return objects, sheets
}

// moveSheets writes the sheets of the directories that o moves, for the copies that it
// made: those have other ETags in some stores, and are younger in all. Then it deletes
// the sheets at the source.
func (f *FS) moveSheets(o *op, objects, sheets []Object) error {
	byDir := map[string][]Object{} // source directory: what is directly in it
	for _, obj := range sheets {
		byDir[sheetDir(obj.Key)] = nil
	}
	for _, obj := range objects {
		if obj.Kind != Dir {
			dir, _ := splitPath(obj.Key)
			byDir[dir] = append(byDir[dir], obj)
		}
	}
	dirs := make([]Object, 0, len(byDir))
	for dir := range byDir {
		dirs = append(dirs, Object{Key: dir})
	}
	err := f.eachObject(dirs, func(dir Object) error {
		return f.insist(o, func() error { return f.moveSheet(o, dir.Key, byDir[dir.Key]) })
	})
	if err != nil {
		return err
	}
	return f.eachObject(sheets, func(obj Object) error {
		return f.insist(o, func() error { return f.opt.Remote.Delete(context.Background(), obj.Key) })
	})
}

// moveSheet writes the sheet of one directory at its new place. What a move that was
// interrupted wrote there stays where its objects are no longer at the source.
func (f *FS) moveSheet(o *op, dir string, objects []Object) error {
	from, _, err := f.readSheet(f.ctx, sheetKey(dir))
	if err != nil {
		return err
	}
	key := sheetKey(o.dst + dir[len(o.key):])
	to, etag, err := f.readSheet(f.ctx, key)
	if err != nil {
		return err
	}
	if from == nil {
		from = &sheet{}
	}
	if to == nil {
		to = &sheet{Entries: map[string]*entry{}}
	}
	changed := false
	set := func(name string, e *entry) {
		if !e.same(to.Entries[name]) {
			to.Entries[name] = e
			changed = true
		}
	}
	for name, e := range from.Entries {
		if strings.HasSuffix(name, "/") {
			set(name, e)
		}
	}
	for _, obj := range objects {
		f.mu.Lock()
		made, ok := o.copied[obj.Key]
		f.mu.Unlock()
		if !ok {
			continue // somebody else deleted it
		}
		_, name := splitPath(obj.Key)
		e := from.Entries[name]
		switch {
		case e.about(obj):
			moved := *e
			moved.ETag = made.object.ETag
			set(name, &moved)
		case to.Entries[name].about(made.object):
		default:
			set(name, &entry{ETag: made.object.ETag, MTime: formatTime(obj.ModTime.UnixNano())})
		}
	}
	if !changed {
		return nil
	}
	return f.putSheet(key, to, etag)
}
