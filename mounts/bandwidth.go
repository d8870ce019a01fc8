package mounts

import (
	"context"
	"errors"
	"fmt"

	"github.com/rclone/rclone/fs"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/mounts/remote"
)

// Bandwidth bounds a mount's transfers, in bytes a second; 0: no bound (SPEC C18).
type Bandwidth = remote.Bandwidth

// leastBandwidth is what a store still takes for a client that is alive.
const leastBandwidth = 8 << 10

// ParseBandwidth reads what rclone's --bwlimit takes: 10M for each direction, 1M:512k for up
// and down, off for no bound. A number without a letter counts KiB, as there.
func ParseBandwidth(text string) (Bandwidth, error) {
	var pair fs.BwPair
	if err := pair.Set(text); err != nil {
		return Bandwidth{}, fault.New(fault.Usage, "write it as 10M, 1M:512k (up:down) or off", "%q is not a bandwidth", text)
	}
	b := Bandwidth{Up: max(int64(pair.Tx), 0), Down: max(int64(pair.Rx), 0)}
	for _, v := range []int64{b.Up, b.Down} {
		if v > 0 && v < leastBandwidth {
			return Bandwidth{}, fault.New(fault.Usage, "give 8k or more; K, M and G are KiB, MiB and GiB a second", "the bandwidth %q is too small", text)
		}
	}
	return b, nil
}

// BandwidthText is b as ParseBandwidth reads it, to the byte.
func BandwidthText(b Bandwidth) string {
	one := func(v int64) string {
		switch {
		case v == 0:
			return "off"
		case v%(1<<30) == 0:
			return fmt.Sprintf("%dG", v>>30)
		case v%(1<<20) == 0:
			return fmt.Sprintf("%dM", v>>20)
		case v%(1<<10) == 0:
			return fmt.Sprintf("%dk", v>>10)
		}
		return fmt.Sprintf("%db", v)
	}
	if b.Up == b.Down {
		return one(b.Up)
	}
	return one(b.Up) + ":" + one(b.Down)
}

// SetBandwidth changes a running mount's bounds, for what is under way too.
func (m *Manager) SetBandwidth(ctx context.Context, mountpointOrWorkspace string, b Bandwidth) (Status, error) {
	s, err := m.Find(ctx, mountpointOrWorkspace)
	if err != nil {
		return s, err
	}
	if err := dialControl(SocketPath(m.roots, s.ID)).post(ctx, "bandwidth", b); err != nil {
		return s, m.noAnswer(err, s)
	}
	s.Options.Bandwidth = b
	return s, nil
}

// noAnswer says what to do where the process of a mount is gone.
func (m *Manager) noAnswer(err error, s Status) error {
	if errors.Is(err, errNoProcess) {
		return fault.New(fault.Failure, "run 'artifacts mount repair "+s.Workspace+"'", "the process that serves %s is gone", s.Mountpoint)
	}
	return err
}
