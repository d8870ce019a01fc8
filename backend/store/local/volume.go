package local

import "golang.org/x/sys/unix"

const (
	defaultReserve = 64 << 20
	smallVolume    = 1 << 30 // bytes; of such a one a sixteenth is kept
)

// reserve is the bytes that clients leave free on the volume of o.Dir.
func reserve(o Options) int64 {
	if o.Reserve > 0 {
		return o.Reserve
	}
	if total, _, err := Volume(o.Dir); err == nil && total <= smallVolume {
		return total / 16
	}
	return defaultReserve
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
