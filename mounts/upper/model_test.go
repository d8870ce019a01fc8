package upper

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

var (
	modelSeed   = flag.Uint64("model.seed", 0, "the first seed of the model test; 0: 1")
	modelDump   = flag.Bool("model.dump", false, "print the journal at each crash and failure")
	modelRounds = flag.Int("model.rounds", 16, "rounds of the model test")
	modelAgain  = flag.Bool("model.again", false, "play the first seed in all rounds: the store's timing differs")
)

// model is what a file system should show: directories end in "/".
type model struct {
	files map[string]string
	links map[string]string
	dirs  map[string]bool
	// looks has what each of them is besides its content; nil: that is not compared.
	looks map[string]look
}

func (m *model) exists(path string) bool {
	_, f := m.files[path]
	_, l := m.links[path]
	return f || l || m.dirs[path]
}

func (m *model) empty(dir string) bool {
	for _, names := range []map[string]string{m.files, m.links} {
		for p := range names {
			if strings.HasPrefix(p, dir+"/") {
				return false
			}
		}
	}
	for p := range m.dirs {
		if strings.HasPrefix(p, dir+"/") {
			return false
		}
	}
	return true
}

func (m *model) move(from, to string) {
	for _, names := range []map[string]string{m.files, m.links} {
		for p, v := range names {
			if p == from || strings.HasPrefix(p, from+"/") {
				delete(names, p)
				names[to+p[len(from):]] = v
			}
		}
	}
	for p := range m.dirs {
		if p == from || strings.HasPrefix(p, from+"/") {
			delete(m.dirs, p)
			m.dirs[to+p[len(from):]] = true
		}
	}
	for p, l := range m.looks {
		if p == from || strings.HasPrefix(p, from+"/") {
			delete(m.looks, p)
			m.looks[to+p[len(from):]] = l
		}
	}
}

// remote is what the store should hold after a drain, markers left out.
func (m *model) remote() map[string]string {
	out := map[string]string{}
	for p, v := range m.files {
		out[p] = v
	}
	for p, v := range m.links {
		out[p+SymlinkSuffix] = v
	}
	return out
}

type player struct {
	*world
	m    *model
	rng  *rand.Rand
	log  []string
	root string // the directory that is this player's own
	open []*openFile
}

// openFile is a handle with writes that are not closed: they show, and a crash takes them.
type openFile struct {
	h      *Handle
	path   string // "" once it has no name
	own    bool   // it was closed before, with this content
	closed string
	was    look // as it was closed
	// below is what a crash leaves under its name where it never was closed.
	below     *string
	belowLook look
}

func (p *player) opened(path string) *openFile {
	for _, o := range p.open {
		if o.path == path {
			return o
		}
	}
	return nil
}

// kept is what a crash leaves under path, or nil.
func (p *player) kept(path string) *string {
	if o := p.opened(path); o != nil {
		if o.own {
			return &o.closed
		}
		return o.below
	}
	if data, ok := p.m.files[path]; ok {
		return &data
	}
	return nil
}

// published says that all that path shows is closed.
func (p *player) published(path string) {
	if o := p.opened(path); o != nil {
		o.own, o.closed, o.was, o.below = true, p.m.files[path], p.m.looks[path], nil
	}
}

// lost is what a crash does to unclosed writes.
func (p *player) lost() {
	for _, o := range p.open {
		if o.path == "" {
			continue
		}
		if data := p.kept(o.path); data != nil {
			p.m.files[o.path] = *data
			p.keepLook(o.path, p.keptLook(o))
		} else {
			delete(p.m.files, o.path)
			delete(p.m.looks, o.path)
		}
	}
	p.open = nil
}

// scribble opens a file, or writes into one that is open, or closes one.
func (p *player) scribble(path string) {
	ctx := context.Background()
	var o *openFile
	if len(p.open) > 0 {
		o = p.open[p.rng.IntN(len(p.open))]
	}
	switch _, isFile := p.m.files[path]; {
	case o != nil && p.rng.IntN(3) == 0:
		if p.try("close "+o.path, func(ctx context.Context) error { return o.h.Flush(ctx) }) && o.path != "" {
			p.published(o.path)
		}
		o.h.Release()
		p.open = slices.DeleteFunc(p.open, func(x *openFile) bool { return x == o })
	case o != nil && (p.rng.IntN(2) == 0 || len(p.open) > 2):
		old := p.m.files[o.path]
		off, data := p.rng.IntN(len(old)+9), p.content()
		if p.try(fmt.Sprintf("scribble %q at %d", o.path, off), func(ctx context.Context) error {
			_, err := o.h.WriteAt(ctx, []byte(data), int64(off))
			return err
		}) && o.path != "" && data != "" {
			p.m.files[o.path] = patched(old, data, off)
			p.written(o.path)
		}
	case p.opened(path) == nil && (isFile || !p.m.exists(path)):
		o, mode := &openFile{path: path, own: isFile, closed: p.m.files[path], was: p.m.looks[path]}, p.mode()
		if p.try("open "+path, func(context.Context) error {
			dir, name, err := p.parent(path)
			if err != nil {
				return err
			}
			_, o.h, err = p.Create(ctx, dir, name, mode, os.O_RDWR)
			return err
		}) {
			if !isFile {
				p.made(path, mode)
			}
			p.m.files[path] = o.closed
			p.open = append(p.open, o)
		}
	}
}

func (p *player) pick(names []string) string { return names[p.rng.IntN(len(names))] }

func (p *player) dir() string {
	dirs := []string{p.root}
	for d := range p.m.dirs {
		if p.root == "" || below(d, p.root) {
			dirs = append(dirs, d)
		}
	}
	sort.Strings(dirs)
	return p.pick(dirs)
}

func (p *player) path() string {
	return joinPath(p.dir(), p.pick([]string{"a", "b", "c", "d"}))
}

func (p *player) content() string {
	return strings.Repeat(fmt.Sprintf("%06d.", p.rng.IntN(1e6)), p.rng.IntN(40))
}

// dump shows what a crash leaves, for whoever looks for a bug.
func (p *player) dump(what string) {
	if !*modelDump {
		return
	}
	b, _ := os.ReadFile(filepath.Join(p.world.dir, journalName))
	p.log = append(p.log, fmt.Sprintf("=== JOURNAL %s\n%s\n=== STORE %v", what, b, p.store.keys()))
}

// try runs op; it reports whether it happened. That the store does not answer is the only
// excuse.
func (p *player) try(what string, op func(ctx context.Context) error) bool {
	err := op(context.Background())
	p.log = append(p.log, fmt.Sprintf("%s: %v", what, err))
	if err != nil && !fault.Is(err, fault.Unreachable) {
		p.fatalf("%s: %v", what, err)
	}
	return err == nil
}

func (p *player) fatalf(format string, args ...any) {
	p.t.Helper()
	p.dump("end")
	for _, k := range p.Stats().Conflicts {
		p.log = append(p.log, fmt.Sprintf("conflict: %+v", k)) // nobody else writes
	}
	from := max(0, len(p.log)-60)
	if *modelDump {
		from = 0
	}
	p.t.Fatalf("%s\nlast steps:\n%s", fmt.Sprintf(format, args...), strings.Join(p.log[from:], "\n"))
}

func (p *player) parent(path string) (*Node, string, error) {
	dir, name := splitPath(path)
	n, err := p.node(dir)
	return n, name, err
}

// update opens path, changes it, and closes it; a failed close would be a failed step.
func (p *player) update(path string, flags int, change func(h *Handle) error) error {
	dir, name, err := p.parent(path)
	if err != nil {
		return err
	}
	_, exists := p.m.files[path]
	mode := p.mode()
	_, h, err := p.Create(context.Background(), dir, name, mode, flags)
	if err != nil {
		return err
	}
	defer h.Release()
	if err := change(h); err != nil {
		return err
	}
	if err := h.Flush(context.Background()); err != nil {
		return err
	}
	if exists {
		p.written(path)
	} else {
		p.made(path, mode)
	}
	return nil
}

func patched(old, data string, off int) string {
	b := []byte(old)
	for len(b) < off+len(data) {
		b = append(b, 0)
	}
	copy(b[off:], data)
	return string(b)
}

func (p *player) step() {
	path := p.path()
	_, isFile := p.m.files[path]
	_, isLink := p.m.links[path]
	isDir := p.m.dirs[path]
	free := !p.m.exists(path)
	kinds := 26
	if p.m.looks != nil {
		kinds = 32
	}
	switch k := p.rng.IntN(kinds); {
	case k >= 26:
		p.setLook(path)
	case k < 5 && (free || isFile):
		data := p.content()
		if p.try("write "+path, func(ctx context.Context) error {
			return p.update(path, os.O_WRONLY|os.O_TRUNC, func(h *Handle) error {
				_, err := h.WriteAt(ctx, []byte(data), 0)
				return err
			})
		}) {
			p.m.files[path] = data
			p.published(path)
		}
	case k < 8 && isFile:
		old, data := p.m.files[path], p.content()
		off := p.rng.IntN(len(old) + 20)
		if p.try(fmt.Sprintf("patch %s at %d", path, off), func(ctx context.Context) error {
			return p.update(path, os.O_RDWR, func(h *Handle) error {
				_, err := h.WriteAt(ctx, []byte(data), int64(off))
				return err
			})
		}) {
			if data != "" {
				p.m.files[path] = patched(old, data, off)
			}
			p.published(path)
		}
	case k < 9 && isFile:
		old, data := p.m.files[path], p.content()
		if p.try("append "+path, func(ctx context.Context) error {
			return p.update(path, os.O_WRONLY|os.O_APPEND, func(h *Handle) error {
				_, err := h.WriteAt(ctx, []byte(data), 0)
				return err
			})
		}) {
			p.m.files[path] = old + data
			p.published(path)
		}
	case k < 10 && isFile:
		old := p.m.files[path]
		size := p.rng.IntN(len(old) + 30)
		if p.try(fmt.Sprintf("truncate %s to %d", path, size), func(ctx context.Context) error {
			n, err := p.node(path)
			if err != nil {
				return err
			}
			s := int64(size)
			_, err = p.SetAttr(ctx, n, nil, Change{Size: &s})
			return err
		}) {
			p.m.files[path] = patched(old[:min(size, len(old))], "", size)
			p.written(path)
			p.published(path)
		}
	case k < 12 && (isFile || isLink):
		if p.try("unlink "+path, func(ctx context.Context) error {
			dir, name, err := p.parent(path)
			if err != nil {
				return err
			}
			return p.Unlink(ctx, dir, name)
		}) {
			delete(p.m.files, path)
			delete(p.m.links, path)
			p.unmade(path)
			if o := p.opened(path); o != nil {
				o.path = ""
			}
		}
	case k < 14 && free && strings.Count(path, "/") < 3:
		mode := p.mode() | 0o100
		if p.try("mkdir "+path, func(ctx context.Context) error {
			dir, name, err := p.parent(path)
			if err != nil {
				return err
			}
			_, err = p.Mkdir(ctx, dir, name, mode)
			return err
		}) {
			p.made(path, mode)
			p.m.dirs[path] = true
		}
	case k < 15 && isDir && p.m.empty(path):
		if p.try("rmdir "+path, func(ctx context.Context) error {
			dir, name, err := p.parent(path)
			if err != nil {
				return err
			}
			return p.Rmdir(ctx, dir, name)
		}) {
			delete(p.m.dirs, path)
			p.unmade(path)
		}
	case k < 16 && free:
		target := "to/" + p.pick([]string{"x", "y", "z"})
		if p.try("symlink "+path, func(ctx context.Context) error {
			dir, name, err := p.parent(path)
			if err != nil {
				return err
			}
			_, err = p.Symlink(ctx, dir, name, target)
			return err
		}) {
			p.made(path, 0o777)
			p.m.links[path] = target
		}
	case k < 21 && !free:
		p.rename(path)
	case k < 22 && isFile:
		p.look(path)
	case k >= 22:
		p.scribble(path)
	}
}

func (p *player) rename(from string) {
	to := p.path()
	_, toFile := p.m.files[to]
	_, toLink := p.m.links[to]
	isDir := p.m.dirs[from]
	switch {
	case from == to, strings.HasPrefix(to, from+"/"):
		return
	case isDir && (toFile || toLink || p.m.dirs[to] && !p.m.empty(to)):
		return
	case !isDir && p.m.dirs[to]:
		return
	}
	if p.try("rename "+from+" "+to, func(ctx context.Context) error {
		dir, name, err := p.parent(from)
		if err != nil {
			return err
		}
		newDir, newName, err := p.parent(to)
		if err != nil {
			return err
		}
		return p.Rename(ctx, dir, name, newDir, newName, 0)
	}) {
		under, underLook := p.kept(to), p.m.looks[to]
		if o := p.opened(to); o != nil {
			underLook = p.keptLook(o)
		}
		if o := p.opened(to); o != nil {
			o.path = ""
		}
		for _, o := range p.open {
			if o.path == from {
				if !o.own {
					o.below, o.belowLook = under, underLook
				}
				o.path = to
			} else if o.path != "" && below(o.path, from) {
				o.path = to + o.path[len(from):]
			}
		}
		delete(p.m.files, to)
		delete(p.m.links, to)
		delete(p.m.dirs, to)
		p.unmade(to)
		p.touched(from)
		p.m.move(from, to)
	}
}

// look reads a file through the tree.
func (p *player) look(path string) {
	p.try("read "+path, func(ctx context.Context) error {
		n, err := p.node(path)
		if err != nil {
			return err
		}
		h, err := p.Open(ctx, n, os.O_RDONLY)
		if err != nil {
			return err
		}
		defer h.Release()
		want := p.m.files[path]
		buf := make([]byte, len(want)+10)
		k, err := h.ReadAt(ctx, buf, 0)
		if err == nil || errors.Is(err, io.EOF) {
			if string(buf[:k]) != want {
				p.fatalf("read %s: %.80q, want %.80q", path, buf[:k], want)
			}
			return nil
		}
		return err
	})
}

// compare walks the whole tree.
func (p *player) compare() { p.compareBelow("") }

// compareBelow walks what is below the directory root.
func (p *player) compareBelow(root string) {
	p.t.Helper()
	seen := &model{files: map[string]string{}, links: map[string]string{}, dirs: map[string]bool{}}
	var walk func(dir *Node, path string)
	walk = func(dir *Node, path string) {
		nodes, err := p.ReadDir(context.Background(), dir)
		if err != nil {
			p.fatalf("list %q: %v", path, err)
		}
		p.compareLook(path, dir)
		for _, n := range nodes {
			at := joinPath(path, n.Name())
			if n.Kind() != Dir {
				p.compareLook(at, n)
			}
			switch n.Kind() {
			case Dir:
				seen.dirs[at] = true
				walk(n, at)
			case Symlink:
				target, err := p.Readlink(context.Background(), n)
				if err != nil {
					p.fatalf("readlink %s: %v", at, err)
				}
				seen.links[at] = target
			default:
				seen.files[at] = ""
				p.look(at)
			}
		}
	}
	top, err := p.node(root)
	p.must(err)
	if root != "" {
		seen.dirs[root] = true
	}
	walk(top, root)
	for path := range p.m.files {
		if _, ok := seen.files[path]; !ok {
			p.fatalf("the mount lacks file %s", path)
		}
	}
	for path := range p.m.dirs {
		if !seen.dirs[path] {
			p.fatalf("the mount lacks directory %s", path)
		}
	}
	for path, target := range p.m.links {
		if seen.links[path] != target {
			p.fatalf("symlink %s: %q, want %q", path, seen.links[path], target)
		}
	}
	for _, names := range []map[string]string{seen.files, seen.links} {
		for path := range names {
			if !p.m.exists(path) {
				p.fatalf("the mount shows %s, which should not be there", path)
			}
		}
	}
	for path := range seen.dirs {
		if !p.m.dirs[path] {
			p.fatalf("the mount shows directory %s, which should not be there", path)
		}
	}
}

// TestModel plays random operations with crashes, clean remounts, a store that fails,
// lies (commits and answers an error) and goes away, against a plain model. SPEC C5, C7,
// D1, E11: after a drain the store holds the model, no more and no less.
func TestModel(t *testing.T) {
	first := max(*modelSeed, 1)
	for round := range uint64(*modelRounds) {
		seed := first + round
		if *modelAgain {
			seed = first
		}
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			playModel(t, seed, false)
		})
	}
}

func playModel(t *testing.T, seed uint64, looks bool) {
	rng := rand.New(rand.NewPCG(seed, 99))
	store := newFakeStore()
	store.multipart = seed%3 == 0
	p := &player{rng: rng, m: &model{files: map[string]string{}, links: map[string]string{}, dirs: map[string]bool{}}}
	if looks {
		p.m.looks = map[string]look{"": {mode: 0o755}}
	}
	for i := range 12 {
		path := []string{"a", "b", "c", "d"}[i%4]
		if i >= 4 {
			path = fmt.Sprintf("d%d/%s", i/4, path)
			p.m.dirs[fmt.Sprintf("d%d", i/4)] = true
			p.keepLook(fmt.Sprintf("d%d", i/4), look{mode: 0o755})
		}
		data := fmt.Sprintf("remote %d %s", i, strings.Repeat("x", i*5))
		store.set(path, data)
		p.m.files[path] = data
		p.keepLook(path, look{mode: 0o644, mtime: store.objects[path].Time})
	}
	slow := seed%4 != 0
	lie := seed%5 == 0
	errLie := errors.New("connection reset")
	store.before = func(op, _ string) error {
		if slow && op != "read" {
			time.Sleep(time.Duration(rand.IntN(1500)) * time.Microsecond)
		}
		if lie && op != "read" && op != "half" && op != "listed" && op != "list" && rand.IntN(12) == 0 {
			return errDown
		}
		return nil
	}
	store.after = func(string, string) error {
		if lie && rand.IntN(12) == 0 {
			return errLie
		}
		return nil
	}
	p.world = newWorldOver(t, store, func(o *Options) {
		o.WriteBack = []time.Duration{-1, 2 * time.Millisecond, 20 * time.Millisecond}[seed%3]
		o.DirTTL = []time.Duration{time.Hour, 3 * time.Millisecond}[seed%2]
		o.CleanBytes = []int64{-1, 500, 0}[seed/2%3]
		o.Uploads = 1 + int(seed%7)
		o.NoAttributes = !looks
		if seed%2 == 0 {
			o.PatchFrom, o.partLeast = 1, 16 // patches are put together on the server
		}
	})
	for range 6 {
		for range 40 {
			p.step()
		}
		switch rng.IntN(8) {
		case 0, 1, 2:
			p.log = append(p.log, "crash")
			p.lost()
			p.dump("crash")
			p.crash()
		case 3:
			p.log = append(p.log, "remount")
			p.lost()
			p.must(p.Close())
			p.dump("remount")
			p.must(p.Close())
			p.world.open()
		case 4:
			p.log = append(p.log, "down")
			p.client.setDown(true)
			for range 30 {
				p.step()
			}
			if rng.IntN(2) == 0 {
				p.log = append(p.log, "crash while down")
				p.lost()
				p.dump("crash while down")
				p.crash()
			}
			p.log = append(p.log, "up")
			p.client.setDown(false)
		case 5:
			p.log = append(p.log, "drain")
			if looks && rng.IntN(2) == 0 {
				p.closeAll()
				p.drain()
				p.compareElsewhere()
			}
			p.drain()
			p.refresh()
		case 6:
			p.log = append(p.log, "sync")
			p.must(p.Sync(context.Background()))
			p.refresh()
		}
		p.compare()
	}
	p.closeAll()
	p.drain()
	if got := store.files(); !sameFiles(got, p.m.remote()) {
		p.wantRemote(p.m.remote())
		p.fatalf("the store differs")
	}
	p.compare()
	p.refresh()
	p.compare()
	p.must(p.Close())
	p.world.open()
	p.compare()
	if looks {
		p.compareElsewhere()
	}
}

// compareElsewhere compares what another host sees, once the store has everything.
func (p *player) compareElsewhere() {
	p.t.Helper()
	p.log = append(p.log, "elsewhere")
	q := &player{world: p.elsewhere(), m: p.m, rng: p.rng, log: p.log}
	q.compare()
	p.must(q.Close())
}

func (p *player) closeAll() {
	for _, o := range p.open {
		p.must(o.h.Flush(context.Background()))
		o.h.Release()
		if o.path != "" {
			p.log = append(p.log, "close "+o.path)
			p.published(o.path)
		}
	}
	p.open = nil
}

func sameFiles(a, b map[string]string) bool {
	if len(a) != len(b) {
		return false
	}
	for k, v := range a {
		if w, ok := b[k]; !ok || v != w {
			return false
		}
	}
	return true
}

func (p *player) drain() {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := p.Drain(ctx); err != nil {
		p.fatalf("drain: %v; %+v\n%s", err, p.Stats(), p.unfinishedOps())
	}
}

// unfinishedOps says of each operation what keeps it.
func (w *world) unfinishedOps() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	text := fmt.Sprintf("%d run, limit %.1f, down %v until %v\n", w.q.running, w.q.pace.limit, w.q.down, w.q.probeAt.Sub(now))
	for _, o := range w.unfinished() {
		text += fmt.Sprintf("%d kind %d %s %s: running %v, slot %d, tries %d, in %v, waits %d for", o.id, o.kind, o.key, o.dst, o.running, o.slot, o.tries, w.q.when(o).Sub(now), o.waits)
		for _, before := range o.preds {
			if !before.ended {
				text += fmt.Sprint(" ", before.id)
			}
		}
		text += fmt.Sprintln(";", o.err)
	}
	return text
}
