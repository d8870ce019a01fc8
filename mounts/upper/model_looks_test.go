package upper

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"
)

// TestModelWithAttributes is TestModel with modes, times and user.* attributes, of files,
// directories and symlinks, compared at each step, after crashes and remounts, and on other
// hosts. SPEC C5, C7, D1, E11.
func TestModelWithAttributes(t *testing.T) {
	first := max(*modelSeed, 1)
	for round := range uint64(*modelRounds) {
		seed := first + round
		if *modelAgain {
			seed = first
		}
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			playModel(t, seed, true)
		})
	}
}

// look is what a file, directory or symlink is besides its content.
type look struct {
	mode   uint32
	mtime  time.Time // zero: not compared; of directories only what was set on purpose is kept
	xattrs map[string]string
}

// keepLook makes l that of path.
func (p *player) keepLook(path string, l look) {
	if p.m.looks != nil {
		p.m.looks[path] = l
	}
}

func (p *player) mode() uint32 {
	if p.m.looks == nil {
		return 0o644
	}
	return []uint32{0o644, 0o644, 0o755, 0o600}[p.rng.IntN(4)]
}

// keptLook is what a crash leaves of an open file.
func (p *player) keptLook(o *openFile) look {
	if o.own {
		return o.was
	}
	return o.belowLook
}

// made says that path was made; its time is what the mount says.
func (p *player) made(path string, mode uint32) {
	if p.m.looks == nil {
		return
	}
	p.m.looks[path] = look{mode: mode}
	if n, err := p.node(path); err == nil && n.Kind() != Dir {
		p.m.looks[path] = look{mode: mode, mtime: p.Attr(n).MTime}
	}
	p.touched(path)
}

func (p *player) unmade(path string) {
	delete(p.m.looks, path)
	p.touched(path)
}

// touched says that the directory of path was changed.
func (p *player) touched(path string) {
	dir, _ := splitPath(path)
	if l, ok := p.m.looks[dir]; ok {
		l.mtime = time.Time{}
		p.m.looks[dir] = l
	}
}

// written says that the content of path was changed.
func (p *player) written(path string) {
	l, ok := p.m.looks[path]
	if !ok {
		return
	}
	l.mtime = time.Time{}
	if n, err := p.node(path); err == nil {
		l.mtime = p.Attr(n).MTime
	}
	p.m.looks[path] = l
}

// setLook changes what path, or the root, is besides its content.
func (p *player) setLook(path string) {
	if p.rng.IntN(12) == 0 {
		path = ""
	}
	l, ok := p.m.looks[path]
	if !ok {
		return
	}
	_, isLink := p.m.links[path]
	change := func(what string, op func(n *Node) error, apply func(l *look)) {
		if !p.try(what+" "+path, func(context.Context) error {
			n, err := p.node(path)
			if err != nil {
				return err
			}
			return op(n)
		}) {
			return
		}
		apply(&l)
		p.m.looks[path] = l
		if o := p.opened(path); o != nil && o.own {
			apply(&o.was)
		}
	}
	ctx := context.Background()
	name := p.pick([]string{"user.a", "user.b"})
	_, has := l.xattrs[name]
	switch k := p.rng.IntN(6); {
	case k < 2 && !isLink:
		mode := []uint32{0o644, 0o755, 0o700, 0o711}[p.rng.IntN(4)]
		change(fmt.Sprintf("chmod %#o", mode), func(n *Node) error {
			_, err := p.SetAttr(ctx, n, nil, Change{Mode: &mode})
			return err
		}, func(l *look) { l.mode = mode })
	case k < 4:
		at := time.Unix(p.rng.Int64N(4e9)-1e9, p.rng.Int64N(1e9))
		change(fmt.Sprintf("utime %v", at.UnixNano()), func(n *Node) error {
			_, err := p.SetAttr(ctx, n, nil, Change{MTime: &at})
			return err
		}, func(l *look) { l.mtime = at })
	case isLink:
	case k < 5 || !has:
		value := fmt.Sprint(p.rng.IntN(1e6))
		change("setx "+name, func(n *Node) error { return p.SetXattr(n, name, []byte(value), 0) }, func(l *look) {
			l.xattrs = maps.Clone(l.xattrs)
			if l.xattrs == nil {
				l.xattrs = map[string]string{}
			}
			l.xattrs[name] = value
		})
	default:
		change("unsetx "+name, func(n *Node) error { return p.RemoveXattr(n, name) }, func(l *look) {
			l.xattrs = maps.Clone(l.xattrs)
			delete(l.xattrs, name)
		})
	}
}

// compareLook compares what path is besides its content.
func (p *player) compareLook(path string, n *Node) {
	p.t.Helper()
	want, ok := p.m.looks[path]
	if !ok {
		return // it is compared whether the path should be there
	}
	got := p.Attr(n)
	if got.Mode != want.mode {
		p.fatalf("%q: mode %#o, want %#o", path, got.Mode, want.mode)
	}
	if !want.mtime.IsZero() && !got.MTime.Equal(want.mtime) {
		p.fatalf("%q: mtime %d, want %d", path, got.MTime.UnixNano(), want.mtime.UnixNano())
	}
	names := p.Xattrs(n)
	if wantNames := slices.Sorted(maps.Keys(want.xattrs)); !slices.Equal(names, wantNames) {
		p.fatalf("%q: attributes %v, want %v", path, names, wantNames)
	}
	for _, name := range names {
		if value, err := p.Xattr(n, name); err != nil || string(value) != want.xattrs[name] {
			p.fatalf("%q: %s is %q, %v, want %q", path, name, value, err, want.xattrs[name])
		}
	}
}
