package local

import "golang.org/x/sys/unix"

const (
	defaultReserve = 64 << 20
	smallVolume    = 1 << 30 // bytes; of such a one a sixteenth is kept
)

// Keep is what store.Options need of the volume that holds dir; reserve is as in Options.
func Keep(dir string, reserve int64) (keep int64, free func() (int64, error)) {
	if reserve < 0 {
		return 0, nil
	}
	free = func() (int64, error) { _, n, err := Volume(dir); return n, err }
	if reserve > 0 {
		return reserve, free
	}
	if total, _, err := Volume(dir); err == nil && total <= smallVolume {
		return total / 16, free
	}
	return defaultReserve, free
}

// Volume is the size in bytes of the volume that holds dir, and what is free of it.
func Volume(dir string) (total, free int64, err error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, 0, err
	}
	unit := int64(s.Bsize) //nolint:unconvert // a uint32 elsewhere
	return int64(s.Blocks) * unit, int64(s.Bavail) * unit, nil
}
