//go:build linux

package mounts_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/moby/sys/mountinfo"
)

// The kernel reads ahead by half a MiB where we may say so, so that a file is not asked for
// in eighths.
func TestReadAhead(t *testing.T) {
	w := newWorld(t)
	w.mount()
	infos, err := mountinfo.GetMounts(mountinfo.SingleEntryFilter(w.spec.Mountpoint))
	if err != nil || len(infos) != 1 {
		t.Fatal(infos, err)
	}
	got, err := os.ReadFile(fmt.Sprintf("/sys/class/bdi/%d:%d/read_ahead_kb", infos[0].Major, infos[0].Minor))
	if err != nil {
		t.Fatal(err)
	}
	want := "512"
	if os.Geteuid() != 0 {
		want = "128" // the kernel's own
	}
	if strings.TrimSpace(string(got)) != want {
		t.Errorf("%s KiB of read-ahead, want %s", got, want)
	}
	w.unmount()
}
