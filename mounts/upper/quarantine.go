package upper

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"time"
)

// quarantineIndex is the file beside the quarantined ones that says what they are, a
// JSON line each.
const quarantineIndex = "index.jsonl"

// quarantined is one line of the index.
type quarantined struct {
	Time   time.Time `json:"time"`
	File   string    `json:"file"` // in the quarantine folder
	Path   string    `json:"path"` // in the workspace; "" where not known
	Reason string    `json:"reason"`
	Offset int64     `json:"offset,omitempty"` // the file holds the bytes from here on
	Size   int64     `json:"size"`
}

// quarantine moves a data file whose bytes are in doubt out of the way. It is never
// uploaded and never deleted.
func (f *FS) quarantine(d doubtful) error {
	return f.setAside(d, 0, func(to string) error { return os.Rename(f.st.path(d.id), to) })
}

// quarantineTail does that with the bytes after size of a file that stays, and cuts it.
func (f *FS) quarantineTail(d doubtful, size int64) error {
	err := f.setAside(d, size, func(to string) error {
		src, err := os.Open(f.st.path(d.id))
		if err != nil {
			return err
		}
		defer src.Close()
		dst, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return err
		}
		defer dst.Close()
		if _, err := src.Seek(size, io.SeekStart); err != nil {
			return err
		}
		if _, err := io.Copy(dst, src); err != nil {
			return err
		}
		return dst.Sync()
	})
	if err != nil {
		return err
	}
	return os.Truncate(f.st.path(d.id), size)
}

func (f *FS) setAside(d doubtful, offset int64, take func(to string) error) error {
	dir := filepath.Join(f.opt.Dir, "quarantine")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	now := time.Now()
	q := quarantined{
		Time: now, File: now.UTC().Format("20060102T150405.000000000Z") + "-" + d.id,
		Path: nodePath(d.path), Reason: d.reason, Offset: offset,
	}
	if err := take(filepath.Join(dir, q.File)); err != nil {
		return err
	}
	if info, err := os.Stat(filepath.Join(dir, q.File)); err == nil {
		q.Size = info.Size()
	}
	line, err := json.Marshal(q)
	if err != nil {
		return err
	}
	index, err := os.OpenFile(filepath.Join(dir, quarantineIndex), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer index.Close()
	if _, err := index.Write(append(line, '\n')); err != nil {
		return err
	}
	f.log.Warn("a file in doubt was set aside, not uploaded", "path", q.Path, "file", filepath.Join(dir, q.File), "reason", d.reason)
	return index.Sync()
}

// keepDamaged keeps a copy of a damaged journal beside the quarantined files.
func (f *FS) keepDamaged(path string) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	dir := filepath.Join(f.opt.Dir, "quarantine")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, time.Now().UTC().Format("20060102T150405.000000000Z")+"-"+journalName), b, 0o600)
}

func (f *FS) countQuarantined() {
	entries, err := os.ReadDir(filepath.Join(f.opt.Dir, "quarantine"))
	if err != nil {
		return
	}
	f.quarantined = 0
	for _, e := range entries {
		if e.Name() != quarantineIndex {
			f.quarantined++
		}
	}
}
