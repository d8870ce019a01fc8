package store

import (
	"context"
	"errors"
	"sync"
	"time"
)

const maintainEvery = time.Hour

func (s *Store) maintain(ctx context.Context) {
	if n, err := s.Sweep(ctx); err != nil && ctx.Err() == nil {
		s.log.Warn("the sweep for orphaned blobs failed", "err", err)
	} else if n > 0 {
		s.log.Info("orphaned blobs were swept", "blobs", n)
	}
	tick := time.NewTicker(maintainEvery)
	defer tick.Stop()
	for {
		if _, err := s.ExpireUploads(ctx, s.now().Add(-s.expiry)); err != nil && ctx.Err() == nil {
			s.log.Warn("expired uploads could not be removed", "err", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// Sweep deletes the blobs of earlier processes that nothing refers to and returns
// their number. What this process writes is never touched.
func (s *Store) Sweep(ctx context.Context) (int, error) {
	s.sweeping.Lock()
	defer s.sweeping.Unlock()
	known := map[string]struct{}{}
	if err := s.index.References(ctx, func(id string) { known[id] = struct{}{} }); err != nil {
		return 0, err
	}
	return s.blobs.Sweep(ctx, func(id string) bool {
		// A blob of an earlier process that a reader still holds was freed since.
		_, referenced := known[id]
		return referenced || s.pins.held(id)
	})
}

// ExpireUploads aborts the uploads that were created before t and returns their number.
func (s *Store) ExpireUploads(ctx context.Context, t time.Time) (int, error) {
	buckets, err := s.index.Buckets(ctx)
	if err != nil {
		return 0, err
	}
	n := 0
	for _, b := range buckets {
		list, err := s.index.Uploads(ctx, b.Name, "", "", "", 0)
		if err != nil && !errors.Is(err, ErrNoSuchBucket) {
			return n, err
		}
		for _, u := range list {
			if !u.Created.Before(t) {
				continue
			}
			if err := s.AbortUpload(ctx, u.Bucket, u.Key, u.ID); err != nil && !errors.Is(err, ErrNoSuchUpload) {
				return n, err
			}
			n++
		}
	}
	return n, nil
}

// pins counts readers of blobs that are not open yet: a blob that is freed
// meanwhile is deleted by the last of them.
type pins struct {
	mu     sync.Mutex
	count  map[string]int
	doomed map[string]bool
}

func (p *pins) pin(ids []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, id := range ids {
		p.count[id]++
	}
}

// unpin returns the blobs that are to be deleted now.
func (p *pins) unpin(ids []string) (freed []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, id := range ids {
		if p.count[id]--; p.count[id] > 0 {
			continue
		}
		delete(p.count, id)
		if p.doomed[id] {
			delete(p.doomed, id)
			freed = append(freed, id)
		}
	}
	return freed
}

// doom reports whether id is pinned; it is then deleted later.
func (p *pins) doom(id string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.count[id] == 0 {
		return false
	}
	p.doomed[id] = true
	return true
}

func (p *pins) held(id string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.count[id] > 0
}
