package lower

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/artifacts-tui/artifacts-tui/mounts/upper"
)

// Directories that are read file by file (tar, cp -r, grep -r, a compiler). Each small file
// costs a round trip; where several were fetched in the order of the listing, those that
// come next are fetched beside each other before they are asked for.
const (
	siblingMax   = 128 << 10 // bytes of a file that is worth it: a round trip costs more than its bytes
	siblingSteps = 3         // files in order that make a run
	siblingSkew  = 8         // files by which programs that read side by side come out of order
	firstWindow  = 4         // files ahead at first; doubles as they are read
	lastWindow   = 64
	siblingBytes = 16 << 20 // held for all directories
	siblingFlows = 32       // requests at the same time
	siblingDirs  = 8        // listings that are remembered
)

// siblings are what is held of small files ahead of their readers. A version of a key has
// a name of its own (itemName), so that nothing held can be another version's.
type siblings struct {
	l     *Lower
	ctx   context.Context
	wg    sync.WaitGroup
	flows chan struct{}

	mu    sync.Mutex
	dirs  []*siblingDir // most recently listed last
	held  map[string]*sibling
	order []*sibling // oldest first; those no longer held among them
	bytes int64      // of what is held
}

// siblingDir is a listing and how far it is read.
type siblingDir struct {
	path   string
	files  []upper.Object // by key
	last   int            // index of the file read furthest in this run
	steps  int            // files read in order so far
	ahead  int            // index of the first that was not asked for
	window int
}

// sibling is a small file that was asked for before its reader came.
type sibling struct {
	name string
	size int64
	done chan struct{}
	data []byte // nil where it could not be had
}

func newSiblings(ctx context.Context, l *Lower) *siblings {
	return &siblings{l: l, ctx: ctx, flows: make(chan struct{}, siblingFlows), held: map[string]*sibling{}}
}

func dirOf(key string) string {
	return key[:max(strings.LastIndexByte(key, '/'), 0)]
}

func byKey(a, b upper.Object) int { return strings.Compare(a.Key, b.Key) }

// listed remembers what a directory holds. What was held for the old listing stays valid.
func (s *siblings) listed(dir string, objects []upper.Object) {
	files := make([]upper.Object, 0, len(objects))
	for _, o := range objects {
		if o.Kind == upper.File && o.ETag != "" {
			files = append(files, o)
		}
	}
	slices.SortFunc(files, byKey)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dirs = slices.DeleteFunc(s.dirs, func(d *siblingDir) bool { return d.path == dir })
	if len(files) <= siblingSteps {
		return
	}
	if len(s.dirs) == siblingDirs {
		s.dirs = slices.Delete(s.dirs, 0, 1)
	}
	s.dirs = append(s.dirs, &siblingDir{path: dir, files: files, last: -siblingSkew - 1})
}

// read notes that o is being read, and starts what comes next where that is a run.
func (s *siblings) read(o upper.Object) {
	s.mu.Lock()
	defer s.mu.Unlock()
	dir := dirOf(o.Key)
	i := slices.IndexFunc(s.dirs, func(d *siblingDir) bool { return d.path == dir })
	if i < 0 {
		return
	}
	d := s.dirs[i]
	at, ok := slices.BinarySearchFunc(d.files, o, byKey)
	if !ok {
		return
	}
	if at > d.last+siblingSkew || at < d.last-siblingSkew {
		d.steps, d.ahead, d.window, d.last = 0, at+1, firstWindow, at
		return
	}
	if at > d.last {
		d.steps++
		d.last = at
	}
	// Half of what is ahead is read: the guess is right, and there is time for the next.
	if d.steps < siblingSteps || d.ahead-d.last > d.window/2 {
		return
	}
	d.window = min(d.window*2, lastWindow)
	for d.ahead = max(d.ahead, d.last+1); d.ahead < min(d.last+1+d.window, len(d.files)); d.ahead++ {
		if next := d.files[d.ahead]; next.Size > 0 && next.Size <= siblingMax {
			s.start(next)
		}
	}
}

// start fetches o unless it is here already. s.mu is held.
func (s *siblings) start(o upper.Object) {
	name := itemName(o)
	if s.held[name] != nil || s.l.onDisk(name) || s.ctx.Err() != nil {
		return
	}
	b := &sibling{name: name, size: o.Size, done: make(chan struct{})}
	s.held[name] = b
	s.order = append(s.order, b)
	s.bytes += b.size
	for s.bytes > siblingBytes || len(s.order) > 2*lastWindow*siblingDirs {
		s.drop(s.order[0])
		s.order = s.order[1:]
	}
	s.wg.Go(func() {
		defer close(b.done)
		select {
		case s.flows <- struct{}{}:
		case <-s.ctx.Done():
			return
		}
		defer func() { <-s.flows }()
		data := make([]byte, b.size)
		// What failed is the reader's to ask for and to be told.
		if newObject(s.l, o).readFull(s.ctx, data, 0) == nil {
			b.data = data
		}
	})
}

func (s *siblings) drop(b *sibling) {
	if s.held[b.name] == b {
		delete(s.held, b.name)
		s.bytes -= b.size
	}
}

// take returns a range of o where it was fetched ahead, or is about to be; nil where not.
// With its end a file is handed over: the cache on disk has it then.
func (s *siblings) take(ctx context.Context, o upper.Object, off, n int64) io.ReadCloser {
	if o.Size > siblingMax {
		return nil
	}
	if off == 0 {
		s.read(o)
	}
	s.mu.Lock()
	b := s.held[itemName(o)]
	s.mu.Unlock()
	if b == nil {
		return nil
	}
	select {
	case <-b.done:
	case <-ctx.Done():
		return nil
	}
	if b.data == nil || off+n == b.size {
		s.mu.Lock()
		s.drop(b)
		s.mu.Unlock()
	}
	if b.data == nil || off+n > b.size {
		return nil
	}
	return io.NopCloser(bytes.NewReader(b.data[off : off+n]))
}

// onDisk reports whether the read cache has a file for the item, be it a part of it.
func (l *Lower) onDisk(name string) bool {
	if l.cache == nil {
		return false
	}
	_, err := os.Lstat(filepath.Join(l.cacheFiles, filepath.FromSlash(name)))
	return err == nil
}
