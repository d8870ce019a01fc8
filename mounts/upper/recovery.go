package upper

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// recover reads the journal, sets aside what is in doubt, builds the part of the tree
// that differs from the store, queues what is unfinished, and starts a short journal
// (SPEC C7, E11). The store is not asked.
func (f *FS) recover() error {
	path := filepath.Join(f.opt.Dir, journalName)
	records, after, damage, err := readJournal(path)
	if err != nil {
		return err
	}
	past := replay(records, after, damage, f.opt.BootID)
	f.j = &journal{path: path, write: func(file *os.File, b []byte) (int, error) { return file.Write(b) }, syncDir: syncDir}
	f.j.seq.Store(past.seq)
	f.q.nextID = past.nextID
	f.synced = past.synced
	if damage != nil {
		f.log.Error("the journal is damaged; what follows is set aside", "err", damage)
		if err := f.keepDamaged(path); err != nil {
			return err
		}
	}
	files := map[string]*dataFile{}
	for _, id := range past.order() {
		f.restore(past.ops[id], files)
	}
	for _, o := range f.unfinished() {
		if !f.q.carries(o) {
			f.describeDirs(o)
		}
	}
	for _, o := range f.q.ops {
		if first := f.q.ops[o.after]; first != nil && first.id > o.id {
			f.q.follow(o, first)
		}
	}
	if err := f.sortFiles(past); err != nil {
		return err
	}
	if err := f.compact(); err != nil {
		return err
	}
	if len(f.q.ops) > 0 {
		f.log.Info("unfinished changes from before go on", "count", len(f.q.ops))
	}
	return nil
}

// restore queues an operation of the past and shows its effect in the tree. files has the
// data files by id, one for all that name it.
func (f *FS) restore(r *opRecord, files map[string]*dataFile) {
	o := &op{
		id: r.ID, kind: r.Kind, key: r.Key, dst: r.Dst, after: r.After, old: r.Old, made: r.Made, fresh: r.Fresh,
		base: r.Base.object(), over: r.Over, attempted: true, sent: true, born: time.Now(), at: timeOf(r.At), seq: f.j.seq.Load(),
	}
	switch r.Kind {
	case opPut:
		f.restorePut(o, r.Ver, files)
	case opDelete, opDeleteMarker:
		if n := f.find(nodePath(r.Key)); n != nil && n.key() == r.Key {
			f.detach(n)
		}
	case opMove:
		f.restoreMove(o, r)
	case opPutMarker:
		n := f.placeholder(strings.TrimSuffix(r.Key, "/"))
		n.dir.marker = true
		n.restoreDir(o, r.attrs())
		if r.Made {
			n.dir.since = r.ID
		}
		if r.Fresh {
			n.dir.loaded, n.dir.loadedAt = true, time.Now()
		}
		o.node = n
	case opMoveTree:
		for _, s := range f.unfinished() {
			if below(s.key, r.Key) && !f.q.carries(s) {
				f.describeDirs(s) // what it names is about to have other names
			}
		}
		n := f.placeholder(r.Key)
		from := f.sources(n)
		if old := f.find(r.Dst); old != nil {
			f.detach(old)
		}
		f.detach(n)
		dir, name := splitPath(r.Dst)
		f.attach(n, f.placeholder(dir), name)
		n.comesFrom(from, o)
		n.restoreDir(o, r.attrs())
		o.node = n
	case opSheet:
		for name, e := range r.Notes {
			o.note(name, e)
		}
	}
	f.q.add(o)
	f.lean(o.node)
}

// restoreDir notes that o made n, or brought it, and which attributes its record has, where
// they were known then.
func (n *Node) restoreDir(o *op, a attrs) {
	n.dir.op = o
	if a.mode != 0 || a.mtime != 0 {
		n.attrs, n.dir.untold = a, false
	}
}

func nodePath(key string) string {
	return strings.TrimSuffix(strings.TrimSuffix(key, "/"), SymlinkSuffix)
}

func (f *FS) restorePut(o *op, r *versionRecord, files map[string]*dataFile) {
	v := &version{
		seq: r.Seq, size: r.Size, base: r.Base.object(), link: r.Link, target: r.Target,
		attrs: r.attrs(), proven: r.Proven,
	}
	for _, x := range r.Ext {
		v.ext = append(v.ext, extent{x[0], x[1]})
	}
	if r.Full {
		v.ext = v.ext.add(0, r.Size)
	}
	for _, x := range r.Diff {
		v.diff = append(v.diff, extent{x[0], x[1]})
	}
	if len(r.Diff) == 0 && v.base != nil {
		v.diff = v.ext.clone()
	}
	if r.ID != "" {
		if files[r.ID] == nil {
			files[r.ID] = &dataFile{id: r.ID}
		}
		v.data = files[r.ID]
	}
	kind := File
	if r.Link {
		kind = Symlink
	}
	f.replaces(nodePath(o.key), func(st *fileState) bool { return st.put != nil })
	n := f.leaf(nodePath(o.key), kind)
	n.attrs, n.atime, n.ctime = v.attrs, v.mtime, v.mtime
	n.target = v.target
	o.node, o.ver = n, v
	st := n.state()
	if !v.link {
		f.setContent(n, &content{data: v.data, ext: v.ext.clone(), size: v.size, all: v.changes()})
		if v.data != nil {
			v.data.refs++
		}
	}
	if v.base != nil {
		n.base = v.base
	}
	n.ghost = true
	f.carry(o)
	st.put = o
}

func (f *FS) restoreMove(o *op, r *opRecord) {
	kind := File
	if strings.HasSuffix(r.Dst, SymlinkSuffix) {
		kind = Symlink
	}
	if n := f.find(nodePath(r.Key)); n != nil && n.kind == kind {
		f.detach(n)
	}
	if o.base.ETag == "" && o.base.Size == 0 {
		// Nothing is known of the object: a listing will tell once it is moved.
		o.node = f.newNode(f.root, "", kind)
		o.node.gone = true
		o.node.state().move = o
		return
	}
	f.replaces(nodePath(r.Dst), func(st *fileState) bool { return st.put != nil || st.move != nil })
	n := f.leaf(nodePath(r.Dst), kind)
	n.base, n.ghost = o.base, true
	n.attrs, n.atime, n.ctime = r.attrs(), r.MTime, r.MTime
	n.state().move = o
	o.node = n
}

// replaces takes what an earlier operation brings to path out of the tree, where a later one
// brings another file there.
func (f *FS) replaces(path string, other func(*fileState) bool) {
	if n := f.find(path); n != nil && n.file != nil && other(n.file) {
		f.detach(n)
	}
}

// describeDirs gives the directories that are known what o notes about them. Of files an
// upload or a listing tells.
func (f *FS) describeDirs(o *op) {
	for name, e := range o.notes {
		dir, isDir := strings.CutSuffix(name, "/")
		n := f.root
		if name != selfName {
			n = f.find(joinPath(sheetDir(o.key), dir))
		}
		if isDir && n != nil && n.kind == Dir {
			f.describe(n, e)
		}
	}
}

// find returns the node at path as far as the tree is known, or nil.
func (f *FS) find(path string) *Node {
	n := f.root
	for path != "" && n != nil {
		name, rest, _ := strings.Cut(path, "/")
		if n.dir == nil {
			return nil
		}
		n, path = n.dir.children[name], rest
	}
	return n
}

// placeholder returns the directory at path, made where it is not known yet: it is
// listed when somebody asks.
func (f *FS) placeholder(path string) *Node {
	n := f.root
	for path != "" {
		name, rest, _ := strings.Cut(path, "/")
		next := n.dir.children[name]
		if next != nil && next.kind != Dir {
			f.detach(next)
			next = nil
		}
		if next == nil {
			next = f.newNode(n, name, Dir)
			next.dir.untold = !f.opt.NoAttributes
			f.attach(next, n, name)
		}
		n, path = next, rest
	}
	return n
}

func (f *FS) leaf(path string, kind Kind) *Node {
	dir, name := splitPath(path)
	parent := f.placeholder(dir)
	n := parent.dir.children[name]
	if n != nil && n.kind == kind {
		return n
	}
	if n != nil {
		f.detach(n)
	}
	n = f.newNode(parent, name, kind)
	f.attach(n, parent, name)
	return n
}

// sortFiles gives each data file its place: what an upload needs stays, what nothing
// needs goes, everything else is in doubt and set aside.
func (f *FS) sortFiles(past *pastState) error {
	needed := map[string]int64{}
	for id, o := range f.q.ops {
		if o.ver == nil || o.ver.data == nil {
			continue
		}
		name := o.ver.data.id
		info, err := os.Stat(f.st.path(name))
		switch {
		case errors.Is(err, fs.ErrNotExist), err == nil && info.Size() < minimum(o.ver):
			// Never upload what is not all there; say so instead.
			f.log.Error("the staged file of a closed file is missing or short", "path", o.shownPath(), "op", id)
		case err != nil:
			return err
		}
		if sys, ok := sysOf(info); ok && o.ver.data.disk == 0 {
			o.ver.data.disk = sys.Blocks * 512
			f.st.room.used.Add(o.ver.data.disk)
		}
		needed[name] = max(needed[name], o.ver.size)
	}
	why := map[string]doubtful{}
	for _, d := range past.doubt {
		why[d.id] = d
	}
	for id, path := range past.dirty {
		if _, known := why[id]; !known {
			why[id] = doubtful{id, path, "written but not closed"}
		}
	}
	entries, err := os.ReadDir(f.st.dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		id := e.Name()
		info, err := e.Info()
		if err != nil {
			return err
		}
		size, isNeeded := needed[id]
		d, doubted := why[id]
		switch {
		case isNeeded && info.Size() > size:
			if !doubted {
				d = doubtful{id, "", "written after the last close"}
			}
			err = f.quarantineTail(d, size)
		case isNeeded:
		case info.Size() == 0, past.known[id] && !doubted && past.damage == nil:
			err = os.Remove(f.st.path(id))
		default:
			if !doubted {
				d = doubtful{id, "", "not in the journal"}
			}
			err = f.quarantine(d)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func sysOf(info os.FileInfo) (*syscall.Stat_t, bool) {
	if info == nil {
		return nil, false
	}
	sys, ok := info.Sys().(*syscall.Stat_t)
	return sys, ok
}

// minimum is the size that the data file of v has at least.
func minimum(v *version) int64 {
	if n := len(v.ext); n > 0 {
		return v.ext[n-1].end
	}
	return 0
}
