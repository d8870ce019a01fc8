package upper

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"time"
)

// execute makes o's change in the store. It returns nil only after o was ended. Requests
// that change the store get a context that never ends: one that was sent is waited for.
func (f *FS) execute(o *op) error {
	switch o.kind {
	case opPut:
		return f.executePut(o)
	case opDelete:
		if err := f.vacate(o.key); err != nil {
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

// executePut uploads o's version. Before the request that replaces the object at o's key
// is sent nobody needs the old one any more, this node's newer content included.
func (f *FS) executePut(o *op) error {
	n, v := o.node, o.ver
	for {
		if err := f.fillVersion(n, o); err != nil {
			return err
		}
		if err := f.vacate(o.key); err != nil {
			return err
		}
		f.mu.Lock()
		if o.abandoned {
			f.mu.Unlock()
			return errAbandoned
		}
		if f.needing(o.key) == nil {
			break
		}
		f.mu.Unlock() // somebody came to need it meanwhile
	}
	o.committed = true
	base, held := n.base, n.file.held
	meta := PutMeta{ModTime: time.Unix(0, v.mtime), Mode: v.mode}
	f.mu.Unlock()

	if base != nil && held == v {
		// The store has this very version already, under the name before a rename.
		if base.Key == o.key {
			return f.uploaded(o, *base)
		}
		if obj, err := f.opt.Remote.Copy(context.Background(), base.Key, o.key, base.ETag); err == nil {
			return f.uploaded(o, obj)
		}
	}
	obj, err := f.send(o, meta)
	if err != nil {
		return err
	}
	f.uploadedBytes.Add(v.size)
	return f.uploaded(o, obj)
}

// send puts the version's bytes, where they are all there.
func (f *FS) send(o *op, meta PutMeta) (Object, error) {
	v := o.ver
	if v.link {
		return f.opt.Remote.Put(context.Background(), o.key, strings.NewReader(v.target), v.size, meta)
	}
	if v.size == 0 {
		return f.opt.Remote.Put(context.Background(), o.key, bytes.NewReader(nil), 0, meta)
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
	return f.opt.Remote.Put(context.Background(), o.key, io.NewSectionReader(file, 0, v.size), v.size, meta)
}

// uploaded ends a put whose version is now obj.
func (f *FS) uploaded(o *op, obj Object) error {
	n := o.node
	obj.Key, obj.Size, obj.Kind = o.key, o.ver.size, n.kind
	noting := func() []noted {
		// Where a newer upload or a rename is queued, its end notes what holds then.
		if n.detached() || n.file.put != o || n.file.move != nil {
			return nil
		}
		return f.note(n, obj.ETag, o.ver.attrs)
	}
	return f.done(o, noting, func() {
		if n.gone {
			return
		}
		// What newer content of the node does not hold is the same in this version, from
		// which it came: obj can be its base.
		n.base, n.file.held = &obj, o.ver
		if n.key() == o.key {
			n.ghost = false
		}
	})
}

// executeMove copies on the server, then deletes the source. What leans on the source
// leans on the copy in between.
func (f *FS) executeMove(o *op) error {
	n := o.node
	if err := f.vacate(o.dst); err != nil {
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
		if dst == nil || n.detached() || n.file.put != nil || n.file.move != o || src.ETag != known && known != "" {
			return nil
		}
		return f.note(n, dst.ETag, n.attrs)
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
		if dst == nil && !n.gone && n.file.put == nil && !n.file.dirty {
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
			obj.Key = key
			return &obj, nil
		case isErr(err, ErrChanged):
			now, err := f.opt.Remote.Head(f.ctx, src.Key)
			if err != nil && !isErr(err, ErrNoObject) {
				return nil, err
			}
			if err == nil {
				now.Key = src.Key
				*src = now
			}
		default:
			return nil, err
		}
	}
	return nil, fmt.Errorf("copy %s: %w", src.Key, ErrChanged)
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
