package dir

import (
	"errors"
	"io/fs"
	"os"
	"sync"
)

// handlesMax is how many packs stay open for reading.
const handlesMax = 128

// handles keeps packs open: opening one costs as much as the rest of a small read.
type handles struct {
	mu   sync.RWMutex
	open map[token]*os.File
}

// get returns the pack's file. It may be closed at any time: see readAt.
func (h *handles) get(t token, path string) (*os.File, error) {
	h.mu.RLock()
	f := h.open[t]
	h.mu.RUnlock()
	if f != nil {
		return f, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if have := h.open[t]; have != nil {
		_ = f.Close()
		return have, nil
	}
	if h.open == nil {
		h.open = map[token]*os.File{}
	}
	for other, old := range h.open {
		if len(h.open) < handlesMax {
			break
		}
		delete(h.open, other)
		_ = old.Close() // a read that runs is finished first
	}
	h.open[t] = f
	return f, nil
}

// drop closes a pack that is removed; the zero token means all.
func (h *handles) drop(t token) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for have, f := range h.open {
		if have == t || t == (token{}) {
			delete(h.open, have)
			_ = f.Close()
		}
	}
}

// pack is an io.ReaderAt of a pack.
type pack struct {
	blobs *Blobs
	token token
}

// ReadAt implements io.ReaderAt. fs.ErrNotExist: the pack was removed.
func (p pack) ReadAt(b []byte, off int64) (int, error) {
	for {
		f, err := p.blobs.handles.get(p.token, p.blobs.packPath(p.token))
		if err != nil {
			return 0, err
		}
		n, err := f.ReadAt(b, off)
		if !errors.Is(err, fs.ErrClosed) {
			return n, err
		}
	}
}
