package upper

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// errOvertaken says that somebody else changed the object at an upload's key, and that
// what they wrote is to stay there.
var errOvertaken = errors.New("changed in the bucket meanwhile")

// versionName is what an upload of v carries as user metadata: its own mount knows it
// again where an answer was lost.
func (f *FS) versionName(v *version) string { return fmt.Sprintf("%s-%x", f.name, v.seq) }

// ours reports whether this staging folder uploaded o.
func (f *FS) ours(o Object) bool { return strings.HasPrefix(o.Version, f.name+"-") }

// expected is what o's key is known to hold: an ETag, or nothing. sure is false where
// that is not known: an earlier request may have got through although its answer was
// lost, or other objects came and went under the name. FS.mu is held.
func (o *op) expected() (etag string, nothing, sure bool) {
	n, base := o.node, o.node.base
	if o.ver.base != nil {
		base = o.ver.base
	}
	switch {
	case base != nil && base.Key == o.key && base.ETag != "":
		return base.ETag, false, !o.sent && !n.ghost
	case o.over != "":
		return o.over, false, false
	}
	return "", base == nil, base == nil && !o.sent && !n.ghost
}

// place sends o's version on the condition that its key still holds what is known of it.
// So a request that commits late, after its sender gave it up, overwrites nothing newer,
// and one that is sent again overwrites nothing that somebody else wrote in between.
// Where the key holds something else, the last close wins; a patch of what is not there
// any more never does, and that is errOvertaken. Stores without conditional writes are
// only asked before an upload that is sent again.
func (f *FS) place(o *op, plan []Part, meta PutMeta) (Object, error) {
	meta.Version = f.versionName(o.ver)
	f.mu.Lock()
	etag, nothing, sure := o.expected()
	f.mu.Unlock()
	for range 5 {
		if !sure {
			now, err := f.opt.Remote.Head(f.ctx, o.key)
			switch {
			case isErr(err, ErrNoObject) && plan != nil:
				return Object{}, errOvertaken
			case isErr(err, ErrNoObject):
				etag, nothing = "", true
			case err != nil:
				return Object{}, err
			case now.Version == meta.Version && now.Size == o.ver.size:
				return now, nil
			case plan != nil && now.ETag != o.ver.base.ETag:
				return Object{}, errOvertaken
			case now.ETag != etag && !f.ours(now) && f.overtaken(o, now):
				return Object{}, errOvertaken
			default:
				etag, nothing = now.ETag, false
			}
		}
		meta.IfMatch, meta.IfNoneMatch = etag, nothing
		f.mu.Lock()
		o.sent = true
		f.mu.Unlock()
		var obj Object
		var err error
		if plan != nil {
			obj, err = f.sendPatch(o, plan, meta)
		} else if obj, err = f.send(o, meta); err == nil {
			f.uploadedBytes.Add(o.ver.size)
		}
		if !isErr(err, ErrChanged) && !isErr(err, ErrNoObject) {
			return obj, err
		}
		sure = false
	}
	return Object{}, fmt.Errorf("upload %s: %w", o.key, ErrChanged)
}

// overtaken reports whether what somebody else has put at o's key stays there: it is newer
// than the close that o carries, or o's version is a patch of something else.
func (f *FS) overtaken(o *op, now Object) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if o.over == now.ETag {
		return false // a rename of our own brought it
	}
	if b := o.ver.base; b != nil && b.Key == o.key {
		return true
	}
	return now.ModTime.After(o.at)
}

// send puts the version's bytes, where they are all there.
func (f *FS) send(o *op, meta PutMeta) (Object, error) {
	v := o.ver
	if v.link {
		return f.opt.Remote.Put(context.Background(), o.key, strings.NewReader(v.target), v.size, meta)
	}
	if v.size == 0 {
		return f.opt.Remote.Put(context.Background(), o.key, strings.NewReader(""), 0, meta)
	}
	file, err := f.st.acquire(v.data)
	if err != nil {
		return Object{}, fmt.Errorf("staged file of %s: %w", o.key, err)
	}
	defer f.st.release(v.data)
	info, err := file.Stat()
	if err != nil {
		return Object{}, err
	}
	if info.Size() < v.size || !v.full() {
		return Object{}, fmt.Errorf("staged file of %s has %d bytes of %d", o.key, info.Size(), v.size)
	}
	return f.opt.Remote.Put(context.Background(), o.key, taken{file, &f.progress}, v.size, meta)
}

// timeOf is a journalled time, which records of earlier releases lack.
func timeOf(nanos int64) time.Time {
	if nanos == 0 {
		return time.Now()
	}
	return time.Unix(0, nanos)
}
