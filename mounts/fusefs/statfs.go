//go:build linux

package fusefs

import (
	"context"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"
)

// Statfs implements fs.NodeStatfser. Where a quota bounds the workspace, the size is what it
// holds and what still goes in. Any other bucket has no size that a client could ask for, so it
// is shown as 1 PiB of free space, as rclone does.
func (n *node) Statfs(_ context.Context, out *fuse.StatfsOut) syscall.Errno {
	const blockSize, unbounded = 4096, 1 << 50
	used, free := int64(0), int64(unbounded)
	if n.tree.space != nil {
		if holds, goesIn, known := n.tree.space(); known {
			used = holds
			if goesIn >= 0 {
				free = goesIn
			}
		}
	}
	blocks := func(bytes int64) uint64 { return uint64(bytes+blockSize-1) / blockSize }
	out.Bsize, out.Frsize = blockSize, blockSize
	out.Bfree = uint64(free) / blockSize
	out.Bavail, out.Blocks = out.Bfree, out.Bfree+blocks(used)
	out.Files, out.Ffree = 1<<30, 1<<30
	out.NameLen = 255
	return 0
}
