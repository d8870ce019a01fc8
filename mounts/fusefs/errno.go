//go:build linux

package fusefs

import (
	"errors"
	"syscall"

	"github.com/artifacts-tui/artifacts-tui/mounts/upper"
)

// errno is what a program sees of err. What has no errno of its own is logged, since the
// number alone says little.
func (t *tree) errno(op string, n *upper.Node, err error) syscall.Errno {
	if err == nil {
		return 0
	}
	var number syscall.Errno
	if errors.As(err, &number) {
		return number
	}
	t.log.Warn("a file system request failed", "op", op, "name", n.Name(), "err", err)
	return upper.Errno(err)
}
