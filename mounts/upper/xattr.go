package upper

import (
	"maps"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Bounds on extended attributes, all of one name in the first: a sheet has to stay small.
const (
	xattrsMost    = 32 << 10 // bytes of names and values
	xattrNameMost = 255      // bytes, XATTR_NAME_MAX of Linux
)

// checkXattr refuses what is not kept: all but the names of users.
func (f *FS) checkXattr(name string) error {
	switch {
	case f.opt.NoAttributes, !strings.HasPrefix(name, "user."):
		return syscall.EOPNOTSUPP
	case len(name) > xattrNameMost:
		return syscall.ERANGE
	case name == "user.":
		return syscall.EINVAL
	}
	return nil
}

// Xattr returns the value of an extended attribute, or ENODATA. Names outside user.* are
// EOPNOTSUPP.
func (f *FS) Xattr(n *Node, name string) ([]byte, error) {
	if err := f.checkXattr(name); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if value, ok := n.xattrs[name]; ok {
		return value, nil
	}
	return nil, syscall.ENODATA
}

// Xattrs are the names of n's extended attributes, sorted.
func (f *FS) Xattrs(n *Node) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Sorted(maps.Keys(n.xattrs))
}

// SetXattr sets an extended attribute; flags are those of setxattr(2). More than 32 KiB
// of them on one file are ENOSPC.
func (f *FS) SetXattr(n *Node, name string, value []byte, flags uint32) error {
	if err := f.writable(); err != nil {
		return err
	}
	if err := f.checkXattr(name); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	size := len(name) + len(value)
	for other, v := range n.xattrs {
		if other != name {
			size += len(other) + len(v)
		}
	}
	_, exists := n.xattrs[name]
	switch {
	case exists && flags&unix.XATTR_CREATE != 0:
		return syscall.EEXIST
	case !exists && flags&unix.XATTR_REPLACE != 0:
		return syscall.ENODATA
	case size > xattrsMost:
		return syscall.ENOSPC
	}
	return f.setXattrs(n, func(x map[string][]byte) { x[name] = slices.Clone(value) })
}

// RemoveXattr removes an extended attribute, or is ENODATA.
func (f *FS) RemoveXattr(n *Node, name string) error {
	if err := f.writable(); err != nil {
		return err
	}
	if err := f.checkXattr(name); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, exists := n.xattrs[name]; !exists {
		return syscall.ENODATA
	}
	return f.setXattrs(n, func(x map[string][]byte) { delete(x, name) })
}

func (f *FS) setXattrs(n *Node, change func(map[string][]byte)) error {
	err := f.setAttrs(n, false, func(a *attrs) {
		x := maps.Clone(a.xattrs)
		if x == nil {
			x = map[string][]byte{}
		}
		change(x)
		a.xattrs = x
	})
	if err == nil {
		n.ctime = time.Now().UnixNano()
	}
	return err
}
