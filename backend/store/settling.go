package store

import "sync"

// settling counts the writers between the commit of a blob and its entry in the index. A
// sweep waits for those that were there when it came; later ones do not wait for the sweep.
type settling struct {
	mu    sync.Mutex
	now   *sync.WaitGroup // of the writers that came since the last wait
	sweep sync.Mutex      // one wait at a time
}

// enter returns what the writer calls when it is done.
func (s *settling) enter() (leave func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.now == nil {
		s.now = new(sync.WaitGroup)
	}
	s.now.Add(1)
	return s.now.Done
}

// wait returns when every writer that has entered before has left.
func (s *settling) wait() {
	s.sweep.Lock()
	defer s.sweep.Unlock()
	s.mu.Lock()
	old := s.now
	s.now = nil
	s.mu.Unlock()
	if old != nil {
		old.Wait()
	}
}
