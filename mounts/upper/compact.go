package upper

import (
	"cmp"
	"os"
	"slices"
)

// compact starts a new journal that holds what is unfinished and nothing else. FS.mu is
// held, or nobody else has f.
func (f *FS) compact() error {
	seq := f.j.seq.Load()
	var out []*record
	add := func(r *record) {
		seq++
		r.Seq = seq
		out = append(out, r)
	}
	add(&record{Boot: f.opt.BootID, Synced: f.synced, Gone: f.unneeded()})
	all := &record{}
	for _, o := range f.unfinished() {
		all.Add = append(all.Add, o.record())
	}
	if len(all.Add) > 0 {
		add(all)
	}
	for d, path := range f.logged {
		add(&record{Dirty: &dirtyRecord{ID: d.id, Path: path}})
	}
	if err := f.j.replace(out); err != nil {
		return err
	}
	f.j.compacted = f.j.size
	f.gone = nil
	for _, o := range f.q.ops {
		o.seq = seq
	}
	return nil
}

// unneeded are the data files there are whose bytes nobody will miss: clean copies, and
// those that wait for removal. Those of unfinished uploads may be among them; that an
// upload needs them counts more.
func (f *FS) unneeded() []string {
	entries, err := os.ReadDir(f.st.dir)
	if err != nil {
		return nil // they will be set aside rather than removed
	}
	written := map[string]bool{}
	for d := range f.logged {
		written[d.id] = true
	}
	var ids []string
	for _, e := range entries {
		if !written[e.Name()] {
			ids = append(ids, e.Name())
		}
	}
	return ids
}

// unfinished are the operations that the journal has to keep, oldest first.
func (f *FS) unfinished() []*op {
	var ops []*op
	for _, o := range f.q.ops {
		if !o.abandoned {
			ops = append(ops, o)
		}
	}
	slices.SortFunc(ops, func(a, b *op) int { return cmp.Compare(a.id, b.id) })
	return ops
}
