// Package embedded runs a coordinator of the user's own as a process beside the
// commands: it starts one where none answers, finds it again, and stops it.
package embedded

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/artifacts-tui/artifacts-tui/backend/coordinator"
	"github.com/artifacts-tui/artifacts-tui/backend/coordinator/client"
	"github.com/artifacts-tui/artifacts-tui/internal/childenv"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/internal/xdg"
)

// Flag makes `coordinator serve` the embedded one: it takes its folders from the
// XDG roots, another port where the wanted one is taken, and tells the
// descriptor ReadyFD once it answers.
const Flag = "embedded"

// ReadyFD is the descriptor that the started process writes one JSON line to.
const ReadyFD = 3

// startTimeout bounds a start. An index of a million objects opens in well under
// a second; a sweep of orphans runs beside it.
const startTimeout = 30 * time.Second

// Socket is where the local coordinator listens for its admin (SPEC B21).
func Socket(roots xdg.Roots) string { return filepath.Join(roots.State, "coordinator.sock") }

// DataDir is the embedded coordinator's store.
func DataDir(roots xdg.Roots) string { return filepath.Join(roots.Data, "coordinator") }

// LogFile is the embedded coordinator's log.
func LogFile(roots xdg.Roots) string { return filepath.Join(roots.Cache, "logs", "coordinator.log") }

// Ready is what the started process says: one of the two.
type Ready struct {
	Status *coordinator.Status `json:"status,omitempty"`
	Error  *Failure            `json:"error,omitempty"`
}

// Failure is a fault.Error on the wire.
type Failure struct{ Code, Message, Hint string }

// Ensure returns the coordinator that answers on the local socket, and starts
// one with exe where none does. Several callers at once start one alone.
func Ensure(ctx context.Context, roots xdg.Roots, exe string) (coordinator.Status, error) {
	local := client.Local(Socket(roots))
	defer local.Close()
	if s, err := local.Status(ctx); err == nil || !fault.Is(err, fault.Unreachable) {
		return s, err
	}
	unlock, err := lock(ctx, filepath.Join(roots.State, "coordinator.lock"))
	if err != nil {
		return coordinator.Status{}, err
	}
	defer unlock()
	if s, err := local.Status(ctx); err == nil { // another caller was faster
		return s, nil
	}
	return start(ctx, roots, exe)
}

func start(ctx context.Context, roots xdg.Roots, exe string) (coordinator.Status, error) {
	var none coordinator.Status
	logPath := LogFile(roots)
	log, err := openLog(logPath)
	if err != nil {
		return none, fault.Wrap(fault.Failure, err, "make the folder writable", "log of the coordinator")
	}
	defer log.Close()
	r, w, err := os.Pipe()
	if err != nil {
		return none, err
	}
	defer r.Close()
	// Not CommandContext: the coordinator outlives the command that started it.
	cmd := exec.Command(exe, "coordinator", "serve", "--"+Flag)
	cmd.Env = childenv.Scrubbed(os.Environ())
	cmd.Dir = "/"
	cmd.Stdout, cmd.Stderr = log, log
	cmd.ExtraFiles = []*os.File{w} // becomes ReadyFD
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		_ = w.Close()
		return none, fault.Wrap(fault.Failure, err, "", "cannot start the embedded coordinator")
	}
	_ = w.Close()
	exited := make(chan struct{})
	go func() { _ = cmd.Wait(); close(exited) }()

	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	defer context.AfterFunc(ctx, func() { _ = r.SetReadDeadline(time.Now()) })()
	line, err := bufio.NewReader(r).ReadBytes('\n')
	var ready Ready
	switch {
	case err == nil && json.Unmarshal(line, &ready) == nil && ready.Status != nil:
		return *ready.Status, nil
	case ready.Error != nil:
		return none, fault.New(fault.KindOfCode(ready.Error.Code), ready.Error.Hint, "%s", ready.Error.Message)
	case errors.Is(err, io.EOF):
		<-exited
		return none, fault.New(fault.Failure, "its log says why: "+logPath, "the embedded coordinator ended at once (%s)", cmd.ProcessState)
	default:
		_ = cmd.Process.Kill()
		if errors.Is(context.Cause(ctx), context.Canceled) {
			return none, context.Canceled
		}
		return none, fault.New(fault.Unreachable, "its log says why: "+logPath, "the embedded coordinator did not answer within %s", startTimeout)
	}
}

func openLog(path string) (*os.File, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	return os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
}

// lock waits for the start lock until ctx ends.
func lock(ctx context.Context, path string) (func(), error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fault.Wrap(fault.Failure, err, "make the folder writable", "state root")
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fault.Wrap(fault.Failure, err, "make the folder writable", "state root")
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		switch {
		case err == nil:
			return func() { _ = f.Close() }, nil
		case !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR):
			_ = f.Close()
			return nil, err
		}
		select {
		case <-ctx.Done():
			_ = f.Close()
			return nil, ctx.Err()
		case <-tick.C:
		}
	}
}

// Stop ends the coordinator that answers on the local socket and waits until
// its process is gone. It returns fault.NotFound where none runs.
func Stop(ctx context.Context, roots xdg.Roots) error {
	local := client.Local(Socket(roots))
	defer local.Close()
	pid, err := local.Stop(ctx)
	if fault.Is(err, fault.Unreachable) {
		return fault.New(fault.NotFound, "", "no coordinator runs")
	}
	if err != nil {
		return err
	}
	return ended(ctx, pid)
}
