package mountd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/mounts"
)

// Main is the body of mounts.DaemonCommand. It reads a mounts.Start from descriptor 3,
// answers on descriptor 4 once the mount is usable or why it is not, and again when the
// mount is gone and drained. Only a Manager starts it.
func Main() error {
	// Before anything is mounted: a process that dies on a signal while it is reading
	// its own mount cannot be removed without aborting the connection.
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	signal.Ignore(syscall.SIGHUP, syscall.SIGPIPE)

	for _, fd := range []int{mounts.StartFD, mounts.AnswerFD} {
		if _, err := unix.FcntlInt(uintptr(fd), unix.F_SETFD, unix.FD_CLOEXEC); err != nil {
			return fault.New(fault.Usage, "use 'artifacts mount'", "%s is started by the program itself", mounts.DaemonCommand)
		}
	}
	in, out := os.NewFile(mounts.StartFD, "start"), os.NewFile(mounts.AnswerFD, "answer")
	start, err := mounts.ReceiveStart(in)
	if err != nil {
		return err
	}
	orphaned := make(chan struct{})
	if start.Log != "" {
		in.Close()
	} else {
		go func() {
			_, _ = io.Copy(io.Discard, in)
			close(orphaned)
		}()
	}
	scrub()
	harden()
	log := slog.New(slog.NewTextHandler(os.Stderr, nil)).With("workspace", start.Spec.Workspace, "pid", os.Getpid())

	if start.Trace {
		start.Spec.Web.Trace = func(line string) { log.Info("request", "trace", line) }
	}

	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	stopped := make(chan struct{})
	go func() { // until the mount is ready a signal gives it up
		select {
		case s := <-signals:
			signals <- s
			cancel()
		case <-stopped:
		}
	}()
	d, err := open(ctx, start, log)
	close(stopped)
	if err != nil {
		log.Error("not mounted", "err", err)
		answer(out, mounts.Answer{Error: mounts.NewWireError(err)})
		return err
	}
	status := d.status()
	log.Info("mounted", "mountpoint", start.Spec.Mountpoint, "bucket", start.Spec.Bucket, "prefix", start.Spec.Prefix)
	answer(out, mounts.Answer{Status: &status})
	go func() { // the first look at the root finds it known, also where the store goes away
		_, _ = d.upper.ReadDir(ctx, d.upper.Root())
	}()
	err = d.run(signals, orphaned)
	answer(out, mounts.Answer{Error: mounts.NewWireError(err)})
	if err != nil {
		log.Error("ended with data left", "err", err)
	} else {
		log.Info("ended, everything is in the store")
	}
	return err
}

func answer(out *os.File, a mounts.Answer) {
	_ = json.NewEncoder(out).Encode(a) // who asked may be gone; the mount stays
}

// scrub drops variables that would reach into libraries: rclone's and the AWS SDK's.
func scrub() {
	for _, pair := range os.Environ() {
		name, _, _ := strings.Cut(pair, "=")
		if strings.HasPrefix(name, "RCLONE_") || strings.HasPrefix(name, "AWS_") && name != "AWS_CA_BUNDLE" {
			os.Unsetenv(name)
		}
	}
}

// harden keeps the process's memory out of core files. It stays dumpable until it has
// mounted, which fusermount3 needs.
func harden() {
	_ = unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{})
	var files unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &files) == nil {
		files.Cur = files.Max
		_ = unix.Setrlimit(unix.RLIMIT_NOFILE, &files)
	}
}

// hinted gives an error of starting up its kind and hint where it has none.
func hinted(err error, start mounts.Start) error {
	var known *fault.Error
	switch {
	case errors.As(err, &known), errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, unix.ENOSPC), errors.Is(err, unix.EDQUOT):
		return fault.Wrap(fault.Failure, err, "free some space below "+start.Roots.State+" and "+start.Roots.Cache, "the disk is full")
	case errors.Is(err, unix.EACCES), errors.Is(err, unix.EPERM), errors.Is(err, unix.EROFS):
		return fault.Wrap(fault.Auth, err, "check the permissions of "+start.Roots.State, "cannot mount")
	}
	hint := ""
	if start.Log != "" {
		hint = "its log is " + start.Log
	}
	return fault.Wrap(fault.Failure, err, hint, "cannot mount")
}

// since is a duration for people.
func since(t time.Time) string { return fmt.Sprint(time.Since(t).Round(time.Second)) }

// CheckLayer is a fault that says what this machine lacks to mount anything at all; nil where it lacks nothing.
func CheckLayer() error { return checkLayer() }
