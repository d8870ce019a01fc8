//go:build linux

package cmd_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/artifacts-tui/artifacts-tui/internal/pgtest"
)

// clusterWait bounds how long a process may take to answer, on a machine that is busy.
const clusterWait = time.Minute

// cluster is three coordinators over one PostgreSQL and one S3 server (SPEC B31), and what
// balances load between them, connection by connection.
type cluster struct {
	t     *testing.T
	dir   string
	pg    *pgtest.Server
	index string // URL of the database
	s3    string // URL of the S3 server
	nodes []*node
	url   string // of the balancer
}

const (
	clusterKey    = "clusterkey0123456789"
	clusterSecret = "cluster-secret-0123456789-0123456789"
)

// newCluster starts all of it. drain is how long each coordinator serves on after a SIGTERM.
func newCluster(t *testing.T, drain time.Duration) *cluster {
	t.Helper()
	c := &cluster{t: t, dir: t.TempDir(), pg: pgtest.Start(t)}
	c.index = c.pg.Database(t)
	c.startS3()
	for i := range 3 {
		n := &node{cluster: c, home: filepath.Join(c.dir, fmt.Sprintf("node-%d", i))}
		n.socket = filepath.Join(n.home, ".local/state/tonbo/artifacts/coordinator.sock")
		if err := os.MkdirAll(n.home, 0o700); err != nil {
			t.Fatal(err)
		}
		config := fmt.Sprintf("s3: {data_dir: %s}\nlisten: 127.0.0.1:0\ndrain: %s\nstorage:\n  index: %q\n  blobs: %q\n  blobs_access_key_id: ${BLOBS_KEY}\n  blobs_secret_access_key: ${BLOBS_SECRET}\n",
			filepath.Join(n.home, "data"), drain, c.index, "s3://blobs/mesh?endpoint="+c.s3+"&region=us-east-1")
		if err := os.WriteFile(n.config(), []byte(config), 0o600); err != nil {
			t.Fatal(err)
		}
		c.nodes = append(c.nodes, n)
		t.Cleanup(n.kill)
	}
	var starting sync.WaitGroup // side by side: the first of all starts are so, too
	for _, n := range c.nodes {
		starting.Go(n.start)
	}
	starting.Wait()
	c.balance()
	return c
}

// startS3 runs versitygw on a folder.
func (c *cluster) startS3() {
	c.t.Helper()
	root := filepath.Join(c.dir, "s3")
	if err := os.MkdirAll(filepath.Join(root, "blobs"), 0o700); err != nil {
		c.t.Fatal(err)
	}
	program, err := exec.LookPath("versitygw")
	if err != nil {
		program = filepath.Join(os.Getenv("ARTIFACTS_TEST_TOOLS"), "versitygw")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		c.t.Fatal(err)
	}
	address := l.Addr().String()
	_ = l.Close()
	gateway := exec.Command(program, "--port", address, "--quiet", "posix", root)
	gateway.Env = append(os.Environ(), "ROOT_ACCESS_KEY="+clusterKey, "ROOT_SECRET_KEY="+clusterSecret)
	if err := gateway.Start(); err != nil {
		c.t.Fatalf("versitygw (make test builds it): %v", err)
	}
	c.t.Cleanup(func() {
		_ = gateway.Process.Kill()
		_ = gateway.Wait()
	})
	c.s3 = "http://" + address
	c.await("versitygw to listen", func() bool {
		conn, err := net.DialTimeout("tcp", address, time.Second)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	})
}

func (c *cluster) await(what string, ok func() bool) {
	c.t.Helper()
	for deadline := time.Now().Add(clusterWait); !ok(); {
		if time.Now().After(deadline) {
			c.t.Errorf("waited %s for %s", clusterWait, what)
			return
		}
		time.Sleep(20 * time.Millisecond) // between two looks at the condition
	}
}

// balance forwards each connection to the next coordinator that takes it.
func (c *cluster) balance() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		c.t.Fatal(err)
	}
	c.url = "http://" + l.Addr().String()
	c.t.Cleanup(func() { _ = l.Close() })
	var next atomic.Uint64
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer in.Close()
				first := next.Add(1)
				for i := range c.nodes {
					out, err := net.DialTimeout("tcp", c.nodes[(first+uint64(i))%uint64(len(c.nodes))].address(), 5*time.Second)
					if err == nil {
						join(in.(*net.TCPConn), out.(*net.TCPConn))
						return
					}
				}
			}()
		}
	}()
}

// join copies both ways until both are over.
func join(a, b *net.TCPConn) {
	defer b.Close()
	var wg sync.WaitGroup
	for _, way := range [][2]*net.TCPConn{{a, b}, {b, a}} {
		wg.Go(func() {
			_, _ = io.Copy(way[1], way[0])
			_ = way[1].CloseWrite()
		})
	}
	wg.Wait()
}

// node is one coordinator: a process with a home of its own.
type node struct {
	*cluster
	home, socket string

	mu    sync.Mutex
	cmd   *exec.Cmd
	url   string
	ended chan struct{}
	out   bytes.Buffer
}

func (n *node) config() string { return filepath.Join(n.home, "coordinator.yaml") }

// start runs it until it is ready.
func (n *node) start() {
	n.mu.Lock()
	n.out.Reset()
	cmd := exec.Command(filepath.Join(programDir, "artifacts-tui"), "coordinator", "serve", "--config", n.config())
	cmd.Env = n.env()
	cmd.Stdout, cmd.Stderr = &n.out, &n.out
	ended := make(chan struct{})
	n.cmd, n.ended = cmd, ended
	err := cmd.Start()
	n.mu.Unlock()
	if err != nil {
		n.t.Error(err)
		close(ended)
		return
	}
	go func() {
		_ = cmd.Wait()
		close(ended)
	}()
	var status struct{ URL string }
	n.await("a coordinator", func() bool {
		select {
		case <-ended:
			n.t.Errorf("a coordinator ended: %s", n.out.String())
			return true
		default:
		}
		return n.ask(http.MethodGet, "/readyz", nil, nil) == nil && n.ask(http.MethodGet, "/v1/status", nil, &status) == nil
	})
	n.mu.Lock()
	defer n.mu.Unlock()
	n.url = status.URL
}

func (n *node) env() []string {
	return []string{
		"HOME=" + n.home, "PATH=" + os.Getenv("PATH"), "TMPDIR=" + os.TempDir(),
		"BLOBS_KEY=" + clusterKey, "BLOBS_SECRET=" + clusterSecret,
	}
}

func (n *node) address() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return strings.TrimPrefix(n.url, "http://")
}

// ask sends a request to the local admin's socket.
func (n *node) ask(method, path string, body, into any) error {
	client := &http.Client{Timeout: clusterWait, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", n.socket)
		},
	}}
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	r, err := http.NewRequest(method, "http://local"+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	answer, err := client.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err = io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s %s: %s: %s", method, path, answer.Status, text)
	}
	if err == nil && into != nil {
		err = json.Unmarshal(text, into)
	}
	return err
}

// signal sends one and waits until the process is gone.
func (n *node) signal(s syscall.Signal) {
	n.mu.Lock()
	cmd, ended := n.cmd, n.ended
	n.mu.Unlock()
	if cmd == nil || cmd.Process == nil {
		return
	}
	_ = cmd.Process.Signal(s)
	select {
	case <-ended:
	case <-time.After(clusterWait):
		n.t.Errorf("a coordinator does not end at %v", s)
		_ = cmd.Process.Kill()
	}
}

func (n *node) kill() { n.signal(syscall.SIGKILL) }

// run is a command of the program at this coordinator's machine.
func (n *node) run(args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), clusterWait)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(programDir, "artifacts-tui"), args...)
	cmd.Env = n.env()
	out, err := cmd.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return string(out), err
}

// TestCluster runs the scripts of testdata/cluster, each in a home of its own, on one cluster: first
// those that look at all of its control state, then the others side by side.
// Its coordinators are $SOCKET1 to 3, what balances load between them is $URL.
func TestCluster(t *testing.T) {
	c := newCluster(t, 0)
	for _, dir := range []string{"testdata/cluster/alone", "testdata/cluster"} {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			testscript.Run(t, testscript.Params{
				Dir: dir,
				Setup: func(e *testscript.Env) error {
					if err := setUpScript(e); err != nil {
						return err
					}
					e.Setenv("URL", c.url)
					e.Setenv("ARTIFACTS_COORDINATOR", c.nodes[0].socket)
					for i, n := range c.nodes {
						e.Setenv(fmt.Sprintf("SOCKET%d", i+1), n.socket)
					}
					return nil
				},
				Condition: condition,
				Cmds:      commands,
			})
		})
	}
}
