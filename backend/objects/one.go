package objects

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

func failures(r Result) string {
	return fmt.Sprintf(" (%d failed, %d are through)", r.Failed, r.Transferred+r.Same)
}

// one moves one item.
func (t *transfer) one(ctx context.Context, i *item) {
	c := Change{Action: Copied, To: t.toPlace(i)}
	if t.Move {
		c.Action = Moved
	}
	verified := true
	err := t.look(ctx, i)
	if err == nil {
		switch kept, same, serr := t.needless(ctx, i); {
		case serr != nil:
			err = serr
		case kept:
			c.Action = Kept
		case same:
			c.Action = Same
			t.Report.Advance(i.size())
		case t.DryRun:
		default:
			verified, err = t.move(ctx, i)
			if t.NoClobber && fault.Is(err, fault.Conflict) && (errors.Is(err, errChanged) || errors.Is(err, fs.ErrExist)) {
				c.Action, err = Kept, nil
			}
		}
	}
	if err == nil && t.Move && !t.DryRun && c.Action != Kept {
		err = t.remove(ctx, i)
	}
	if err != nil {
		t.fail(err)
		return
	}
	t.done(i, c, verified)
}

func (t *transfer) toPlace(i *item) string {
	if t.To.Store != nil {
		return t.To.Store.Place(i.to)
	}
	if t.folder == nil {
		return t.To.String()
	}
	return filepath.Join(t.folder.path, i.to)
}

// look finds what is at the destination, where that matters and is not known.
func (t *transfer) look(ctx context.Context, i *item) error {
	if i.looked || t.To.Store == nil || t.Always && !t.NoClobber {
		return nil
	}
	info, err := t.To.Store.Head(ctx, i.to)
	if errors.Is(err, errMissing) || fault.Is(err, fault.Auth) { // it may be written to only
		return nil
	}
	if err == nil {
		i.there = &info.Object
	}
	return err
}

// needless reports whether what is at the destination stays: because it is there, or because it is the same.
func (t *transfer) needless(ctx context.Context, i *item) (kept, same bool, err error) {
	switch {
	case t.To.Store == nil:
		return t.needlessFile(ctx, i)
	case i.there == nil:
		return false, false, nil
	case t.NoClobber:
		return true, false, nil
	case t.Always || i.there.Size != i.size():
		return false, false, nil
	case i.store == nil:
		same, err = t.sameAsFile(ctx, t.To.Store, *i.there, i.path, i.info)
	default:
		same, err = t.sameObjects(ctx, i)
	}
	return false, same, err
}

func (t *transfer) needlessFile(ctx context.Context, i *item) (kept, same bool, err error) {
	if t.folder == nil || checkFileName(i.to, "") != nil {
		return false, false, nil
	}
	info, err := t.folder.root.Stat(i.to)
	switch {
	case err != nil:
		return false, false, nil // writing says what is wrong
	case info.IsDir():
		return false, strings.HasSuffix(i.to, "/") && i.object.Size == 0, nil
	case t.NoClobber:
		return true, false, nil
	case t.Always, !info.Mode().IsRegular(), info.Size() != i.object.Size:
		return false, false, nil
	}
	same, err = t.sameAsFile(ctx, i.store, i.object, filepath.Join(t.folder.path, i.to), info)
	return false, same, err
}

// sameAsFile compares an object and a file by checksum; where the store tells none, by the time
// that was kept of the file.
func (t *transfer) sameAsFile(ctx context.Context, s *Store, o Object, path string, info fs.FileInfo) (bool, error) {
	f, err := os.Open(path)
	if err != nil {
		return false, localError("read", path, err)
	}
	defer f.Close()
	r := &stoppable{ctx, f}
	same, known, err := Info{Object: o}.same(r, info.Size())
	if same || err != nil || o.Size != info.Size() {
		return same, err
	}
	full, err := s.Head(ctx, o.Key) // which tells checksums, and whether the ETag is one
	if err != nil {
		return false, err
	}
	if full.Whole {
		same, _, err = full.same(r, info.Size())
		return same, err
	}
	if known && full.proof().algorithm != "" {
		return false, nil
	}
	return full.Size == info.Size() && !full.FileTime.IsZero() && full.FileTime.Equal(info.ModTime()), nil
}

// stoppable ends reading with ctx.
type stoppable struct {
	ctx context.Context
	r   io.ReaderAt
}

// ReadAt implements io.ReaderAt.
func (s *stoppable) ReadAt(p []byte, off int64) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	return s.r.ReadAt(p, off)
}

// sameObjects compares two objects: by ETag, else by a checksum that both stores tell, else by
// the time of the file that both were made of.
func (t *transfer) sameObjects(ctx context.Context, i *item) (bool, error) {
	if i.object.ETag != "" && i.object.ETag == i.there.ETag {
		return true, nil
	}
	if isMD5(i.object.ETag) && isMD5(i.there.ETag) {
		return false, nil
	}
	a, err := i.store.Head(ctx, i.object.Key)
	if err != nil {
		return false, err
	}
	b, err := t.To.Store.Head(ctx, i.to)
	if err != nil {
		return false, err
	}
	if a.Whole && b.Whole {
		for name, sum := range a.Checksums {
			if other := b.Checksums[name]; other != "" {
				return sum == other, nil
			}
		}
	}
	return a.Size == b.Size && !a.FileTime.IsZero() && a.FileTime.Equal(b.FileTime), nil
}

func (t *transfer) condition(i *item) condition {
	switch {
	case t.NoClobber:
		return condition{ifAbsent: true}
	case !i.guarded:
		return condition{}
	case i.there == nil:
		return condition{ifAbsent: true}
	}
	return condition{ifMatch: i.there.ETag}
}

// move transfers the bytes.
func (t *transfer) move(ctx context.Context, i *item) (verified bool, err error) {
	switch to := t.To.Store; {
	case i.store == nil:
		return true, t.upload(ctx, i)
	case to == nil:
		return t.download(ctx, i)
	case to.near(i.store):
		_, err = to.copyNear(ctx, i.store, i.object, i.to, t.condition(i))
		if err == nil {
			t.Report.Advance(i.object.Size)
		}
	default:
		_, err = to.copyFar(ctx, i.store, i.object, i.to, t.condition(i), t.Report.Advance)
	}
	return true, err
}

func (t *transfer) upload(ctx context.Context, i *item) error {
	f, err := os.Open(i.path)
	if err != nil {
		return localError("read", i.path, err)
	}
	defer f.Close()
	if i.info, err = f.Stat(); err != nil {
		return localError("read", i.path, err)
	}
	if len(t.To.Store.Prefix)+len(i.to) > maxKey {
		return fault.New(fault.Failure, "give it a shorter path", "%s cannot be a key: it has more than %d bytes", i.path, maxKey)
	}
	in := input{
		body: f, size: i.info.Size(), attributes: fileAttributes(i.to, i.info.ModTime()), condition: t.condition(i), moved: t.Report.Advance,
		unchanged: func() error { return unchangedFile(f, i.info) },
	}
	if in.size <= singlePut {
		if err := t.memory.Acquire(ctx, in.size); err != nil {
			return err
		}
		defer t.memory.Release(in.size)
		b := make([]byte, in.size)
		if _, err := io.ReadFull(f, b); err == io.ErrUnexpectedEOF {
			return localError("read", i.path, errShort)
		} else if err != nil && in.size > 0 {
			return localError("read", i.path, err)
		}
		if err := in.unchanged(); err != nil {
			return localError("read", i.path, err)
		}
		in.body = readerAt(b)
	} else if path, err := filepath.Abs(i.path); err == nil && t.Resume != "" {
		in.source = source{Dir: t.Resume, Path: path, Size: in.size, Modified: i.info.ModTime()}
	}
	if _, err = t.To.Store.put(ctx, i.to, in); err != nil {
		return localError("read", i.path, err)
	}
	return nil
}

func (t *transfer) download(ctx context.Context, i *item) (verified bool, err error) {
	place := i.from()
	if i.object.Size == 0 && i.object.Key != "" && i.object.Key[len(i.object.Key)-1] == '/' { // it stands for a folder
		if err := checkFileName(i.to, place); err != nil {
			return false, err
		}
		return true, t.folder.mkdir(i.to[:len(i.to)-1], place)
	}
	goal := target{rel: i.to, place: place, durable: t.Move, noClobber: t.NoClobber}
	var head Info
	if i.object.Size > singleGet {
		if head, err = i.store.Head(ctx, i.object.Key); err != nil {
			return false, err
		}
	}
	err = t.folder.write(&goal, func(f *os.File) error {
		if head.Size > singleGet {
			goal.modified = head.FileTime
			have := i.store.record(t.Resume, f, head)
			verified, err = i.store.fetchParts(ctx, f, head, have, t.Report.Advance)
			goal.keep = have.kept() && fault.Is(err, fault.Unreachable) && ctx.Err() == nil
			have.close(goal.keep)
			return err
		}
		if err := f.Truncate(0); err != nil {
			return err
		}
		var info Info
		info, verified, err = i.store.fetch(ctx, f, i.object.Key, "", t.Report.Advance)
		goal.modified = info.FileTime
		return err
	})
	return verified, err
}

// remove deletes what was moved, while it is still what was copied.
func (t *transfer) remove(ctx context.Context, i *item) error {
	if i.store == nil {
		now, err := os.Lstat(i.path)
		if err == nil && (now.Size() != i.info.Size() || !now.ModTime().Equal(i.info.ModTime())) {
			return fault.New(fault.Conflict, "run it again when nobody writes it", "%s has changed since it was read: it is kept", i.path)
		}
		if err == nil {
			err = os.Remove(i.path)
		}
		if err != nil {
			return localError("remove", i.path, err)
		}
		return nil
	}
	if to := t.To.Store; to != nil && to.Bucket == i.store.Bucket && to.Prefix+i.to == i.store.Prefix+i.object.Key {
		// Two names of one store, for all that is known: then the copy is the source.
		a, err := i.store.Head(ctx, i.object.Key)
		if err != nil {
			return err
		}
		b, err := to.Head(ctx, i.to)
		if err != nil {
			return err
		}
		if a.Modified.Equal(b.Modified) {
			return fault.New(fault.Conflict, "delete it by hand where they are two", "%s and %s may be one object: it is kept", i.from(), t.toPlace(i))
		}
	}
	if !i.store.Conditional {
		now, err := i.store.Head(ctx, i.object.Key)
		if errors.Is(err, errMissing) {
			return nil
		}
		if err != nil {
			return err
		}
		if now.ETag != i.object.ETag {
			return fault.New(fault.Conflict, "run it again", "%s has changed since it was copied: it is kept", i.from())
		}
	}
	return i.store.DeleteOne(ctx, i.object.Key, i.object.ETag)
}
