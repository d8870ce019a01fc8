package mountd

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// SPEC C4, C26: what is missing to mount is said in words, with what to do about it.
func TestCheckFUSE(t *testing.T) {
	device := filepath.Join(t.TempDir(), "fuse")
	if err := os.WriteFile(device, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	found := func(string) (string, error) { return "/usr/bin/fusermount3", nil }
	missing := func(string) (string, error) { return "", errors.New("not found") }
	for name, c := range map[string]struct {
		m    machine
		kind fault.Kind
		says string
		hint string
	}{
		"no device":             {machine{device: device + "-not", root: true, lookPath: found}, fault.Failure, "FUSE is not available", "--device /dev/fuse"},
		"no helper, not root":   {machine{device: device, lookPath: missing}, fault.Failure, "fusermount3 is not installed", "apt install fuse3"},
		"a folder for a device": {machine{device: t.TempDir(), lookPath: found}, fault.Failure, "FUSE is not available", "modprobe fuse"},
	} {
		t.Run(name, func(t *testing.T) {
			err := checkFUSE(c.m)
			if !fault.Is(err, c.kind) || !strings.Contains(err.Error(), c.says) || !strings.Contains(fault.As(err).Hint, c.hint) {
				t.Errorf("%v (kind %v, hint %q)", err, fault.As(err).Kind, fault.As(err).Hint)
			}
		})
	}
	for name, m := range map[string]machine{
		"root without a helper": {device: device, root: true, lookPath: missing},
		"a user with a helper":  {device: device, lookPath: found},
	} {
		if err := checkFUSE(m); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
