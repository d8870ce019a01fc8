package mounts

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// Unmount detaches a mount and waits until the store has every closed write; the Drain
// it returns is then zero (SPEC D1). fault.Conflict: programs use it, which are named where
// this user may see them; nothing has changed. With opt.Lazy it is detached all the same,
// the Drain is what goes on in the background, and the process ends when the last file is
// closed and everything is in the store. fault.Pending: it is unmounted, what could not be uploaded in time is kept and
// goes up with the next mount (SPEC C5). When ctx ends the mount process drains on by itself.
func (m *Manager) Unmount(ctx context.Context, mountpointOrWorkspace string, opt UnmountOptions) (Drain, error) {
	s, err := m.Find(ctx, mountpointOrWorkspace)
	if err != nil {
		return Drain{}, err
	}
	if s.Unmounted {
		return Drain{}, fault.New(fault.Pending, "run 'artifacts mount repair "+s.Workspace+"' to upload what is missing in the store",
			"workspace %s is not mounted any more; what it had not uploaded is kept", s.Workspace)
	}
	if s.Health == Stale {
		return m.unmountStale(ctx, s)
	}
	if s.PID == 0 {
		return Drain{}, fault.New(fault.Failure,
			"its log is "+s.Log+"; as a last resort kill the process and run 'artifacts mount repair'",
			"the process that serves %s does not answer", s.Mountpoint)
	}
	var d Drain
	for begin := time.Now(); ; {
		d, err = dialControl(SocketPath(m.roots, s.ID)).drain(ctx, "unmount",
			DrainRequest{TimeoutSeconds: opt.Timeout.Seconds(), Lazy: opt.Lazy}, opt.Progress)
		if !fault.Is(err, fault.Conflict) {
			break
		}
		if err = inUse(err, s.Mountpoint); fault.As(err).Fields != nil || time.Since(begin) > endingHolder {
			return d, err
		}
		select {
		case <-time.After(askHolderAgain):
		case <-ctx.Done():
			return d, err
		}
	}
	if errors.Is(err, errNoProcess) { // it finished between the two questions
		return Drain{}, nil
	}
	return d, err
}

// Who keeps a mount in use and shows nowhere is mostly a program that is ending: its working
// directory is gone from /proc before the kernel has let go of it.
const (
	endingHolder   = 2 * time.Second
	askHolderAgain = 50 * time.Millisecond
)

// inUse names the programs that keep a mount in use, where that can be seen.
func inUse(err error, mountpoint string) error {
	list := holders(mountpoint)
	who := naming(list)
	if who == "" {
		return err
	}
	e := fault.New(fault.Conflict, fault.As(err).Hint, "%s is in use by %s", mountpoint, who)
	e.Fields = map[string]any{"holders": list}
	return e
}

// Drain waits until the store has every closed write of a mount, which stays: the result is
// then zero. fault.Pending: not within opt.Timeout.
func (m *Manager) Drain(ctx context.Context, mountpointOrWorkspace string, opt UnmountOptions) (Drain, error) {
	s, err := m.Find(ctx, mountpointOrWorkspace)
	if err != nil {
		return Drain{}, err
	}
	return dialControl(SocketPath(m.roots, s.ID)).drain(ctx, "drain", DrainRequest{TimeoutSeconds: opt.Timeout.Seconds()}, opt.Progress)
}

// Refresh makes a mount list its directories again when they are next used: those at and
// below path, relative to the mountpoint, "" for all. What is not uploaded yet stays.
func (m *Manager) Refresh(ctx context.Context, mountpointOrWorkspace, path string) error {
	s, err := m.Find(ctx, mountpointOrWorkspace)
	if err != nil {
		return err
	}
	return m.noAnswer(dialControl(SocketPath(m.roots, s.ID)).post(ctx, "refresh", RefreshRequest{Path: path}), s)
}

// unmountStale detaches what a dead process left. Only the next mount can tell what of
// its staged files the store has, so any there are is reported as pending.
func (m *Manager) unmountStale(ctx context.Context, s Status) (Drain, error) {
	if err := removeStale(ctx, s.Mountpoint); err != nil {
		return Drain{}, err
	}
	staged, err := os.ReadDir(filepath.Join(StagingDir(m.roots, s.ID), "data"))
	if err != nil || len(staged) == 0 {
		return Drain{}, nil
	}
	return Drain{Queued: len(staged)}, fault.New(fault.Pending,
		"run 'artifacts mount "+s.Workspace+" "+s.Mountpoint+"' to upload what is missing in the store",
		"the mount process had died; its %d staged files are kept", len(staged))
}
