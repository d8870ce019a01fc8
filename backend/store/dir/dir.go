package dir

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"

	"github.com/artifacts-tui/artifacts-tui/backend/store"
)

// Blobs keeps a blob above packMax bytes as root/blobs/<first 2 digits of its id>/<id>, and
// smaller ones as pieces of root/packs/<id>. The folder belongs to one process at a time:
// whoever opens it sees to that. One that is shared has no packs.
type Blobs struct {
	root    string
	temp    string  // where files are before they are blobs
	shared  *shared // nil: no other process has the folder
	packs   packs
	handles handles
	// crashed says that an earlier process did not close the folder: there may be orphans.
	crashed atomic.Bool
	garbage atomic.Int64 // bytes of deleted pieces that packs still hold, roughly
}

var _ store.Blobs = (*Blobs)(nil)

// Open creates root (mode 0700) and the folders below it, and removes what
// writers of an earlier process left half-written.
func Open(root string) (*Blobs, error) {
	b := &Blobs{root: root, temp: filepath.Join(root, "tmp")}
	if err := os.RemoveAll(b.temp); err != nil {
		return nil, err
	}
	_, err := os.Stat(filepath.Join(root, "packs"))
	fresh := errors.Is(err, fs.ErrNotExist)
	folders := []string{b.temp, filepath.Join(root, "packs")}
	for i := range 256 {
		folders = append(folders, filepath.Join(root, "blobs", fmt.Sprintf("%02x", i)))
	}
	for _, f := range folders {
		if err := os.MkdirAll(f, 0o700); err != nil {
			return nil, err
		}
	}
	last, err := b.unmark()
	if err != nil {
		return nil, err
	}
	if fresh {
		b.crashed.Store(false)
	}
	// The folders are there for good only when their parents know them.
	if err := errors.Join(syncDir(filepath.Join(root, "blobs")), syncDir(root), syncDir(filepath.Dir(root))); err != nil {
		return nil, err
	}
	b.packs.start(b, last)
	return b, nil
}

func (b *Blobs) mark() string { return filepath.Join(b.root, "closed") }

// closing is what the file that Close leaves says, for the next process.
type closing struct {
	Garbage int64  `json:"garbage"` // bytes, in packs
	Pack    string `json:"pack"`    // that was appended to; empty: none
	Size    int64  `json:"size"`    // of it
	Pieces  int    `json:"pieces"`
}

// unmark takes away the file that Close leaves. Where it is missing an earlier process was
// killed: what is there is not certain before a sweep.
func (b *Blobs) unmark() (closing, error) {
	var c closing
	text, err := os.ReadFile(b.mark())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return c, err
	}
	if err != nil || json.Unmarshal(text, &c) != nil {
		b.crashed.Store(true)
		c = closing{}
	}
	b.garbage.Store(c.Garbage)
	if err := os.Remove(b.mark()); !errors.Is(err, fs.ErrNotExist) {
		return c, err
	}
	return c, nil
}

// Close implements store.Blobs.
func (b *Blobs) Close() error {
	if b.shared != nil {
		return os.RemoveAll(b.temp)
	}
	last, err := b.packs.close()
	b.handles.drop(token{})
	if err != nil || b.crashed.Load() {
		return err // the next process sweeps
	}
	last.Garbage = b.garbage.Load()
	text, err := json.Marshal(last)
	if err != nil {
		return err
	}
	if os.WriteFile(b.mark(), text, 0o600) != nil {
		_ = os.Remove(b.mark()) // the disk is full: the next process sweeps
	}
	return nil
}

// Open implements store.Blobs. The reader of a file of its own is an *os.File, which
// net/http sends with sendfile(2). One of a piece fails with fs.ErrNotExist when a sweep has
// moved the piece since: pieces are small, and read at once.
func (b *Blobs) Open(_ context.Context, id string) (io.ReadSeekCloser, error) {
	p, err := parse(id)
	if err != nil {
		return nil, err
	}
	if !p.packed {
		return os.Open(b.path(p.file))
	}
	if _, err := b.handles.get(p.file, b.packPath(p.file)); err != nil {
		return nil, err
	}
	return piece{io.NewSectionReader(pack{b, p.file}, p.off, p.length)}, nil
}

// piece reads a part of a pack.
type piece struct{ *io.SectionReader }

// Close implements io.Closer.
func (piece) Close() error { return nil }

// Delete implements store.Blobs. A piece of a pack is only counted: a sweep gives its space
// back. The folder of a file is not synced: a blob that comes back after a power cut is an
// orphan, and swept.
func (b *Blobs) Delete(_ context.Context, id string) error {
	p, err := parse(id)
	if err != nil {
		return err
	}
	if p.packed {
		b.garbage.Add(p.length)
		return nil
	}
	if err := os.Remove(b.path(p.file)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// Create implements store.Blobs.
func (b *Blobs) Create(_ context.Context, size int64) (store.BlobWriter, error) {
	if size >= 0 && size <= packMax && b.shared == nil {
		return &packWriter{packs: &b.packs, buf: make([]byte, 0, size)}, nil
	}
	return b.createFile()
}

func syncDir(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}
