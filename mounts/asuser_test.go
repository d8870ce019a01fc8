//go:build linux

package mounts_test

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/artifacts-tui/artifacts-tui/internal/alone"
)

// trustedRefusal is what a trusted.* attribute gets: our answer where it comes to us, the
// kernel's own where the user may not have them anyway.
func trustedRefusal() syscall.Errno {
	if os.Geteuid() == 0 {
		return syscall.EOPNOTSUPP
	}
	return syscall.EPERM
}

// userTests are those that an ordinary user plays beside root: files as tools use them,
// kills, and life with a mount.
const userTests = "^(TestPOSIX|TestAttributesAcrossHosts|TestKillAfterOverwrites|TestKillHalfWritten|TestKillInsideRename|" +
	"TestUnlinkWhileUploading|TestMountLeaksNothing|TestRotation.*|TestRandomChangesAndKills|TestUnmount.*)$"

// What root's tests show holds for an ordinary user, who mounts through fusermount3 and has
// no passthrough. Nothing of it is skipped: the device is made theirs in a mount namespace of
// their own, as udev does on a desktop.
func TestAsAnOrdinaryUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("this user is one: all tests here are")
	}
	dir := t.TempDir()
	for d := dir; d != os.TempDir() && d != "/"; d = filepath.Dir(d) {
		must(t, os.Chmod(d, 0o755))
	}
	scratch, program := filepath.Join(dir, "scratch"), filepath.Join(dir, "mounts.test")
	must(t, os.Mkdir(scratch, 0o777))
	must(t, os.Chmod(scratch, 0o777))
	copyProgram(t, program)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	const script = `set -e
mknod fuse c 10 229
chmod 666 fuse
mount --bind fuse /dev/fuse
exec setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all "$@"`
	cmd := alone.Command(ctx, "sh", "-c", script, "sh",
		program, "-test.v", "-test.timeout=9m", "-test.run="+userTests, "-test.skip=^TestPOSIX$/^many_names$") // which is about their number
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + scratch, "TMPDIR=" + scratch}
	out, err := cmd.CombinedOutput()
	passed := regexp.MustCompile(`(?m)^--- PASS: `).FindAll(out, -1)
	skipped := regexp.MustCompile(`(?m)^--- SKIP: .*`).FindAll(out, -1)
	if err != nil || len(passed) < 15 || len(skipped) > 0 {
		t.Errorf("%v, %d passed, skipped %s:\n%s", err, len(passed), bytes.Join(skipped, []byte(" ")), lastLines(string(out), 200))
	}
}

func copyProgram(t *testing.T, to string) {
	t.Helper()
	self, err := os.Executable()
	must(t, err)
	from, err := os.Open(self)
	must(t, err)
	defer from.Close()
	into, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY, 0o755)
	must(t, err)
	_, err = io.Copy(into, from)
	must(t, err)
	must(t, into.Close())
}

func lastLines(text string, n int) string {
	lines := strings.Split(text, "\n")
	return strings.Join(lines[max(len(lines)-n, 0):], "\n")
}
