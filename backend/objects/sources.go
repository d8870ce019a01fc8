package objects

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// found is what a source place means.
type found struct {
	Place
	single *item  // one object or file; nil: many
	root   string // folder or prefix that rel counts from
	name   string // of the object, file or folder
	match  *glob  // of keys, or of paths below root
	// contents: what is in it is meant, and not the folder itself.
	contents bool
	quiet    bool // it is the destination: what is left out there is nobody's business
}

// find looks a source up.
func (t *transfer) find(ctx context.Context, p Place) (found, error) {
	switch {
	case p.Kind == Std:
		return found{}, fault.New(fault.Usage, "`object put - PLACE` and `object get PLACE -` do", "standard input and output cannot be among others")
	case p.Store == nil:
		return t.findFile(p)
	}
	plain, pattern := hasGlob(p.Path)
	if pattern {
		g := newGlob(p.Path)
		return found{Place: p, root: folder(g.prefix), match: &g, contents: true}, nil
	}
	p.Path = plain
	if p.Dir() {
		if !t.Recursive {
			return found{}, needsRecursive(p.String())
		}
		return found{Place: p, root: p.Path, name: base(strings.TrimSuffix(p.Path, "/")), contents: true}, nil
	}
	info, err := p.Store.Head(ctx, p.Path)
	if err == nil && !t.Recursive {
		return found{Place: p, name: base(p.Path), single: &item{store: p.Store, object: info.Object}}, nil
	}
	if err != nil && !errors.Is(err, errMissing) {
		return found{}, err
	}
	below := false
	lerr := p.Store.List(ctx, p.Path+"/", "/", func([]Object) error { below = true; return errStopped })
	switch {
	case lerr != nil && !errors.Is(lerr, errStopped):
		return found{}, lerr
	case !below && err == nil:
		return found{Place: p, name: base(p.Path), single: &item{store: p.Store, object: info.Object}}, nil
	case !below:
		return found{}, err
	case !t.Recursive:
		return found{}, needsRecursive(p.String())
	case err == nil:
		t.fail(fault.New(fault.Conflict, "take it by itself, without -r", "%s is an object too, beside what is below it: it is left out", p))
	}
	return found{Place: p, root: p.Path + "/", name: base(p.Path)}, nil
}

func needsRecursive(place string) error {
	return fault.New(fault.Usage, "add -r to take all that is in it", "%s is a folder", place)
}

func (t *transfer) findFile(p Place) (found, error) {
	info, err := os.Stat(p.Path)
	if err != nil {
		if _, pattern := hasGlob(p.Path); pattern && errors.Is(err, fs.ErrNotExist) {
			root := folder(newGlob(p.Path).prefix)
			g := newGlob(strings.TrimPrefix(p.Path, root))
			return found{Place: p, root: root, match: &g, contents: true}, nil
		}
		return found{}, localError("read", p.Path, err)
	}
	name := filepath.Base(filepath.Clean(p.Path))
	switch {
	case info.Mode().IsRegular():
		return found{Place: p, name: name, single: &item{path: p.Path, info: info}}, nil
	case !info.IsDir():
		return found{}, fault.New(fault.Usage, "pipe it in: object put - PLACE", "%s is neither a file nor a folder", p.Path)
	case !t.Recursive:
		return found{}, needsRecursive(p.Path)
	}
	return found{Place: p, root: p.Path, name: name, contents: p.Dir()}, nil
}

// each calls f for every item of a source, in the order of the keys, with its path from root.
func (t *transfer) each(ctx context.Context, src found, f func(rel string, i *item) error) error {
	switch {
	case src.single != nil:
		return f(src.name, src.single)
	case src.Store == nil:
		return t.eachFile(ctx, src, f)
	}
	prefix, delimiter := src.root, ""
	if src.match != nil {
		if prefix = src.match.prefix; src.match.flat {
			delimiter = "/"
		}
	}
	last := ""
	return src.Store.List(ctx, prefix, delimiter, func(page []Object) error {
		for _, o := range page {
			if t.sorted && !o.Prefix && o.Key <= last && last != "" {
				return fault.New(fault.Failure, "use `object cp -r` and `object delete -r`", "the store of %s lists its keys out of order, so that they cannot be compared", src.Place)
			}
			if !o.Prefix {
				last = o.Key
			}
			rel := strings.TrimPrefix(o.Key, src.root)
			if o.Prefix || rel == "" || src.match != nil && !src.match.match.MatchString(o.Key) {
				continue
			}
			if err := f(rel, &item{store: src.Store, object: o}); err != nil {
				return err
			}
		}
		return nil
	})
}

func (t *transfer) eachFile(ctx context.Context, src found, f func(rel string, i *item) error) error {
	root := src.root
	if root == "" {
		root = "."
	}
	w := walker{follow: t.Follow && !src.quiet, skipped: t.leftOut, failed: func(path string, err error) { t.fail(localError("read", path, err)) }}
	if src.quiet {
		w.skipped = func(string, string) {}
	}
	return w.walk(ctx, root, func(rel string, info fs.FileInfo) error {
		if src.match != nil && !src.match.match.MatchString(rel) {
			return nil
		}
		return f(rel, &item{path: filepath.Join(root, filepath.FromSlash(rel)), info: info})
	})
}
