package upper

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"
)

// Of uploads that are put together on the server. S3 wants parts of 5 MiB at least, but the
// last, 5 GiB at most, and 10,000 of them:
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
const (
	defaultPatchFrom = 32 << 20
	partLeast        = 5 << 20
	partsMost        = 10_000
	sendMost         = 16 << 20  // bytes of one part that is sent
	copyMost         = 512 << 20 // bytes of one part that is copied
)

// Part is a range of a new object: sent, or copied from the object it is based on.
type Part struct {
	Off, End int64
	Copy     bool
}

// planParts lays out an object of size bytes of which changed differs from its base of
// baseSize bytes. Parts that are sent are whole blocks, so that those between them are
// large enough too.
func planParts(size, baseSize int64, changed extents, least int64) []Part {
	const mib = 1 << 20
	block := least
	if size > least*partsMost {
		block = (size/partsMost + mib) / mib * mib
	}
	var parts []Part
	for off := int64(0); off < size; off += block {
		end := min(off+block, size)
		clean := end <= baseSize && len(changed.within(off, end)) == 0
		most := int64(sendMost)
		if clean {
			most = copyMost
		}
		if n := len(parts); n > 0 && parts[n-1].Copy == clean && end-parts[n-1].Off <= most {
			parts[n-1].End = end
			continue
		}
		parts = append(parts, Part{off, end, clean})
	}
	return parts
}

// patch is how o's version can go up without what it does not change: it replaces the
// very object that it is based on, and most of that stays. nil: it is to be sent whole.
func (f *FS) patch(o *op) []Part {
	f.mu.Lock()
	defer f.mu.Unlock()
	v, b := o.ver, o.ver.base
	if f.noPatch || b == nil || b.Key != o.key || b.ETag == "" || v.size < f.opt.PatchFrom || v.link {
		return nil
	}
	parts := planParts(v.size, b.Size, v.diff, f.opt.partLeast)
	if sentBytes(parts)*2 > v.size {
		return nil
	}
	return parts
}

func sentBytes(parts []Part) (n int64) {
	for _, p := range parts {
		if !p.Copy {
			n += p.End - p.Off
		}
	}
	return n
}

// sendPatch makes o's object on the server from its base and the parts that changed.
func (f *FS) sendPatch(o *op, parts []Part, meta PutMeta) (Object, error) {
	var body io.ReaderAt = strings.NewReader("")
	if data := o.ver.data; data != nil {
		file, err := f.st.acquire(data)
		if err != nil {
			return Object{}, fmt.Errorf("staged file of %s: %w", o.key, err)
		}
		defer f.st.release(data)
		body = taken{file, &f.progress}
	}
	obj, err := f.opt.Remote.Patch(context.Background(), o.key, *o.ver.base, body, parts, meta)
	if err == nil {
		f.uploadedBytes.Add(sentBytes(parts))
	}
	return obj, err
}

// changes are those that v stands for.
func (v *version) changes() changes { return changes{v.diff.clone(), v.base == nil} }

// closesKept bounds what is remembered of a file that is closed again and again while its
// upload waits. Of the oldest it is then not known any more which of them changed what.
const closesKept = 32

func (st *fileState) noteClose(seq uint64, c changes) {
	st.closes = append(st.closes, closedChanges{seq, c})
	if len(st.closes) > closesKept {
		st.closes[1].changes = st.closes[0].then(st.closes[1].changes)
		st.closes = append(st.closes[:0], st.closes[1:]...)
	}
}

// rebaseChanges counts the changes of n from the version v on, which its base is now. FS.mu
// is held.
func (n *Node) rebaseChanges(v *version) {
	st := n.file
	for len(st.closes) > 0 && st.closes[0].seq <= v.seq {
		st.closes = st.closes[1:]
	}
	var since changes
	for _, c := range st.closes {
		since = since.then(c.changes)
		if p := st.put; p != nil && p.ver.seq == c.seq && !p.ver.link && !p.running && !since.whole {
			p.ver.base, p.ver.diff = n.base, since.ext.clone()
		}
	}
	if c := st.content; c != nil {
		c.all = since.then(c.fresh)
	}
}

// patched notes that o's version is obj, so that what leans on the object that obj
// replaced, and recovery, finds its bytes there. FS.mu is not held.
func (f *FS) patched(o *op, obj Object) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	old := *o.ver.base
	if err := f.record(&record{Copied: &copiedRecord{From: *old.record(), To: *obj.record()}}); err != nil {
		return err
	}
	o.ver.base = &obj
	if p := o.node.file.put; p != nil && p.ver.base != nil && sameBase(p.ver.base, &old) {
		p.ver.base = &obj
	}
	return nil
}

func sameBase(a, b *Object) bool { return a.Key == b.Key && a.ETag == b.ETag }

// awaitPatch reports whether the object that n's bytes come from is just being replaced by
// one that has them too, after waiting for that: also where the answer was lost and the
// store has to be asked.
func (f *FS) awaitPatch(ctx context.Context, n *Node, base *Object) (waited bool) {
	over := time.NewTimer(f.opt.StoreTimeout)
	defer over.Stop()
	for {
		f.mu.Lock()
		if n.base != base || !n.file.patching {
			f.mu.Unlock()
			return waited
		}
		moved := n.file.movement()
		f.mu.Unlock()
		select {
		case <-moved:
			waited = true
		case <-over.C:
			return false
		case <-ctx.Done():
			return false
		case <-f.ctx.Done():
			return false
		}
	}
}
