//go:build linux

package cmd_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/moby/sys/mountinfo"
	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"

	"github.com/artifacts-tui/artifacts-tui/backend/coordinator/config"
	"github.com/artifacts-tui/artifacts-tui/internal/alone"
	"github.com/artifacts-tui/artifacts-tui/internal/pgtest"
	"github.com/artifacts-tui/artifacts-tui/internal/program"
	"github.com/artifacts-tui/artifacts-tui/mounts"
)

// programDir holds the built program under the three names it answers to.
var programDir string

// TestMain builds the real program.
func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "artifacts-test")
	if err == nil {
		err = buildProgram(dir)
	}
	code := 1
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	} else {
		programDir = dir
		// Scripts that run side by side would take the default port from each other in
		// the moment between a stop and a start.
		if taken, err := net.Listen("tcp", config.DefaultListen); err == nil {
			defer taken.Close()
		}
		code = m.Run()
	}
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

func buildProgram(dir string) error {
	if err := program.Build(dir); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "alone"), []byte(alone.Script), 0o755)
}

// TestScripts runs every script in testdata/script.
func TestScripts(t *testing.T) { runScripts(t, "testdata/script", nil) }

// TestSoakScripts runs those in testdata/soak, which take half a minute each: with SOAK_SCRIPTS, which `make soak` sets.
func TestSoakScripts(t *testing.T) {
	if os.Getenv("SOAK_SCRIPTS") == "" {
		t.Skip("make soak runs them")
	}
	runScripts(t, "testdata/soak", nil)
}

// runScripts runs every script in dir in a home of its own; more are commands beside those that all have.
func runScripts(t *testing.T, dir string, more map[string]func(*testscript.TestScript, bool, []string)) {
	commands := maps.Clone(commands)
	maps.Copy(commands, more)
	testscript.Run(t, testscript.Params{
		Dir:             dir,
		ContinueOnError: false,
		Setup: func(e *testscript.Env) error {
			e.Defer(func() { cleanUp(t, e) })
			return setUpScript(e)
		},
		Condition: condition,
		Cmds:      commands,
	})
}

// setUpScript gives a script a home of its own and the tools it uses.
func setUpScript(e *testscript.Env) error {
	home := filepath.Join(e.WorkDir, "home")
	if err := os.MkdirAll(home, 0o755); err != nil {
		return err
	}
	e.Setenv("HOME", home)
	e.Setenv("PATH", programDir+string(os.PathListSeparator)+toolDirs()+os.Getenv("PATH"))
	e.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	e.Setenv("AWS_PAGER", "")
	e.Setenv("GIT_CONFIG_GLOBAL", "/dev/null")
	python, err := filepath.Abs("testdata/python")
	if err != nil {
		return err
	}
	e.Setenv("PYTHONPATH", python)
	printed, err := filepath.Abs("testdata/printed")
	if err != nil {
		return err
	}
	e.Setenv("PRINTED", printed)
	e.Setenv("PYTHONDONTWRITEBYTECODE", "1")
	for _, v := range []string{"GOCACHE", "GOMODCACHE", "GOFLAGS", "GOTOOLCHAIN"} {
		out, err := exec.Command("go", "env", v).Output()
		if err != nil {
			return err
		}
		e.Setenv(v, strings.TrimSpace(string(out)))
	}
	e.Values[tlsProxies{}] = map[string]*tlsProxy{}
	return nil
}

// commands are those that scripts have besides.
var commands = map[string]func(*testscript.TestScript, bool, []string){
	"s3server":  s3server,
	"s3user":    s3user,
	"jsonenv":   jsonenv,
	"signal":    sendSignal,
	"await":     await,
	"secretkey": secretKey,
	"exits":     exits,
	"busyport":  busyPort,
	"dead":      dead,
	"tlsproxy":  tlsProxyCommand,
	"webproxy":  webProxyCommand,
	"pgserver":  pgServer,
}

// condition is [command:NAME]: the program has that command; or [root].
func condition(cond string) (bool, error) {
	if cond == "root" {
		return os.Geteuid() == 0, nil
	}
	name, ok := strings.CutPrefix(cond, "command:")
	if !ok {
		return false, fmt.Errorf("unknown condition %q", cond)
	}
	// The help of an unknown command is that of the program.
	help, err := exec.Command(filepath.Join(programDir, "artifacts-tui"), name, "--help").Output()
	return strings.Contains(string(help), "artifacts-tui "+name+" "), err
}

func toolDirs() string { return program.ToolDirs() }

// cleanUp ends every process and mount that a script left: mount processes and
// coordinators by the pids they tell, wherever the script moved its state root, then
// what the mount table still has.
func cleanUp(t *testing.T, e *testscript.Env) {
	for _, state := range stateRoots(e.WorkDir) {
		run := func(args ...string) []byte {
			ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
			defer cancel()
			c := exec.CommandContext(ctx, filepath.Join(programDir, "artifacts-tui"), args...)
			c.Env, c.Dir = append(slices.Clone(e.Vars), "XDG_STATE_HOME="+state), e.WorkDir
			out, _ := c.Output()
			return out
		}
		var list []mounts.Status
		_ = json.Unmarshal(run("mount", "list", "--format", "json"), &list)
		for _, m := range list {
			if !strings.HasPrefix(m.Mountpoint, e.WorkDir+"/") {
				continue // another script's, whose process was killed: this user sees it too
			}
			run("unmount", "--timeout", "1s", m.Mountpoint)
			if m.PID > 0 && alive(m.PID) {
				_ = syscall.Kill(m.PID, syscall.SIGKILL)
			}
		}
		run("coordinator", "stop")
	}
	left, err := mountinfo.GetMounts(mountinfo.PrefixFilter(e.WorkDir))
	if err != nil {
		t.Error(err)
	}
	for _, m := range left {
		abortConnection(m)
		if err := unix.Unmount(m.Mountpoint, unix.MNT_DETACH); err != nil {
			_ = exec.Command("fusermount3", "-uz", m.Mountpoint).Run()
		}
	}
}

// stateRoots are what a script's XDG_STATE_HOME was: the default, or $WORK/s where it
// moved the roots. No search: that would walk into mounts.
func stateRoots(dir string) (roots []string) {
	for _, root := range []string{filepath.Join(dir, "home/.local/state"), filepath.Join(dir, "s")} {
		if _, err := os.Stat(filepath.Join(root, "tonbo", "artifacts")); err == nil {
			roots = append(roots, root)
		}
	}
	return roots
}

// abortConnection frees whatever hangs on a FUSE mount whose process is gone.
func abortConnection(m *mountinfo.Info) {
	_ = os.WriteFile(fmt.Sprintf("/sys/fs/fuse/connections/%d/abort", m.Minor), []byte("1"), 0)
}

// s3server starts versitygw over $WORK/NAME and sets NAME_ENDPOINT and NAME_PID. Its access log is
// $WORK/NAME.log. The pair is that of its administrator; s3user makes others.
// Usage: s3server NAME ACCESS SECRET BUCKET
func s3server(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 4 {
		ts.Fatalf("usage: s3server NAME ACCESS SECRET BUCKET")
	}
	name, access, secret, bucket := args[0], args[1], args[2], args[3]
	root := ts.MkAbs(name)
	ts.Check(os.MkdirAll(filepath.Join(root, bucket), 0o755))
	program, err := exec.LookPath("versitygw")
	if err != nil {
		program = filepath.Join(os.Getenv("ARTIFACTS_TEST_TOOLS"), "versitygw")
	}
	address := freeAddress(ts)
	ts.Check(os.MkdirAll(root+"-iam", 0o755))
	// The access log says who signed each request; accounts are looked up each time.
	c := exec.Command(program, "--port", address, "--iam-dir", root+"-iam", "--iam-cache-disable", "--access-log", root+".log", "posix", root)
	c.Env = append(os.Environ(), "ROOT_ACCESS_KEY="+access, "ROOT_SECRET_KEY="+secret)
	c.Stdout, c.Stderr = nil, nil
	if err := c.Start(); err != nil {
		ts.Fatalf("versitygw (make test builds it): %v", err)
	}
	ts.Defer(func() {
		_ = c.Process.Kill()
		_ = c.Wait()
	})
	awaitFor(ts, 10*time.Second, "versitygw to listen", func() bool {
		conn, err := net.DialTimeout("tcp", address, time.Second)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	})
	ts.Setenv(name+"_ENDPOINT", "http://"+address)
	ts.Setenv(name+"_ADMIN", access+" "+secret)
	ts.Setenv(name+"_PID", strconv.Itoa(c.Process.Pid))
}

// pgServer starts PostgreSQL with an empty database and sets NAME_URL. Usage: pgserver NAME
func pgServer(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: pgserver NAME")
	}
	s, err := pgtest.New()
	ts.Check(err)
	ts.Defer(s.Close)
	url, err := s.NewDatabase()
	ts.Check(err)
	ts.Setenv(args[0]+"_URL", url)
}

// s3user makes or deletes an account of a server that s3server started; it may use every bucket.
// Usage: s3user SERVER add KEY SECRET, or s3user SERVER delete KEY
func s3user(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: s3user SERVER add|delete KEY [SECRET]")
	}
	access, secret, _ := strings.Cut(ts.Getenv(args[0]+"_ADMIN"), " ")
	command := []string{"admin", "--access", access, "--secret", secret, "--endpoint-url", ts.Getenv(args[0] + "_ENDPOINT")}
	switch {
	case args[1] == "add" && len(args) == 4:
		command = append(command, "create-user", "--access", args[2], "--secret", args[3], "--role", "admin")
	case args[1] == "delete" && len(args) == 3:
		command = append(command, "delete-user", "--access", args[2])
	default:
		ts.Fatalf("usage: s3user SERVER add|delete KEY [SECRET]")
	}
	ts.Check(ts.Exec("versitygw", command...))
}

// freeAddress is one that nobody listened on a moment ago.
func freeAddress(ts *testscript.TestScript) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	defer l.Close()
	return l.Addr().String()
}

// jsonenv sets a variable from the last command's JSON output.
// Usage: jsonenv VARIABLE PATH, a path such as mounts.0.pid
func jsonenv(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: jsonenv VARIABLE PATH")
	}
	var v any
	d := json.NewDecoder(strings.NewReader(ts.ReadFile("stdout")))
	d.UseNumber()
	ts.Check(d.Decode(&v))
	for _, step := range strings.Split(args[1], ".") {
		switch at := v.(type) {
		case map[string]any:
			v = at[step]
		case []any:
			i, err := strconv.Atoi(step)
			ts.Check(err)
			if i >= len(at) {
				ts.Fatalf("%s: %d elements", args[1], len(at))
			}
			v = at[i]
		}
	}
	if v == nil {
		ts.Fatalf("no %s in %s", args[1], ts.ReadFile("stdout"))
	}
	ts.Setenv(args[0], fmt.Sprint(v))
}

// sendSignal signals a process and, where it is KILL, waits until it is gone.
// Usage: signal KILL|TERM|INT PID
func sendSignal(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: signal NAME PID")
	}
	pid, err := strconv.Atoi(args[1])
	ts.Check(err)
	if pid <= 1 {
		ts.Fatalf("refusing to signal %d", pid)
	}
	ts.Check(syscall.Kill(pid, unix.SignalNum("SIG"+args[0])))
	if args[0] != "KILL" {
		return
	}
	awaitFor(ts, 10*time.Second, "the process to end", func() bool { return !alive(pid) })
}

// dead wants a process to have ended; a zombie that nobody reaped has. Usage: dead PID
func dead(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: dead PID")
	}
	pid, err := strconv.Atoi(args[0])
	ts.Check(err)
	if neg {
		if !alive(pid) {
			ts.Fatalf("process %d is dead", pid)
		}
		return
	}
	// A signal is sent before it arrives.
	awaitFor(ts, 10*time.Second, fmt.Sprintf("process %d to end", pid), func() bool { return !alive(pid) })
}

// alive reports whether pid runs; a zombie that its parent has not reaped does not.
func alive(pid int) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	return !strings.HasPrefix(rest, "Z")
}

// exits runs a command and wants exactly that exit code. Usage: exits CODE COMMAND [ARG...]
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND [ARG...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	var exit *exec.ExitError
	got := 0
	if errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// busyPort keeps a port of 127.0.0.1 for itself, answering nobody, and sets a
// variable to the address. Usage: busyport VARIABLE [ADDRESS or http://ADDRESS]
func busyPort(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: busyport VARIABLE [ADDRESS]")
	}
	address := "127.0.0.1:0"
	if len(args) == 2 {
		address = strings.TrimPrefix(args[1], "http://")
	}
	l, err := net.Listen("tcp", address)
	ts.Check(err)
	ts.Defer(func() { _ = l.Close() })
	ts.Setenv(args[0], l.Addr().String())
}

// await runs a command until it succeeds (or, negated, fails), for 30 s at most.
// Usage: await COMMAND [ARG...]
func await(ts *testscript.TestScript, neg bool, args []string) {
	awaitFor(ts, 30*time.Second, strings.Join(args, " "), func() bool { return (ts.Exec(args[0], args[1:]...) == nil) != neg })
}

func awaitFor(ts *testscript.TestScript, limit time.Duration, what string, ok func() bool) {
	for deadline := time.Now().Add(limit); !ok(); {
		if time.Now().After(deadline) {
			ts.Fatalf("waited %s for %s", limit, what)
		}
		time.Sleep(20 * time.Millisecond) // between two looks at the condition
	}
}

// secretKey sets a variable to the secret access key of a managed workspace's pair,
// which no command prints, straight from the coordinator.
// Usage: secretkey WORKSPACE
func secretKey(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: secretkey WORKSPACE")
	}
	socket := filepath.Join(ts.Getenv("HOME"), ".local/state/tonbo/artifacts/coordinator.sock")
	if one := ts.Getenv("SOCKET1"); one != "" { // of a cluster
		socket = one
	}
	conn, err := net.Dial("unix", socket)
	ts.Check(err)
	defer conn.Close()
	fmt.Fprintf(conn, "POST /v1/workspaces/%s/session HTTP/1.0\r\nContent-Length: 2\r\n\r\n{}", args[0])
	r := bufio.NewReader(conn)
	for {
		line, err := r.ReadString('\n')
		ts.Check(err)
		if strings.TrimSpace(line) == "" {
			break
		}
	}
	var s struct {
		AccessKeyID     string `json:"access_key_id"`
		SecretAccessKey string `json:"secret_access_key"`
		Workspace       struct{ Prefix string }
	}
	ts.Check(json.NewDecoder(r).Decode(&s))
	ts.Setenv("PAIR_KEY", s.AccessKeyID)
	ts.Setenv("PAIR_SECRET", s.SecretAccessKey)
	ts.Setenv("PAIR_PREFIX", s.Workspace.Prefix)
}
