package objects

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"sync"

	"golang.org/x/sync/semaphore"
	"golang.org/x/sys/unix"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// Place is a Name that was opened: Store is nil where it is of this machine.
type Place struct {
	Name
	Store *Store
}

// Report is told how far it is. Its methods are called side by side.
type Report interface {
	Expect(objects, bytes int64, counting bool)
	Advance(bytes int64)
	Finish()
	Fail(err error)
}

// Request asks for a transfer.
type Request struct {
	From      []Place
	To        Place
	Recursive bool
	Move      bool // delete each source once its copy is proven
	NoClobber bool // leave what is there
	Always    bool // transfer what is there with the same content, too
	Follow    bool // symlinks; else they are left out
	DryRun    bool
	Parallel  int    // objects at once; 0: DefaultParallel
	Resume    string // folder for the records of uploads in parts; empty: there are none
	In        io.Reader
	Out       io.Writer
	Report    Report       // may be nil
	Each      func(Change) // of everything that is done, or would be; may be nil
}

// DefaultParallel is how many objects are on their way at once.
const DefaultParallel = 16

// bufferBytes bounds what small bodies take of memory.
const bufferBytes = 64 << 20

// Change is one thing that is done.
type Change struct {
	Action Action `json:"action"`
	From   string `json:"from,omitempty"`
	To     string `json:"to,omitempty"` // or what is deleted
	Size   int64  `json:"size"`
	Why    string `json:"why,omitempty"`
}

// Action is the kind of a Change.
type Action string

// The actions.
const (
	Copied  Action = "copy"
	Moved   Action = "move"
	Deleted Action = "delete"
	Same    Action = "same" // it is there already
	Kept    Action = "kept" // something is there, and stays
	LeftOut Action = "left_out"
)

// Result is what became of a request.
type Result struct {
	Transferred int64          `json:"transferred"`
	Bytes       int64          `json:"bytes"`
	Same        int64          `json:"same"` // were there already
	Kept        int64          `json:"kept"`
	Deleted     int64          `json:"deleted"`
	LeftOut     int64          `json:"left_out"`   // symlinks, sockets and the like
	Unverified  int64          `json:"unverified"` // of which the store knows no checksum
	Failed      int64          `json:"failed"`
	Errors      []*fault.Error `json:"errors"` // the first of them
}

const (
	errorsKept = 50
	// Refusals in a row after which it is not one object that is refused.
	hopeless = 20
)

// nobody is told nothing.
type nobody struct{}

func (nobody) Expect(int64, int64, bool) {}
func (nobody) Advance(int64)             {}
func (nobody) Finish()                   {}
func (nobody) Fail(error)                {}

// item is one object or file to be moved.
type item struct {
	store  *Store // nil: a file
	object Object
	path   string
	info   fs.FileInfo

	to      string // key, or path in the folder
	there   *Object
	looked  bool // there is known; nil: nothing is there
	guarded bool // refuse it where there has changed
}

func (i *item) size() int64 {
	if i.store == nil {
		return i.info.Size()
	}
	return i.object.Size
}

func (i *item) from() string {
	if i.store == nil {
		return i.path
	}
	return i.store.Place(i.object.Key)
}

// transfer is a request under way.
type transfer struct {
	Request
	folder *localFolder // where To is local
	memory *semaphore.Weighted
	items  chan *item
	sorted bool // listings have to be in the order of the keys

	mu       sync.Mutex
	result   Result
	first    error // of the objects' failures
	refusals int   // in a row
	stopped  error // why nothing more is begun
}

func (r Request) start() *transfer {
	if r.Report == nil {
		r.Report = nobody{}
	}
	if r.Each == nil {
		r.Each = func(Change) {}
	}
	if r.Parallel <= 0 {
		r.Parallel = DefaultParallel
	}
	return &transfer{Request: r, memory: semaphore.NewWeighted(bufferBytes), items: make(chan *item, 2*r.Parallel), result: Result{Errors: []*fault.Error{}}}
}

// errStopped ends a listing whose objects nobody wants any more.
var errStopped = errors.New("stopped")

// run has workers take the items that feed sends.
func (t *transfer) run(ctx context.Context, feed func(ctx context.Context) error) error {
	var workers sync.WaitGroup
	for range t.Parallel {
		workers.Go(func() {
			for i := range t.items {
				if t.halted() == nil && ctx.Err() == nil {
					t.one(ctx, i)
				}
			}
		})
	}
	err := feed(ctx)
	close(t.items)
	if err == nil {
		t.Report.Expect(0, 0, false)
	}
	workers.Wait()
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case t.stopped != nil:
		return t.stopped
	}
	return err
}

func (t *transfer) send(ctx context.Context, i *item) error {
	if t.halted() != nil {
		return errStopped
	}
	t.Report.Expect(1, i.size(), true)
	select {
	case t.items <- i:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (t *transfer) halted() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.stopped
}

// fail keeps the error of one object. The rest goes on, unless it would fail in the same way.
func (t *transfer) fail(err error) {
	if errors.Is(err, context.Canceled) {
		return
	}
	f := fault.As(err)
	t.Report.Fail(err)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.result.Failed++
	if t.first == nil {
		t.first = err
	}
	if len(t.result.Errors) < errorsKept {
		t.result.Errors = append(t.result.Errors, f)
	}
	switch f.Kind {
	case fault.Quota, fault.Unreachable:
		t.stopped = err
	case fault.Failure:
		if errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) {
			t.stopped = err
		}
	case fault.Auth:
		if t.refusals++; t.refusals >= hopeless && !errors.Is(err, fs.ErrPermission) {
			t.stopped = err
		}
	}
}

func (t *transfer) done(i *item, c Change, verified bool) {
	t.Report.Finish()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.refusals = 0
	c.From, c.Size = i.from(), i.size()
	switch c.Action {
	case Copied, Moved:
		t.result.Transferred++
		t.result.Bytes += c.Size
		if !verified {
			t.result.Unverified++
		}
	case Same:
		t.result.Same++
	case Kept:
		t.result.Kept++
	}
	t.Each(c)
}

func (t *transfer) deleted(what string, size int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.result.Deleted++
	t.Each(Change{Action: Deleted, To: what, Size: size})
}

func (t *transfer) leftOut(path, why string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.result.LeftOut++
	t.Each(Change{Action: LeftOut, From: path, Why: why})
}

// end is the result, with an error that says how many failed.
func (t *transfer) end(err error) (Result, error) {
	if t.folder != nil {
		_ = t.folder.root.Close()
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if errors.Is(err, errStopped) {
		err = t.stopped
	}
	if err == nil {
		err = t.first
	}
	if err == nil || errors.Is(err, context.Canceled) || t.result.Failed < 2 {
		return t.result, err
	}
	f := fault.As(err)
	return t.result, &fault.Error{
		Kind: f.Kind, Hint: f.Hint, Err: err,
		Message: f.Error() + failures(t.result),
	}
}
