package upper

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// quarantineIndex is the file beside the quarantined ones that says what they are, a
// JSON line each.
const quarantineIndex = "index.jsonl"

// Quarantined is a file that was set aside: a line of the index, but for journals.
type Quarantined struct {
	Time   time.Time `json:"time"`
	File   string    `json:"file"` // in the quarantine folder
	Path   string    `json:"path"` // in the workspace; "" where not known
	Reason string    `json:"reason"`
	Offset int64     `json:"offset,omitempty"` // the file holds the bytes from here on
	Size   int64     `json:"size"`             // of the file in bytes
}

// ReadQuarantine lists what is set aside in a staging folder, oldest first. It takes no
// lock: a mount may use the folder meanwhile.
func ReadQuarantine(dir string) ([]Quarantined, error) {
	dir = quarantineDir(dir)
	entries, err := os.ReadDir(dir) // by name, which begins with the time
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(filepath.Join(dir, quarantineIndex))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	known := map[string]Quarantined{}
	for line := range bytes.Lines(text) {
		var q Quarantined
		if json.Unmarshal(line, &q) == nil { // a torn line is of a file that its name tells of
			known[q.File] = q
		}
	}
	var list []Quarantined
	for _, e := range entries {
		if e.Name() == quarantineIndex {
			continue
		}
		q, ok := known[e.Name()]
		if !ok {
			q = Quarantined{File: e.Name(), Reason: "a file without a line in the index"}
			if strings.HasSuffix(e.Name(), journalName) {
				q.Reason = "a journal that was damaged, as it was"
			}
		}
		if info, err := e.Info(); err == nil {
			q.Size = info.Size()
			if q.Time.IsZero() {
				q.Time = info.ModTime()
			}
		}
		list = append(list, q)
	}
	return list, nil
}

// QuarantinedPath is where the bytes of a file in quarantine are.
func QuarantinedPath(dir, file string) string { return filepath.Join(quarantineDir(dir), file) }

func quarantineDir(dir string) string { return filepath.Join(dir, "quarantine") }

// quarantine moves a data file whose bytes are in doubt out of the way. It is never
// uploaded and never deleted.
func (f *FS) quarantine(d doubtful) error {
	_, err := f.setAside(d, 0, func(to string) error { return os.Rename(f.st.path(d.id), to) })
	return err
}

// quarantineTail does that with the bytes after size of a file that stays, and cuts it.
func (f *FS) quarantineTail(d doubtful, size int64) error {
	_, err := f.setAside(d, size, func(to string) error {
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

func (f *FS) setAside(d doubtful, offset int64, take func(to string) error) (Quarantined, error) {
	dir := quarantineDir(f.opt.Dir)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return Quarantined{}, err
	}
	now := time.Now()
	q := Quarantined{
		Time: now, File: now.UTC().Format("20060102T150405.000000000Z") + "-" + d.id,
		Path: nodePath(d.path), Reason: d.reason, Offset: offset,
	}
	if err := take(filepath.Join(dir, q.File)); err != nil {
		return q, err
	}
	if info, err := os.Stat(filepath.Join(dir, q.File)); err == nil {
		q.Size = info.Size()
	}
	line, err := json.Marshal(q)
	if err != nil {
		return q, err
	}
	index, err := os.OpenFile(filepath.Join(dir, quarantineIndex), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return q, err
	}
	defer index.Close()
	if _, err := index.Write(append(line, '\n')); err != nil {
		return q, err
	}
	f.log.Warn("a file in doubt was set aside, not uploaded", "path", q.Path, "file", filepath.Join(dir, q.File), "reason", d.reason)
	return q, index.Sync()
}

// keepDamaged keeps a copy of a damaged journal beside the quarantined files.
func (f *FS) keepDamaged(path string) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	dir := quarantineDir(f.opt.Dir)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, time.Now().UTC().Format("20060102T150405.000000000Z")+"-"+journalName), b, 0o600)
}

func (f *FS) countQuarantined() (n int) {
	entries, err := os.ReadDir(quarantineDir(f.opt.Dir))
	if err != nil {
		return 0
	}
	for _, e := range entries {
		if e.Name() != quarantineIndex {
			n++
		}
	}
	return n
}
