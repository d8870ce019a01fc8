package mounts

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
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
	for _, dir := range []string{m.roots.State, RunDir(m.roots), filepath.Dir(LogPath(m.roots, s.Spec.ID))} {
		if err := xdg.Ensure(dir, "", nil); err != nil {
			return Status{}, fault.Wrap(fault.Failure, err, "check the permissions and the free space of "+dir, "cannot make a folder")
		}
	}
	log, err := openLog(LogPath(m.roots, s.Spec.ID))
	if err != nil {
		return Status{}, fault.Wrap(fault.Failure, err, "", "cannot open the mount's log")
	}
	defer log.Close()
	told, tell, err := os.Pipe()
	if err != nil {
		return Status{}, err
	}
	defer tell.Close()
	hear, say, err := os.Pipe()
	if err != nil {
		told.Close()
		return Status{}, err
	}
	defer hear.Close()

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
		return Status{}, fault.Wrap(fault.Failure, err, "", "cannot start the mount process")
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }() // the process outlives us; this only reaps it where it does not

	stop := context.AfterFunc(ctx, func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = tell.SetWriteDeadline(time.Now())
	})
	defer stop()
	if err := s.Send(tell); err == nil {
		tell.Close()
	}
	status, err := receive(hear)
	if errors.Is(err, errNoAnswer) {
		if ctx.Err() != nil {
			return Status{}, ctx.Err()
		}
		return Status{}, fault.New(fault.Failure, "its log is "+LogPath(m.roots, s.Spec.ID), "%v%s", err, exitState(ended))
	}
	if err == nil && ctx.Err() != nil { // it was told to end just as it was ready
		return Status{}, ctx.Err()
	}
	return status, err
}

func receive(r io.Reader) (Status, error) {
	var a Answer
	if err := json.NewDecoder(r).Decode(&a); err != nil {
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

func exitState(ended <-chan error) string {
	select {
	case err := <-ended:
		if err != nil {
			return " (" + err.Error() + ")"
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
	if exe, err := os.Executable(); err == nil {
		if _, err := os.Stat(exe); err == nil {
			return exe
		}
	}
	return "/proc/self/exe"
}

func openLog(path string) (*os.File, error) {
	if info, err := os.Stat(path); err == nil && info.Size() > logMax {
		if err := os.Rename(path, path+".1"); err != nil {
			return nil, err
		}
	}
	return os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND|syscall.O_NOFOLLOW, 0o600)
}
