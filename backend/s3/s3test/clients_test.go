package s3test_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/artifacts-tui/artifacts-tui/backend/s3/s3test"
)

// shell runs a real client as a user would, in a home of its own. The files of this
// package named after a client have its tests; a client that is missing fails them.
type shell struct {
	*testing.T
	dir string
	env []string
}

func newShell(t *testing.T, srv *s3test.Server, key, secret string) *shell {
	dir := t.TempDir()
	return &shell{T: t, dir: dir, env: []string{
		"HOME=" + dir, "PATH=" + os.Getenv("PATH"), "LC_ALL=C.UTF-8", "AWS_EC2_METADATA_DISABLED=true", "AWS_PAGER=",
		"AWS_ACCESS_KEY_ID=" + key, "AWS_SECRET_ACCESS_KEY=" + secret, "AWS_DEFAULT_REGION=us-east-1", "AWS_MAX_ATTEMPTS=1",
		"PYENV_ROOT=" + os.Getenv("PYENV_ROOT"), "PYTHONDONTWRITEBYTECODE=1", "ENDPOINT=" + srv.Endpoint(),
	}}
}

// try returns what the client printed on both streams.
func (s *shell) try(name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env = s.dir, s.env
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	return out.String(), err
}

func (s *shell) run(name string, args ...string) string {
	s.Helper()
	out, err := s.try(name, args...)
	if err != nil {
		s.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return out
}

// refused wants a command to fail and to say why.
func (s *shell) refused(want, name string, args ...string) {
	s.Helper()
	if out, err := s.try(name, args...); err == nil || !strings.Contains(out, want) {
		s.Errorf("%s %s: %v, want %s\n%s", name, strings.Join(args, " "), err, want, out)
	}
}

func (s *shell) write(name string, content []byte) {
	s.Helper()
	path := filepath.Join(s.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		s.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		s.Fatal(err)
	}
}

func (s *shell) same(a, b string) {
	s.Helper()
	x, err1 := os.ReadFile(filepath.Join(s.dir, a))
	y, err2 := os.ReadFile(filepath.Join(s.dir, b))
	if err := errors.Join(err1, err2); err != nil || !bytes.Equal(x, y) {
		s.Errorf("%s (%d bytes) is not %s (%d bytes): %v", a, len(x), b, len(y), err)
	}
}

// holds wants a file's whole text.
func (s *shell) holds(name, want string) {
	s.Helper()
	got, err := os.ReadFile(filepath.Join(s.dir, name))
	if err != nil || string(got) != want {
		s.Errorf("%s has %d bytes, %.80q, want %q: %v", name, len(got), got, want, err)
	}
}

func (s *shell) shows(out string, want ...string) {
	s.Helper()
	for _, w := range want {
		if !strings.Contains(out, w) {
			s.Errorf("%q is not in\n%s", w, out)
		}
	}
}

func (s *shell) hides(out string, unwanted ...string) {
	s.Helper()
	for _, w := range unwanted {
		if strings.Contains(out, w) {
			s.Errorf("%q is in\n%s", w, out)
		}
	}
}

// program is the path of a client from a Debian package, by its name or, where PATH may
// have another of that name first, its path.
func program(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%s is missing: `sh .ci/packages test` installs what the tests use", name)
	}
	return path
}

// tool is the path of a client that `make test-deps` builds.
func tool(t *testing.T, name string) string {
	t.Helper()
	dir := os.Getenv("ARTIFACTS_TEST_TOOLS")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "bin", "tools")
	}
	path, err := filepath.Abs(filepath.Join(dir, name))
	if err == nil {
		_, err = os.Stat(path)
	}
	if err != nil {
		t.Fatalf("%s is missing: `make test-deps` builds it (%v)", name, err)
	}
	return path
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}
