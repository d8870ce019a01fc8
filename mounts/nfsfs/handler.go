package nfsfs

import (
	"context"
	"io/fs"
	"net"
	"strconv"

	"github.com/go-git/go-billy/v5"
	nfs "github.com/willscott/go-nfs"
)

// handler is a server as the library sees it from one connection.
type handler struct {
	*Server
	conn  *conn
	files *files
}

var (
	_ nfs.Handler        = (*handler)(nil)
	_ nfs.CachingHandler = (*handler)(nil)
)

// Mount implements nfs.Handler.
func (h *handler) Mount(_ context.Context, _ net.Conn, q nfs.MountRequest) (nfs.MountStatus, billy.Filesystem, []nfs.AuthFlavor) {
	if !h.mountable(q.Dirpath) {
		return nfs.MountStatusErrAcces, h.files, nil
	}
	return nfs.MountStatusOk, h.files, []nfs.AuthFlavor{nfs.AuthFlavorUnix}
}

// Change implements nfs.Handler.
func (h *handler) Change(billy.Filesystem) billy.Change { return h.files }

// FSStat implements nfs.Handler. A bucket without a quota has no size that anybody knows,
// and is shown as 1 PiB of free space.
func (h *handler) FSStat(_ context.Context, _ billy.Filesystem, out *nfs.FSStat) error {
	used, free := int64(0), int64(1<<50)
	if h.opt.Space != nil {
		if holds, goesIn, known := h.opt.Space(); known {
			used = holds
			if goesIn >= 0 {
				free = goesIn
			}
		}
	}
	out.TotalSize, out.FreeSize, out.AvailableSize = uint64(used+free), uint64(free), uint64(free)
	out.TotalFiles, out.FreeFiles, out.AvailableFiles = 1<<30, 1<<30, 1<<30
	return nil
}

// The library knows files by paths, which change under it. Here an element of a path may be
// a node's number behind a NUL, which no name contains: the path of a handle consists of
// the numbers from the root down.
const byNumber = "\x00"

// FromHandle implements nfs.Handler.
func (h *handler) FromHandle(handle []byte) (billy.Filesystem, []string, error) {
	if h.conn.now.theirs {
		h.conn.fail(nfs.NFSStatusAccess)
		return nil, nil, fs.ErrPermission
	}
	number, ok := h.nodes.number(handle)
	n := h.nodes.node(number)
	if !ok || n == nil || h.up.Attr(n).Nlink == 0 {
		return nil, nil, fs.ErrNotExist // which the library answers with STALE
	}
	depth := 0
	for m := n; m.Parent() != nil; m = m.Parent() {
		depth++
	}
	path := make([]string, depth) // without room to append in place
	for m := n; depth > 0 && m != nil; m = m.Parent() {
		depth--
		path[depth] = byNumber + strconv.FormatUint(m.Ino(), 10)
	}
	return h.files, path, nil
}

// ToHandle implements nfs.Handler; nil is the handle of what is not there.
func (h *handler) ToHandle(_ billy.Filesystem, path []string) []byte {
	n, err := h.files.node(h.files.Join(path...))
	if err != nil {
		return nil
	}
	return h.nodes.handle(n)
}

// InvalidateHandle implements nfs.Handler: it is called after removals and renames.
func (h *handler) InvalidateHandle(_ billy.Filesystem, handle []byte) error {
	if number, ok := h.nodes.number(handle); ok {
		h.drop(h.nodes.node(number))
	}
	return nil
}

// HandleLimit implements nfs.Handler: half of it bounds the entries of one answer, which
// their bytes do before.
func (h *handler) HandleLimit() int { return 1 << 20 }

// VerifierFor implements nfs.CachingHandler.
func (h *handler) VerifierFor(_ string, contents []fs.FileInfo) uint64 {
	return h.listings.keep(contents)
}

// DataForVerifier implements nfs.CachingHandler.
func (h *handler) DataForVerifier(_ string, verifier uint64) []fs.FileInfo {
	return h.listings.get(verifier)
}
