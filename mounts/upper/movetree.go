package upper

import (
	"context"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
)

// treeCopies is how many objects of one moveTree are on their way at once.
const treeCopies = 16

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
	var mu sync.Mutex
	moved := map[string]Object{} // by source key
	err = f.eachObject(objects, func(obj Object) error {
		dst := o.dst + obj.Key[len(o.key):]
		if err := f.vacate(dst); err != nil {
			return err
		}
		c, err := f.opt.Remote.Copy(context.Background(), obj.Key, dst, obj.ETag)
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
		mu.Lock()
		moved[obj.Key] = c
		mu.Unlock()
		return f.rebase(obj, c)
	})
	if err != nil {
		return err
	}
	err = f.eachObject(objects, func(obj Object) error {
		return f.opt.Remote.Delete(context.Background(), obj.Key)
	})
	if err != nil {
		return err
	}
	return f.done(o, func() { rebaseBelow(o.node, o.key, moved) })
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

// rebaseBelow tells the known nodes below n where their bytes are now. FS.mu is held.
func rebaseBelow(n *Node, from string, moved map[string]Object) {
	for _, c := range n.dir.children {
		if c.kind == Dir {
			rebaseBelow(c, from, moved)
			continue
		}
		if c.base == nil || !below(c.base.Key, from) {
			continue
		}
		if obj, ok := moved[c.base.Key]; ok {
			obj.ModTime = c.base.ModTime
			c.base = &obj
		}
	}
}
