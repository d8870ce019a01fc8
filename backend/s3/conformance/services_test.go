package conformance

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/artifacts-tui/artifacts-tui/backend/s3/s3test"
)

func ours(t *testing.T) service {
	s := s3test.Start(t)
	return service{s.Endpoint(), s.AccessKey, s.Secret}
}

// versity starts versitygw. Without its binary there is no test, and where the tests are
// what a change is judged by ($CI) that is a failure.
func versity(t *testing.T) service {
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
	const access, secret = "conformance", "conformance-secret"
	c := exec.Command(program, "--port", address, "posix", t.TempDir())
	c.Env = append(os.Environ(), "ROOT_ACCESS_KEY="+access, "ROOT_SECRET_KEY="+secret)
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
			return service{"http://" + address, access, secret}
		}
		if time.Now().After(deadline) {
			t.Fatalf("versitygw does not listen: %v", err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}
