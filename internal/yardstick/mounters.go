//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/artifacts-tui/artifacts-tui/internal/benchpage"
	"github.com/artifacts-tui/artifacts-tui/internal/xdg"
	"github.com/artifacts-tui/artifacts-tui/keyring"
	"github.com/artifacts-tui/artifacts-tui/mounts"
)

// mounter is a program that mounts the bucket.
type mounter struct {
	name string // of the table's column
	dir  string // its scratch: caches, credentials, the mountpoint
	run  func(m *mounter, store target) error

	program string
	args    []string // of a peer, besides what names the store
	manager *mounts.Manager
	cmd     *exec.Cmd // of a peer
	out     bytes.Buffer
	ended   chan struct{}
	pid     int
}

const mountBucket = "yardstick-mount"

func (m *mounter) path(name string) string { return filepath.Join(m.dir, "mnt", name) }

// mounters are ours, built from the working copy, the peers that are found, and the names of
// those that are not.
func mounters(scratch, program string) (found []*mounter, missing []string) {
	us := &mounter{name: "artifacts-tui", program: program, run: (*mounter).runOurs}
	found = append(found, us)
	// What rclone's documentation of its mount and of S3 advises for speed.
	tuned := []string{
		"--use-server-modtime", "--transfers", "16", "--buffer-size", "0", "--vfs-read-chunk-size", "8Mi",
		"--vfs-read-chunk-streams", "16", "--vfs-read-ahead", "256Mi",
	}
	for _, p := range []*mounter{
		{name: "rclone mount", program: find("rclone"), args: []string{"mount"}, run: (*mounter).runRclone},
		{name: "rclone mount2", program: find("rclone"), args: []string{"mount2"}, run: (*mounter).runRclone},
		{name: "rclone mount2 tuned", program: find("rclone"), args: append([]string{"mount2"}, tuned...), run: (*mounter).runRclone},
		{name: "s3fs", program: find("s3fs"), run: (*mounter).runS3fs},
	} {
		if p.program == "" {
			missing = append(missing, p.name)
			continue
		}
		if path, err := filepath.Abs(p.program); err == nil { // it runs in a folder of its own
			p.program = path
		}
		found = append(found, p)
	}
	for _, m := range found {
		m.dir = filepath.Join(scratch, "mount-"+strings.ReplaceAll(m.name, " ", "-"))
	}
	return found, missing
}

func (m *mounter) version() string {
	if strings.HasPrefix(m.name, "rclone") {
		return (&server{program: m.program}).version()
	}
	out, _ := exec.Command(m.program, "--version").Output()
	for _, word := range strings.Fields(string(out)) {
		if strings.HasPrefix(word, "V") && strings.ContainsAny(word, "0123456789") {
			return word
		}
	}
	return ""
}

// start mounts with nothing in any cache and returns when the mount is usable. What the
// kernel caches of a mount goes with it.
func (m *mounter) start(store target) error {
	if err := errors.Join(os.RemoveAll(m.dir), os.MkdirAll(m.path(""), 0o755)); err != nil {
		return err
	}
	return m.run(m, store)
}

func (m *mounter) runOurs(store target) error {
	sub := func(name string) string { return filepath.Join(m.dir, name) }
	m.manager = mounts.NewManager(xdg.Roots{Config: sub("config"), Cache: sub("cache"), State: sub("state"), Data: sub("data")}, m.program)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	s, err := m.manager.Mount(ctx, mounts.Spec{
		ID: "00000000000000ff", Workspace: "yardstick", Backend: "byo", Mountpoint: m.path(""),
		Endpoint: "http://" + store.address + store.base, Bucket: mountBucket, Region: "us-east-1",
	}, keyring.Credentials{AccessKeyID: store.key, SecretAccessKey: keyring.NewSecret(store.secret)})
	m.pid = s.PID
	return err
}

func (m *mounter) runRclone(store target) error {
	args := append(append([]string{}, m.args...), "here:"+mountBucket, m.path(""), "--config", os.DevNull, "--cache-dir", filepath.Join(m.dir, "cache"),
		"--vfs-cache-mode", "full", "--vfs-write-back", "300ms")
	const remote = "RCLONE_CONFIG_HERE_"
	return m.spawn(exec.Command(m.program, args...), //nolint:gosec // a program that the user has
		remote+"TYPE=s3", remote+"PROVIDER=Other", remote+"REGION=us-east-1", remote+"ENDPOINT=http://"+store.address+store.base,
		remote+"ACCESS_KEY_ID="+store.key, remote+"SECRET_ACCESS_KEY="+store.secret)
}

func (m *mounter) runS3fs(store target) error {
	secret := filepath.Join(m.dir, "passwd")
	if err := os.WriteFile(secret, []byte(store.key+":"+store.secret), 0o600); err != nil {
		return err
	}
	return m.spawn(exec.Command(m.program, mountBucket, m.path(""), "-f", "-o", "url=http://"+store.address+store.base, //nolint:gosec // the same
		"-o", "use_path_request_style", "-o", "passwd_file="+secret, "-o", "use_cache="+filepath.Join(m.dir, "cache")))
}

// spawn runs a peer in the foreground of its own session and waits until it has mounted.
func (m *mounter) spawn(cmd *exec.Cmd, env ...string) error {
	m.out.Reset()
	cmd.Env = append([]string{"HOME=" + m.dir, "PATH=" + os.Getenv("PATH")}, env...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = m.dir, &m.out, &m.out
	if err := cmd.Start(); err != nil {
		return err
	}
	m.cmd, m.ended, m.pid = cmd, make(chan struct{}), cmd.Process.Pid
	ended := m.ended
	go func() {
		_ = cmd.Wait()
		close(ended)
	}()
	for deadline := time.Now().Add(time.Minute); ; {
		if mounted(m.path("")) {
			return nil
		}
		select {
		case <-ended:
			return fmt.Errorf("%s ended:\n%s", m.name, m.out.String())
		case <-time.After(2 * time.Millisecond): // between two looks at the condition
		}
		if time.Now().After(deadline) {
			m.kill()
			return fmt.Errorf("%s does not mount:\n%s", m.name, m.out.String())
		}
	}
}

// mounted reports whether another file system begins at path.
func mounted(path string) bool {
	var at, above unix.Stat_t
	return unix.Stat(path, &at) == nil && unix.Stat(filepath.Dir(path), &above) == nil && at.Dev != above.Dev
}

// stop unmounts and waits for the end of the process.
func (m *mounter) stop() error {
	defer func() { m.pid = 0 }()
	if m.manager != nil {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
		defer cancel()
		_, err := m.manager.Unmount(ctx, m.path(""), mounts.UnmountOptions{})
		if err != nil {
			m.kill()
		}
		return err
	}
	if err := exec.Command("fusermount3", "-u", m.path("")).Run(); err != nil {
		m.kill()
		return nil // what a peer had still to do is not ours to judge
	}
	select {
	case <-m.ended:
	case <-time.After(2 * time.Minute):
		m.kill()
	}
	return nil
}

// kill ends the process with SIGKILL and detaches what it leaves.
func (m *mounter) kill() {
	if m.pid > 0 {
		_ = unix.Kill(m.pid, unix.SIGKILL)
	}
	if err := unix.Unmount(m.path(""), unix.MNT_DETACH); err != nil {
		_ = exec.Command("fusermount3", "-uz", m.path("")).Run()
	}
}

// memory is the peak of the process's memory in MiB.
func (m *mounter) memory() (float64, error) {
	kib, _, ok := strings.Cut(benchpage.Field(fmt.Sprintf("/proc/%d/status", m.pid), "VmHWM"), " ")
	v, err := strconv.ParseFloat(kib, 64)
	if !ok || err != nil {
		return 0, fmt.Errorf("no VmHWM: %w", err)
	}
	return v / 1024, nil
}

// cpu is what the process used so far, in seconds: utime and stime of proc(5).
func (m *mounter) cpu() (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", m.pid))
	if err != nil {
		return 0, err
	}
	f := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	if len(f) < 13 {
		return 0, fmt.Errorf("stat: %q", text)
	}
	const ticks = 100 // a second: USER_HZ is 100 on every architecture that Go runs on
	user, err1 := strconv.ParseFloat(f[11], 64)
	system, err2 := strconv.ParseFloat(f[12], 64)
	return (user + system) / ticks, errors.Join(err1, err2)
}
