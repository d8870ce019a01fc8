package upper

import (
	"context"
	"strings"
	"time"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"golang.org/x/sync/errgroup"
)

// treeCopies is how many objects of one moveTree are on their way at once.
const treeCopies = 16

// treeCopy is one copy that a moveTree made, so that a later try need not repeat it.
type treeCopy struct {
	etag   string // of the source
	object Object
}

// executeMoveTree copies every object below o.key to below o.dst and then deletes the
// sources. Interrupted, it starts over with what is still at the source: both halves can
// be repeated. Operations on either tree wait meanwhile.
func (f *FS) executeMoveTree(o *op) error {
	var objects []Object
	err := f.opt.Remote.Walk(f.ctx, o.key+"/", func(obj Object) error {
		objects = append(objects, obj)
		return nil
	})
	if err != nil {
		return err
	}
	objects, sheets := f.splitSheets(objects)
	err = f.eachObject(objects, func(obj Object) error {
		dst := o.dst + obj.Key[len(o.key):]
		f.mu.Lock()
		made, again := o.copied[obj.Key]
		f.mu.Unlock()
		if again && made.etag == obj.ETag && obj.ETag != "" {
			return nil
		}
		if err := f.vacate(dst, nil); err != nil {
			return err
		}
		var c Object
		err := f.insist(o, func() (err error) {
			c, err = f.opt.Remote.Copy(context.Background(), obj.Key, dst, obj.ETag)
			return err
		})
		if isErr(err, ErrNoObject) {
			return nil
		}
		if err != nil {
			return err
		}
		c.Key, c.Size, c.Kind = dst, obj.Size, obj.Kind
		if strings.HasSuffix(dst, SymlinkSuffix) {
			c.Kind = Symlink
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		if err := f.rebase(obj, c); err != nil {
			return err
		}
		// Once the source is gone nothing tells any more what such a note was about.
		made = treeCopy{obj.ETag, c}
		if err := f.commit(&change{notes: f.renotes(o, made)}); err != nil {
			return err
		}
		if o.copied == nil {
			o.copied = map[string]treeCopy{}
		}
		o.copied[obj.Key] = made
		return nil
	})
	if err != nil {
		return err
	}
	// Once the objects go nothing else tells what the sheets say about them, so that those
	// go first, when their successors are there.
	if !f.opt.NoAttributes {
		if err := f.moveSheets(o, objects, sheets); err != nil {
			return err
		}
	}
	err = f.eachObject(objects, func(obj Object) error {
		return f.insist(o, func() error { return f.opt.Remote.Delete(context.Background(), obj.Key) })
	})
	if err != nil {
		return err
	}
	return f.done(o, nil, func() {
		for _, n := range o.carried {
			f.rebaseBelow(n, o)
		}
	})
}

// insist repeats one request of many a few times: a large tree would never get through
// a store that fails now and then if each failure stopped it.
func (f *FS) insist(o *op, request func() error) error {
	for try := 1; ; try++ {
		err := request()
		if err == nil {
			f.mu.Lock()
			o.tries = 0
			f.mu.Unlock()
			return nil
		}
		if try == 4 || isErr(err, ErrNoObject) || isErr(err, ErrChanged) || fault.Is(err, fault.Auth) || fault.Is(err, fault.Quota) {
			return err
		}
		select {
		case <-f.ctx.Done():
			return err
		case <-time.After(backoff(20*time.Millisecond, time.Second, try)):
		}
	}
}

func (f *FS) eachObject(objects []Object, do func(Object) error) error {
	g, ctx := errgroup.WithContext(f.ctx)
	g.SetLimit(treeCopies)
	for _, obj := range objects {
		if ctx.Err() != nil {
			break
		}
		g.Go(func() error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return do(obj)
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return f.ctx.Err()
}

// locate brings n's base up to date where a moveTree under way has copied it: its source
// may be deleted at any time. FS.mu is held.
func (f *FS) locate(n *Node) {
	for _, t := range f.q.trees {
		if n.base == nil {
			return
		}
		if made, ok := t.copied[n.base.Key]; ok && (n.base.ETag == "" || made.etag == "" || made.etag == n.base.ETag) {
			obj := made.object
			obj.ModTime = n.base.ModTime
			n.base = &obj
		}
	}
}

// rebaseBelow tells the known nodes below n where their bytes are now that o is done.
// FS.mu is held.
func (f *FS) rebaseBelow(n *Node, o *op) {
	for _, c := range n.dir.children {
		if c.kind == Dir {
			f.rebaseBelow(c, o)
			continue
		}
		if c.base == nil || !below(c.base.Key, o.key) {
			continue
		}
		obj := *c.base
		obj.Key = o.dst + obj.Key[len(o.key):]
		if made, ok := o.copied[c.base.Key]; ok {
			obj.ETag = made.object.ETag
		}
		c.base = &obj
	}
}
