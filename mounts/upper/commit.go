package upper

import (
	"slices"
	"syscall"
	"time"
)

// change is one step: operations superseded and queued, in one record of the journal.
type change struct {
	drop []*op
	add  []*op
	// wait has the ops of add, by index, that are to follow another of add.
	wait map[*op]*op
	// gone are staged files whose unclosed bytes are meant to go: recovery is not to take
	// them for lost.
	gone []*dataFile
	// notes are for the sheets of the directories that the change touches.
	notes []noted
	// attr are new attributes of what an earlier operation brings.
	attr *attrRecord
}

// put queues the upload of v as n at key.
func (c *change) put(n *Node, key string, v *version, old ...*op) *op {
	o := &op{kind: opPut, key: key, node: n, ver: v}
	for _, x := range old {
		if x != nil && x.kind == opPut && !x.ended && !slices.Contains(o.old, x.id) {
			o.old = append(o.old, x.id)
		}
	}
	c.add = append(c.add, o)
	return o
}

func (c *change) queue(kind opKind, key string) *op {
	o := &op{kind: kind, key: key}
	c.add = append(c.add, o)
	return o
}

func (c *change) follow(o, first *op) {
	if c.wait == nil {
		c.wait = map[*op]*op{}
	}
	c.wait[o] = first
}

// forget says that what n has staged is not needed once the change is made.
func (c *change) forget(n *Node) {
	if n.file != nil && n.file.content != nil && n.file.content.data != nil {
		c.gone = append(c.gone, n.file.content.data)
	}
}

func (c *change) supersede(o *op) {
	if o != nil && !o.ended && !slices.Contains(c.drop, o) {
		c.drop = append(c.drop, o)
	}
}

// commit journals c and then applies it to the queue. When it fails nothing happened.
// FS.mu is held; the caller changes the tree after.
func (f *FS) commit(c *change) error {
	if f.closed {
		return syscall.ESHUTDOWN
	}
	if len(c.add) == 0 && len(c.drop) == 0 && len(c.gone) == 0 && len(c.notes) == 0 && c.attr == nil {
		return nil
	}
	r := &record{Attr: c.attr}
	seq := f.j.seq.Load() + 1
	id := f.q.nextID
	var closed []*version
	for i, o := range c.add {
		o.id, o.seq = id+uint64(i), seq
		if o.ver != nil && o.ver.seq == 0 {
			o.ver.seq = seq
			closed = append(closed, o.ver)
		}
	}
	for _, o := range c.add {
		if first := c.wait[o]; first != nil {
			o.after = first.id
		}
		r.Add = append(r.Add, o.record())
	}
	for _, o := range c.drop {
		r.Drop = append(r.Drop, o.id)
	}
	sheets := f.writeNotes(r, id+uint64(len(c.add)), c.notes)
	before := len(f.gone)
	c.gone = slices.DeleteFunc(c.gone, func(d *dataFile) bool { _, logged := f.logged[d]; return !logged })
	for _, d := range c.gone {
		f.gone = append(f.gone, d.id)
	}
	if err := f.record(r); err != nil {
		f.gone = f.gone[:before]
		for _, v := range closed {
			v.seq = 0
		}
		return err
	}
	f.q.nextID += uint64(len(c.add))
	for _, d := range c.gone {
		delete(f.logged, d)
	}
	f.apply(c)
	f.applyNotes(c.notes, sheets)
	return nil
}

// apply is commit after the journal has it.
func (f *FS) apply(c *change) {
	now := time.Now()
	for _, o := range c.add {
		o.born, o.at = now, now
		for _, d := range c.drop {
			// A file that is closed again and again must not put its upload off for ever.
			if d.kind == opPut && o.kind == opPut && d.key == o.key && d.born.Before(o.born) {
				o.born = d.born
			}
			if d.ver != nil && o.ver != nil && d.ver.data == o.ver.data && d.ver.size <= o.ver.size {
				d.covered = true
			}
		}
		o.due = now.Add(f.opt.WriteBack)
		if last := o.born.Add(10 * f.opt.WriteBack); last.Before(o.due) {
			o.due = last
		}
		if o.ver != nil {
			f.carry(o)
		}
	}
	followers := map[uint64][]*op{} // by the dropped upload
	for _, d := range c.drop {
		for _, s := range d.succs {
			if s.after == d.id && !s.ended {
				followers[d.id] = append(followers[d.id], s)
			}
		}
		f.drop(d)
	}
	for _, o := range c.add {
		switch n := o.node; {
		case n == nil:
		case o.kind == opPut:
			n.state().put = o
		case o.kind == opMove:
			n.state().move = o
		case o.kind == opPutMarker:
			n.dir.marker, n.dir.op = true, o
		case o.kind == opMoveTree:
			n.dir.op = o
		}
		f.q.add(o)
		for _, d := range c.drop {
			if d.running && d.kind == opPut && d.ver == o.ver {
				f.q.follow(o, d) // once it is there it can be copied instead of sent again
			}
		}
		for _, old := range o.old {
			for _, s := range followers[old] {
				s.after = o.id
				f.q.follow(s, o)
			}
		}
	}
	for _, o := range c.add {
		f.lean(o.node)
	}
}

// carry makes o need its version's data file, unchanged.
func (f *FS) carry(o *op) {
	o.ver.carriers++
	if d := o.ver.data; d != nil {
		d.refs++
		d.holds = append(d.holds, o.ver)
		delete(f.logged, d)
	}
}

// drop supersedes o: at once where it does not run, else when it returns.
func (f *FS) drop(o *op) {
	if n := o.node; n != nil && n.file != nil && o.kind == opPut {
		if o.attempted && n.key() == o.key {
			n.ghost = true // it may have reached the store all the same
		}
		if n.file.put == o {
			n.file.put = nil
		}
	}
	if o.running {
		o.abandoned = true
		return
	}
	f.q.supersede(o, f.nextTick())
	f.afterEnd(o)
}

// afterEnd gives back what an ended op held. The version that it uploaded, or did not,
// is no longer needed by it.
func (f *FS) afterEnd(o *op) {
	if o.ver != nil {
		o.ver.carriers--
	}
	if o.ver != nil && o.ver.data != nil {
		if o.covered {
			o.ver.data.unhold(o.ver)
		} else {
			// Until the record that ended it is durable a crash may upload it again.
			f.finished = append(f.finished, finishedVersion{o.ver, f.j.seq.Load()})
		}
		f.unref(o.ver.data)
	}
	oldest := f.oldestListing()
	for _, k := range o.keys() {
		if !f.q.forget(k, oldest) {
			f.linger = append(f.linger, k)
		}
	}
}

// record appends r to the journal, with the data files that went meanwhile.
func (f *FS) record(r *record) error {
	r.Gone = f.gone
	err := f.j.append(r)
	if err != nil {
		return errno(err)
	}
	f.gone = nil
	return nil
}

// unref lets go of a data file; the last one removes it, once that is durable.
func (f *FS) unref(d *dataFile) {
	if d == nil {
		return
	}
	if d.refs--; d.refs > 0 {
		return
	}
	if _, logged := f.logged[d]; logged {
		delete(f.logged, d)
		f.gone = append(f.gone, d.id)
	}
	f.garbage = append(f.garbage, garbage{d, f.j.seq.Load()})
}

func (f *FS) nextTick() uint64 {
	f.tick++
	return f.tick
}

// oldestListing is the tick of the oldest listing under way, or one that no operation
// has ended after.
func (f *FS) oldestListing() uint64 {
	oldest := f.tick + 1
	for _, t := range f.listings {
		oldest = min(oldest, t)
	}
	return oldest
}
