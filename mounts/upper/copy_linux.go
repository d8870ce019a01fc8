package upper

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// copyRanges copies ranges of src into dst at the same offsets; both are in use.
func copyRanges(dst, src *os.File, ranges []extent) error {
	for _, x := range ranges {
		in, out := x.off, x.off
		for in < x.end {
			n, err := unix.CopyFileRange(int(src.Fd()), &in, int(dst.Fd()), &out, int(min(x.end-in, 1<<30)), 0)
			if errors.Is(err, unix.EINTR) {
				continue
			}
			if errors.Is(err, unix.EXDEV) || errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.EINVAL) {
				return copyByHand(dst, src, extent{in, x.end})
			}
			if err != nil {
				return err
			}
			if n == 0 {
				return fmt.Errorf("staged file ends at %d, before %d: %w", in, x.end, unix.EIO)
			}
		}
	}
	return nil
}
