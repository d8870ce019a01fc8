package store

import (
	"context"
	"sync"
	"time"
)

// gravesMax bounds the freed blobs that wait to be deleted: past it the oldest waits no longer.
const gravesMax = 256 << 10

// graves are freed blobs that readers in other processes may be at. What a process leaves
// there when it ends is for a sweep.
type graves struct {
	linger time.Duration // 0: nothing waits
	now    func() time.Time

	mu    sync.Mutex
	queue []grave // the oldest first
}

type grave struct {
	id    string
	freed time.Time
}

// dig has a blob wait, and returns the one to delete now, empty where there is none.
func (g *graves) dig(id string) string {
	if g.linger == 0 {
		return id
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.queue = append(g.queue, grave{id, g.now()})
	if len(g.queue) <= gravesMax {
		return ""
	}
	id = g.queue[0].id
	g.queue = g.queue[1:]
	return id
}

// due takes the blobs that have waited long enough.
func (g *graves) due() (ids []string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for len(g.queue) > 0 && g.now().Sub(g.queue[0].freed) >= g.linger {
		ids = append(ids, g.queue[0].id)
		g.queue = g.queue[1:]
	}
	if len(g.queue) == 0 {
		g.queue = nil
	}
	return ids
}

// each calls fn with all that wait.
func (g *graves) each(fn func(id string)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, one := range g.queue {
		fn(one.id)
	}
}

// buryAtOnce is how many blobs are deleted side by side.
const buryAtOnce = 16

// bury deletes what has waited long enough, until ctx ends.
func (s *Store) bury(ctx context.Context) {
	look := time.NewTicker(max(s.graves.linger/8, time.Millisecond))
	defer look.Stop()
	limit := make(chan struct{}, buryAtOnce)
	for {
		select {
		case <-ctx.Done():
			return
		case <-look.C:
		}
		var all sync.WaitGroup
		for _, id := range s.graves.due() {
			if ctx.Err() != nil {
				break
			}
			limit <- struct{}{}
			all.Go(func() {
				defer func() { <-limit }()
				if err := s.blobs.Delete(ctx, id); err != nil && ctx.Err() == nil {
					s.log.Warn("a blob that is not needed could not be deleted", "blob", id, "err", err)
				}
			})
		}
		all.Wait()
	}
}
