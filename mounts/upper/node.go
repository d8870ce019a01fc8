package upper

import (
	"container/list"
	"strings"
	"sync"
	"syscall"
	"time"
	"unicode/utf8"
)

// Node is a file, directory or symlink of the merged tree. It stays the same through
// renames. All fields but fs, ino and kind are guarded by FS.mu.
type Node struct {
	fs   *FS
	ino  uint64
	kind Kind

	name   string
	parent *Node
	gone   bool // unlinked, replaced, or vanished from the store

	vanished bool // gone through somebody else: the kernel may take its name for its own still

	attrs
	atime, ctime int64 // Unix nanoseconds

	base   *Object // where the bytes that are not staged come from; never changed in place
	gen    uint64
	turned time.Time // when gen changed last
	ghost  bool      // an object that is not base may exist under this node's key
	target string    // of a symlink, where known

	file *fileState // of a file or symlink that was opened or changed
	dir  *dirState  // of a directory
}

// fileState is what a file that is in use needs besides. io guards the bytes of the
// staged file: writers and whoever closes a version hold it, readers share it. readers
// guards reader; everything else is guarded by FS.mu.
//
// Lock order: fill, io, FS.mu. No other lock of this list is taken while FS.mu is held,
// and no request to the store is made with io or FS.mu held.
type fileState struct {
	io   sync.RWMutex
	fill sync.Mutex // one fetch of missing ranges at a time

	content *content        // nil: nothing is staged, all bytes are base's
	closes  []closedChanges // oldest first
	dirty   bool            // changed since the last closed version
	was     attrs           // those of that version, while dirty
	bad     *badRange

	handles, writers int
	given            bool          // since it is open somebody may have bytes of the present version
	put              *op           // the newest unfinished upload of this node
	move             *op           // the newest unfinished server-side copy of this node
	held             *version      // the version that base is, where this process uploaded it
	stored           uint64        // the newest version that this process brought to the store
	patching         bool          // the object that base is, is being replaced by one with the same bytes
	moved            chan struct{} // closed when something became of the upload that a close waits for
	broken           *Object       // the base, where it is known not to be there any more
	leans            []string      // the base keys under which FS.leans lists this node
	clean            *list.Element

	pinned *dataFile // held open for the handles

	readers sync.Mutex
	reader  *baseReader
}

// badRange is a write that failed: until it succeeds the file is not what its writer
// meant, and no version of it is closed.
type badRange struct {
	extent
	err error
}

// content is the staged state of a file.
type content struct {
	data *dataFile // nil while no byte is staged
	ext  extents
	size int64

	all   changes // since the object that is the node's base
	fresh changes // since the last close
}

// changes are what happened to a file's bytes.
type changes struct {
	ext   extents
	whole bool // it began anew: nothing before counts
}

func (c *changes) add(off, end int64) { c.ext = c.ext.add(off, end) }

// then is c and after it what d says.
func (c changes) then(d changes) changes {
	if d.whole {
		return changes{d.ext.clone(), true}
	}
	out := changes{c.ext.clone(), c.whole}
	for _, x := range d.ext {
		out.add(x.off, x.end)
	}
	return out
}

// closedChanges are those of one close that the store has not seen.
type closedChanges struct {
	seq uint64 // of the version
	changes
}

func (c *content) full() bool { return c.ext.covers(0, c.size) }

// version is a closed state of a file: what one upload sends. Its bytes never change.
type version struct {
	seq  uint64 // of the record that closed it
	data *dataFile
	ext  extents
	size int64
	base *Object // what it is a change of, and the rest comes from; nil where it is all new
	diff extents // where it differs from base

	link   bool // a symlink: target is the content
	target string
	attrs
	proven   bool // its bytes were fsynced by fsync(2)
	carriers int  // unfinished operations that carry it
}

func (v *version) full() bool { return v.link || v.ext.covers(0, v.size) }

type dirState struct {
	children  map[string]*Node
	untold    bool // of one that recovery made: its attributes are not known yet
	loaded    bool // children is complete as of loadedAt
	loadedAt  time.Time
	loading   *loadCall
	forgot    uint64   // the tick of the last Forget: older listings do not last
	listed    uint64   // the tick at which the listing that children are of began
	relisting bool     // a listing is about to be asked for
	op        *op      // the newest operation whose record in the journal tells its attributes
	since     uint64   // the operation that made it, or brought it, where it is; 0: it was listed
	from      []source // where its objects still are, before a pending moveTree is done
	marker    bool     // its marker object exists, or is on its way
	fresh     bool     // made here; nothing that this mount did not put exists below it
	sheet     presence
	// sheetSize is that of the sheet in bytes, as read or written last.
	sheetSize int64
	orphans   map[string]orphan // entries of its sheet that are about nothing, by name
}

// orphan is an entry of a sheet that is about nothing that was listed.
type orphan struct {
	etag  string
	again bool // in two listings in a row
}

// source is a path of the store where a directory's objects may be found until op is done.
type source struct {
	path string
	op   *op
}

// Name is the node's name in its directory; "" for the root.
func (n *Node) Name() string {
	n.fs.mu.Lock()
	defer n.fs.mu.Unlock()
	return n.name
}

// In reports whether dir has the node as an entry.
func (n *Node) In(dir *Node) bool {
	n.fs.mu.Lock()
	defer n.fs.mu.Unlock()
	return !n.gone && n.parent == dir
}

// Parent is the directory that the node is in, or was when it was removed; nil of the root.
func (n *Node) Parent() *Node {
	n.fs.mu.Lock()
	defer n.fs.mu.Unlock()
	return n.parent
}

// Kind says what the node is.
func (n *Node) Kind() Kind { return n.kind }

// Ino is the node's inode number, the same for as long as the mount lives.
func (n *Node) Ino() uint64 { return n.ino }

// shift says that the content is another one.
func (n *Node) shift() {
	n.gen++
	n.turned = time.Now()
}

// Generation changes whenever the content changed other than through this mount.
func (n *Node) Generation() uint64 {
	n.fs.mu.Lock()
	defer n.fs.mu.Unlock()
	return n.gen
}

// path is the node's place relative to the root. Meaningless for a node that is gone.
func (n *Node) path() string {
	if n.parent == nil {
		return ""
	}
	if n.parent.parent == nil {
		return n.name
	}
	length, depth := 0, 0
	for m := n; m.parent != nil; m = m.parent {
		length += len(m.name) + 1
		depth++
	}
	buf := make([]byte, length-1)
	at := len(buf)
	for m := n; m.parent != nil; m = m.parent {
		at -= len(m.name)
		copy(buf[at:], m.name)
		if at > 0 {
			at--
			buf[at] = '/'
		}
	}
	return string(buf)
}

// key is the node's object key: its path, for a symlink with the suffix, for a
// directory with a slash.
func (n *Node) key() string { return keyOf(n.path(), n.kind) }

func keyOf(path string, kind Kind) string {
	switch kind {
	case Dir:
		return path + "/"
	case Symlink:
		return path + SymlinkSuffix
	}
	return path
}

// detached reports whether the node, or a directory above it, is out of the tree.
func (n *Node) detached() bool {
	for m := n; m != nil; m = m.parent {
		if m.gone {
			return true
		}
	}
	return false
}

// stale reports whether the kernel has to look the name up again before it opens or truncates
// the file: nobody has it open any more, or somebody else has taken or given away its name.
func (n *Node) stale() bool {
	return n.gone && (n.vanished || n.file == nil || n.file.handles == 0)
}

// closedAttrs are those of n as it was closed last: what a crash leaves of it.
func (n *Node) closedAttrs() attrs {
	if n.file != nil && n.file.dirty {
		return n.file.was
	}
	return n.attrs
}

// soil notes that n is about to change.
func (n *Node) soil() {
	if st := n.state(); !st.dirty {
		st.dirty, st.was = true, n.attrs
	}
}

func (n *Node) state() *fileState {
	if n.file == nil {
		n.file = &fileState{}
	}
	return n.file
}

// size of the bytes that a reader sees.
func (n *Node) size() int64 {
	switch {
	case n.file != nil && n.file.content != nil:
		return n.file.content.size
	case n.kind == Symlink && n.target != "":
		return int64(len(n.target))
	case n.base != nil:
		return n.base.Size
	}
	return 0
}

// pending reports whether what the node is here has yet to reach the store, or reached
// it while a listing was under way, so that no listing may overrule it.
func (n *Node) pending() bool {
	if n.dir != nil {
		if len(n.fs.q.dirs[n.path()]) > 0 {
			return true
		}
		for _, c := range n.dir.children {
			if c.pending() {
				return true
			}
		}
		return false
	}
	// A writer that has the file open gets to close it, whatever others do to it.
	return n.file != nil && (n.file.dirty || n.file.put != nil || n.file.move != nil || n.file.writers > 0)
}

const (
	nameMax = 255  // bytes, NAME_MAX of Linux
	keyMax  = 1024 // bytes, https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
)

// checkName refuses names that cannot be part of a key, or would mean something else there.
func checkName(dir *Node, name string) error {
	switch {
	case name == "" || name == "." || name == ".." || strings.ContainsAny(name, "/\x00"):
		return syscall.EINVAL
	case len(name) > nameMax:
		return syscall.ENAMETOOLONG
	case !utf8.ValidString(name):
		return syscall.EILSEQ
	case strings.HasSuffix(name, SymlinkSuffix), name == SheetName:
		return syscall.EPERM // would be listed as a symlink, or not at all
	case len(dir.path())+len(name)+len(SymlinkSuffix)+1 > keyMax:
		return syscall.ENAMETOOLONG
	}
	return nil
}

func splitPath(path string) (dir, name string) {
	if i := strings.LastIndexByte(path, '/'); i >= 0 {
		return path[:i], path[i+1:]
	}
	return "", path
}

// splitKey is splitPath for keys: a directory's keeps its slash in the name.
func splitKey(key string) (dir, name string) {
	if i := strings.LastIndexByte(strings.TrimSuffix(key, "/"), '/'); i >= 0 {
		return key[:i], key[i+1:]
	}
	return "", key
}

func joinPath(dir, name string) string {
	if dir == "" {
		return name
	}
	return dir + "/" + name
}
