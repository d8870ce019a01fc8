package store

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"hash"
	"hash/crc32"
	"io"
	"sync"
	"sync/atomic"
)

// Bodies above one chunk are hashed and written by goroutines of their own while the
// next chunk is read: MD5 alone is slower than the network, 64 % of an upload.
const (
	chunkSize = 128 << 10
	chunksMax = 16  // on their way for one body
	chunksAll = 256 // on their way for all bodies: however many clients there are, memory is bounded
	smallSize = 32 << 10
)

// Buffers are pooled in two sizes, so that many small writers at once stay small.
var (
	chunkPool = sync.Pool{New: func() any { return new([chunkSize]byte) }}
	smallPool = sync.Pool{New: func() any { return new([smallSize]byte) }}
	underway  = make(chan struct{}, chunksAll)
)

// spooled is a body that was read and waits to be committed. Its sums are known.
type spooled struct {
	size int64
	md5  string // hex
	sum  uint32 // CRC-32C
	w    BlobWriter
}

// spool copies body to a new blob that is not committed yet. size is the length that was
// announced, -1 where it was not; a body of another length is refused with IncompleteBody.
// space grows along where the size is not known. After an error nothing is left.
func (s *Store) spool(ctx context.Context, body io.Reader, size int64, space room) (spooled, error) {
	w := &lazyBlob{ctx: ctx, blobs: s.blobs, size: size, space: space.disk}
	sums := &digest{md5: md5.New()} //nolint:gosec // S3's ETag is an MD5
	take := pump
	if size >= 0 && size < smallSize {
		take = gulp
	}
	n, err := take(ctx, body, size, space, w, sums)
	if err == nil && size >= 0 && n != size {
		err = Refuse(IncompleteBody, "the body has %d bytes, %d were announced", n, size)
	}
	if err != nil {
		w.abort()
		return spooled{}, err
	}
	return spooled{size: n, md5: hex.EncodeToString(sums.md5.Sum(nil)), sum: sums.crc, w: w.w}, nil
}

// abort gives the body up; after commit it does nothing.
func (b spooled) abort() {
	if b.w != nil {
		b.w.Abort()
	}
}

// commit makes the bytes durable. An empty body has no segment.
func (b spooled) commit() ([]Segment, error) {
	if b.w == nil {
		return nil, nil
	}
	id, err := b.w.Commit()
	if err != nil {
		return nil, err
	}
	return []Segment{{Blob: id, Length: b.size, Sum: b.sum}}, nil
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// digest sums what is written: MD5 is S3's, CRC-32C is the store's own.
type digest struct {
	md5 hash.Hash
	crc uint32
}

func (d *digest) Write(p []byte) (int, error) {
	d.crc = crc32.Update(d.crc, castagnoli, p)
	return d.md5.Write(p)
}

// lazyBlob makes its blob with the first byte, so that an empty body has none.
type lazyBlob struct {
	ctx   context.Context
	blobs Blobs
	size  int64
	space *claim
	w     BlobWriter
}

// open makes the blob. It may wait until other writers have given memory back.
func (l *lazyBlob) open() error {
	if l.w != nil {
		return nil
	}
	w, err := l.blobs.Create(l.ctx, l.size)
	if err == nil {
		l.w = w
	}
	return err
}

func (l *lazyBlob) Write(p []byte) (int, error) {
	if err := l.open(); err != nil {
		return 0, err
	}
	n, err := l.w.Write(p)
	if l.size < 0 || l.size >= smallSize { // a small one may wait for its Commit
		l.space.wrote(int64(n))
	}
	return n, err
}

func (l *lazyBlob) abort() {
	if l.w != nil {
		l.w.Abort()
	}
}

// fill reads until buf is full or body ends. Unlike io.ReadFull it tells a body that ended
// from one that was cut and says so with io.ErrUnexpectedEOF: that one must not become an object.
func fill(body io.Reader, buf []byte) (n int, ended bool, err error) {
	for idle := 0; n < len(buf); {
		k, err := body.Read(buf[n:])
		n += k
		switch {
		case err == io.EOF: // io.Reader returns EOF itself, and a wrapped one is an error
			return n, true, nil
		case err != nil:
			return n, false, err
		case k > 0:
			idle = 0
		default:
			if idle++; idle == 100 {
				return n, false, io.ErrNoProgress
			}
		}
	}
	return n, false, nil
}

// gulp is pump for a body that is known to be small.
func gulp(_ context.Context, body io.Reader, size int64, _ room, w *lazyBlob, sum io.Writer) (int64, error) {
	buf := smallPool.Get().(*[smallSize]byte)
	defer smallPool.Put(buf)
	// One byte more than announced shows a body that is too long, and reaches its end.
	n, ended, err := fill(body, buf[:size+1])
	switch {
	case err != nil:
		return int64(n), err
	case !ended:
		return int64(n), Refuse(IncompleteBody, "the body has more than the %d bytes that were announced", size)
	case n == 0:
		return 0, nil
	}
	_, _ = sum.Write(buf[:n]) // never fails: hash.Hash
	_, err = w.Write(buf[:n])
	return int64(n), err
}

// pump reads body to its end, so that whatever the reader verifies there has been verified.
func pump(ctx context.Context, body io.Reader, size int64, space room, w *lazyBlob, sum io.Writer) (n int64, err error) {
	p := pipeline{w: w, sum: sum}
	defer func() { err = errors.Join(err, p.wait()) }()
	for {
		buf := chunkPool.Get().(*[chunkSize]byte)
		k, last, err := fill(body, buf[:])
		n += int64(k)
		switch {
		case err != nil:
			chunkPool.Put(buf)
			return n, err
		case size >= 0 && n > size:
			chunkPool.Put(buf)
			return n, Refuse(IncompleteBody, "the body has more than the %d bytes that were announced", size)
		case size < 0 && k > 0:
			if err := space.grow(int64(k)); err != nil {
				chunkPool.Put(buf)
				return n, err
			}
		}
		if ctx.Err() != nil {
			chunkPool.Put(buf)
			return n, ctx.Err()
		}
		// Here, where nothing is held that the writers before this one wait for.
		if k > 0 {
			if err := w.open(); err != nil {
				chunkPool.Put(buf)
				return n, err
			}
		}
		if err := p.put(buf, k, last); err != nil || last {
			return n, err
		}
	}
}

// pipeline hands chunks to a goroutine that hashes and one that writes.
type pipeline struct {
	w, sum io.Writer

	hashing chan *chunk // nil until there is a second chunk
	writing chan *chunk
	done    sync.WaitGroup
	err     atomic.Pointer[error] // of the first write that failed
}

type chunk struct {
	buf  *[chunkSize]byte
	n    int
	left atomic.Int32 // of the two that use it
}

func (c *chunk) release() {
	if c.left.Add(-1) == 0 {
		chunkPool.Put(c.buf)
		<-underway
	}
}

// put takes buf over. A body of one chunk is done on the spot.
func (p *pipeline) put(buf *[chunkSize]byte, n int, last bool) error {
	if p.hashing == nil && last {
		defer chunkPool.Put(buf)
		if n == 0 {
			return nil
		}
		_, _ = p.sum.Write(buf[:n])
		_, err := p.w.Write(buf[:n])
		return err
	}
	if p.hashing == nil {
		p.start()
	}
	underway <- struct{}{} // neither hashing nor writing waits for a client
	c := &chunk{buf: buf, n: n}
	c.left.Store(2)
	p.hashing <- c
	p.writing <- c
	return p.failed()
}

func (p *pipeline) start() {
	p.hashing, p.writing = make(chan *chunk, chunksMax), make(chan *chunk, chunksMax)
	p.done.Go(func() {
		for c := range p.hashing {
			_, _ = p.sum.Write(c.buf[:c.n])
			c.release()
		}
	})
	p.done.Go(func() {
		for c := range p.writing {
			if p.failed() == nil && c.n > 0 {
				if _, err := p.w.Write(c.buf[:c.n]); err != nil {
					p.err.Store(&err)
				}
			}
			c.release()
		}
	})
}

func (p *pipeline) failed() error {
	if err := p.err.Load(); err != nil {
		return *err
	}
	return nil
}

// wait ends the goroutines; after it sum and w are the caller's again.
func (p *pipeline) wait() error {
	if p.hashing == nil {
		return nil
	}
	close(p.hashing)
	close(p.writing)
	p.done.Wait()
	return p.failed()
}
