package store

import (
	"context"
	"fmt"
)

// NotReady says which engine does not answer.
type NotReady struct {
	Engine string // index or blobs
	Err    error
}

// Error is for a log: the engine's own error may name hosts.
func (n *NotReady) Error() string { return fmt.Sprintf("the %s does not answer: %v", n.Engine, n.Err) }

// Unwrap returns the engine's error.
func (n *NotReady) Unwrap() error { return n.Err }

// Ready asks whether index and blobs answer; where one does not it returns a *NotReady.
func (s *Store) Ready(ctx context.Context) error {
	if _, err := s.index.Usage(ctx); err != nil {
		return &NotReady{Engine: "index", Err: err}
	}
	if p, ok := s.blobs.(Pinger); ok {
		if err := p.Ping(ctx); err != nil {
			return &NotReady{Engine: "blobs", Err: err}
		}
	}
	return nil
}
