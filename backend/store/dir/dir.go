package dir

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/artifacts-tui/artifacts-tui/backend/store"
)

// An id is 24 random hex digits and the 8 of the run that made it, so that a sweep can
// tell blobs whose index entry may still be on its way.
const (
	randomBytes = 12
	runBytes    = 4
	idLength    = 2 * (randomBytes + runBytes)
)

// Blobs keeps each blob as root/blobs/<first 2 digits of its id>/<id>. The folder
// belongs to one process at a time: whoever opens it sees to that.
type Blobs struct {
	root string
	run  string
}

var _ store.Blobs = (*Blobs)(nil)

// Open creates root (mode 0700) and the folders below it, and removes what
// writers of an earlier process left half-written.
func Open(root string) (*Blobs, error) {
	b := &Blobs{root: root, run: token(runBytes)}
	if err := os.RemoveAll(b.tmp()); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(b.tmp(), 0o700); err != nil {
		return nil, err
	}
	for i := range 256 {
		if err := os.MkdirAll(filepath.Join(root, "blobs", fmt.Sprintf("%02x", i)), 0o700); err != nil {
			return nil, err
		}
	}
	// The folders are there for good only when their parents know them.
	return b, errors.Join(syncDir(filepath.Join(root, "blobs")), syncDir(root), syncDir(filepath.Dir(root)))
}

func token(n int) string {
	p := make([]byte, n)
	rand.Read(p) // never fails: https://pkg.go.dev/crypto/rand#Read
	return hex.EncodeToString(p)
}

func (b *Blobs) tmp() string { return filepath.Join(b.root, "tmp") }

// path refuses ids that this package did not make.
func (b *Blobs) path(id string) (string, error) {
	if len(id) != idLength || strings.Trim(id, "0123456789abcdef") != "" {
		return "", fmt.Errorf("dir: %q is not the id of a blob", id)
	}
	return filepath.Join(b.root, "blobs", id[:2], id), nil
}

// Close does nothing: open readers go on.
func (b *Blobs) Close() error { return nil }

// Open implements store.Blobs; the reader is an *os.File, which net/http sends with sendfile(2).
func (b *Blobs) Open(_ context.Context, id string) (io.ReadSeekCloser, error) {
	p, err := b.path(id)
	if err != nil {
		return nil, err
	}
	return os.Open(p)
}

// Delete implements store.Blobs. The folder is not synced: a blob that comes back
// after a power cut is an orphan, and swept.
func (b *Blobs) Delete(_ context.Context, id string) error {
	p, err := b.path(id)
	if err != nil {
		return err
	}
	if err := os.Remove(p); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// Sweep implements store.Blobs. Files that are not blobs are left alone.
func (b *Blobs) Sweep(ctx context.Context, referenced func(id string) bool) (removed int, err error) {
	for i := range 256 {
		names, err := readNames(filepath.Join(b.root, "blobs", fmt.Sprintf("%02x", i)))
		if err != nil {
			return removed, err
		}
		for _, id := range names {
			if ctx.Err() != nil {
				return removed, ctx.Err()
			}
			if len(id) != idLength || strings.HasSuffix(id, b.run) || referenced(id) {
				continue
			}
			if err := b.Delete(ctx, id); err != nil {
				return removed, err
			}
			removed++
		}
	}
	return removed, nil
}

func readNames(folder string) ([]string, error) {
	f, err := os.Open(folder)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.Readdirnames(-1)
}

func syncDir(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}
