//go:build linux

package sandbox

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// S3 is a versitygw that serves a folder.
type S3 struct {
	Endpoint string // http://127.0.0.1:PORT
	Log      string // path of the access log, which says who signed each request
	Access   string
	Secret   string
	process  *exec.Cmd
}

// StartS3 serves the folder root with the buckets given, under the pair of an administrator,
// for requests that are signed for region. It writes beside root: its accounts to root-iam,
// its access log to root.log.
func StartS3(root, region, access, secret string, buckets ...string) (*S3, error) {
	for _, bucket := range buckets {
		if err := os.MkdirAll(filepath.Join(root, bucket), 0o755); err != nil {
			return nil, err
		}
	}
	if err := os.MkdirAll(root+"-iam", 0o755); err != nil {
		return nil, err
	}
	program, err := exec.LookPath("versitygw")
	if err != nil {
		program = filepath.Join(os.Getenv("ARTIFACTS_TEST_TOOLS"), "versitygw")
	}
	address, err := FreeAddress()
	if err != nil {
		return nil, err
	}
	s := &S3{Endpoint: "http://" + address, Log: root + ".log", Access: access, Secret: secret}
	// Accounts are looked up each time, so that one that is gone is gone at once.
	s.process = exec.Command(program, "--port", address, "--region", region, "--iam-dir", root+"-iam", "--iam-cache-disable",
		"--access-log", s.Log, "posix", root)
	s.process.Env = append(os.Environ(), "ROOT_ACCESS_KEY="+access, "ROOT_SECRET_KEY="+secret)
	if err := s.process.Start(); err != nil {
		return nil, fmt.Errorf("versitygw (make test builds it): %w", err)
	}
	for deadline := time.Now().Add(time.Minute); ; {
		conn, err := net.DialTimeout("tcp", address, time.Second)
		if err == nil {
			return s, conn.Close()
		}
		if time.Now().After(deadline) {
			s.Stop()
			return nil, fmt.Errorf("versitygw does not listen: %w", err)
		}
		time.Sleep(10 * time.Millisecond) // between two looks at the condition
	}
}

// PID is that of the server's process.
func (s *S3) PID() int { return s.process.Process.Pid }

// Stop kills the server and waits until it is gone.
func (s *S3) Stop() {
	_ = s.process.Process.Kill()
	_ = s.process.Wait()
}

// FreeAddress is an address of the loopback interface that nobody listened on a moment ago.
func FreeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}
