package dir

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

func (b *Blobs) createFile() (*fileWriter, error) {
	t := newToken()
	open := func() (*os.File, error) {
		return os.OpenFile(filepath.Join(b.temp, t.String()), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	}
	f, err := open()
	if b.shared != nil && errors.Is(err, fs.ErrNotExist) { // another process took the folder for abandoned
		if err = os.MkdirAll(b.temp, 0o700); err == nil {
			f, err = open()
		}
	}
	if err != nil {
		return nil, err
	}
	return &fileWriter{blobs: b, token: t, file: f}, nil
}

// fileWriter is a store.BlobWriter of a file of its own.
type fileWriter struct {
	blobs *Blobs
	token token
	file  *os.File // nil once committed or aborted

	size    int64 // written
	started int64 // whose way to the disk has begun
}

// flushEvery is how many bytes are written before the kernel is told to begin with them: the
// fsync at the end then finds most of a large body on the disk.
const flushEvery = 8 << 20

// Write implements io.Writer.
func (w *fileWriter) Write(p []byte) (int, error) {
	n, err := w.file.Write(p)
	w.size += int64(n)
	if w.size-w.started >= flushEvery && err == nil {
		beginWriteback(w.file, w.started, w.size-w.started)
		w.started = w.size
	}
	return n, err
}

// Commit gives the file its name, then syncs the bytes and the folder. In this order a
// journalling file system commits both at once; a power cut may leave half a blob under a
// blob's name, which nothing refers to and the sweep removes.
func (w *fileWriter) Commit() (string, error) {
	f := w.file
	if f == nil {
		return "", errors.New("dir: the blob was committed or aborted already")
	}
	to := w.blobs.path(w.token)
	if err := w.blobs.settle(f.Name(), to); err != nil {
		w.Abort()
		return "", err
	}
	w.file = nil
	err := f.Sync()
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
	return place{file: w.token}.id(), nil
}

// Abort implements store.BlobWriter.
func (w *fileWriter) Abort() {
	if w.file == nil {
		return
	}
	_ = w.file.Close()
	_ = os.Remove(w.file.Name())
	w.file = nil
}
