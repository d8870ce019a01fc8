package upper

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// conflicts says by the keys alone whether two operations may not run at once.
func conflicts(a, b *op) bool {
	for _, x := range a.keys() {
		if slices.Contains(b.keys(), x) {
			return true
		}
	}
	return a.kind == opMoveTree && a.touches(b) || b.kind == opMoveTree && b.touches(a)
}

// Operations that touch one key, or a tree and what is below it, run in the order in
// which they were queued; nothing is left over, whatever is superseded meanwhile.
func TestQueueOrder(t *testing.T) {
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 1))
		q := newQueue(0)
		paths := []string{"a", "b", "d/a", "d/b", "d/e/a", "x/y"}
		dirs := []string{"d", "d/e", "x", "z"}
		var running []*op
		tick := uint64(0)
		start := func() {
			o := heap.Pop(&q.ready).(readyOp).op
			for _, r := range running {
				if conflicts(o, r) {
					t.Fatalf("seed %d: %d and %d run at once", seed, o.id, r.id)
				}
			}
			for _, p := range q.ops {
				if p.id < o.id && conflicts(o, p) {
					t.Fatalf("seed %d: %d runs before %d", seed, o.id, p.id)
				}
			}
			if o.after != 0 && q.ops[o.after] != nil {
				t.Fatalf("seed %d: %d runs before %d, which it is to follow", seed, o.id, o.after)
			}
			o.running = true
			running = append(running, o)
		}
		finish := func() {
			i := rng.IntN(len(running))
			o := running[i]
			running = slices.Delete(running, i, i+1)
			o.running = false
			tick++
			q.end(o, tick)
			for _, k := range o.keys() {
				q.forget(k, tick+1)
			}
		}
		for id := range uint64(60) {
			o := &op{id: id + 1, key: paths[rng.IntN(len(paths))]}
			switch rng.IntN(8) {
			case 0, 1, 2:
				o.kind = opPut
				o.ver = &version{size: 1}
			case 3, 4:
				o.kind = opDelete
			case 5:
				o.kind, o.dst = opMove, paths[rng.IntN(len(paths))]
				if o.dst == o.key {
					o.kind = opDelete
				}
			case 6:
				o.kind, o.key = opPutMarker, dirs[rng.IntN(len(dirs))]+"/"
			case 7:
				o.kind, o.key, o.dst = opMoveTree, dirs[rng.IntN(len(dirs))], dirs[rng.IntN(len(dirs))]
				if o.key == o.dst || below(o.dst, o.key) || below(o.key, o.dst) {
					o.kind, o.key = opDeleteMarker, o.key+"/"
				}
			}
			if id > 0 && rng.IntN(5) == 0 {
				o.after = rng.Uint64N(id) + 1
			}
			q.add(o)
			switch rng.IntN(6) {
			case 0, 1:
				if len(q.ready) > 0 {
					start()
				}
			case 2:
				if len(running) > 0 {
					finish()
				}
			case 3:
				for _, p := range q.ops {
					if q.loose(p) && p.kind != opMoveTree {
						tick++
						q.supersede(p, tick)
						break
					}
				}
			}
		}
		for len(q.ops) > 0 {
			switch {
			case len(q.ready) > 0 && (len(running) == 0 || rng.IntN(2) == 0):
				start()
			case len(running) > 0:
				finish()
			default:
				t.Fatalf("seed %d: %d operations wait for ever", seed, len(q.ops))
			}
		}
		if q.bytes != 0 || len(q.trees) != 0 {
			t.Fatalf("seed %d: %d bytes, %d trees left", seed, q.bytes, len(q.trees))
		}
	}
}

// Closes of one file put its upload off, but not for ever.
func TestWriteBackDelay(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.WriteBack = 20 * time.Millisecond })
	stop := time.Now().Add(600 * time.Millisecond)
	for i := 0; time.Now().Before(stop); i++ {
		w.write("f", fmt.Sprint("version ", i))
		time.Sleep(5 * time.Millisecond)
	}
	w.store.mu.Lock()
	puts := w.store.puts
	w.store.mu.Unlock()
	if puts == 0 || puts > 10 {
		t.Errorf("%d uploads of a file that was closed 100 times in 600 ms", puts)
	}
}

// Nothing hammers a store that does not answer, and all goes on soon after it does.
func TestStoreDownIsProbed(t *testing.T) {
	w := newWorld(t)
	w.ls("")
	w.client.setDown(true)
	for i := range 200 {
		w.write(fmt.Sprint("f", i), "x")
	}
	eventually(t, "the store is known to be down", func() bool { return strings.Contains(w.Stats().Unreachable, "no answer") })
	w.client.setDown(false)
	begin := time.Now()
	eventually(t, "everything is uploaded", func() bool { return w.Stats().Queued+w.Stats().InProgress == 0 })
	if d := time.Since(begin); d > 11*time.Second {
		t.Errorf("it took %v", d)
	}
	if s := w.Stats(); s.Unreachable != "" {
		t.Errorf("%+v", s)
	}
}
