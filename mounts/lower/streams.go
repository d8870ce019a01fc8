package lower

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// The streams of a sequential read. With 30 ms to the store and 60 MB/s a request,
// sixteen of 8 MiB read above 600 MB/s, of 4 MiB 400. They begin with one short request and double, so
// that a program that reads a little makes us fetch a little.
const (
	firstChunk = 256 << 10
	chunk      = 8 << 20
	widest     = 16        // unless Options.Streams says otherwise
	memory     = 144 << 20 // bytes that all streams of a mount hold together; the first part of each comes on top
	trust      = 4         // bytes on their way for each that was read: who reads on gets more
	readAhead  = 2 << 20   // bytes that rclone's downloader runs ahead of the reader, and the streams of it
)

// buffers are those of whole chunks. A short range has a slice of its own: touching 8 MiB
// for each small file would cost more than the file.
var buffers = sync.Pool{New: func() any { b := make([]byte, chunk); return &b }}

// bufferSize is how many bytes the buffer of a range of n has.
func bufferSize(n int64) int64 {
	if n <= firstChunk {
		return n
	}
	return chunk
}

func buffer(n int64) *[]byte {
	if bufferSize(n) == n && n < chunk {
		b := make([]byte, n)
		return &b
	}
	return buffers.Get().(*[]byte)
}

func putBuffer(b *[]byte) {
	if len(*b) == chunk {
		buffers.Put(b)
	}
}

// streams reads [next, end) of an object in order, several ranges at once. (rclone's own
// parallel reader waits forever for a stream whose request failed, in v1.76.0.)
type streams struct {
	ctx    context.Context
	cancel context.CancelFunc
	object *object

	next, end int64 // what has not been asked for
	size      int64 // of the next range
	taken     int64 // bytes of the parts that were read so far
	queue     []*part
	rest      []byte // of the part being read
	current   *part
}

// part is one range on its way.
type part struct {
	off  int64
	buf  *[]byte
	n    int
	done chan struct{}
	err  error
}

func newStreams(ctx context.Context, o *object, off, n int64) *streams {
	s := &streams{object: o, next: off, end: off + n, size: firstChunk}
	s.ctx, s.cancel = context.WithCancel(ctx)
	return s
}

// Read implements io.Reader.
func (s *streams) Read(p []byte) (int, error) {
	for len(s.rest) == 0 {
		if err := s.advance(); err != nil {
			return 0, err
		}
	}
	n := copy(p, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

// advance makes the next part the current one.
func (s *streams) advance() error {
	s.recycle()
	s.fill()
	if len(s.queue) == 0 {
		return io.EOF
	}
	head := s.queue[0]
	select {
	case <-head.done:
	case <-s.ctx.Done():
		return s.ctx.Err()
	}
	if head.err != nil {
		return head.err
	}
	s.queue = s.queue[1:]
	s.current, s.rest = head, (*head.buf)[:head.n]
	s.taken += int64(head.n)
	s.fill()
	return nil
}

// fill keeps ranges in flight, as many as what was read makes likely, fewer where the
// mount's memory for it is used up.
func (s *streams) fill() {
	for len(s.queue) < s.object.l.widest && s.next < s.end {
		n := min(s.size, s.end-s.next)
		if s.ahead()+n > trust*s.taken && len(s.queue) > 0 {
			return
		}
		size := bufferSize(n)
		if held := s.object.l.budget.Add(size); held > memory && (len(s.queue) > 0 || s.current != nil) {
			s.object.l.budget.Add(-size)
			return // others read too: narrower, until they are done
		}
		p := &part{off: s.next, n: int(n), done: make(chan struct{}), buf: buffer(n)}
		s.queue = append(s.queue, p)
		s.next += int64(p.n)
		s.size = min(s.size*2, chunk)
		go func() {
			defer close(p.done)
			p.err = s.object.readBy(s.ctx, s.object.request, (*p.buf)[:p.n], p.off)
		}()
	}
}

// ahead is how many bytes are on their way.
func (s *streams) ahead() (n int64) {
	for _, p := range s.queue {
		n += int64(p.n)
	}
	return n
}

func (s *streams) recycle() {
	if s.current != nil {
		s.give(s.current)
		s.current, s.rest = nil, nil
	}
}

// give returns a part's buffer.
func (s *streams) give(p *part) {
	s.object.l.budget.Add(-bufferSize(int64(p.n)))
	putBuffer(p.buf)
}

// Close implements io.Closer. Ranges in flight are cut off.
func (s *streams) Close() error {
	s.cancel()
	s.recycle()
	queue := s.queue
	s.queue, s.next = nil, s.end
	go func() {
		for _, p := range queue {
			<-p.done
			s.give(p)
		}
	}()
	return nil
}

// readFull fills buf from off. A transfer that broke off goes on once where it stopped.
func (o *object) readFull(ctx context.Context, buf []byte, off int64) error {
	return o.readBy(ctx, o.fetch, buf, off)
}

type fetcher func(ctx context.Context, off, n int64) (io.ReadCloser, error)

func (o *object) readBy(ctx context.Context, fetch fetcher, buf []byte, off int64) error {
	for again := false; ; again = true {
		n, err := readOnce(ctx, fetch, buf, off)
		if err == nil {
			return nil
		}
		if again || ctx.Err() != nil || !broken(err) {
			return o.failed(ctx, err)
		}
		buf, off = buf[n:], off+int64(n)
	}
}

func readOnce(ctx context.Context, fetch fetcher, buf []byte, off int64) (int, error) {
	body, err := fetch(ctx, off, int64(len(buf)))
	if err != nil {
		return 0, err
	}
	defer body.Close()
	return io.ReadFull(body, buf)
}

// broken reports whether a body ended early, which is worth another request. A store that
// said nothing for the time a program may wait is not.
func broken(err error) bool {
	if errors.Is(err, context.DeadlineExceeded) {
		return false
	}
	return errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) || fault.Is(err, fault.Unreachable)
}

// failed keeps the reason of a failed read, which rclone's wrapping would lose.
func (o *object) failed(ctx context.Context, err error) error {
	if ctx.Err() == nil && !errors.Is(err, stale) {
		if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
			err = fault.Wrap(fault.Unreachable, err, "", "read %s", o.o.Key)
		}
		o.cause.Store(&err)
	}
	return err
}

// knockAgain is how long a store that did not answer is not asked again by reads.
// rclone tries ten times in a row, and each would wait for the whole dial.
const knockAgain = 2 * time.Second

type brokenStore struct {
	mu    sync.Mutex
	fails int
	until time.Time
	err   error
}

func (b *brokenStore) check() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if time.Now().Before(b.until) {
		return b.err
	}
	return nil
}

// StoreAnswers lets reads ask the store at once: somebody heard that it answers again.
func (l *Lower) StoreAnswers() { l.broken.note(nil) }

func (b *brokenStore) note(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !fault.Is(err, fault.Unreachable) {
		b.fails, b.until = 0, time.Time{}
		return
	}
	if b.fails++; b.fails > 1 || errors.Is(err, context.DeadlineExceeded) { // one may be an idle connection that the store had closed
		b.until, b.err = time.Now().Add(knockAgain), err
	}
}
