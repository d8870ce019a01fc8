package fusefs

import (
	"fmt"
	"os"

	"github.com/moby/sys/mountinfo"
)

// readAheadKiB is how far the kernel reads ahead of a program, and thus how large its
// requests are. A mount begins with 128 KiB, a request for every eighth of a MiB; more
// than this would make a mapping that is read here and there fetch too much around it.
const readAheadKiB = 512

// widen sets the kernel's read-ahead for the mount, which only root may. The mount table
// is asked for its device, not the mountpoint: that request would come back to us.
func widen(mountpoint string) error {
	infos, err := mountinfo.GetMounts(mountinfo.SingleEntryFilter(mountpoint))
	if err != nil || len(infos) == 0 {
		return err
	}
	last := infos[len(infos)-1]
	return os.WriteFile(fmt.Sprintf("/sys/class/bdi/%d:%d/read_ahead_kb", last.Major, last.Minor), fmt.Appendln(nil, readAheadKiB), 0)
}
