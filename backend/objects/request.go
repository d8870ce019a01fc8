package objects

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// Copy transfers, or moves, what a Request says.
func Copy(ctx context.Context, r Request) (Result, error) {
	t := r.start()
	if err := t.checkSides(); err != nil {
		return t.end(err)
	}
	if t.To.Kind == Std || len(t.From) == 1 && t.From[0].Kind == Std {
		return t.end(t.stream(ctx))
	}
	return t.end(t.run(ctx, t.feedCopies))
}

func (t *transfer) checkSides() error {
	for _, p := range t.From {
		if p.Store == nil && t.To.Store == nil {
			return fault.New(fault.Usage, "`cp` copies files; "+forms, "%s and %s are both on this machine", p, t.To)
		}
		if t.Move && (p.Kind == Std || t.To.Kind == Std) {
			return fault.New(fault.Usage, "copy it, and delete it then", "a stream cannot be moved")
		}
	}
	if t.To.Store != nil {
		if _, pattern := hasGlob(t.To.Path); pattern {
			return fault.New(fault.Usage, `write \* and \? for the characters themselves`, "the destination %s is a pattern", t.To)
		}
		t.To.Path, _ = hasGlob(t.To.Path)
	}
	return nil
}

// feedCopies sends the items of each source.
func (t *transfer) feedCopies(ctx context.Context) error {
	into, err := t.into()
	if err != nil {
		return err
	}
	for _, p := range t.From {
		src, err := t.find(ctx, p)
		if err != nil {
			return err
		}
		below, err := t.destination(src, into)
		if err != nil {
			return err
		}
		there, err := t.peek(ctx, src, below)
		if err != nil {
			return err
		}
		some := false
		err = t.each(ctx, src, func(rel string, i *item) error {
			some = true
			if i.to = below + rel; src.single != nil && !into {
				i.to = below
			}
			if i.store != nil && t.To.Store != nil && i.store.place() == t.To.Store.place() && i.store.full(i.object.Key) != nil && *i.store.full(i.object.Key) == *t.To.Store.full(i.to) {
				return fault.New(fault.Usage, "give another destination", "%s would be copied onto itself", i.from())
			}
			if there != nil {
				i.looked = true
				if o, ok := there[i.to]; ok {
					i.there = &o
				}
			}
			return t.send(ctx, i)
		})
		if err != nil {
			return err
		}
		if !some && src.match != nil {
			return fault.New(fault.NotFound, "`object list` shows what is there; quote the pattern", "nothing matches %s", p)
		}
	}
	return nil
}

// into reports whether sources go into the destination by their names, or become it.
func (t *transfer) into() (bool, error) {
	into := t.To.Dir()
	if t.To.Kind == Local && !into {
		info, err := os.Stat(t.To.Path)
		into = err == nil && info.IsDir()
	}
	many := len(t.From) > 1
	if len(t.From) == 1 {
		_, many = hasGlob(t.From[0].Path)
		if t.From[0].Store == nil {
			_, err := os.Lstat(t.From[0].Path)
			many = many && err != nil
		}
	}
	if many && !into {
		return false, fault.New(fault.Usage, "write "+t.To.String()+"/", "several things cannot become one: %s is no folder", t.To)
	}
	return into, nil
}

// destination is what the paths of a source are put after. It opens the folder where it is local.
func (t *transfer) destination(src found, into bool) (string, error) {
	if t.To.Store == nil {
		return t.localDestination(src, into)
	}
	below := t.To.Path
	if src.single != nil {
		if into {
			return below, nil
		}
		return below, nil
	}
	if below != "" {
		below = strings.TrimSuffix(below, "/") + "/"
		if strings.HasSuffix(t.To.Path, "//") {
			below = t.To.Path
		}
	}
	if into && !src.contents {
		below += src.name + "/"
	}
	if src.Store != nil && src.Store.place() == t.To.Store.place() && strings.HasPrefix(*t.To.Store.full(below), *src.Store.full(src.root)) && src.match == nil {
		return "", fault.New(fault.Usage, "give a destination outside of it", "%s would be copied into itself", src.Place)
	}
	return below, nil
}

func (t *transfer) localDestination(src found, into bool) (below string, err error) {
	dir, below := t.To.Path, ""
	switch {
	case src.single != nil && !into:
		dir, below = filepath.Dir(t.To.Path), filepath.Base(t.To.Path)
	case src.single == nil && into && !src.contents:
		below = src.name + "/"
	}
	if t.folder == nil {
		if t.DryRun {
			if _, err := os.Stat(dir); err != nil {
				return below, nil
			}
		}
		t.folder, err = openFolder(dir)
	}
	return below, err
}

// place is where a store's objects are, whoever asks.
func (s *Store) place() string { return s.Location + "\x00" + s.Bucket }

// peekPages bounds what is listed of a destination to see what is there already; past that each
// object is looked up by itself.
const peekPages = 10

// peek returns what is at the destination of many; nil where that is not known.
func (t *transfer) peek(ctx context.Context, src found, below string) (map[string]Object, error) {
	if t.To.Store == nil || src.single != nil || t.Always && !t.NoClobber {
		return nil, nil
	}
	there, pages := map[string]Object{}, 0
	err := t.To.Store.List(ctx, below, "", func(page []Object) error {
		if pages++; pages > peekPages {
			return errStopped
		}
		for _, o := range page {
			there[o.Key] = o
		}
		return nil
	})
	if errors.Is(err, errStopped) || fault.Is(err, fault.Auth) {
		return nil, nil
	}
	return there, err
}

// stream copies from standard input or to standard output.
func (t *transfer) stream(ctx context.Context) error {
	if len(t.From) != 1 {
		return fault.New(fault.Usage, "give one", "several things cannot be one stream")
	}
	from := t.From[0]
	if t.DryRun {
		return fault.New(fault.Usage, "leave it out", "a stream has no dry run")
	}
	if from.Kind == Std {
		if t.To.Dir() {
			return fault.New(fault.Usage, "give the whole key", "standard input has no name that it could have in %s", t.To)
		}
		t.Report.Expect(1, 0, true)
		in := input{attributes: fileAttributes(t.To.Path, zeroTime), moved: t.Report.Advance}
		if t.NoClobber {
			in.ifAbsent = true
		}
		o, err := t.To.Store.putStream(ctx, t.To.Path, &interruptible{ctx, t.In}, in)
		if err == nil {
			t.streamed("-", t.To.Store.Place(o.Key), o.Size, true)
		}
		return err
	}
	key, pattern := hasGlob(from.Path)
	if pattern || from.Dir() {
		return fault.New(fault.Usage, "give one object", "%s is not one object", from)
	}
	t.Report.Expect(1, 0, true)
	info, verified, err := from.Store.fetch(ctx, t.Out, key, "", t.Report.Advance)
	if err == nil {
		t.streamed(from.Store.Place(key), "-", info.Size, verified)
	}
	return err
}

func (t *transfer) streamed(from, to string, size int64, verified bool) {
	t.Report.Finish()
	t.result.Transferred, t.result.Bytes = 1, size
	if !verified {
		t.result.Unverified = 1
	}
	t.Each(Change{Action: Copied, From: from, To: to, Size: size})
}
