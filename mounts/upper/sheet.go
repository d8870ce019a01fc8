package upper

import (
	"encoding/json"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// SheetName is the object, at most one a directory, that holds what a listing cannot
// tell of the names in it: docs/bucket-layout.md describes it. The mount hides it.
const SheetName = ".artifacts-attrs.json"

const (
	sheetVersion = 1
	sheetMost    = 256 << 20 // bytes of a sheet that is believed to be one
	sheetFull    = 32 << 20  // bytes past which times alone are not worth an entry
	selfName     = "./"      // of the root's own entry, which has no parent to hold it
)

// presence is what is known about a directory's sheet.
type presence uint8

const (
	unknown presence = iota
	present
	absent
)

// attrs are what a node is besides its bytes. The map is never changed in place.
type attrs struct {
	mode, uid, gid uint32
	mtime          int64 // Unix nanoseconds
	timed          bool  // of a directory: its mtime was set on purpose, and is kept
	xattrs         map[string][]byte
}

func (a attrs) equal(b attrs) bool {
	return a.mode == b.mode && a.uid == b.uid && a.gid == b.gid && a.mtime == b.mtime && a.timed == b.timed &&
		maps.EqualFunc(a.xattrs, b.xattrs, func(x, y []byte) bool { return string(x) == string(y) })
}

func usualMode(kind Kind) uint32 {
	switch kind {
	case Dir:
		return 0o755
	case Symlink:
		return 0o777
	}
	return 0o644
}

// sheet is the content of a SheetName object.
type sheet struct {
	Version int               `json:"version"`
	Entries map[string]*entry `json:"entries"` // by key within the directory
	size    int64             // in bytes, as read or written
}

// entry is what a sheet says of one name. What is usual is left out, the owner where it
// is whoever mounts.
type entry struct {
	// ETag names the object that the entry is about: one that somebody else put there
	// instead has attributes of its own. "" for directories.
	ETag   string            `json:"etag,omitempty"`
	Mode   string            `json:"mode,omitempty"` // octal
	UID    *uint32           `json:"uid,omitempty"`
	GID    *uint32           `json:"gid,omitempty"`
	MTime  string            `json:"mtime,omitempty"` // Unix seconds with nine decimals
	Xattrs map[string][]byte `json:"xattrs,omitempty"`
}

func parseSheet(b []byte) (*sheet, error) {
	s := &sheet{size: int64(len(b))}
	if err := json.Unmarshal(b, s); err != nil {
		return nil, fmt.Errorf("not a sheet of attributes: %w", err)
	}
	if s.Version > sheetVersion {
		return nil, fault.New(fault.Failure, "mount it with that version, or with --no-attributes", "its attributes were written by a newer version of artifacts-tui")
	}
	if s.Entries == nil {
		s.Entries = map[string]*entry{}
	}
	for name, e := range s.Entries {
		if e == nil {
			delete(s.Entries, name)
		}
	}
	return s, nil
}

// bytes is s as an object. Of a directory of some 300,000 names what nothing but a time is
// said about is left out: the sheet is written anew for every change.
func (s *sheet) bytes(full int) ([]byte, error) {
	s.Version = sheetVersion
	b, err := json.Marshal(s)
	if err == nil && len(b) > full {
		maps.DeleteFunc(s.Entries, func(_ string, e *entry) bool {
			return e.Mode == "" && e.UID == nil && e.GID == nil && len(e.Xattrs) == 0
		})
		b, err = json.Marshal(s)
	}
	s.size = int64(len(b))
	return b, err
}

func formatTime(t int64) string {
	sec, ns := t/1e9, t%1e9
	if ns < 0 {
		sec, ns = sec-1, ns+1e9
	}
	return fmt.Sprintf("%d.%09d", sec, ns)
}

func parseTime(s string) (int64, bool) {
	whole, part, _ := strings.Cut(s, ".")
	sec, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return 0, false
	}
	ns, err := strconv.ParseInt((part + "000000000")[:9], 10, 64)
	if err != nil {
		return 0, false
	}
	return time.Unix(sec, ns).UnixNano(), true
}

// entryFor is what a sheet says of a node of this kind with a, or nil where all is usual.
// A directory's time counts only where somebody set it.
func (f *FS) entryFor(kind Kind, etag string, a attrs) *entry {
	e := &entry{Xattrs: a.xattrs}
	if a.mode != usualMode(kind) {
		e.Mode = fmt.Sprintf("%#o", a.mode)
	}
	if a.uid != f.opt.UID {
		e.UID = &a.uid
	}
	if a.gid != f.opt.GID {
		e.GID = &a.gid
	}
	if kind != Dir || a.timed {
		e.MTime = formatTime(a.mtime)
	}
	if kind != Dir {
		e.ETag = etag
		return e
	}
	if e.Mode == "" && e.UID == nil && e.GID == nil && e.MTime == "" && len(e.Xattrs) == 0 {
		return nil
	}
	return e
}

// about reports whether e speaks of o.
func (e *entry) about(o Object) bool {
	return e != nil && (o.Kind == Dir || e.ETag != "" && e.ETag == o.ETag)
}

// over is a, of a node of this kind, with what e says instead; e may be nil.
func (e *entry) over(kind Kind, a attrs) attrs {
	if e == nil {
		return a
	}
	if mode, err := strconv.ParseUint(e.Mode, 8, 32); err == nil {
		a.mode = uint32(mode) & 0o7777
	}
	if e.UID != nil {
		a.uid = *e.UID
	}
	if e.GID != nil {
		a.gid = *e.GID
	}
	if t, ok := parseTime(e.MTime); ok {
		a.mtime, a.timed = t, kind == Dir
	}
	if len(e.Xattrs) > 0 {
		a.xattrs = e.Xattrs
	}
	return a
}

// usual are the attributes of a node that nothing is said about.
func (f *FS) usual(kind Kind, mtime int64) attrs {
	return attrs{mode: usualMode(kind), uid: f.opt.UID, gid: f.opt.GID, mtime: mtime}
}

func sheetKey(dir string) string { return joinPath(dir, SheetName) }

// sheetDir is the directory that the sheet at key is about.
func sheetDir(key string) string {
	dir, _ := splitPath(key)
	return dir
}
