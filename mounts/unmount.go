package mounts

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// Unmount detaches a mount and waits until the store has every closed write; the Drain
// it returns is then zero (SPEC D1). fault.Conflict: programs use it, nothing has
// changed. fault.Pending: it is unmounted, what could not be uploaded in time is kept and
// goes up with the next mount (SPEC C5). When ctx ends the mount process drains on by itself.
func (m *Manager) Unmount(ctx context.Context, mountpointOrWorkspace string, opt UnmountOptions) (Drain, error) {
	s, err := m.Find(ctx, mountpointOrWorkspace)
	if err != nil {
		return Drain{}, err
	}
	if s.Health == Stale {
		return m.unmountStale(ctx, s)
	}
	if s.PID == 0 {
		return Drain{}, fault.New(fault.Failure,
			"its log is "+s.Log+"; as a last resort kill the process and run 'artifacts mount repair'",
			"the process that serves %s does not answer", s.Mountpoint)
	}
	d, err := dialControl(SocketPath(m.roots, s.ID)).drain(ctx, "unmount",
		DrainRequest{TimeoutSeconds: opt.Timeout.Seconds()}, opt.Progress)
	if errors.Is(err, errNoProcess) { // it finished between the two questions
		return Drain{}, nil
	}
	return d, err
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
