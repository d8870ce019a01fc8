package mounts

import (
	"context"
	"fmt"
	"time"

	"github.com/fsnotify/fsnotify"
)

// recheck is how often Watch looks where the system does not tell of changes.
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

// watch hears of sockets by inotify and of the mount table by the kernel: while nothing happens
// it sleeps. Where one of the two is not to be had it looks every now and then.
func (m *Manager) watch(ctx context.Context, notify func()) {
	var (
		sockets <-chan fsnotify.Event
		lost    <-chan error // events
	)
	follow := func() {}
	if w, err := fsnotify.NewWatcher(); err == nil {
		defer w.Close()
		sockets, lost = w.Events, w.Errors
		follow = func() {
			if len(w.WatchList()) == 0 {
				_ = w.Add(RunDir(m.roots)) // it is there from the first mount on
			}
		}
	}
	follow()
	table := tableChanges(ctx)
	var look <-chan time.Time
	if sockets == nil || table == nil {
		ticker := time.NewTicker(recheck)
		defer ticker.Stop()
		look = ticker.C
	}
	last := m.shape()
	for {
		told := true
		select {
		case <-ctx.Done():
			return
		case <-sockets:
		case err := <-lost:
			told = err != nil
		case <-table:
		case <-look:
			told = false
		}
		follow()
		if now := m.shape(); told || now != last {
			last = now
			notify()
		}
	}
}

// shape is what is mounted and which sockets there are, without asking anyone.
func (m *Manager) shape() string {
	entries, _ := table()
	ids, _ := m.sockets()
	return fmt.Sprint(entries, ids)
}
