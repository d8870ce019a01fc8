// Package pgtest starts PostgreSQL for tests: a server of their own, in a scratch folder, on a
// unix socket and never on the network. It is imported by tests only.
package pgtest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// patience is how long a server may take to start on a busy machine.
const patience = 2 * time.Minute

// Server is a PostgreSQL server. Its administrator is postgres, and needs no password.
type Server struct {
	dir    string // socket, data and log
	bin    string // folder of postgres and initdb
	who    *syscall.Credential
	daemon *exec.Cmd
	exited chan struct{} // closed when daemon has ended
	extra  []string
}

var shared struct {
	mu     sync.Mutex
	server *Server
	err    error
	names  int
}

// Main runs a package's tests, and stops the server that they shared. It is for TestMain.
func Main(m *testing.M) int {
	defer func() {
		shared.mu.Lock()
		defer shared.mu.Unlock()
		if shared.server != nil {
			shared.server.Close()
		}
	}()
	return m.Run()
}

// URL makes a database for a test, on a server that the package's tests share.
func URL(t testing.TB) string {
	t.Helper()
	s, err := Shared()
	if err != nil {
		t.Fatal(err)
	}
	return s.Database(t)
}

// Shared is the server of a package's tests, which Main stops. The first to ask for it says its settings.
func Shared(settings ...string) (*Server, error) {
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if shared.server == nil && shared.err == nil {
		shared.server, shared.err = New(settings...)
	}
	return shared.server, shared.err
}

// Start makes a server for one test alone, which may kill it. settings are as "work_mem=1MB".
func Start(t testing.TB, settings ...string) *Server {
	t.Helper()
	s, err := New(settings...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// New makes a server and starts it. It must be closed.
func New(settings ...string) (*Server, error) {
	bin, err := programs()
	if err != nil {
		return nil, err
	}
	dir, err := folder()
	if err != nil {
		return nil, err
	}
	s := &Server{dir: dir, bin: bin, extra: settings}
	if err := s.make(); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// programs is the folder of Debian's newest version, or that of an initdb in PATH.
func programs() (string, error) {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	slices.SortFunc(found, func(a, b string) int { return version(a) - version(b) })
	if len(found) > 0 {
		return filepath.Dir(found[len(found)-1]), nil
	}
	at, err := exec.LookPath("initdb")
	if err == nil {
		at, err = filepath.EvalSymlinks(at)
	}
	if err != nil {
		return "", errors.New("there is no PostgreSQL: install Debian's package postgresql (sh .ci/packages test does)")
	}
	return filepath.Dir(at), nil
}

func version(initdb string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(initdb))))
	return n
}

// folder has a short name: that of a socket is bounded to about 100 bytes.
func folder() (string, error) {
	base := os.TempDir()
	if len(base) > 60 {
		base = "/tmp"
	}
	return os.MkdirTemp(base, "pgtest-")
}

func (s *Server) make() error {
	if err := s.unprivileged(); err != nil {
		return err
	}
	init := s.command("initdb", "-D", filepath.Join(s.dir, "data"), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "-N")
	if out, err := init.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, out)
	}
	return s.start()
}

// unprivileged has root's server run as another user: PostgreSQL refuses root.
func (s *Server) unprivileged() error {
	if os.Getuid() != 0 {
		return nil
	}
	who, err := user.Lookup("postgres")
	if err != nil {
		if who, err = user.Lookup("nobody"); err != nil {
			return err
		}
	}
	uid, err1 := strconv.Atoi(who.Uid)
	gid, err2 := strconv.Atoi(who.Gid)
	if err := errors.Join(err1, err2, os.Chown(s.dir, uid, gid)); err != nil {
		return err
	}
	s.who = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return nil
}

func (s *Server) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(s.bin, name), args...)
	cmd.Dir = s.dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "TZ=UTC"}
	cmd.SysProcAttr = attributes(s.who)
	return cmd
}

// start returns when the server answers. What it has acknowledged is with the kernel, and so
// survives its own death; only that of the machine would need fsync.
func (s *Server) start() error {
	log, err := os.OpenFile(filepath.Join(s.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	args := []string{"-D", filepath.Join(s.dir, "data"), "-k", s.dir}
	for _, setting := range append([]string{"listen_addresses=", "fsync=off", "full_page_writes=off", "max_connections=200"}, s.extra...) {
		args = append(args, "-c", setting)
	}
	cmd := s.command("postgres", args...)
	cmd.Stdout, cmd.Stderr = log, log
	started, exited := make(chan error), make(chan struct{})
	go func() {
		// The kernel ends the server with the thread that made it: this one, which waits for it.
		runtime.LockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait()
		}
		close(exited)
	}()
	if err := <-started; err != nil {
		return err
	}
	s.daemon, s.exited = cmd, exited
	return s.answers()
}

func (s *Server) answers() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for {
		err := s.exec(ctx, `SELECT 1`)
		if err == nil {
			return nil
		}
		select {
		case <-s.exited:
			return fmt.Errorf("the server ended: %s", s.Log())
		case <-ctx.Done():
			return fmt.Errorf("the server does not answer: %w: %s", err, s.Log())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (s *Server) exec(ctx context.Context, sql string) error {
	conn, err := pgx.Connect(ctx, s.url("postgres"))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	_, err = conn.Exec(ctx, sql)
	return err
}

func (s *Server) url(database string) string {
	return "postgres:///" + database + "?user=postgres&host=" + url.QueryEscape(s.dir)
}

// Database makes an empty database and returns its URL.
func (s *Server) Database(t testing.TB) string {
	t.Helper()
	u, err := s.NewDatabase()
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// NewDatabase is Database where there is no test to fail.
func (s *Server) NewDatabase() (string, error) {
	shared.mu.Lock()
	shared.names++
	name := fmt.Sprint("test", shared.names)
	shared.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return s.url(name), s.exec(ctx, `CREATE DATABASE `+name)
}

// Log is what the server said last.
func (s *Server) Log() string {
	b, _ := os.ReadFile(filepath.Join(s.dir, "log"))
	return strings.TrimSpace(string(b[max(0, len(b)-4096):]))
}

// Kill ends the server at once, as a crash does: nothing is written that was not. It waits for its end.
func (s *Server) Kill() {
	_ = s.daemon.Process.Signal(syscall.SIGQUIT)
	<-s.exited
}

// Restart starts the server again after Kill.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
}

// Close stops the server and removes all of it.
func (s *Server) Close() {
	if s.daemon != nil {
		s.Kill()
	}
	_ = os.RemoveAll(s.dir)
}
