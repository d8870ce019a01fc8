package mounts

import (
	"context"
	"fmt"
	"time"

	"github.com/fsnotify/fsnotify"
)

// recheck is how often Watch compares the mount table, which no inotify watches.
const recheck = 2 * time.Second

// Watch sends whenever the mounts may have changed, until ctx ends; then the channel is
// closed. Changes that come together are one.
func (m *Manager) Watch(ctx context.Context) <-chan struct{} {
	changed := make(chan struct{}, 1)
	go func() {
		defer close(changed)
		m.watch(ctx, func() {
			select {
			case changed <- struct{}{}:
			default:
			}
		})
	}()
	return changed
}

func (m *Manager) watch(ctx context.Context, notify func()) {
	// Without inotify, and until there is a run directory, the re-check alone tells.
	var events chan fsnotify.Event
	follow := func() {}
	if w, err := fsnotify.NewWatcher(); err == nil {
		defer w.Close()
		follow = func() {
			if events == nil && w.Add(RunDir(m.roots)) == nil {
				events = w.Events
			}
		}
	}
	follow()
	ticker := time.NewTicker(recheck)
	defer ticker.Stop()
	last := m.shape()
	for {
		select {
		case <-ctx.Done():
			return
		case <-events:
			last = m.shape()
			notify()
		case <-ticker.C:
			follow()
			if now := m.shape(); now != last {
				last = now
				notify()
			}
		}
	}
}

// shape is what is mounted and which sockets there are, without asking anyone.
func (m *Manager) shape() string {
	entries, _ := table()
	ids, _ := m.sockets()
	return fmt.Sprint(entries, ids)
}
