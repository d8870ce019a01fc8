package upper

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"
	"syscall"
	"time"
	"unicode/utf8"
)

// Conflict is a change of a file that somebody else changed in the bucket meanwhile. Theirs
// has the name; what was written here is a file beside it, or set aside.
type Conflict struct {
	Time        time.Time `json:"time"`
	Path        string    `json:"path"`
	Copy        string    `json:"copy,omitempty"`        // the path of what was written here
	Quarantined string    `json:"quarantined,omitempty"` // or its file in the quarantine folder
	Reason      string    `json:"reason"`
}

const conflictsMax = 100

// resolve decides about o, whose version cannot have the name that it was meant for. nil
// says that it can after all; otherwise o is ended, with errAbandoned.
func (f *FS) resolve(o *op) error {
	there, err := f.ask(o.key, o.node.kind)
	if err != nil {
		return err
	}
	n, v := o.node, o.ver
	f.mu.Lock()
	whole, base := v.full(), v.base
	f.mu.Unlock()
	if base != nil {
		now := there
		if base.Key != o.key {
			if now, err = f.ask(base.Key, n.kind); err != nil {
				return err
			}
		}
		if now != nil && f.ours(*now) && now.ETag != base.ETag {
			// An earlier version of the file got through although its answer was lost. What
			// this one did not change is the same in it.
			now.Version = ""
			f.mu.Lock()
			defer f.mu.Unlock()
			if n.base == base {
				n.base = now
			}
			v.base, n.file.broken = now, nil
			f.lean(n)
			return nil
		}
	}
	if !whole && base != nil {
		err := f.fill(n, o, nil, f.fetchCached)
		if whole = err == nil; err != nil && !isStale(err) && !isErr(err, errConflict) {
			return err
		}
	}
	switch {
	case whole && there == nil:
		return nil
	case whole:
		return f.keepBeside(o, there)
	}
	return f.keepAside(o, there)
}

// ask returns what the store has at key, or nil.
func (f *FS) ask(key string, kind Kind) (*Object, error) {
	now, err := f.opt.Remote.Head(f.ctx, key)
	if isErr(err, ErrNoObject) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	now.Key, now.Kind = key, kind
	return &now, nil
}

// fetchCached reads x of a version of an object that the store may not have any more.
func (f *FS) fetchCached(base *Object, x extent) ([]byte, error) {
	r, err := f.opt.Lower.Open(f.ctx, *base)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	buf := make([]byte, x.end-x.off)
	if k, err := r.ReadAt(buf, x.off); k < len(buf) {
		if err == nil || errors.Is(err, io.EOF) {
			err = fmt.Errorf("%w: its old content is not known", errConflict)
		}
		return nil, err
	}
	return buf, nil
}

// keepBeside makes o's version a file of its own beside the one that somebody else has
// written, in one record.
func (f *FS) keepBeside(o *op, there *Object) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	n, v := o.node, o.ver
	if o.abandoned || n.detached() {
		return errAbandoned
	}
	dir := n.parent
	name := conflictName(n.name, dir, time.Now())
	if checkName(dir, name) != nil { // its directory's path is too long already
		f.mu.Unlock()
		defer f.mu.Lock()
		return f.keepAside(o, there)
	}
	c := &change{}
	c.supersede(o)
	m := f.newNode(dir, name, n.kind)
	m.attrs, m.target = v.attrs, v.target
	c.put(m, keyOf(joinPath(dir.path(), name), n.kind), v, o)
	base, diff := v.base, v.diff
	v.base, v.diff = nil, nil
	if err := f.commit(c); err != nil {
		v.base, v.diff = base, diff
		return err
	}
	if !v.link {
		if v.data != nil {
			v.data.refs++
		}
		f.setContent(m, &content{data: v.data, ext: v.ext.clone(), size: v.size, all: changes{whole: true}})
	}
	f.attach(m, dir, name)
	f.yield(n, there)
	o.committed = false
	f.tellConflict(Conflict{Path: n.path(), Copy: m.path(), Reason: "changed in the bucket by somebody else; what was written here is in the copy"})
	return errAbandoned
}

// keepAside puts what o's version holds into quarantine: what it changed is not to be had
// any more.
func (f *FS) keepAside(o *op, there *Object) error {
	n, v := o.node, o.ver
	k := Conflict{Path: o.shownPath(), Reason: "changed in the bucket by somebody else; a change of its size was dropped"}
	if v.data != nil && len(v.ext) > 0 {
		k.Reason = fmt.Sprintf("changed in the bucket by somebody else; of %d bytes the file has %s, and zeros elsewhere", v.size, v.ext)
		if v.full() {
			k.Reason = "changed in the bucket by somebody else; what was written here is in the file"
		}
		q, err := f.setAside(doubtful{v.data.id, o.key, k.Reason}, 0, func(to string) error { return f.copyVersion(v, to) })
		if err != nil {
			return err
		}
		k.Quarantined = q.File
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	c := &change{}
	if !o.abandoned {
		c.supersede(o)
	}
	if err := f.commit(c); err != nil {
		return err
	}
	if !n.detached() {
		f.yield(n, there)
	}
	o.committed = false
	f.tellConflict(k)
	return errAbandoned
}

// String lists ranges for people: the first and the last byte of each.
func (e extents) String() string {
	const shown = 8
	var parts []string
	for _, x := range e[:min(shown, len(e))] {
		parts = append(parts, fmt.Sprintf("%d-%d", x.off, x.end-1))
	}
	if len(e) > shown {
		parts = append(parts, fmt.Sprintf("and %d more ranges", len(e)-shown))
	}
	return strings.Join(parts, ", ")
}

// copyVersion copies the bytes of v that are staged.
func (f *FS) copyVersion(v *version, to string) error {
	src, err := f.st.acquire(v.data)
	if err != nil {
		return err
	}
	defer f.st.release(v.data)
	dst, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer dst.Close()
	f.mu.Lock()
	held := v.ext.clone()
	f.mu.Unlock()
	err = dst.Truncate(v.size)
	if err == nil {
		err = copyRanges(dst, src, held)
	}
	if err == nil {
		err = dst.Sync()
	}
	if err != nil {
		os.Remove(to)
	}
	return err
}

// yield shows as n what somebody else has written, unless n has newer content. FS.mu is held.
func (f *FS) yield(n *Node, there *Object) {
	st := n.file
	st.broken, n.ghost = nil, false
	if there != nil {
		there.Version = ""
	}
	switch {
	case st.put != nil || st.dirty:
		if st.content != nil && st.content.full() {
			n.base, st.held = there, nil
		}
		f.lean(n)
	case there == nil:
		f.vanish(n)
	default:
		f.refresh(n, *there)
	}
}

func (f *FS) tellConflict(k Conflict) {
	k.Time = time.Now()
	f.log.Warn("a file was changed here and in the bucket", "path", k.Path, "copy", k.Copy, "quarantined", k.Quarantined, "reason", k.Reason)
	if len(f.conflicts) == conflictsMax {
		f.conflicts = f.conflicts[1:]
	}
	f.conflicts = append(f.conflicts, k)
}

// conflictName is a free name in dir that says whose version it is and of when.
func conflictName(name string, dir *Node, now time.Time) string {
	host, err := os.Hostname()
	if host, _, _ = strings.Cut(host, "."); err != nil || host == "" || !utf8.ValidString(host) {
		host = "here"
	}
	ext := path.Ext(name)
	if ext == name || len(ext) > 16 {
		ext = "" // a hidden file, or a dot in a sentence
	}
	stem := strings.TrimSuffix(name, ext)
	for i := 1; ; i++ {
		mark := ".conflict-" + host + "-" + now.UTC().Format("20060102T150405Z")
		if i > 1 {
			mark += fmt.Sprint("-", i)
		}
		short := stem
		for errors.Is(checkName(dir, short+mark+ext), syscall.ENAMETOOLONG) && short != "" {
			_, size := utf8.DecodeLastRuneInString(short)
			short = short[:len(short)-size]
		}
		if dir.dir.children[short+mark+ext] == nil {
			return short + mark + ext
		}
	}
}
