//go:build linux

package fusefs

import (
	"context"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fs"
)

var (
	_ fs.NodeGetxattrer    = (*node)(nil)
	_ fs.NodeListxattrer   = (*node)(nil)
	_ fs.NodeSetxattrer    = (*node)(nil)
	_ fs.NodeRemovexattrer = (*node)(nil)
)

// Getxattr implements fs.NodeGetxattrer. What is not of users is EOPNOTSUPP, which ls(1)
// takes as a hint not to ask for the next file.
func (n *node) Getxattr(_ context.Context, name string, dest []byte) (uint32, syscall.Errno) {
	value, err := n.tree.up.Xattr(n.up, name)
	if err != nil {
		return 0, n.tree.errno("getxattr", n.up, err)
	}
	return answer(dest, value)
}

// Listxattr implements fs.NodeListxattrer.
func (n *node) Listxattr(_ context.Context, dest []byte) (uint32, syscall.Errno) {
	var names []byte
	for _, name := range n.tree.up.Xattrs(n.up) {
		names = append(append(names, name...), 0)
	}
	return answer(dest, names)
}

// answer is what getxattr(2) and listxattr(2) do with a buffer: none asks for the size.
func answer(dest, value []byte) (uint32, syscall.Errno) {
	if len(dest) > 0 && len(dest) < len(value) {
		return uint32(len(value)), syscall.ERANGE
	}
	copy(dest, value)
	return uint32(len(value)), 0
}

// Setxattr implements fs.NodeSetxattrer.
func (n *node) Setxattr(_ context.Context, name string, value []byte, flags uint32) syscall.Errno {
	return n.tree.errno("setxattr", n.up, n.tree.up.SetXattr(n.up, name, value, flags))
}

// Removexattr implements fs.NodeRemovexattrer.
func (n *node) Removexattr(_ context.Context, name string) syscall.Errno {
	return n.tree.errno("removexattr", n.up, n.tree.up.RemoveXattr(n.up, name))
}
