package dir

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/artifacts-tui/artifacts-tui/backend/store"
)

const (
	defaultYoung = time.Hour
	defaultEvery = 24 * time.Hour
	// abandoned is the age of what a writer left behind: none takes that long.
	abandoned = 48 * time.Hour
)

// SharedOptions tune blobs in a folder that several processes have at a time, on a file system
// that their machines share.
type SharedOptions struct {
	Young      time.Duration // a sweep leaves younger blobs alone: their writers may not have recorded them. 0: an hour; negative: none
	SweepEvery time.Duration // how often all processes together look for what nothing refers to; 0: a day
}

// shared is what a folder that several processes have needs besides.
type shared struct {
	SharedOptions
	root string
}

// OpenShared is Open for a folder that several processes have: each blob is a file of its own,
// and what is unfinished is in a folder of this process.
func OpenShared(root string, o SharedOptions) (*Blobs, error) {
	if o.Young == 0 {
		o.Young = defaultYoung
	}
	if o.SweepEvery == 0 {
		o.SweepEvery = defaultEvery
	}
	b := &Blobs{root: root, temp: filepath.Join(root, "tmp", newToken().String()), shared: &shared{o, root}}
	for _, f := range []string{b.temp, filepath.Join(root, "blobs")} {
		if err := os.MkdirAll(f, 0o700); err != nil {
			return nil, err
		}
	}
	return b, errors.Join(syncDir(filepath.Join(root, "blobs")), syncDir(root), syncDir(filepath.Dir(root)))
}

// settle gives a file its name; a folder of blobs comes with the first of them.
func (b *Blobs) settle(from, to string) error {
	err := os.Rename(from, to)
	if b.shared == nil || !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Mkdir(filepath.Dir(to), 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return errors.Join(syncDir(filepath.Join(b.root, "blobs")), os.Rename(from, to))
}

// ID is the id of this folder, by which an index knows its blobs. It is given with the first call.
func (b *Blobs) ID(context.Context) (string, error) {
	path := filepath.Join(b.root, "store")
	fresh := newToken().String()
	if err := os.WriteFile(filepath.Join(b.temp, fresh), []byte(fresh), 0o600); err != nil {
		return "", err
	}
	defer os.Remove(filepath.Join(b.temp, fresh))
	// A link is whole from the beginning, and there once.
	if err := os.Link(filepath.Join(b.temp, fresh), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	if _, ok := parseToken(string(text)); !ok {
		return "", errors.New(path + " is not what this program wrote")
	}
	return string(text), syncDir(b.root)
}

// Empty reports whether there is no blob.
func (b *Blobs) Empty(context.Context) (bool, error) {
	folders, err := os.ReadDir(filepath.Join(b.root, "blobs"))
	if err != nil {
		return false, err
	}
	for _, f := range folders {
		if have, err := b.listFolder(f.Name()); len(have) > 0 || err != nil {
			return false, err
		}
	}
	return true, nil
}

// Where is the folder.
func (b *Blobs) Where() string { return b.root }

// Ping implements store.Pinger.
func (b *Blobs) Ping(context.Context) error {
	_, err := os.Stat(filepath.Join(b.root, "blobs"))
	return err
}

func (s *shared) untidy() bool {
	info, err := os.Stat(filepath.Join(s.root, "sweep"))
	return errors.Is(err, fs.ErrNotExist) || err == nil && time.Since(info.ModTime()) > s.SweepEvery
}

// sweepShared condemns what nothing refers to before it deletes: see store.Shared.
func (b *Blobs) sweepShared(ctx context.Context, refs store.Referrer) (swept store.Swept, err error) {
	now, err := b.shared.begin()
	if err != nil {
		return swept, err
	}
	var orphans []string
	for i := range 256 {
		some, err := b.orphans(i, now, refs)
		if err != nil {
			return swept, err
		}
		orphans = append(orphans, some...)
	}
	condemned, err := refs.Condemn(orphans)
	if err != nil {
		return swept, err
	}
	for _, id := range condemned {
		if err := b.Delete(ctx, id); err != nil {
			return swept, err
		}
		swept.Removed++
	}
	return swept, b.shared.dropAbandoned(now)
}

// orphans are the blobs of a folder that are not young, and that nothing refers to.
func (b *Blobs) orphans(folder int, now time.Time, refs store.Referrer) (orphans []string, err error) {
	span := store.Span{From: fmt.Sprintf("%02x", folder)}
	if folder < 255 {
		span.To = fmt.Sprintf("%02x", folder+1)
	}
	all, err := b.listFolder(span.From)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	have := &inventory{}
	for _, t := range all {
		info, err := os.Stat(b.path(t))
		if err == nil && now.Sub(info.ModTime()) > b.shared.Young {
			have.files = append(have.files, t)
		}
	}
	if len(have.files) == 0 {
		return nil, nil
	}
	have.needed = make([]bool, len(have.files))
	var strange error
	err = refs.Each(span, func(id string) {
		if err := have.mark(id); err != nil {
			strange = err
		}
	})
	if err = errors.Join(err, strange); err != nil {
		return nil, err // nothing may be deleted on half the truth
	}
	for i, t := range have.files {
		if !have.needed[i] {
			orphans = append(orphans, place{file: t}.id())
		}
	}
	return orphans, nil
}

// begin notes a sweep and returns the file system's time, which need not be this machine's.
func (s *shared) begin() (now time.Time, err error) {
	path := filepath.Join(s.root, "sweep")
	if err := os.WriteFile(path, []byte("the time of this file is that of the last sweep\n"), 0o600); err != nil {
		return now, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return now, err
	}
	return info.ModTime(), nil
}

// dropAbandoned removes what processes that were killed left unfinished.
func (s *shared) dropAbandoned(now time.Time) error {
	folders, err := os.ReadDir(filepath.Join(s.root, "tmp"))
	if err != nil {
		return err
	}
	for _, f := range folders {
		path := filepath.Join(s.root, "tmp", f.Name())
		files, err := os.ReadDir(path)
		if err != nil {
			continue
		}
		for _, one := range files {
			if info, err := one.Info(); err == nil && now.Sub(info.ModTime()) > abandoned {
				_ = os.Remove(filepath.Join(path, one.Name()))
			}
		}
		if info, err := f.Info(); err == nil && now.Sub(info.ModTime()) > abandoned {
			_ = os.Remove(path) // that of a process at work has just been changed, or is not empty
		}
	}
	return nil
}

// listFolder are the blobs of a folder that have a file of their own, sorted.
func (b *Blobs) listFolder(folder string) (all []token, err error) {
	names, err := readNames(filepath.Join(b.root, "blobs", folder))
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if t, ok := parseToken(name); ok && strings.HasPrefix(name, folder) {
			all = append(all, t)
		}
	}
	slices.SortFunc(all, compare)
	return all, nil
}
