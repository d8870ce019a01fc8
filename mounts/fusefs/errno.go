package fusefs

import (
	"context"
	"errors"
	"io/fs"
	"syscall"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
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
	switch {
	case errors.Is(err, context.Canceled):
		return syscall.EINTR
	case errors.Is(err, context.DeadlineExceeded):
		return syscall.ETIMEDOUT
	case errors.Is(err, upper.ErrNoObject), errors.Is(err, upper.ErrChanged):
		return syscall.ESTALE
	case errors.Is(err, fs.ErrNotExist):
		return syscall.ENOENT
	}
	switch fault.As(err).Kind {
	case fault.Auth:
		return syscall.EACCES
	case fault.Quota:
		return syscall.EDQUOT
	case fault.NotFound:
		return syscall.ENOENT
	}
	return syscall.EIO
}
