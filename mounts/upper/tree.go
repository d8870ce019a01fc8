package upper

import (
	"context"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

const (
	// retryListing is how long an outdated listing serves after the store failed to give a
	// new one, retryNews how long one that is known not to be true any more does.
	retryListing = 3 * time.Second
	retryNews    = 500 * time.Millisecond
	// lateListing is how long a new listing is waited for where an outdated one can serve.
	lateListing = 500 * time.Millisecond
	// A listing that failed is asked for again so often, after so long, since a program is
	// waiting for it and has nothing else.
	listTries = 3
	listPause = 100 * time.Millisecond
)

// loadCall is one listing under way; whoever needs it waits for done.
type loadCall struct {
	began time.Time
	tick  uint64 // before it asked
	done  chan struct{}
	err   error
}

// Lookup returns dir's entry name, or ENOENT.
func (f *FS) Lookup(ctx context.Context, dir *Node, name string) (*Node, error) {
	if dir.kind != Dir {
		return nil, syscall.ENOTDIR
	}
	if len(name) > nameMax {
		return nil, syscall.ENAMETOOLONG
	}
	if err := f.know(ctx, dir, name); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if n := dir.dir.children[name]; n != nil {
		return n, nil
	}
	return nil, syscall.ENOENT
}

// ReadDir returns dir's entries, sorted by name.
func (f *FS) ReadDir(ctx context.Context, dir *Node) ([]*Node, error) {
	if dir.kind != Dir {
		return nil, syscall.ENOTDIR
	}
	if err := f.load(ctx, dir, false); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	names := make([]*Node, 0, len(dir.dir.children))
	for _, n := range dir.dir.children {
		names = append(names, n)
	}
	slices.SortFunc(names, func(a, b *Node) int { return strings.Compare(a.name, b.name) })
	return names, nil
}

// Forget makes the directory path (relative, "" the root), all below it and the one that
// holds it be listed again at the next use. What waits to be uploaded is not touched.
func (f *FS) Forget(path string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := f.root
	for _, part := range strings.Split(strings.Trim(path, "/"), "/") {
		next := n.dir.children[part]
		if next == nil || next.dir == nil {
			break
		}
		n = next
	}
	now := f.nextTick()
	if n.parent != nil {
		n.parent.dir.forget(now)
	}
	forgetBelow(n, now)
}

func forgetBelow(n *Node, tick uint64) {
	n.dir.forget(tick)
	for _, m := range n.dir.children {
		if m.dir != nil {
			forgetBelow(m, tick)
		}
	}
}

func (d *dirState) forget(tick uint64) { d.loadedAt, d.forgot = time.Time{}, tick }

// know makes sure that dir.children can be believed about name.
func (f *FS) know(ctx context.Context, dir *Node, name string) error {
	f.mu.Lock()
	d := dir.dir
	n := d.children[name]
	pending := !d.loaded && n != nil && n.pending()
	if pending && (n.dir == nil || !n.dir.untold) {
		f.mu.Unlock()
		return nil // it overrules any listing, so that the store need not be asked
	}
	f.mu.Unlock()
	err := f.await(ctx, dir, false, pending)
	if err == nil || pending {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if from := f.sources(dir); d.children[name] == nil && f.guarded(from, name, f.tick+1, -1) || f.guarded(from, name+"/", f.tick+1, -1) {
		return nil // deleted here: what the store still has is on its way out
	}
	return err
}

// load lists dir where what is known is missing or too old, or force is set. A store that
// does not answer is an error only where nothing is known. Where something is, one that is
// late is not waited for: what is known serves, and the listing goes on (SPEC C6).
func (f *FS) load(ctx context.Context, dir *Node, force bool) error {
	return f.await(ctx, dir, force, false)
}

// await is load. serves says that the caller can do without.
func (f *FS) await(ctx context.Context, dir *Node, force, serves bool) error {
	for {
		again, err := f.awaitOne(ctx, dir, force, serves)
		if !again || err != nil {
			return err
		}
	}
}

// awaitOne waits for one listing. again says that what it shows was outdated already when
// the caller came: it was under way, and the one after it will do.
func (f *FS) awaitOne(ctx context.Context, dir *Node, force, serves bool) (again bool, err error) {
	f.mu.Lock()
	d := dir.dir
	switch {
	case d.loaded && (dir.detached() || !force && time.Since(d.loadedAt) < f.opt.DirTTL):
		f.mu.Unlock()
		return false, nil
	case dir.detached():
		f.mu.Unlock()
		return false, syscall.ENOENT
	case f.closed:
		f.mu.Unlock()
		return false, syscall.ESHUTDOWN
	}
	call, outdated := d.loading, d.forgot
	if call == nil {
		call = &loadCall{began: time.Now(), tick: f.nextTick(), done: make(chan struct{})}
		d.loading = call
		f.wg.Add(1)
		go f.runLoad(dir, call)
	}
	var late <-chan time.Time
	// A listing that was forgotten on purpose is not what anybody wants to see.
	if serves || d.loaded && !d.loadedAt.IsZero() && !force {
		wait := lateListing - time.Since(call.began)
		if f.late && !serves {
			wait = 0
		}
		timer := time.NewTimer(wait)
		defer timer.Stop()
		late = timer.C
	}
	f.mu.Unlock()
	select {
	case <-call.done:
	case <-late:
		f.mu.Lock()
		f.late = true
		f.mu.Unlock()
		return false, nil
	case <-ctx.Done():
		return false, errno(ctx.Err())
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if call.err != nil && d.loaded && !force {
		return false, nil
	}
	return call.err == nil && call.tick < outdated, errno(call.err)
}

// runLoad lists dir for everybody who waits for call.
func (f *FS) runLoad(dir *Node, call *loadCall) {
	defer f.wg.Done()
	err := f.list(f.ctx, dir)
	for try := 1; try < listTries && fault.Is(err, fault.Unreachable) && time.Since(call.began) < lateListing; try++ {
		select {
		case <-time.After(listPause):
			err = f.list(f.ctx, dir)
		case <-f.ctx.Done():
		}
	}
	f.mu.Lock()
	d := dir.dir
	d.loading, call.err = nil, err
	if err == nil {
		f.late = false
	} else if d.loaded {
		f.log.Debug("listing failed, the old one serves", "dir", dir.path(), "err", err)
		switch {
		case d.forgot > call.tick: // something was heard since: the next use asks again
		case d.forgot > d.listed:
			d.loadedAt = time.Now().Add(retryNews - f.opt.DirTTL)
		default:
			d.loadedAt = time.Now().Add(retryListing - f.opt.DirTTL)
		}
	}
	f.mu.Unlock()
	close(call.done)
}

// list asks the store for dir's entries and merges them. Where dir moved meanwhile it
// asks again.
func (f *FS) list(ctx context.Context, dir *Node) error {
	for {
		f.mu.Lock()
		from := f.sources(dir)
		own := dir.path()
		start := f.nextTick()
		f.listings[start] = start
		skip := f.leaving(from)
		expected := dir.dir.sheet == present
		f.mu.Unlock()

		found := map[string][]listed{}
		places := make([]listing, len(from))
		var err error
		for i, s := range from {
			if skip[i] {
				continue
			}
			if places[i], err = f.listWithSheet(ctx, s.path, expected); err != nil {
				break
			}
			for _, o := range places[i].objects {
				if name := entryName(o); name != "" {
					key := keyOf(name, o.Kind)
					found[key] = append(found[key], listed{Object: o, at: i})
				}
			}
		}

		f.mu.Lock()
		delete(f.listings, start)
		again := false
		if err == nil {
			f.storeAnswers()
			again = dir.path() != own || !slices.Equal(from, f.sources(dir)) || f.unclear(from, found, start)
			if !again && !dir.detached() {
				f.seeSheet(dir, from, places, start)
				f.merge(dir, from, found, f.known(from, places, start), start)
			}
		}
		f.unlinger()
		f.mu.Unlock()
		if !again {
			return err
		}
	}
}

// seeSheet notes whether dir has a sheet, where nothing is about to change that.
func (f *FS) seeSheet(dir *Node, from []source, places []listing, start uint64) {
	has := places[len(places)-1].has
	for _, s := range from {
		if s.op != nil || len(f.noting(s.path, start)) > 0 || f.removal(s, start) != nil {
			return
		}
	}
	if has != unknown {
		dir.dir.sheet = has
	}
	if s := places[len(places)-1].sheet; s != nil {
		dir.dir.sheetSize = s.size
	}
}

func entryName(o Object) string {
	_, name := splitPath(strings.TrimSuffix(o.Key, "/"))
	if o.Kind == Symlink {
		name = strings.TrimSuffix(name, SymlinkSuffix)
	}
	return name
}

// unlinger forgets the key states that only listings which are over now could need.
func (f *FS) unlinger() {
	oldest := f.oldestListing()
	keep := f.linger[:0]
	for _, k := range f.linger {
		if !f.q.forget(k, oldest) {
			keep = append(keep, k)
		}
	}
	f.linger = keep
}
