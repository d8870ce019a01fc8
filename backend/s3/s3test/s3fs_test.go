package s3test_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/artifacts-tui/artifacts-tui/backend/s3/s3test"
)

// SPEC B4: s3fs mounts a bucket of the store.
func TestS3FS(t *testing.T) {
	t.Parallel()
	srv := s3test.Start(t)
	srv.CreateBucket(t, "bkt")
	s := newShell(t, srv, "", "")
	s.write("passwd", []byte(srv.AccessKey+":"+srv.Secret))
	mountpoint := filepath.Join(s.dir, "mnt")
	if err := os.Mkdir(mountpoint, 0o755); err != nil {
		t.Fatal(err)
	}
	mount := func() (unmount func()) {
		t.Helper()
		cmd := exec.Command(program(t, "s3fs"), "bkt", mountpoint, "-f",
			"-o", "url="+srv.Endpoint(), "-o", "use_path_request_style", "-o", "passwd_file="+filepath.Join(s.dir, "passwd"), "-o", "multipart_size=10")
		var out bytes.Buffer
		cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = s.dir, s.env, &out, &out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		for deadline := time.Now().Add(20 * time.Second); !mounted(mountpoint); {
			select {
			case err := <-ended:
				t.Fatalf("s3fs ended: %v\n%s", err, out.String())
			case <-time.After(20 * time.Millisecond): // between two looks at the condition
			}
			if time.Now().After(deadline) {
				_ = cmd.Process.Kill()
				t.Fatalf("s3fs did not mount\n%s", out.String())
			}
		}
		done := false
		unmount = func() {
			t.Helper()
			if done {
				return
			}
			done = true
			if err := unix.Unmount(mountpoint, 0); err != nil {
				if out, err := exec.Command("fusermount3", "-u", mountpoint).CombinedOutput(); err != nil {
					t.Errorf("unmount: %v %s", err, out)
					_ = cmd.Process.Kill()
				}
			}
			if err := <-ended; err != nil {
				t.Errorf("s3fs: %v\n%s", err, out.String())
			}
		}
		t.Cleanup(unmount)
		return unmount
	}

	unmount := mount()
	s.write("mnt/dir/odd ü+name", []byte("odd"))
	s.write("mnt/empty", nil)
	s.write("big", randomBytes(30_000_000)) // in parts of 10 MiB
	s.run("cp", "big", "mnt/big")
	s.same("big", "mnt/big")
	s.run("sh", "-c", "printf ' and more' >> 'mnt/dir/odd ü+name'")
	s.run("mv", "mnt/empty", "mnt/dir/renamed")
	s.run("mv", "mnt/big", "mnt/dir/big")
	s.run("chmod", "640", "mnt/dir/big")
	s.shows(s.run("ls", "-lA", "mnt/dir"), "odd ü+name", "renamed", "30000000", "-rw-r-----")
	if _, err := os.Stat(filepath.Join(mountpoint, "empty")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the old name is there: %v", err)
	}
	unmount()

	unmount = mount()
	s.holds("mnt/dir/odd ü+name", "odd and more")
	s.same("big", "mnt/dir/big")
	s.run("rm", "-r", "mnt/dir")
	if out := s.run("ls", "-A", "mnt"); out != "" {
		t.Errorf("after rm -r: %s", out)
	}
	unmount()
}

// mounted reports whether another file system begins at path.
func mounted(path string) bool {
	var at, above unix.Stat_t
	return unix.Stat(path, &at) == nil && unix.Stat(filepath.Dir(path), &above) == nil && at.Dev != above.Dev
}
