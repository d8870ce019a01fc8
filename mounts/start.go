package mounts

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"github.com/artifacts-tui/artifacts-tui/internal/childenv"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/internal/xdg"
)

// logMax is the size in bytes past which a log is set aside when its mount starts.
const logMax = 4 << 20

// start runs a mount process and waits for its answer. What it serves and the keys go
// through a pipe, never through its arguments, environment or a file (SPEC A35).
func (m *Manager) start(ctx context.Context, s Start) (Status, error) {
	if err := m.makeFolders(s.Spec.ID); err != nil {
		return Status{}, err
	}
	log, err := openLog(LogPath(m.roots, s.Spec.ID))
	if err != nil {
		return Status{}, fault.Wrap(fault.Failure, err, "", "cannot open the mount's log")
	}
	defer log.Close()
	s.Log = log.Name()
	p, err := m.spawn(s, log)
	if err != nil {
		return Status{}, err
	}
	defer p.answers.Close()
	defer p.start.Close()
	return p.ready(ctx, s)
}

func (m *Manager) makeFolders(id string) error {
	for _, dir := range []string{m.roots.State, RunDir(m.roots), filepath.Dir(LogPath(m.roots, id))} {
		if err := xdg.Ensure(dir, "", nil); err != nil {
			return fault.Wrap(fault.Failure, err, "check the permissions and the free space of "+dir, "cannot make a folder")
		}
	}
	return nil
}

// child is a mount process that this one started.
type child struct {
	cmd     *exec.Cmd
	start   *os.File // where it reads its Start
	answers *os.File // where it writes its Answers
	ended   chan struct{}
}

// spawn runs the program as a mount process whose log goes to log.
func (m *Manager) spawn(s Start, log *os.File) (*child, error) {
	told, tell, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	hear, say, err := os.Pipe()
	if err != nil {
		told.Close()
		tell.Close()
		return nil, err
	}
	cmd := exec.Command(m.program(), DaemonCommand)
	cmd.Dir = "/" // never the working directory on a mount
	cmd.Env = childenv.Scrubbed(os.Environ())
	cmd.Stdout, cmd.Stderr = log, log
	cmd.ExtraFiles = []*os.File{told, say} // StartFD, AnswerFD
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	err = cmd.Start()
	told.Close()
	say.Close()
	if err != nil {
		tell.Close()
		hear.Close()
		return nil, fault.Wrap(fault.Failure, err, "", "cannot start the mount process")
	}
	p := &child{cmd: cmd, start: tell, answers: hear, ended: make(chan struct{})}
	go func() {
		_ = cmd.Wait() // the process may outlive us; this only reaps it where it does not
		close(p.ended)
	}()
	return p, nil
}

// ready tells the process what to do and waits until the mount is usable. When ctx ends
// before, the mount is given up.
func (p *child) ready(ctx context.Context, s Start) (Status, error) {
	stop := context.AfterFunc(ctx, func() {
		_ = p.cmd.Process.Signal(syscall.SIGTERM)
		_ = p.start.SetWriteDeadline(time.Now())
	})
	defer stop()
	_ = s.Send(p.start) // where that fails there is no answer
	status, err := receive(p.answers)
	if errors.Is(err, errNoAnswer) {
		if ctx.Err() != nil {
			return Status{}, ctx.Err()
		}
		hint := ""
		if s.Log != "" {
			hint = "its log is " + s.Log
		}
		return Status{}, fault.New(fault.Failure, hint, "%v%s", err, p.exitState())
	}
	if err == nil && ctx.Err() != nil { // it was told to end just as it was ready
		return Status{}, ctx.Err()
	}
	return status, err
}

// receive reads the next answer, a line.
func receive(r io.Reader) (Status, error) {
	a, ok := readAnswer(r)
	if !ok {
		return Status{}, errNoAnswer
	}
	if a.Error != nil {
		return Status{}, a.Error.Fault()
	}
	if a.Status == nil {
		return Status{}, errNoAnswer
	}
	return *a.Status, nil
}

// readAnswer reads one line byte by byte: what follows is for the next reader.
func readAnswer(r io.Reader) (a Answer, ok bool) {
	var line []byte
	for b := make([]byte, 1); ; {
		n, err := r.Read(b)
		if n == 1 && b[0] == '\n' {
			return a, json.Unmarshal(line, &a) == nil
		}
		if err != nil {
			return a, false
		}
		line = append(line, b[:n]...)
	}
}

// exitState is how the process ended, where it does so within a moment.
func (p *child) exitState() string {
	select {
	case <-p.ended:
		if state := p.cmd.ProcessState; state != nil && !state.Success() {
			return " (" + state.String() + ")"
		}
	case <-time.After(time.Second):
	}
	return ""
}

// program is what to run: the own file where it still has a name, or the running
// program itself, which an update may have unlinked.
func (m *Manager) program() string {
	if m.exe != "" {
		return m.exe
	}
	exe, err := os.Executable()
	if err == nil {
		_, err = os.Stat(exe)
	}
	if err != nil && runtime.GOOS == "linux" {
		return "/proc/self/exe"
	}
	return exe
}

func openLog(path string) (*os.File, error) {
	if info, err := os.Stat(path); err == nil && info.Size() > logMax {
		if err := os.Rename(path, path+".1"); err != nil {
			return nil, err
		}
	}
	return os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND|syscall.O_NOFOLLOW, 0o600)
}
