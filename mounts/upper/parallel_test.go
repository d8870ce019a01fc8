package upper

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"
)

// TestParallelModels plays several models at once, each in a directory of its own of one
// mount, with crashes in between: what one program does must not show in another's files.
// SPEC E11.
func TestParallelModels(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { playParallel(t, seed) })
	}
}

func playParallel(t *testing.T, seed uint64) {
	store := newFakeStore()
	store.multipart = seed%2 == 1
	store.before = func(op, _ string) error {
		if op != "read" {
			time.Sleep(time.Duration(rand.IntN(500)) * time.Microsecond)
		}
		return nil
	}
	w := newWorldOver(t, store, func(o *Options) {
		o.WriteBack, o.DirTTL, o.CleanBytes = time.Millisecond, 5*time.Millisecond, 2000
	})
	var players []*player
	for i := range 4 {
		root := fmt.Sprint("p", i)
		w.mkdir(root)
		players = append(players, &player{
			world: w, root: root, rng: rand.New(rand.NewPCG(seed, uint64(i))),
			m: &model{
				files: map[string]string{}, links: map[string]string{}, dirs: map[string]bool{root: true},
				looks: map[string]look{root: {mode: 0o755}},
			},
		})
	}
	all := func(do func(p *player)) {
		var wg sync.WaitGroup
		for _, p := range players {
			wg.Add(1)
			go func() {
				defer wg.Done()
				do(p)
			}()
		}
		wg.Wait()
		if t.Failed() {
			t.FailNow()
		}
	}
	for round := range 5 {
		all(func(p *player) {
			for range 60 {
				p.step()
			}
			p.compareBelow(p.root)
		})
		if round%2 == 1 {
			for _, p := range players {
				p.lost()
			}
			w.crash()
		}
	}
	all((*player).closeAll)
	w.drain()
	want := map[string]string{}
	for _, p := range players {
		for k, v := range p.m.remote() {
			want[k] = v
		}
	}
	w.wantRemote(want)
	w.refresh()
	all(func(p *player) { p.compareBelow(p.root) })
	o := w.elsewhere()
	for _, p := range players {
		p.world = o
	}
	all(func(p *player) { p.compareBelow(p.root) })
}
