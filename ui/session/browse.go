package session

import (
	"context"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/artifacts-tui/artifacts-tui/backend/coordinator"
	"github.com/artifacts-tui/artifacts-tui/backend/objects"
	"github.com/artifacts-tui/artifacts-tui/ui/listing"
)

// Objects is the part of App about what stores hold.
type Objects interface {
	Buckets(ctx context.Context) ([]coordinator.Bucket, error)
	CreateBucket(ctx context.Context, b coordinator.NewBucket) (coordinator.Bucket, error)
	SetBucketQuota(ctx context.Context, bucket string, q coordinator.Quota) (coordinator.Bucket, error)
	// ListObjects calls page with each page of what is in a folder, as it arrives; an
	// error of page ends it.
	ListObjects(ctx context.Context, folder objects.Name, page func([]objects.Object) error) error
	LookObject(ctx context.Context, at objects.Name) (objects.Info, error)
	// ReadObject returns up to n bytes at off.
	ReadObject(ctx context.Context, at objects.Name, off, n int64) ([]byte, error)
	// LocalPaths are the paths of this machine that begin with text; those of folders end in "/".
	LocalPaths(text string) []string
	ShareObject(ctx context.Context, at objects.Name, life time.Duration) (objects.Link, error)
}

// ListState is how far a listing is.
type ListState int

// The states.
const (
	Listing   ListState = iota // pages arrive
	Paused                     // there is more; More goes on
	Whole                      // all of it is here
	Broken                     // Err says why
	Cancelled                  // by the user; there is more
)

const (
	aheadOf  = 12_000 // entries that are read without being asked for
	showWait = 50 * time.Millisecond
)

// Browser is what the browser shows.
type Browser struct {
	Buckets      []coordinator.Bucket
	BucketsKnown bool
	BucketsErr   error

	At    objects.Name // the folder; its Kind is empty where the places are shown
	List  listing.List
	State ListState
	Err   error
	All   bool      // everything is being read
	Since time.Time // of the listing
	Visit int       // counts the folders that were gone to

	Order listing.Order // that is wanted
	Rows  []uint32      // what is shown, as entries of List; of no use where AsListed
	// AsListed: every entry is shown, in the order of List.
	AsListed bool
	Arranged listing.Order // what Rows are

	Preview Preview

	feed      *feed
	stop      context.CancelFunc // of the listing
	reading   int                // counts the listings
	instead   bool               // the listing is to take the place of List
	sorting   context.CancelFunc // of the arrangement under way; may be nil
	sorted    int                // entries it has
	sortAgain bool
	hidden    map[string]bool // names that are being deleted
}

// Known is how many entries are here: those that are being deleted do not count.
func (b *Browser) Known() int { return b.List.Len() - len(b.hidden) }

// Folder is the name of a folder below another.
func Folder(at objects.Name, name string) objects.Name { return at.At(at.Path + name) }

// Above is the folder that holds at; its Kind is empty where that is the places.
func Above(at objects.Name) objects.Name {
	if at.Path == "" {
		return objects.Name{}
	}
	p := strings.TrimSuffix(at.Path, "/")
	return at.At(p[:strings.LastIndexByte(p, '/')+1])
}

// The messages of the browser.
type (
	// BucketsRead ends a read of the buckets.
	BucketsRead struct {
		List []coordinator.Bucket
		Err  error
		At   time.Time
	}
	// BucketChanged ends the making of a bucket, or of a quota.
	BucketChanged struct {
		Bucket coordinator.Bucket
		Quota  int64 // that was asked for
		New    bool
		Err    error
		At     time.Time
	}
	// Shared ends the making of a link. Its URL is a secret: it goes to the clipboard alone.
	Shared struct {
		Of   objects.Name
		Link objects.Link
		Err  error
		At   time.Time
	}
	// Completed ends Complete.
	Completed struct {
		Text  string
		Paths []string
	}
	// Listed is news of a listing, at most 20 a second.
	Listed struct {
		List  listing.List
		State ListState
		Err   error
		At    time.Time
		which int
		feed  *feed
	}
	// Arranged ends an ordering of what was listed.
	Arranged struct {
		Order listing.Order
		Rows  []uint32 // nil: it was given up
		visit int
		list  int // entries it is of
	}
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

// shareFor is how long a link lives.
const shareFor = time.Hour

// Share makes a link to read an object.
func (s *Session) Share(at objects.Name) tea.Cmd {
	return guard("make a link", func() tea.Msg {
		l, err := s.app.ShareObject(s.ctx, at, shareFor)
		return Shared{Of: at, Link: l, Err: err, At: time.Now()}
	})
}

// Complete looks for the local paths that begin with text.
func (s *Session) Complete(text string) tea.Cmd {
	return guard("complete a path", func() tea.Msg {
		path := text
		if path == "~" || strings.HasPrefix(path, "~/") {
			path = s.Home + path[1:]
		}
		found := s.app.LocalPaths(path)
		for i, p := range found {
			if rest, ok := strings.CutPrefix(p, s.Home+"/"); ok && path != text {
				found[i] = "~/" + rest
			}
		}
		return Completed{Text: text, Paths: found}
	})
}

func (s *Session) readBuckets() tea.Cmd {
	return s.read("buckets", func() tea.Msg {
		list, err := s.app.Buckets(s.ctx)
		return BucketsRead{List: list, Err: err, At: time.Now()}
	})
}

// CreateBucket makes a bucket of the mesh's store.
func (s *Session) CreateBucket(b coordinator.NewBucket) tea.Cmd {
	return guard("make a bucket", func() tea.Msg {
		made, err := s.app.CreateBucket(s.ctx, b)
		if err != nil {
			made.Name = b.Name
		}
		return BucketChanged{Bucket: made, Quota: b.Quota, New: true, Err: err, At: time.Now()}
	})
}

// SetQuota bounds what a bucket may hold.
func (s *Session) SetQuota(bucket string, q coordinator.Quota) tea.Cmd {
	return guard("set a quota", func() tea.Msg {
		b, err := s.app.SetBucketQuota(s.ctx, bucket, q)
		if err != nil {
			b.Name = bucket
		}
		return BucketChanged{Bucket: b, Quota: q.Bytes, Err: err, At: time.Now()}
	})
}

// Browse goes to a folder, or with an empty name to the places.
func (s *Session) Browse(at objects.Name) tea.Cmd {
	b := &s.Browser
	s.endListing()
	b.At, b.List, b.Err, b.All = at, listing.List{}, nil, false
	b.Order, b.Rows, b.AsListed, b.Arranged = listing.Order{}, nil, true, listing.Order{}
	b.Visit++
	s.markDoomed()
	s.endPreview()
	if at.Kind == "" {
		return s.readBuckets()
	}
	return s.list(false, aheadOf)
}

// Again lists the folder again; what is shown stays until as much is there.
func (s *Session) Again() tea.Cmd {
	b := &s.Browser
	if b.At.Kind == "" {
		return nil
	}
	limit := max(b.List.Len(), aheadOf)
	s.endListing()
	return s.list(b.List.Len() > 0, limit)
}

func (s *Session) endListing() {
	b := &s.Browser
	if b.stop != nil {
		b.stop()
		b.stop, b.feed = nil, nil
	}
	if b.sorting != nil {
		b.sorting()
		b.sorting = nil
	}
	b.sorted = 0
}

func (s *Session) list(instead bool, limit int) tea.Cmd {
	b := &s.Browser
	ctx, stop := context.WithCancel(s.ctx)
	b.stop, b.instead = stop, instead
	b.reading++
	b.Since = s.Now
	if !instead {
		b.State = Listing
	}
	f := &feed{limit: limit, ready: make(chan struct{}, 1), wake: make(chan struct{}, 1)}
	b.feed = f
	at := b.At
	return tea.Batch(s.waitListed(f), guard("list", func() tea.Msg {
		go fill(ctx, s.app, at, f)
		return nil
	}))
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

// More reads the next entries, or all there are.
func (s *Session) More(all bool) tea.Cmd {
	b := &s.Browser
	if b.feed == nil || b.State == Whole || b.State == Broken {
		return nil
	}
	if b.State == Cancelled { // where it was is not known any more
		s.endListing()
		b.All = all
		return s.list(true, 1<<31-1)
	}
	limit := b.List.Len() + aheadOf
	if all {
		b.All, limit = true, 1<<31-1
	}
	b.feed.raise(limit)
	if b.State == Paused {
		b.State = Listing
		return s.waitListed(b.feed)
	}
	return nil
}

// StopListing gives up reading all of a folder; what is there stays.
func (s *Session) StopListing() {
	b := &s.Browser
	if b.State == Listing && b.stop != nil {
		b.stop()
		b.State, b.All = Cancelled, false
	}
}

func (s *Session) applyBrowser(msg tea.Msg) (tea.Cmd, bool) {
	b := &s.Browser
	switch msg := msg.(type) {
	case BucketsRead:
		s.at(msg.At)
		if b.BucketsErr = msg.Err; msg.Err == nil {
			b.Buckets, b.BucketsKnown = msg.List, true
		}
		return s.again("buckets", s.readBuckets), true
	case BucketChanged:
		s.at(msg.At)
		return s.readBuckets(), true
	case Shared:
		s.at(msg.At)
		return nil, true
	case Listed:
		s.at(msg.At)
		return s.applyListed(msg), true
	case Arranged:
		return s.applyArranged(msg), true
	case lookNow, Previewed:
		return s.applyPreview(msg), true
	}
	return nil, false
}

func (s *Session) applyListed(msg Listed) tea.Cmd {
	b := &s.Browser
	if msg.which != b.reading || msg.feed != b.feed {
		return nil // of a folder that was left
	}
	goesOn := msg.State == Listing
	if b.State == Cancelled && msg.State == Listing {
		msg.State = Cancelled
	}
	if b.instead && msg.State == Listing && msg.List.Len() < b.List.Len() {
		return s.waitListed(msg.feed)
	}
	if b.instead && msg.State == Broken && msg.List.Len() < b.List.Len() {
		b.instead = false
		b.State, b.Err = Broken, msg.Err // what is known is better than nothing
		return nil
	}
	if b.instead {
		b.instead = false
		b.sorted = 0
		s.markDoomed()
		if b.sorting != nil {
			b.sorting() // its rows are of the former list
			b.sorting = nil
		}
		b.AsListed = b.Order.Plain() && len(b.hidden) == 0
		b.Rows = nil
	}
	b.List, b.State, b.Err = msg.List, msg.State, msg.Err
	if b.State != Listing {
		b.All = false
	}
	var wait tea.Cmd
	if goesOn {
		wait = s.waitListed(msg.feed)
	}
	return tea.Batch(wait, s.arrange())
}

// Arrange shows the entries in another order.
func (s *Session) Arrange(o listing.Order) tea.Cmd {
	b := &s.Browser
	if b.Order == o {
		return nil
	}
	b.Order = o
	if b.sorting != nil {
		b.sorting()
		b.sorting = nil
	}
	b.sorted = 0
	return s.arrange()
}

// arrange orders what is there, beside the screen; one at a time.
func (s *Session) arrange() tea.Cmd {
	b := &s.Browser
	if b.Order.Plain() && len(b.hidden) == 0 {
		b.AsListed, b.Rows, b.Arranged = true, nil, b.Order
		return nil
	}
	if b.sorting != nil {
		b.sortAgain = true
		return nil
	}
	n := b.List.Len()
	if grown := n - b.sorted; b.State == Listing && b.sorted > 0 && grown < b.sorted/8 {
		return nil // a sort of nearly the same again
	}
	ctx, cancel := context.WithCancel(s.ctx)
	b.sorting, b.sortAgain, b.sorted = cancel, false, n
	list, order, visit := b.List, b.Order, b.Visit
	var skip map[uint32]bool
	for name := range b.hidden {
		if i, ok := list.Find(name); ok {
			if skip == nil {
				skip = map[uint32]bool{}
			}
			skip[uint32(i)] = true
		}
	}
	return guard("arrange", func() tea.Msg {
		defer cancel()
		rows := list.Arrange(ctx, order)
		if rows != nil && len(skip) > 0 {
			kept := rows[:0]
			for _, r := range rows {
				if !skip[r] {
					kept = append(kept, r)
				}
			}
			rows = kept
		}
		return Arranged{Order: order, Rows: rows, visit: visit, list: n}
	})
}

func (s *Session) applyArranged(msg Arranged) tea.Cmd {
	b := &s.Browser
	if msg.Rows == nil || msg.visit != b.Visit || msg.Order != b.Order || msg.list > b.List.Len() {
		return nil
	}
	b.sorting = nil
	b.Rows, b.AsListed, b.Arranged = msg.Rows, false, msg.Order
	if b.sortAgain {
		return s.arrange()
	}
	return nil
}

// hide takes names of the folder off the screen, or puts them back.
func (s *Session) hide(names []objects.Name, hidden bool) tea.Cmd {
	s.mark(names, hidden)
	b := &s.Browser
	if b.sorting != nil {
		b.sorting()
		b.sorting = nil
	}
	b.sorted = 0
	return s.arrange()
}

func (s *Session) mark(names []objects.Name, hidden bool) {
	b := &s.Browser
	for _, n := range names {
		name, ok := strings.CutPrefix(n.Path, b.At.Path)
		if n.Kind != b.At.Kind || n.In != b.At.In || !ok {
			continue
		}
		if b.hidden == nil {
			b.hidden = map[string]bool{}
		}
		if hidden {
			b.hidden[name] = true
		} else {
			delete(b.hidden, name)
		}
	}
}

// markDoomed hides what is being deleted, or about to be, and nothing else.
func (s *Session) markDoomed() {
	s.Browser.hidden = nil
	for _, d := range s.Doomed {
		s.mark(d.What, true)
	}
	for _, what := range s.deleting {
		s.mark(what, true)
	}
}
