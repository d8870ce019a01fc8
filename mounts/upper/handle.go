package upper

import (
	"context"
	"errors"
	"io"
	"os"
	"sync/atomic"
	"syscall"
	"time"
)

// Handle is an open file. All handles of a node see the same content.
type Handle struct {
	fs               *FS
	node             *Node
	readable, writes bool
	publishes        bool        // its close is the close of a version
	atEnd            atomic.Bool // O_APPEND
	opened           uint64      // the node's generation then
	known            bool        // and the kernel's
	closed           atomic.Bool
}

// Node is the file that is open.
func (h *Handle) Node() *Node { return h.node }

// Create makes name in dir and opens it; where it exists it is opened as Open does, or
// EEXIST with O_EXCL.
func (f *FS) Create(ctx context.Context, dir *Node, name string, mode uint32, flags int) (*Node, *Handle, error) {
	if err := f.writable(); err != nil {
		return nil, nil, err
	}
	if err := f.know(ctx, dir, name); err != nil {
		return nil, nil, err
	}
	f.mu.Lock()
	if n := dir.dir.children[name]; n != nil {
		f.mu.Unlock()
		if flags&os.O_EXCL != 0 {
			return nil, nil, syscall.EEXIST
		}
		h, err := f.Open(ctx, n, flags)
		return n, h, err
	}
	defer f.mu.Unlock()
	if err := f.placeable(dir, name); err != nil {
		return nil, nil, err
	}
	n := f.newNode(dir, name, File)
	n.mode = mode & 0o7777
	n.inherit(dir)
	n.ghost = f.mayExist(n)
	n.state().content = emptyContent()
	n.soil()
	f.attach(n, dir, name)
	dir.touch()
	return n, f.newHandle(n, flags, true), nil
}

// placeable reports why nothing can be made as name in dir, or nil.
func (f *FS) placeable(dir *Node, name string) error {
	switch {
	case f.closed:
		return syscall.ESHUTDOWN
	case dir.kind != Dir:
		return syscall.ENOTDIR
	case dir.detached():
		return syscall.ENOENT
	}
	return checkName(dir, name)
}

// newHandle opens n; made says that this open made it. FS.mu is held.
func (f *FS) newHandle(n *Node, flags int, made bool) *Handle {
	access := flags & syscall.O_ACCMODE
	h := &Handle{
		fs: f, node: n, readable: access != os.O_WRONLY,
		writes: access != os.O_RDONLY, opened: n.gen, known: time.Since(n.turned) > kernelBelieves,
	}
	h.atEnd.Store(flags&os.O_APPEND != 0)
	st := n.state()
	st.handles++
	f.handles++
	// A lock file is made by open(O_RDONLY|O_CREAT): its maker's close publishes it.
	h.publishes = h.writes || made || flags&os.O_TRUNC != 0
	if h.publishes {
		st.writers++
	}
	f.locate(n)
	f.pin(n)
	if st.clean != nil {
		f.cleanNodes.MoveToBack(st.clean)
	}
	return h
}

// Open opens a file. It never waits for the store.
func (f *FS) Open(_ context.Context, n *Node, flags int) (*Handle, error) {
	writes := flags&syscall.O_ACCMODE != os.O_RDONLY
	switch {
	case n.kind == Dir:
		return nil, syscall.EISDIR
	case n.kind == Symlink:
		return nil, syscall.ELOOP
	case writes || flags&os.O_TRUNC != 0:
		if err := f.writable(); err != nil {
			return nil, err
		}
	}
	f.mu.Lock()
	if f.closed {
		f.mu.Unlock()
		return nil, syscall.ESHUTDOWN
	}
	if n.stale() {
		f.mu.Unlock()
		return nil, syscall.ESTALE
	}
	h := f.newHandle(n, flags, false)
	empty := n.size() == 0 && n.file.bad == nil && (n.file.content != nil || n.base != nil && n.base.Size == 0)
	f.mu.Unlock()
	if flags&os.O_TRUNC != 0 && !empty {
		n.file.io.Lock()
		err := f.truncate(n, 0)
		n.file.io.Unlock()
		if err != nil {
			h.Release()
			return nil, err
		}
	}
	return h, nil
}

// kernelBelieves is more than the time for which a kernel believes what it was told of a file.
const kernelBelieves = 3 * time.Second

// KernelWrites takes account of a write by a kernel that knows the size of the file and says
// where to write also with O_APPEND: elsewhere than at the end means that fcntl(2) took the
// flag away. Where the content was changed from elsewhere, while the file was open or just
// before, the kernel may know an older size.
func (h *Handle) KernelWrites(off int64) {
	if !h.atEnd.Load() {
		return
	}
	h.fs.mu.Lock()
	defer h.fs.mu.Unlock()
	if h.known && off != h.node.size() && h.node.gen == h.opened {
		h.atEnd.Store(false)
	}
}

// WriteAt implements io.WriterAt; with O_APPEND it writes at the end. A full disk of the
// staging folder is ENOSPC.
func (h *Handle) WriteAt(ctx context.Context, p []byte, off int64) (int, error) {
	f, n := h.fs, h.node
	if !h.writes || h.closed.Load() {
		return 0, syscall.EBADF
	}
	if off < 0 {
		return 0, syscall.EINVAL
	}
	k, err := 0, f.makeRoom(ctx, int64(len(p)))
	if err == nil {
		k, err = h.tryWrite(p, off)
	} else {
		h.missed(off, len(p), err)
	}
	if err != nil && isFull(err) && f.reclaim() && f.st.room.left() >= int64(len(p)) {
		k, err = h.tryWrite(p, off)
	}
	f.bytesWritten.Add(int64(k))
	if err != nil {
		f.log.Warn("a write failed on the staging disk", "path", n.Name(), "err", err)
	}
	return k, err
}

// missed notes a write that found no room: its file is not what its writer meant.
func (h *Handle) missed(off int64, size int, err error) {
	f, n := h.fs, h.node
	n.file.io.Lock()
	defer n.file.io.Unlock()
	f.mu.Lock()
	defer f.mu.Unlock()
	if h.atEnd.Load() {
		off = n.size()
	}
	f.spoil(n, off, off+int64(size), err)
}

func (h *Handle) tryWrite(p []byte, off int64) (int, error) {
	f, n := h.fs, h.node
	n.file.io.Lock()
	defer n.file.io.Unlock()
	if h.atEnd.Load() {
		f.mu.Lock()
		off = n.size()
		f.mu.Unlock()
	}
	return f.write(n, p, off)
}

// Allocate is fallocate(2).
func (h *Handle) Allocate(off, size int64, mode uint32) error {
	if !h.writes || h.closed.Load() {
		return syscall.EBADF
	}
	if err := h.fs.makeRoom(context.Background(), size); err != nil {
		return err
	}
	h.node.file.io.Lock()
	defer h.node.file.io.Unlock()
	return h.fs.allocate(h.node, off, size, mode)
}

// Flush is close(2) of one descriptor: when it returns nil, what was written survives a
// kill -9 (SPEC E11). A reader's close publishes nothing: what somebody else writes is
// theirs to close.
func (h *Handle) Flush(ctx context.Context) error {
	if !h.publishes {
		return nil
	}
	if err := h.fs.closeVersion(h.node); err != nil {
		return err
	}
	return h.fs.awaitStore(ctx, h.node)
}

// Fsync makes the content durable; when it returns nil it survives a loss of power.
// With Options.SyncOnClose the store has it then.
func (h *Handle) Fsync(ctx context.Context) error {
	if err := h.fs.closeVersion(h.node); err != nil {
		return err
	}
	if err := h.fs.prove(h.node); err != nil {
		return err
	}
	return h.fs.awaitStore(ctx, h.node)
}

// prove brings what n holds as closed to disk, where it is not there or in the store.
func (f *FS) prove(n *Node) error {
	f.mu.Lock()
	put := n.file.put
	if put == nil || put.ver.proven || put.ver.seq <= f.synced {
		f.mu.Unlock()
		return nil // the store has it, or the disk
	}
	v := put.ver
	data := v.data
	if data != nil {
		data.refs++
		defer func() {
			f.mu.Lock()
			f.unref(data)
			f.mu.Unlock()
		}()
	}
	f.mu.Unlock()
	if data != nil {
		if err := f.st.persist(data); err != nil {
			return errno(err)
		}
	}
	f.mu.Lock()
	r := &record{Proven: v.seq}
	err := f.record(r)
	if err == nil {
		v.proven = true
	}
	f.mu.Unlock()
	if err != nil {
		return err
	}
	return errno(f.j.sync(r.Seq))
}

// Release ends the handle. Pages of a mapping that came after the last Flush are closed
// with the last writer.
func (h *Handle) Release() {
	if h.closed.Swap(true) {
		return
	}
	f, n := h.fs, h.node
	f.mu.Lock()
	st := n.file
	late := h.publishes && st.writers == 1 && st.dirty && st.bad == nil
	f.mu.Unlock()
	if late {
		if err := f.closeVersion(n); err != nil {
			f.log.Error("closing a file failed; kept and tried again", "path", n.Name(), "err", err)
			f.mu.Lock()
			if st.dirty && st.bad == nil && !n.detached() {
				f.unrecorded[n] = struct{}{}
			}
			f.mu.Unlock()
		}
	}
	n.file.io.Lock()
	f.mu.Lock()
	f.handles--
	st.handles--
	if h.publishes {
		st.writers--
	}
	if st.writers == 0 && st.bad != nil {
		f.revert(n)
	}
	last := st.handles == 0
	if last {
		st.given = false
	}
	f.pin(n)
	f.settle(n)
	f.mu.Unlock()
	n.file.io.Unlock()
	if last {
		n.closeReader()
	}
}

// revert undoes writes of which one failed: the file is again what was closed last.
// Its writers were told.
func (f *FS) revert(n *Node) {
	st := n.file
	f.log.Warn("a file with failed writes goes back to what was closed last", "path", n.path(), "err", st.bad.err)
	if st.dirty {
		n.attrs = st.was
	}
	st.bad, st.dirty = nil, false
	switch {
	case n.gone:
	case st.put != nil:
		v := st.put.ver
		if v.data != nil {
			v.data.refs++
		}
		f.setContent(n, &content{data: v.data, ext: v.ext.clone(), size: v.size, all: v.changes()})
	case n.base != nil:
		f.letGo(n)
	default:
		dir := n.parent
		f.tell(n, true)
		f.detach(n)
		dir.dir.loadedAt = time.Time{} // an object that it was to replace may be there still
	}
	n.shift()
	f.tell(n, false)
	if len(f.gone) > 0 {
		if err := f.record(&record{}); err != nil {
			f.log.Debug("what was reverted will be set aside after a crash", "err", err)
		}
	}
}

// Cached reports whether the content is of this generation still, of which the kernel has pages
// that it gives to who reads h.
func (h *Handle) Cached(generation uint64) bool { return h.fs.give(h.node, generation) }

// ReadAt implements io.ReaderAt: staged bytes come from the staged file, the rest from
// the store.
func (h *Handle) ReadAt(ctx context.Context, p []byte, off int64) (int, error) {
	if !h.readable || h.closed.Load() {
		return 0, syscall.EBADF
	}
	if off < 0 {
		return 0, syscall.EINVAL
	}
	k, err := h.fs.read(ctx, h.node, p, off)
	h.fs.bytesRead.Add(int64(k))
	if errors.Is(err, io.EOF) {
		return k, err
	}
	return k, errno(err)
}
