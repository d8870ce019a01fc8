package store

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	expireEvery = time.Hour
	tidyEvery   = time.Minute
	moveAtOnce  = 64 // objects
	// condemnAtOnce is how many blobs one transaction condemns.
	condemnAtOnce = 1000
)

// maintain sweeps when that is worth it, at the start after a crash, and expires uploads.
func (s *Store) maintain(ctx context.Context) {
	tidy, expire := time.NewTicker(tidyEvery), time.NewTicker(expireEvery)
	defer tidy.Stop()
	defer expire.Stop()
	s.tidy(ctx)
	s.expire(ctx)
	for {
		select {
		case <-tidy.C:
			s.tidy(ctx)
		case <-expire.C:
			s.expire(ctx)
		case <-ctx.Done():
			return
		}
	}
}

func (s *Store) tidy(ctx context.Context) {
	if !s.blobs.Untidy() && !s.disk.low() {
		return
	}
	if n, err := s.Sweep(ctx); err != nil && ctx.Err() == nil {
		s.log.Warn("the sweep for orphaned blobs failed", "err", err)
	} else if n > 0 {
		s.log.Info("orphaned blobs were swept", "blobs", n)
	}
}

func (s *Store) expire(ctx context.Context) {
	if _, err := s.ExpireUploads(ctx, s.now().Add(-s.expiry)); err != nil && ctx.Err() == nil {
		s.log.Warn("expired uploads could not be removed", "err", err)
	}
}

// Sweep deletes the blobs that nothing refers to and returns their number, and gives back
// the space of deleted objects where blobs share files. It may run beside everything else.
func (s *Store) Sweep(ctx context.Context) (removed int, err error) {
	s.sweeping.Lock()
	defer s.sweeping.Unlock()
	for {
		swept, err := s.blobs.Sweep(ctx, referrer{ctx, s})
		removed += swept.Removed
		if err != nil || swept.Move == nil {
			return removed, err
		}
		if moved, err := s.move(ctx, swept.Move); moved == 0 || err != nil {
			return removed, err
		}
	}
}

// referrer answers a sweep.
type referrer struct {
	ctx context.Context
	s   *Store
}

// Each implements Referrer.
func (r referrer) Each(of Span, fn func(id string)) error {
	r.s.settling.wait()
	if err := r.s.index.References(r.ctx, of, fn); err != nil {
		return err
	}
	// Freed since, but read.
	read := func(id string) {
		if of.Has(id) {
			fn(id)
		}
	}
	r.s.pins.each(read)
	r.s.graves.each(read)
	return nil
}

// Condemn implements Referrer. Where no other process has the index, nobody can refer to what
// Each did not name: a writer refers to its own blobs alone, and it was waited for.
func (r referrer) Condemn(ids []string) ([]string, error) {
	x, ok := r.s.index.(Shared)
	if !ok || len(ids) == 0 {
		return ids, nil
	}
	var gone []string
	for some := range slices.Chunk(ids, condemnAtOnce) {
		list, err := x.Condemn(r.ctx, some)
		if err != nil {
			return nil, err
		}
		gone = append(gone, list...)
	}
	if len(gone) == 0 {
		return nil, nil
	}
	// Another process may have freed one a moment ago, with a reader at it.
	select {
	case <-time.After(r.s.graves.linger):
		return gone, nil
	case <-r.ctx.Done():
		return nil, r.ctx.Err()
	}
}

// walk calls fn with every object of every bucket, a page at a time.
func (s *Store) walk(ctx context.Context, fn func(page []Object) error) error {
	buckets, err := s.index.Buckets(ctx)
	if err != nil {
		return err
	}
	for _, b := range buckets {
		for after := ""; ; {
			page, err := s.index.Walk(ctx, b.Name, after, MaxPage)
			if errors.Is(err, ErrNoSuchBucket) || err == nil && len(page) == 0 {
				break
			}
			if err != nil {
				return err
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err := fn(page); err != nil {
				return err
			}
			after = page[len(page)-1].Key
		}
	}
	return nil
}

// move writes blobs again and returns how many objects have other ones now.
func (s *Store) move(ctx context.Context, blob func(id string) bool) (int, error) {
	var moved atomic.Int64
	var full atomic.Pointer[error] // the refusal of a disk that has no room for more
	limit := make(chan struct{}, moveAtOnce)
	err := s.walk(ctx, func(page []Object) error {
		var wg sync.WaitGroup
		for _, o := range page {
			if !slices.ContainsFunc(o.Segments, func(g Segment) bool { return blob(g.Blob) }) {
				continue
			}
			limit <- struct{}{}
			wg.Go(func() {
				defer func() { <-limit }()
				if full.Load() != nil {
					return
				}
				switch err := s.moveObject(ctx, o, blob); {
				case errors.Is(err, ErrQuotaExceeded):
					full.Store(&err)
				case err != nil:
					s.log.Warn("an object's bytes could not be moved", "bucket", o.Bucket, "key", o.Key, "err", err)
				default:
					moved.Add(1)
				}
			})
		}
		wg.Wait()
		if err := full.Load(); err != nil {
			return *err
		}
		return nil
	})
	return int(moved.Load()), err
}

func (s *Store) moveObject(ctx context.Context, o Object, blob func(id string) bool) error {
	defer s.settling.enter()()
	segments := make([]Segment, len(o.Segments))
	var fresh []Segment
	for i, g := range o.Segments {
		segments[i] = g
		if !blob(g.Blob) {
			continue
		}
		id, err := s.rewrite(ctx, g)
		if err != nil {
			return err
		}
		segments[i] = Segment{Blob: id, Length: g.Length, Sum: g.Sum}
		fresh = append(fresh, segments[i])
	}
	freed, err := s.index.Move(ctx, o, segments)
	if err != nil {
		s.discard(fresh, err)
	}
	s.free(freed.Blobs)
	if errors.Is(err, ErrNoSuchKey) {
		return nil // overwritten meanwhile, and so moved as well
	}
	return err
}

// rewrite copies a segment to a blob of its own, if its bytes are what was stored.
func (s *Store) rewrite(ctx context.Context, g Segment) (id string, err error) {
	p, err := s.bytesOf(ctx, g)
	if err != nil {
		return "", err
	}
	space, err := s.disk.forSweep(g.Length)
	if err != nil {
		return "", err
	}
	defer space.end()
	w, err := s.blobs.Create(ctx, g.Length)
	if err != nil {
		return "", err
	}
	defer w.Abort()
	if _, err := w.Write(p); err != nil {
		return "", err
	}
	return w.Commit()
}

// bytesOf reads a segment and verifies its sum.
func (s *Store) bytesOf(ctx context.Context, g Segment) ([]byte, error) {
	f, err := s.blobs.Open(ctx, g.Blob)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if g.Offset > 0 {
		if _, err := f.Seek(g.Offset, io.SeekStart); err != nil {
			return nil, err
		}
	}
	expect(f, g, 0, g.Length)
	p := make([]byte, g.Length)
	if _, err := io.ReadFull(f, p); err != nil {
		return nil, fmt.Errorf("blob %s: %w", g.Blob, unexpected(err))
	}
	if g.Sum != 0 && crc32.Checksum(p, castagnoli) != g.Sum {
		return nil, fmt.Errorf("blob %s: %w", g.Blob, ErrDamaged)
	}
	return p, nil
}

// ErrDamaged is what reading finds where bytes have changed since they were written.
var ErrDamaged = errors.New("the bytes are not those that were stored")

// unexpected is for reads that the index says there are bytes for.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// ExpireUploads aborts the uploads that were created before t and returns their number.
func (s *Store) ExpireUploads(ctx context.Context, t time.Time) (int, error) {
	buckets, err := s.index.Buckets(ctx)
	if err != nil {
		return 0, err
	}
	n := 0
	for _, b := range buckets {
		list, err := s.index.Uploads(ctx, b.Name, "", "", "", 0)
		if err != nil && !errors.Is(err, ErrNoSuchBucket) {
			return n, err
		}
		for _, u := range list {
			if !u.Created.Before(t) {
				continue
			}
			if err := s.AbortUpload(ctx, u.Bucket, u.Key, u.ID); err != nil && !errors.Is(err, ErrNoSuchUpload) {
				return n, err
			}
			n++
		}
	}
	return n, nil
}
