package objects

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// walker lists the files below a folder in the order of their keys.
type walker struct {
	follow  bool // symlinks
	skipped func(path, why string)
	failed  func(path string, err error)
}

// walk calls each for every file below root, with its path from there, which has slashes.
func (w *walker) walk(ctx context.Context, root string, each func(rel string, info fs.FileInfo) error) error {
	info, err := os.Stat(root)
	if err != nil {
		return localError("read", root, err)
	}
	return w.folder(ctx, root, "", []fs.FileInfo{info}, each)
}

func (w *walker) folder(ctx context.Context, root, rel string, above []fs.FileInfo, each func(string, fs.FileInfo) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	entries, err := os.ReadDir(filepath.Join(root, rel))
	if err != nil {
		w.failed(filepath.Join(root, rel), err)
		return nil
	}
	type entry struct {
		key  string // a folder's ends in "/", and sorts as what is in it
		info fs.FileInfo
	}
	list := make([]entry, 0, len(entries))
	for _, e := range entries {
		path := filepath.Join(root, rel, e.Name())
		info, err := e.Info()
		if err == nil && info.Mode()&fs.ModeSymlink != 0 {
			if !w.follow {
				w.skipped(path, "a symlink")
				continue
			}
			info, err = os.Stat(path)
		}
		switch {
		case errors.Is(err, fs.ErrNotExist) && e.Type()&fs.ModeSymlink == 0: // removed a moment ago
		case err != nil:
			w.failed(path, err)
		case unfinished.MatchString(e.Name()):
		case info.IsDir():
			list = append(list, entry{e.Name() + "/", info})
		case info.Mode().IsRegular():
			list = append(list, entry{e.Name(), info})
		default:
			w.skipped(path, "neither a file nor a folder")
		}
	}
	slices.SortFunc(list, func(a, b entry) int { return cmp.Compare(a.key, b.key) })
	for _, e := range list {
		name, dir := strings.CutSuffix(e.key, "/")
		switch path := join(rel, name); {
		case dir && slices.ContainsFunc(above, func(up fs.FileInfo) bool { return os.SameFile(up, e.info) }):
			w.skipped(filepath.Join(root, path), "a folder that it is in itself, by a symlink")
		case dir:
			if err := w.folder(ctx, root, path, append(above[:len(above):len(above)], e.info), each); err != nil {
				return err
			}
		case !utf8.ValidString(path):
			w.failed(filepath.Join(root, path), fault.New(fault.Failure, "rename it", "%q cannot be a key: it is not UTF-8", filepath.Join(root, path)))
		default:
			if err := each(path, e.info); err != nil {
				return err
			}
		}
	}
	return nil
}

func join(dir, name string) string {
	if dir == "" || strings.HasSuffix(dir, "/") {
		return dir + name
	}
	return dir + "/" + name
}

// localError is what happened to a file of this machine.
func localError(op, path string, err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	var f *fault.Error
	if errors.As(err, &f) {
		return err
	}
	var p *fs.PathError
	var l *os.LinkError
	switch {
	case errors.As(err, &p):
		err = p.Err
	case errors.As(err, &l):
		err = l.Err
	}
	kind, hint := fault.Failure, ""
	switch {
	case errors.Is(err, fs.ErrNotExist):
		kind = fault.NotFound
	case errors.Is(err, fs.ErrPermission):
		kind, hint = fault.Auth, "change its permissions, or choose another path"
	case errors.Is(err, fs.ErrExist):
		kind = fault.Conflict
	case errors.Is(err, unix.ENOSPC), errors.Is(err, unix.EDQUOT):
		hint = "make room on the disk"
	}
	return fault.Wrap(kind, err, hint, "%s %s", op, path)
}

// localFolder is a folder of this machine that objects become files in. What is written stays
// within it, whatever symlinks are there.
type localFolder struct {
	path string
	root *os.Root
	made sync.Map // folders that are there
}

// openFolder makes the folder where it is missing.
func openFolder(path string) (*localFolder, error) {
	if err := os.MkdirAll(path, 0o777); err != nil {
		return nil, localError("make", path, err)
	}
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, localError("open", path, err)
	}
	return &localFolder{path: path, root: root}, nil
}

// checkFileName refuses a key that cannot be a path below a folder.
func checkFileName(rel, place string) error {
	for _, name := range strings.Split(strings.TrimSuffix(rel, "/"), "/") {
		if name == "" || name == "." || name == ".." || len(name) > 255 || strings.ContainsRune(name, 0) {
			return fault.New(fault.Failure, "fetch it by itself under another name: object get PLACE FILE", "%q cannot be a local file name", place)
		}
	}
	return nil
}

// target is a file to be made.
type target struct {
	rel       string
	place     string    // of the object, for errors
	modified  time.Time // known when it is filled
	durable   bool      // it is on disk before write returns
	noClobber bool
	keep      bool // what fails leaves what has arrived, for the next run
}

// write makes a file as a whole or not at all: fill writes it beside its place, over what a run
// before has left there.
func (d *localFolder) write(t *target, fill func(*os.File) error) error {
	if err := checkFileName(t.rel, t.place); err != nil {
		return err
	}
	dir := strings.TrimSuffix(folder(t.rel), "/")
	if err := d.mkdir(dir, t.place); err != nil {
		return err
	}
	f, temp, err := d.open(t.rel)
	if err != nil {
		return localError("write", filepath.Join(d.path, t.rel), err)
	}
	defer held(f)()
	err = fill(f)
	if err == nil && t.durable {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil && !t.modified.IsZero() {
		err = d.root.Chtimes(temp, time.Time{}, t.modified)
	}
	if err == nil {
		err = d.place(temp, t)
	}
	if err != nil {
		if !t.keep {
			_ = d.root.Remove(temp)
		}
		return localError("write", filepath.Join(d.path, t.rel), err)
	}
	if t.durable {
		return d.sync(dir)
	}
	return nil
}

func (d *localFolder) place(temp string, t *target) error {
	if !t.noClobber {
		err := d.root.Rename(temp, t.rel)
		if info, serr := d.root.Stat(t.rel); err != nil && serr == nil && info.IsDir() {
			return fault.New(fault.Failure, "fetch it by itself under another name: object get PLACE FILE",
				"%s cannot be a local file: %s is a folder", t.place, filepath.Join(d.path, t.rel))
		}
		return err
	}
	if err := d.root.Link(temp, t.rel); err != nil {
		return err
	}
	return d.root.Remove(temp)
}

func (d *localFolder) mkdir(dir, place string) error {
	if dir == "" {
		return nil
	}
	if _, ok := d.made.Load(dir); ok {
		return nil
	}
	if err := d.root.MkdirAll(dir, 0o777); err != nil {
		if errors.Is(err, unix.ENOTDIR) || errors.Is(err, fs.ErrExist) {
			return fault.New(fault.Failure, "fetch it by itself under another name: object get PLACE FILE",
				"%s cannot be a local file: %s, or what it is in, is a file", place, filepath.Join(d.path, dir))
		}
		return localError("make", filepath.Join(d.path, dir), err)
	}
	d.made.Store(dir, true)
	return nil
}

func (d *localFolder) sync(dir string) error {
	f, err := d.root.Open(cmp.Or(dir, "."))
	if err != nil {
		return localError("open", filepath.Join(d.path, dir), err)
	}
	defer f.Close()
	return f.Sync()
}

// unchangedFile tells whether a file is still the one that was opened.
func unchangedFile(f *os.File, was fs.FileInfo) error {
	now, err := f.Stat()
	if err == nil && (now.Size() != was.Size() || !now.ModTime().Equal(was.ModTime())) {
		err = fault.New(fault.Conflict, "run it again when nobody writes it", "%s changed while it was read", f.Name())
	}
	return err
}
