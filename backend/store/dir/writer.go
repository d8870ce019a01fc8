package dir

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/artifacts-tui/artifacts-tui/backend/store"
)

// Create implements store.Blobs.
func (b *Blobs) Create(context.Context) (store.BlobWriter, error) {
	id := token(randomBytes) + b.run
	f, err := os.OpenFile(filepath.Join(b.tmp(), id), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	return &writer{blobs: b, id: id, file: f}, nil
}

type writer struct {
	blobs *Blobs
	id    string
	file  *os.File // nil once committed or aborted
}

func (w *writer) Write(p []byte) (int, error) { return w.file.Write(p) }

// Commit gives the file its name, then syncs the bytes and the folder. In this order a
// journalling file system commits both at once; a power cut may leave half a blob under a
// blob's name, which nothing refers to and the sweep removes.
func (w *writer) Commit() (string, error) {
	f := w.file
	if f == nil {
		return "", errors.New("dir: the blob was committed or aborted already")
	}
	from := f.Name()
	to, err := w.blobs.path(w.id)
	if err == nil {
		err = os.Rename(from, to)
	}
	if err != nil {
		w.Abort()
		return "", err
	}
	w.file = nil
	err = f.Sync()
	if err == nil {
		err = syncDir(filepath.Dir(to))
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		_ = os.Remove(to)
		return "", err
	}
	return w.id, nil
}

func (w *writer) Abort() {
	if w.file == nil {
		return
	}
	_ = w.file.Close()
	_ = os.Remove(w.file.Name())
	w.file = nil
}
