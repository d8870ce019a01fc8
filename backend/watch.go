package backend

import (
	"context"
	"time"
)

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
// where that is to another coordinator, or closed.
func (a *App) awaitChange(ctx context.Context, link *coordinatorLink, after int64) (int64, error) {
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
	return link.Changes(ctx, after)
}
