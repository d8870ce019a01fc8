package s3test

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// StartVersity starts versitygw, the yardstick. Without its binary there is no test, and where the tests are
// what a change is judged by ($CI) that is a failure.
func StartVersity(t testing.TB) (endpoint, accessKey, secret string) {
	t.Helper()
	program, err := exec.LookPath("versitygw")
	if err != nil {
		program, err = exec.LookPath(filepath.Join(os.Getenv("ARTIFACTS_TEST_TOOLS"), "versitygw"))
	}
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("versitygw (make test-deps builds it): %v", err)
		}
		t.Skip("NOT TESTED: no versitygw here; make test-deps builds it and ARTIFACTS_TEST_TOOLS is where it lies")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	const access, key = "yardstick", "yardstick-secret"
	c := exec.Command(program, "--port", address, "posix", t.TempDir())
	c.Env = append(os.Environ(), "ROOT_ACCESS_KEY="+access, "ROOT_SECRET_KEY="+key)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Kill()
		_ = c.Wait()
	})
	for deadline := time.Now().Add(20 * time.Second); ; {
		conn, err := net.DialTimeout("tcp", address, time.Second)
		if err == nil {
			_ = conn.Close()
			return "http://" + address, access, key
		}
		if time.Now().After(deadline) {
			t.Fatalf("versitygw does not listen: %v", err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}
