package upper

import (
	"container/heap"
	"slices"
	"strings"
	"time"
)

// opKind is what an operation does to the store. The numbers are in the journal.
type opKind uint8

const (
	opPut          opKind = iota + 1 // upload ver to key
	opDelete                         // delete key
	opMove                           // copy key to dst, then delete key
	opPutMarker                      // make the empty object key, which ends in "/"
	opDeleteMarker                   // delete key, which ends in "/"
	opMoveTree                       // move every object below key+"/" to dst+"/"
	opSheet                          // write notes into the sheet key
)

// op is one change that the store has yet to see. Guarded by FS.mu.
type op struct {
	id    uint64
	seq   uint64 // of its record: it must be durable before the store is touched
	kind  opKind
	key   string
	dst   string
	after uint64 // an op that must be done first, besides those that the keys tell
	// old are the uploads that this one stands for, the newest content first: after a loss
	// of power theirs serves where its own bytes are in doubt.
	old   []uint64
	made  bool // of a marker: a mkdir is why
	fresh bool // and the store has nothing below yet

	node *Node
	ver  *version
	base *Object // of a move: what it copies, as far as known when it was queued

	notes map[string]*entry // of a sheet, by name

	at        time.Time // when it was asked for
	over      string    // the ETag of what it replaces, where this mount brought that there
	result    *Object   // of a move: the copy
	sent      bool      // its request went out, and may have got through
	attempted bool      // it ran, so that the store may show its effect
	running   bool
	copied    map[string]treeCopy // of a moveTree: copies made so far, by source key
	carried   []*Node             // of a moveTree: directories with objects that it has to move
	committed bool                // of a put that runs: the request that changes the store was sent
	abandoned bool                // superseded while running: not tried again
	covered   bool                // its version's bytes are held by a newer one too
	done      bool                // the store has it
	ended     bool                // done or removed
	tick      uint64              // when

	waits int   // unfinished operations in preds
	preds []*op // may hold ended ones
	succs []*op

	born    time.Time // of the oldest close it carries
	due     time.Time // write-back delay
	retryAt time.Time
	tries   int
	err     error
	failing time.Time // since when, without a success
	refused bool      // the store said no, or keeps failing: counts as failed
	slow    bool      // retrying soon would not help
	slot    int       // in the heap; -1 outside
}

// keys are what the op touches, in the order of operations on each.
func (o *op) keys() []string {
	switch o.kind {
	case opMove:
		return []string{o.key, o.dst}
	case opMoveTree:
		return []string{o.key + "/", o.dst + "/"}
	}
	return []string{o.key}
}

// size is what it has to send, in bytes.
func (o *op) size() int64 {
	if o.ver != nil {
		return o.ver.size
	}
	return 0
}

// keyState is the operations on one key, oldest first, each waiting for the one before.
type keyState struct {
	ops  []*op
	past []*op // ended, and a listing under way may not show it
}

// since are the operations that a listing from start on may not show, oldest first.
func (ks *keyState) since(start uint64) []*op {
	if ks == nil {
		return nil
	}
	var ops []*op
	for _, o := range ks.past {
		if o.tick >= start {
			ops = append(ops, o)
		}
	}
	if ops == nil {
		return ks.ops
	}
	return append(ops, ks.ops...)
}

// queue holds the unfinished operations. All of it is guarded by FS.mu.
type queue struct {
	ops    map[uint64]*op
	nextID uint64
	dirs   map[string]map[string]*keyState // directory, then the rest of the key
	busy   map[string]int                  // unfinished operations in a directory, but for its sheet's
	trees  []*op                           // unfinished moveTrees, oldest first
	ready  readyHeap                       // those that wait for nothing but time

	running  int
	pace     pace
	failed   map[*op]struct{}
	bytes    int64 // of unfinished puts
	urgent   int   // drains under way: no write-back delay
	down     bool  // the store does not answer: one operation at a time finds out
	downWhy  string
	downFrom time.Time
	probes   int       // tries since then
	probeAt  time.Time // of the next one

	idle []chan struct{} // closed when nothing is left
	kick chan struct{}   // wakes the dispatcher
}

func newQueue(uploads int) *queue {
	return &queue{
		pace: newPace(uploads),
		ops:  map[uint64]*op{}, dirs: map[string]map[string]*keyState{}, busy: map[string]int{},
		failed: map[*op]struct{}{}, kick: make(chan struct{}, 1), nextID: 1,
	}
}

func (q *queue) wake() {
	select {
	case q.kick <- struct{}{}:
	default:
	}
}

// at returns key's state or nil.
func (q *queue) at(key string) *keyState {
	dir, name := splitKey(key)
	return q.dirs[dir][name]
}

func (q *queue) make(key string) *keyState {
	dir, name := splitKey(key)
	names := q.dirs[dir]
	if names == nil {
		names = map[string]*keyState{}
		q.dirs[dir] = names
	}
	ks := names[name]
	if ks == nil {
		ks = &keyState{}
		names[name] = ks
	}
	return ks
}

// unfinished are the operations on key, oldest first.
func (q *queue) unfinished(key string) []*op {
	if ks := q.at(key); ks != nil {
		return ks.ops
	}
	return nil
}

// last is the newest unfinished operation on key, or nil.
func (q *queue) last(key string) *op {
	ops := q.unfinished(key)
	if len(ops) == 0 {
		return nil
	}
	return ops[len(ops)-1]
}

func depend(succ, pred *op) {
	if pred == nil || pred.ended || pred == succ {
		return
	}
	pred.succs = append(pred.succs, succ)
	succ.preds = append(succ.preds, pred)
	succ.waits++
}

// reaches reports whether to has to wait, directly or not, for from.
func reaches(from, to *op, seen map[*op]bool) bool {
	if from == to {
		return true
	}
	if seen[from] {
		return false
	}
	seen[from] = true
	for _, s := range from.succs {
		if !s.ended && reaches(s, to, seen) {
			return true
		}
	}
	return false
}

// below reports whether key is at or below the directory path.
func below(key, path string) bool {
	return len(key) > len(path) && key[len(path)] == '/' && strings.HasPrefix(key, path)
}

// touches reports whether the moveTree t and o have an object in common.
func (t *op) touches(o *op) bool {
	for _, k := range o.keys() {
		if below(k, t.key) || below(k, t.dst) {
			return true
		}
	}
	if o.kind == opMoveTree {
		return below(t.key+"/", o.key) || below(t.key+"/", o.dst) || below(t.dst+"/", o.key) || below(t.dst+"/", o.dst)
	}
	return false
}

// loose reports whether o may be superseded: it does not run, and no moveTree after it
// carries on what it does.
func (q *queue) loose(o *op) bool {
	return !o.running && !q.carries(o)
}

// carries reports whether a moveTree that waits for o is to move what o does.
func (q *queue) carries(o *op) bool {
	return slices.ContainsFunc(q.trees, func(t *op) bool { return t.id > o.id && t.touches(o) })
}

// add queues o behind every unfinished operation that touches one of its keys.
func (q *queue) add(o *op) {
	o.slot = -1
	q.ops[o.id] = o
	q.bytes += o.size()
	q.count(o, 1)
	for _, k := range o.keys() {
		ks := q.make(k)
		if n := len(ks.ops); n > 0 {
			depend(o, ks.ops[n-1])
		}
		ks.ops = append(ks.ops, o)
	}
	for _, t := range q.trees {
		if t.touches(o) {
			depend(o, t)
		}
	}
	switch o.kind {
	case opMoveTree:
		for _, p := range q.ops {
			if p != o && o.touches(p) {
				depend(o, p)
			}
		}
		q.trees = append(q.trees, o)
	case opDeleteMarker:
		// Until what is directly below is gone too the store still shows the directory.
		for _, ks := range q.dirs[strings.TrimSuffix(o.key, "/")] {
			if n := len(ks.ops); n > 0 {
				depend(o, ks.ops[n-1])
			}
		}
	}
	if o.kind == opSheet {
		// The removal of the directory that had the name takes its sheet along.
		for _, p := range q.unfinished(sheetDir(o.key) + "/") {
			if p.kind == opDeleteMarker {
				depend(o, p)
			}
		}
	}
	if o.after != 0 {
		if p := q.ops[o.after]; p != nil && !reaches(o, p, map[*op]bool{}) {
			depend(o, p)
		}
	}
	if o.waits == 0 {
		q.push(o)
	}
}

// supersede takes o, which does not run, out; what waited for it waits for what it
// waited for.
func (q *queue) supersede(o *op, tick uint64) {
	for _, s := range o.succs {
		if s.ended {
			continue
		}
		for _, p := range o.preds {
			depend(s, p)
		}
	}
	q.end(o, tick)
}

// end takes o out and releases what waited for it.
func (q *queue) end(o *op, tick uint64) {
	o.ended, o.tick = true, tick
	delete(q.ops, o.id)
	delete(q.failed, o)
	q.bytes -= o.size()
	if o.slot >= 0 {
		heap.Remove(&q.ready, o.slot)
	}
	q.count(o, -1)
	for _, k := range o.keys() {
		ks := q.at(k)
		for i, x := range ks.ops {
			if x == o {
				ks.ops = append(ks.ops[:i], ks.ops[i+1:]...)
				break
			}
		}
		ks.past = append(ks.past, o)
	}
	if o.kind == opMoveTree {
		for i, t := range q.trees {
			if t == o {
				q.trees = append(q.trees[:i], q.trees[i+1:]...)
				break
			}
		}
	}
	for _, s := range o.succs {
		if s.ended {
			continue
		}
		if s.waits--; s.waits == 0 {
			q.push(s)
		}
	}
	o.preds, o.succs = nil, nil
	if len(q.ops) == 0 {
		for _, c := range q.idle {
			close(c)
		}
		q.idle = nil
	}
}

// count keeps queue.busy. A sheet that a drain waits for goes out once nothing else of its
// directory does.
func (q *queue) count(o *op, by int) {
	if o.kind == opSheet {
		return
	}
	for _, k := range o.keys() {
		dir, _ := splitKey(k)
		if q.busy[dir] += by; q.busy[dir] > 0 {
			continue
		}
		delete(q.busy, dir)
		for _, s := range q.unfinished(sheetKey(dir)) {
			q.retime(s)
		}
	}
}

// stale notes that the store shows o's effect: a directory made here whose marker is
// still to come would have to be listed after a restart.
func (q *queue) stale(o *op) {
	for _, k := range o.keys() {
		dir, _ := splitKey(strings.TrimSuffix(k, "/"))
		if ks := q.at(dir + "/"); ks != nil && dir != "" {
			for _, m := range ks.ops {
				m.fresh = false
			}
		}
	}
}

// forget drops of key's state what no listing under way can need.
func (q *queue) forget(key string, oldest uint64) (forgotten bool) {
	dir, name := splitKey(key)
	names := q.dirs[dir]
	ks := names[name]
	if ks == nil {
		return true
	}
	ks.past = slices.DeleteFunc(ks.past, func(o *op) bool { return o.tick < oldest })
	if len(ks.ops) > 0 {
		return len(ks.past) == 0
	}
	if len(ks.past) > 0 {
		return false
	}
	delete(names, name)
	if len(names) == 0 {
		delete(q.dirs, dir)
	}
	return true
}

// follow makes succ, which does not run, wait for pred too, unless pred waits for succ.
func (q *queue) follow(succ, pred *op) {
	if succ.running || succ.ended || reaches(succ, pred, map[*op]bool{}) {
		return
	}
	depend(succ, pred)
	if succ.slot >= 0 {
		heap.Remove(&q.ready, succ.slot)
	}
}
