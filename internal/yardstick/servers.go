//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	accessKey = "yardstick"
	secretKey = "yardstick-secret-0123456789"
)

// server is a program with its data; it runs between start and stop, and keeps its data
// from one start to the next.
type server struct {
	name    string // of the table's column
	program string
	dir     string // its data
	env     []string
	args    func(address, dir string) []string
	base    string // path of the service
	target  target

	cmd   *exec.Cmd
	out   bytes.Buffer // what it printed since its start
	ended chan struct{}
}

// ours is the real program; it is built from the working copy.
func ours(scratch string) (*server, error) {
	program := filepath.Join(scratch, "artifacts-tui")
	build := exec.Command("go", "build", "-trimpath", "-o", program, "./cmd/artifacts-tui")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("go build: %w\n%s", err, out)
	}
	return &server{
		name: "artifacts-tui", program: program, dir: filepath.Join(scratch, "ours"), base: "/s3",
		args: func(address, dir string) []string {
			return []string{"coordinator", "serve", "--data-dir", filepath.Join(dir, "data"), "--listen", address}
		},
	}, nil
}

// peers are the yardsticks that are found here, and the names of those that are not.
func peers(scratch string) (found []*server, missing []string) {
	credentials := func(user, password string) []string {
		return []string{user + "=" + accessKey, password + "=" + secretKey}
	}
	all := []*server{
		{
			name: "versitygw", env: credentials("ROOT_ACCESS_KEY", "ROOT_SECRET_KEY"),
			args: func(address, dir string) []string { return []string{"--port", address, "--quiet", "posix", dir} },
		},
		{
			name: "rclone", args: func(address, dir string) []string {
				return []string{"serve", "s3", "--addr", address, "--auth-key", accessKey + "," + secretKey, dir}
			},
		},
		{
			name: "minio", env: append(credentials("MINIO_ROOT_USER", "MINIO_ROOT_PASSWORD"), "MINIO_BROWSER=off", "MINIO_UPDATE=off"),
			args: func(address, dir string) []string { return []string{"server", "--quiet", "--address", address, dir} },
		},
	}
	for _, s := range all {
		s.dir = filepath.Join(scratch, s.name)
		if s.program = find(s.name); s.program == "" {
			missing = append(missing, s.name)
			continue
		}
		found = append(found, s)
	}
	return found, missing
}

func find(name string) string {
	for _, dir := range []string{os.Getenv("ARTIFACTS_TEST_TOOLS"), filepath.Join("bin", "tools")} {
		if path := filepath.Join(dir, name); dir != "" {
			if _, err := os.Stat(path); err == nil {
				return path
			}
		}
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return ""
	}
	return path
}

// version is the module's that the program was built from; "" for ours.
func (s *server) version() string {
	out, err := exec.Command("go", "version", "-m", s.program).Output()
	if err != nil || s.base != "" {
		return ""
	}
	for _, line := range strings.Split(string(out), "\n") {
		if f := strings.Fields(line); len(f) > 2 && f[0] == "mod" {
			return f[2]
		}
	}
	return ""
}

// empty is the same server with a folder of its own.
func (s *server) empty() *server {
	return &server{name: s.name, program: s.program, dir: s.dir + "-empty", env: s.env, args: s.args, base: s.base}
}

// start returns how long it took from the start of the process to its first answer.
func (s *server) start() (time.Duration, error) {
	home := filepath.Join(s.dir + "-home")
	for _, dir := range []string{s.dir, home} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return 0, err
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	address := l.Addr().String()
	_ = l.Close()
	s.target.address, s.target.base = address, s.base
	if s.base == "" {
		s.target.key, s.target.secret = accessKey, secretKey
	}
	s.out.Reset()
	s.cmd = exec.Command(s.program, s.args(address, s.dir)...)
	s.cmd.Env = append([]string{"HOME=" + home, "PATH=" + os.Getenv("PATH")}, s.env...)
	s.cmd.Stdout, s.cmd.Stderr = &s.out, &s.out
	begin := time.Now()
	if err := s.cmd.Start(); err != nil {
		return 0, err
	}
	s.ended = make(chan struct{})
	go func() {
		_ = s.cmd.Wait()
		close(s.ended)
	}()
	for {
		err := s.answers(home)
		if err == nil {
			return time.Since(begin), nil
		}
		select {
		case <-s.ended:
			return 0, fmt.Errorf("%s ended: %w\n%s", s.name, err, s.out.String())
		case <-time.After(2 * time.Millisecond): // between two looks at the condition
		}
		if time.Since(begin) > 2*time.Minute {
			s.kill()
			return 0, fmt.Errorf("%s does not answer: %w\n%s", s.name, err, s.out.String())
		}
	}
}

// answers lists the buckets; it enrols a peer first where the server is new and ours.
func (s *server) answers(home string) error {
	c, err := dial(s.target)
	if err != nil {
		return err
	}
	defer c.close()
	if s.base != "" && s.target.key == "" {
		if s.target.key, s.target.secret, err = enrol(filepath.Join(home, ".local/state/tonbo/artifacts/coordinator.sock")); err != nil {
			return err
		}
		c.target = s.target
	}
	_, err = c.do(http.MethodGet, "/", "", noPayload, false)
	return err
}

// enrol makes a peer through the local admin's socket (SPEC B8).
func enrol(socket string) (id, token string, err error) {
	client := &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", socket)
		},
	}}
	resp, err := client.Post("http://local/v1/peers", "application/json", strings.NewReader(`{"name":"yardstick"}`))
	if err != nil {
		return "", "", err
	}
	defer resp.Body.Close()
	var peer struct{ ID, Token string }
	if err := json.NewDecoder(resp.Body).Decode(&peer); err != nil {
		return "", "", err
	}
	if peer.Token == "" {
		return "", "", fmt.Errorf("no peer: %s", resp.Status)
	}
	return peer.ID, peer.Token, nil
}

// stop ends the process in an orderly way.
func (s *server) stop() error {
	if s.cmd == nil {
		return nil
	}
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-s.ended:
		s.cmd = nil
		return nil
	case <-time.After(30 * time.Second):
		s.kill()
		return fmt.Errorf("%s did not stop in 30 s", s.name)
	}
}

// kill ends it with SIGKILL.
func (s *server) kill() {
	if s.cmd != nil {
		_ = s.cmd.Process.Kill()
		<-s.ended
		s.cmd = nil
	}
}

// memory is a field of /proc/PID/status in MiB: VmRSS, or VmHWM for the peak.
func (s *server) memory(field string) (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	for _, line := range strings.Split(string(text), "\n") {
		if rest, ok := strings.CutPrefix(line, field+":"); ok {
			kib, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return kib / 1024, err
		}
	}
	return 0, errors.New("no " + field)
}
