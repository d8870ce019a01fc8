package mountd

import (
	"context"
	"sync"
	"time"

	"github.com/artifacts-tui/artifacts-tui/mounts"
	"github.com/artifacts-tui/artifacts-tui/mounts/remote"
	"github.com/artifacts-tui/artifacts-tui/mounts/upper"
)

// news keeps the mount up to date with what others change in the bucket (SPEC D5).
type news struct {
	changes *remote.Changes // nil: nobody tells

	mu  sync.Mutex
	now mounts.Changes
}

func (d *daemon) newNews() *news {
	n := &news{now: mounts.Changes{State: mounts.ChangesPolling, Since: d.began}}
	if d.start.Spec.Events == "" {
		return n
	}
	n.now.State = mounts.ChangesConnecting
	n.changes = d.remote.NewChanges(d.start.Spec.Events, func(list []upper.News) {
		n.count(int64(len(list)), 0)
		d.upper.Hear(list)
	}, func(why string) {
		if why != "" {
			n.count(0, 1)
			d.log.Info("changes were missed; every listing is made anew", "reason", why)
		}
		d.upper.Missed()
	}, func() {
		switch former := n.become(mounts.ChangesLive, ""); former {
		case mounts.ChangesLive, mounts.ChangesConnecting:
			d.log.Debug("the coordinator tells of changes")
		default:
			d.log.Info("the coordinator tells of changes again")
		}
	}, func(err error) {
		if n.become(mounts.ChangesPolling, err.Error()) != mounts.ChangesPolling {
			d.log.Warn("the coordinator tells of no changes; what others write shows after the directory cache time", "err", err)
		}
	})
	return n
}

func (n *news) follow(ctx context.Context) {
	if n.changes != nil {
		n.changes.Follow(ctx)
	}
}

func (n *news) wake() {
	if n.changes != nil {
		n.changes.Wake()
	}
}

func (n *news) restart() {
	if n.changes != nil {
		n.changes.Restart()
	}
}

func (n *news) count(heard, missed int64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.now.Heard += heard
	n.now.Missed += missed
}

// become returns the state before.
func (n *news) become(state, reason string) (former string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.now.Reason = reason
	if former = n.now.State; former != state {
		n.now.State, n.now.Since = state, time.Now()
	}
	return former
}

func (n *news) state() *mounts.Changes {
	n.mu.Lock()
	defer n.mu.Unlock()
	now := n.now
	return &now
}
