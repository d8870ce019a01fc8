package session

import (
	"context"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/artifacts-tui/artifacts-tui/backend/coordinator"
	"github.com/artifacts-tui/artifacts-tui/backend/objects"
	"github.com/artifacts-tui/artifacts-tui/ui/listing"
)

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

	Preview Preview

	feed      *feed
	stop      context.CancelFunc   // of the listing
	reading   int                  // counts the listings
	instead   bool                 // the listing is to take the place of List
	sorting   context.CancelFunc   // of the arrangement under way; may be nil
	arranging int                  // counts the arrangements
	sorted    int                  // entries it has
	last      *listing.Arrangement // of List or its beginning; may be nil
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
		of   coordinatorID
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
		arrangement *listing.Arrangement
		rows        []uint32 // of it, but for what is being deleted
		which       int
	}
)

// Browse goes to a folder, or with an empty name to the places.
func (s *Session) Browse(at objects.Name) tea.Cmd {
	b := &s.Browser
	s.endListing()
	b.At, b.List, b.Err, b.All = at, listing.List{}, nil, false
	b.Order, b.Rows, b.AsListed, b.last = listing.Order{}, nil, true, nil
	b.Visit++
	s.markDoomed()
	s.endPreview()
	if at.Kind == "" {
		return s.readBuckets()
	}
	return s.list(false, aheadOf)
}

// Revisit shows a folder in an order before it can be listed: that begins when the coordinator
// answers.
func (s *Session) Revisit(at objects.Name, o listing.Order) {
	b := &s.Browser
	b.At, b.Order, b.State = at, o, Listing
	b.AsListed = o.Plain()
	b.Visit++
}

// visit lists the folder that Revisit was called for, unless it was left or is listed already.
func (s *Session) visit() tea.Cmd {
	if b := &s.Browser; b.At.Kind == "" || b.reading > 0 {
		return nil
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
	s.stopArranging()
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
		if msg.of != s.coordinator {
			return nil, true
		}
		s.at(msg.At)
		if b.BucketsErr = msg.Err; msg.Err == nil {
			b.Buckets, b.BucketsKnown = msg.List, true
		}
		return s.again("buckets", s.readBuckets), true
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
		s.markDoomed()
		s.stopArranging() // its rows are of the former list
		b.AsListed = b.Order.Plain() && len(b.hidden) == 0
		b.Rows, b.last = nil, nil
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
