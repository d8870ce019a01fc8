package session

import (
	"context"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/artifacts-tui/artifacts-tui/backend/objects"
	"github.com/artifacts-tui/artifacts-tui/ui/listing"
)

// feed hands over the newest state of a listing, and holds the listing back where it has
// run far enough ahead.
type feed struct {
	mu    sync.Mutex
	list  listing.List
	state ListState
	err   error
	limit int
	ready chan struct{} // there is news
	wake  chan struct{} // the limit was raised
	told  time.Time
}

func (f *feed) put(l listing.List, state ListState, err error) {
	f.mu.Lock()
	f.list, f.state, f.err = l, state, err
	f.mu.Unlock()
	select {
	case f.ready <- struct{}{}:
	default:
	}
}

func (f *feed) raise(limit int) {
	f.mu.Lock()
	f.limit = max(f.limit, limit)
	if f.state == Paused {
		f.state = Listing
	}
	f.mu.Unlock()
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// full waits while n entries are as many as are wanted.
func (f *feed) full(ctx context.Context, n int) error {
	for {
		f.mu.Lock()
		wait := n >= f.limit
		list := f.list
		f.mu.Unlock()
		if !wait {
			return nil
		}
		f.put(list, Paused, nil)
		select {
		case <-f.wake:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// fill lists a folder into f.
func fill(ctx context.Context, app App, at objects.Name, f *feed) {
	var to listing.Builder
	n := 0
	err := func() (err error) {
		defer func() { // a panic here would leave the terminal as it is
			if r := recover(); r != nil {
				err = &PanicError{Op: "list", Value: r, Stack: debug.Stack()}
			}
		}()
		return app.ListObjects(ctx, at, func(page []objects.Object) error {
			if err := f.full(ctx, n); err != nil {
				return err
			}
			for _, o := range page {
				name := strings.TrimPrefix(o.Key, at.Path)
				if name == "" { // the folder's own marker
					continue
				}
				to.Add(listing.Entry{Name: name, Size: o.Size, Modified: o.Modified, Folder: o.Prefix})
				n++
			}
			f.put(to.List(), Listing, nil)
			return nil
		})
	}()
	switch {
	case ctx.Err() != nil:
		f.put(to.List(), Cancelled, nil)
	case err != nil:
		f.put(to.List(), Broken, err)
	default:
		f.put(to.List(), Whole, nil)
	}
}

// waitListed waits for news of a listing: the first at once, the next a while later.
func (s *Session) waitListed(f *feed) tea.Cmd {
	which := s.Browser.reading
	return guard("list", func() tea.Msg {
		select {
		case <-f.ready:
		case <-s.ctx.Done():
			return nil
		}
		if wait := showWait - time.Since(f.told); wait > 0 {
			time.Sleep(wait) // what comes meanwhile is told with it
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		f.told = time.Now()
		return Listed{List: f.list, State: f.state, Err: f.err, At: f.told, which: which, feed: f}
	})
}
