package store

import "sync"

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

func (p *pins) each(fn func(id string)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for id := range p.count {
		fn(id)
	}
}
