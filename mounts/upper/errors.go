package upper

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// errno gives err a number where it has none: what this package returns always unwraps
// to a syscall.Errno or a fault.Error.
func errno(err error) error {
	var number syscall.Errno
	var f *fault.Error
	switch {
	case err == nil, errors.As(err, &number), errors.As(err, &f):
		return err
	case errors.Is(err, context.Canceled):
		return fmt.Errorf("%w: %w", syscall.EINTR, err)
	case errors.Is(err, ErrChanged), errors.Is(err, ErrNoObject):
		return fmt.Errorf("%w: %w", syscall.ESTALE, err)
	}
	return fmt.Errorf("%w: %w", syscall.EIO, err)
}

// Errno is what a program sees of an error of this package.
func Errno(err error) syscall.Errno {
	var number syscall.Errno
	switch {
	case err == nil:
		return 0
	case errors.As(err, &number):
		return number
	case errors.Is(err, context.Canceled):
		return syscall.EINTR
	case errors.Is(err, context.DeadlineExceeded):
		return syscall.ETIMEDOUT
	case errors.Is(err, ErrNoObject), errors.Is(err, ErrChanged):
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

// errnoOf is the number in err, or EIO.
func errnoOf(err error) syscall.Errno {
	var number syscall.Errno
	if errors.As(err, &number) {
		return number
	}
	return syscall.EIO
}

// isFull reports whether the disk, not the data, is at fault: a write that failed so
// left the bytes it did not acknowledge untouched.
func isFull(err error) bool {
	switch errnoOf(err) {
	case syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG:
		return true
	}
	return false
}

// isStale reports whether the object that was read is no longer there as it was.
func isStale(err error) bool {
	return errors.Is(err, syscall.ESTALE) || errors.Is(err, ErrChanged) || errors.Is(err, ErrNoObject)
}
