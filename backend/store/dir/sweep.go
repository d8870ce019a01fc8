package dir

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/artifacts-tui/artifacts-tui/backend/store"
)

// A sweep pays when packs hold this much garbage, and it is a quarter of them.
const worthwhile = 64 << 20

// maxMoves bounds the pieces that one sweep asks to be moved, and so what it needs of memory.
const maxMoves = 64 << 10

// Untidy implements store.Blobs.
func (b *Blobs) Untidy() bool {
	if b.shared != nil {
		return b.shared.untidy()
	}
	if b.crashed.Load() {
		return true
	}
	g := b.garbage.Load()
	if g < worthwhile {
		return false
	}
	var total int64
	entries, _ := os.ReadDir(filepath.Join(b.root, "packs"))
	for _, e := range entries {
		if info, err := e.Info(); err == nil {
			total += info.Size()
		}
	}
	return g >= total/4
}

// inventory is what the folders hold at the beginning of a sweep.
type inventory struct {
	files  []token // sorted
	needed []bool  // of files
	packs  map[token]*sealed
}

// sealed is a pack that nothing is appended to.
type sealed struct {
	size   int64    // when it was seen: a little may have come after
	pieces []uint64 // offset<<32 | length, of the references
	live   int64    // bytes
}

// Sweep implements store.Blobs. Names that are not those of blobs are left alone. A pack that
// is half garbage is proposed to be moved; once it has been, the next sweep removes it.
func (b *Blobs) Sweep(ctx context.Context, refs store.Referrer) (swept store.Swept, err error) {
	if b.shared != nil {
		return b.sweepShared(ctx, refs)
	}
	// In this order: a pack that is begun after the inventory is none of this sweep's business,
	// and nothing is appended any more to those that are in it.
	have, err := b.take()
	if err != nil {
		return swept, err
	}
	if err := b.packs.seal(); err != nil {
		return swept, err
	}
	var strange error
	err = refs.Each(store.Span{}, func(id string) {
		if err := have.mark(id); err != nil {
			strange = err
		}
	})
	if err == nil {
		err = strange
	}
	if err != nil {
		return swept, err // nothing may be deleted on half the truth
	}
	for i, t := range have.files {
		if ctx.Err() != nil {
			return swept, ctx.Err()
		}
		if have.needed[i] {
			continue
		}
		if err := os.Remove(b.path(t)); err != nil && !os.IsNotExist(err) {
			return swept, err
		}
		swept.Removed++
	}
	sparse, garbage, err := b.sweepPacks(have.packs)
	if err != nil {
		return swept, err
	}
	b.crashed.Store(false)
	b.garbage.Store(garbage)
	if len(sparse) > 0 {
		swept.Move = func(id string) bool {
			p, err := parse(id)
			return err == nil && p.packed && sparse[p.file]
		}
	}
	return swept, nil
}

// take lists what is there.
func (b *Blobs) take() (*inventory, error) {
	have := &inventory{packs: map[token]*sealed{}}
	for i := range 256 {
		names, err := readNames(filepath.Join(b.root, "blobs", fmt.Sprintf("%02x", i)))
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			if t, ok := parseToken(name); ok {
				have.files = append(have.files, t)
			}
		}
	}
	slices.SortFunc(have.files, compare)
	have.needed = make([]bool, len(have.files))
	names, err := readNames(filepath.Join(b.root, "packs"))
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		t, ok := parseToken(name)
		if !ok {
			continue
		}
		info, err := os.Stat(b.packPath(t))
		if err != nil {
			return nil, err
		}
		have.packs[t] = &sealed{size: info.Size()}
	}
	return have, nil
}

func compare(a, b token) int { return bytes.Compare(a[:], b[:]) }

// mark notes a reference. Blobs that came after take are not in it.
func (have *inventory) mark(id string) error {
	p, err := parse(id)
	if err != nil {
		return err
	}
	if p.packed {
		if s := have.packs[p.file]; s != nil {
			s.pieces = append(s.pieces, uint64(p.off)<<32|uint64(p.length))
		}
		return nil
	}
	if i, found := slices.BinarySearchFunc(have.files, p.file, compare); found {
		have.needed[i] = true
	}
	return nil
}

// sweepPacks removes the packs that nothing refers to, and chooses those that are to be moved.
func (b *Blobs) sweepPacks(all map[token]*sealed) (sparse map[token]bool, garbage int64, err error) {
	sparse = map[token]bool{}
	moves := 0
	for t, s := range all {
		slices.Sort(s.pieces)
		s.pieces = slices.Compact(s.pieces) // a copy refers to the same piece
		for _, piece := range s.pieces {
			s.live += int64(piece & (1<<32 - 1))
		}
		switch {
		case len(s.pieces) == 0:
			if err := os.Remove(b.packPath(t)); err != nil && !os.IsNotExist(err) {
				return nil, 0, err
			}
			b.handles.drop(t)
			continue
		case s.live < s.size/2 && moves+len(s.pieces) <= maxMoves:
			moves += len(s.pieces)
			sparse[t] = true
		}
		garbage += max(s.size-s.live, 0)
	}
	return sparse, garbage, nil
}

func readNames(folder string) ([]string, error) {
	f, err := os.Open(folder)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.Readdirnames(-1)
}
