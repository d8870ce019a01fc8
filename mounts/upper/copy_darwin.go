package upper

import "os"

// copyRanges copies ranges of src into dst at the same offsets; both are in use.
func copyRanges(dst, src *os.File, ranges []extent) error {
	for _, x := range ranges {
		if err := copyByHand(dst, src, x); err != nil {
			return err
		}
	}
	return nil
}
