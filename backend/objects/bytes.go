package objects

import (
	"bytes"
	"context"
	"io"
	"time"
)

func readerAt(b []byte) io.ReaderAt   { return bytes.NewReader(b) }
func newBytes(b []byte) io.ReadSeeker { return bytes.NewReader(b) }

var zeroTime time.Time

// interruptible ends the reading of a stream with ctx, also while nothing comes: what is read
// after that is lost.
type interruptible struct {
	ctx context.Context
	r   io.Reader
}

// Read implements io.Reader.
func (i *interruptible) Read(p []byte) (int, error) {
	type answer struct {
		n   int
		err error
	}
	answers := make(chan answer, 1)
	mine := make([]byte, min(len(p), 1<<20))
	go func() {
		n, err := i.r.Read(mine)
		answers <- answer{n, err}
	}()
	select {
	case a := <-answers:
		return copy(p, mine[:a.n]), a.err
	case <-i.ctx.Done():
		return 0, i.ctx.Err()
	}
}
