package upper

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// execute makes o's change in the store. It returns nil only after o was ended. Requests
// that change the store get a context that never ends: one that was sent is waited for.
func (f *FS) execute(o *op) error {
	switch o.kind {
	case opPut:
		return f.executePut(o)
	case opDelete:
		if err := f.vacate(o.key, nil); err != nil {
			return err
		}
		fallthrough
	case opDeleteMarker:
		if o.kind == opDeleteMarker { // a directory with nothing but a sheet would be listed
			if err := f.opt.Remote.Delete(context.Background(), sheetKey(strings.TrimSuffix(o.key, "/"))); err != nil {
				return err
			}
		}
		if err := f.opt.Remote.Delete(context.Background(), o.key); err != nil {
			return err
		}
		return f.done(o, nil, func() {})
	case opPutMarker:
		meta := PutMeta{ModTime: time.Now(), Mode: 0o755}
		if _, err := f.opt.Remote.Put(context.Background(), o.key, bytes.NewReader(nil), 0, meta); err != nil {
			return err
		}
		return f.done(o, nil, func() {})
	case opMove:
		return f.executeMove(o)
	case opMoveTree:
		return f.executeMoveTree(o)
	case opSheet:
		return f.executeSheet(o)
	}
	return fmt.Errorf("unknown operation %d", o.kind)
}

// forgetLower tells the read side which objects o changed.
func (f *FS) forgetLower(o *op) {
	for _, k := range o.keys() {
		f.opt.Lower.Forget(strings.TrimSuffix(k, "/"))
	}
}

// errAgain says that an upload has to be looked at anew.
var errAgain = errors.New("tried in another way")

// executePut uploads o's version.
func (f *FS) executePut(o *op) (err error) {
	for range 10 {
		plan := f.patch(o)
		var obj Object
		if err = f.prepare(o, plan); err == nil {
			obj, err = f.transfer(o, plan)
		}
		switch {
		case err == nil:
			return f.uploaded(o, obj)
		case isErr(err, errConflict), isErr(err, errOvertaken):
			if err := f.resolve(o); err != nil {
				return err
			}
		case isErr(err, ErrNoPatch):
			f.mu.Lock()
			f.noPatch = true
			f.mu.Unlock()
		case !isErr(err, errAgain):
			return err
		}
	}
	return err
}

// prepare fetches what the upload has to send, and sees to it that nobody needs the object
// that it replaces any more: this node's newer content included, unless the new object has
// the same bytes.
func (f *FS) prepare(o *op, plan []Part) error {
	n, v := o.node, o.ver
	f.mu.Lock()
	var own *Node
	there := n.base != nil && n.file.held == v
	if there || plan != nil {
		own = n
	}
	f.mu.Unlock()
	if !there {
		if err := f.fill(n, o, plan, f.fetch); err != nil {
			return err
		}
	}
	for {
		if err := f.vacate(o.key, own); err != nil {
			return err
		}
		f.mu.Lock()
		if o.abandoned {
			f.mu.Unlock()
			return errAbandoned
		}
		if f.needing(o.key, own) == nil {
			o.committed, n.file.patching = true, plan != nil
			f.mu.Unlock()
			return nil
		}
		f.mu.Unlock() // somebody came to need it meanwhile
	}
}

// transfer makes o's version the object at o's key.
func (f *FS) transfer(o *op, plan []Part) (Object, error) {
	n, v := o.node, o.ver
	f.mu.Lock()
	base, held := n.base, n.file.held
	meta := PutMeta{ModTime: time.Unix(0, v.mtime), Mode: v.mode}
	f.mu.Unlock()
	if base != nil && held == v {
		// The store has this very version already, under the name before a rename.
		if base.Key == o.key {
			return *base, nil
		}
		obj, err := f.opt.Remote.Copy(context.Background(), base.Key, o.key, base.ETag)
		if err == nil || fault.Is(err, fault.Unreachable) {
			return obj, err
		}
		f.mu.Lock()
		n.file.held = nil
		f.mu.Unlock()
		return Object{}, errAgain
	}
	obj, err := f.place(o, plan, meta)
	obj.Version = ""
	if err == nil && plan != nil {
		obj.Key, obj.Size = o.key, v.size
		err = f.patched(o, obj)
	}
	return obj, err
}

// uploaded ends a put whose version is now obj.
func (f *FS) uploaded(o *op, obj Object) error {
	n := o.node
	obj.Key, obj.Size, obj.Kind = o.key, o.ver.size, n.kind
	noting := func() []noted {
		// Where a newer upload is queued, its end notes what holds then.
		if !f.stays(o, o.key) || n.file.put != o {
			return nil
		}
		return f.note(n, obj.ETag, o.ver.attrs)
	}
	return f.done(o, noting, func() {
		n.file.stored = max(n.file.stored, o.ver.seq)
		if m := n.file.move; m != nil && m.id < o.id {
			n.file.move = nil // what it brings is older
		}
		if n.gone {
			return
		}
		// What newer content of the node does not hold is the same in this version, from
		// which it came: obj can be its base.
		n.base, n.file.held = &obj, o.ver
		n.rebaseChanges(o.ver)
		if n.key() == o.key {
			n.ghost = false
		}
	})
}

// stays reports whether what o brings to key is to be there after: its node has a name, or
// lost it to a file that was never closed. FS.mu is held.
func (f *FS) stays(o *op, key string) bool {
	return !o.node.detached() || !o.node.parent.detached() && f.q.last(key) == o
}

// executeMove copies on the server, then deletes the source. What leans on the source
// leans on the copy in between.
func (f *FS) executeMove(o *op) error {
	n := o.node
	if err := f.vacate(o.dst, nil); err != nil {
		return err
	}
	f.mu.Lock()
	src := *o.base
	if n.base != nil && n.base.Key == o.key {
		src = *n.base
	}
	if src.Key != o.key {
		src.ETag = "" // it got here by a move that is done
	}
	src.Key = o.key
	f.mu.Unlock()
	known := src.ETag
	dst, err := f.copyForMove(&src, o.dst)
	if err != nil {
		return err
	}
	if dst != nil {
		dst.Kind = n.kind
		f.mu.Lock()
		o.result = dst
		err := f.rebase(src, *dst)
		f.mu.Unlock()
		if err != nil {
			return err
		}
		if err := f.opt.Remote.Delete(context.Background(), o.key); err != nil {
			return err
		}
	}
	noting := func() []noted {
		if dst == nil || !f.stays(o, o.dst) || n.file.put != nil || n.file.move != o || src.ETag != known && known != "" {
			return nil
		}
		return f.note(n, dst.ETag, n.closedAttrs())
	}
	return f.done(o, noting, func() {
		if n.base != nil && (n.base.Key == o.key || n.base == o.base) {
			n.base = dst
			if src.ETag != known && known != "" && n.file.put == nil && !n.file.dirty {
				f.letGo(n) // somebody else replaced the object before it was moved
				n.gen++
				f.tell(n, false)
			}
		}
		if n.key() == o.dst {
			n.ghost = false
		}
		if dst == nil && !n.gone && n.file.move == o && n.file.put == nil && !n.file.dirty {
			f.log.Warn("a renamed file was deleted in the bucket by somebody else", "path", n.path())
			n.file.move = nil
			f.vanish(n)
		}
	})
}

// copyForMove copies src, which is brought up to date where somebody else replaced it.
// nil means that there is nothing to move.
func (f *FS) copyForMove(src *Object, key string) (*Object, error) {
	for range 5 {
		obj, err := f.opt.Remote.Copy(context.Background(), src.Key, key, src.ETag)
		switch {
		case err == nil:
			obj.Key, obj.Size = key, src.Size
			return &obj, nil
		case isErr(err, ErrNoObject):
			// A move that was interrupted after its delete finds the copy in place.
			obj, err := f.opt.Remote.Head(f.ctx, key)
			if isErr(err, ErrNoObject) {
				return nil, nil
			}
			if err != nil {
				return nil, err
			}
			obj.Key, obj.Version = key, ""
			return &obj, nil
		case isErr(err, ErrChanged):
			now, err := f.opt.Remote.Head(f.ctx, src.Key)
			if err != nil && !isErr(err, ErrNoObject) {
				return nil, err
			}
			if err == nil {
				now.Key, now.Version = src.Key, ""
				*src = now
			}
		default:
			return nil, err
		}
	}
	return nil, fmt.Errorf("copy %s: %w", src.Key, ErrChanged)
}

// leaves tells the uploads that waited for the move o, and the journal, that what they
// replace is nobody else's: o brought it, and just now, although they are older. FS.mu is held.
func (f *FS) leaves(o *op) (left []leftRecord) {
	now := time.Now()
	tell := func(p *op, etag string) {
		p.at = now
		if etag != "" {
			p.over = etag
		}
		left = append(left, leftRecord{p.id, p.over, now.UnixNano()})
	}
	switch o.kind {
	case opMove:
		for _, p := range f.q.at(o.dst).ops {
			if p.kind == opPut && o.result != nil {
				tell(p, o.result.ETag)
			}
		}
	case opMoveTree:
		made := map[string]string{}
		for _, c := range o.copied {
			made[c.object.Key] = c.object.ETag
		}
		for _, p := range f.q.ops {
			if p.kind == opPut && o.touches(p) {
				tell(p, made[p.key])
			}
		}
	}
	return left
}

// rebase journals that src's bytes are at dst too, and makes what leans on src lean there.
// FS.mu is held.
func (f *FS) rebase(src, dst Object) error {
	nodes := f.leans[src.Key]
	if len(nodes) == 0 {
		return nil
	}
	if err := f.record(&record{Copied: &copiedRecord{From: *src.record(), To: *dst.record()}}); err != nil {
		return err
	}
	same := func(b *Object) bool {
		return b != nil && b.Key == src.Key && (b.ETag == "" || src.ETag == "" || b.ETag == src.ETag)
	}
	for n := range nodes {
		if same(n.base) {
			b := dst
			n.base = &b
		}
		if p := n.file.put; p != nil && same(p.ver.base) {
			b := dst
			p.ver.base = &b
		}
		f.lean(n)
	}
	return nil
}
