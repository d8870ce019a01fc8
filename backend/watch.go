package backend

import (
	"context"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"
)

// lookAgain bounds how long another context in use goes unseen where the system does not tell of files.
const lookAgain = 30 * time.Second

// retryWatch is how long Watch waits before it asks a silent coordinator again.
const retryWatch = 2 * time.Second

// Watch tells when workspaces, mounts or the coordinator changed, whoever changed
// them, until ctx ends. It starts no coordinator.
func (a *App) Watch(ctx context.Context) <-chan Event {
	events := make(chan Event)
	send := func(kind EventKind) {
		select {
		case events <- Event{kind}:
		case <-ctx.Done():
		}
	}
	changed := a.mounts.Watch(ctx)
	coordinatorEnded := make(chan struct{})
	go func() {
		defer close(coordinatorEnded)
		a.watchCoordinator(ctx, send)
	}()
	go func() {
		defer close(events)
		defer func() { <-coordinatorEnded }()
		for {
			select {
			case _, ok := <-changed:
				if !ok {
					return
				}
				send(MountsChanged)
			case <-ctx.Done():
				return
			}
		}
	}()
	return events
}

func (a *App) watchCoordinator(ctx context.Context, send func(EventKind)) {
	var revision int64
	var link coordinatorLink // nil Client: none is open
	drop := func() {
		if link.Client != nil {
			link.Close()
		}
		link = coordinatorLink{}
	}
	defer drop()
	answered := true
	for ctx.Err() == nil {
		next, err := a.awaitChange(ctx, &link, revision)
		if err != nil {
			drop()
		}
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			if answered {
				send(CoordinatorChanged)
			}
			answered, revision = false, 0
			select {
			case <-time.After(retryWatch):
			case <-ctx.Done():
			}
		default:
			if !answered {
				answered = true
				send(CoordinatorChanged)
			}
			if next != revision && revision != 0 {
				send(WorkspacesChanged)
			}
			revision = next
		}
	}
}

// awaitChange asks the running coordinator for the revision past the one given. It opens link anew
// where that is to another coordinator, or closed. The answer may be that nothing has changed.
func (a *App) awaitChange(ctx context.Context, link *coordinatorLink, after int64) (int64, error) {
	waiting, end := context.WithCancel(ctx)
	defer end()
	moved := a.contextsChange(waiting) // before the target is looked up: it is not to change unseen
	t, err := a.target()
	if err != nil {
		return 0, err
	}
	if link.Client == nil || link.target != t {
		next, err := a.open(ctx, t)
		if err != nil {
			return 0, err
		}
		if link.Client != nil {
			link.Close()
		}
		*link = next
	}
	go func() {
		<-moved
		end()
	}()
	next, err := link.Changes(waiting, after)
	if waiting.Err() != nil && ctx.Err() == nil {
		return after, nil // another coordinator may be in use
	}
	return next, err
}

// contextsChange is closed when the file of the contexts has changed, or ctx ends. Where the system
// does not tell of files it is closed after a while.
func (a *App) contextsChange(ctx context.Context) <-chan struct{} {
	w, err := fsnotify.NewWatcher()
	if err == nil {
		if err = w.Add(filepath.Dir(a.contexts.Path)); err != nil {
			_ = w.Close()
		}
	}
	changed := make(chan struct{})
	go func() {
		defer close(changed)
		if err != nil {
			select {
			case <-time.After(lookAgain):
			case <-ctx.Done():
			}
			return
		}
		defer w.Close()
		for {
			select {
			case e := <-w.Events:
				if e.Name == a.contexts.Path {
					return
				}
			case err := <-w.Errors:
				if err != nil {
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}()
	return changed
}
