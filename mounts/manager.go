package mounts

import (
	"context"
	"errors"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/internal/xdg"
	"github.com/artifacts-tui/artifacts-tui/keyring"
)

// DaemonCommand is the hidden subcommand under which the program runs as a mount
// process. It takes no arguments: all it needs comes through a pipe.
const DaemonCommand = "mountd-internal"

// Manager starts, finds and stops mount processes. It keeps no state: what it says
// comes from the processes themselves and from the kernel's mount table.
type Manager struct {
	roots xdg.Roots
	exe   string
}

// NewManager returns a Manager whose mount processes run exe with DaemonCommand
// (empty: the program itself) and keep their files under roots.
func NewManager(roots xdg.Roots, exe string) *Manager { return &Manager{roots: roots, exe: exe} }

// Mount starts a process that serves spec and returns once the mount is usable. A stale
// mount at the mountpoint is removed first (SPEC C7). Errors are faults: Conflict (mounted
// already), Auth, NotFound, Unreachable, Usage; nothing is left half done. When ctx
// ends before the mount is usable, it is given up.
func (m *Manager) Mount(ctx context.Context, spec Spec, creds keyring.Credentials) (Status, error) {
	start, err := m.prepare(ctx, spec, creds)
	if err != nil {
		return Status{}, err
	}
	return m.start(ctx, start)
}

// prepare makes way for a mount.
func (m *Manager) prepare(ctx context.Context, spec Spec, creds keyring.Credentials) (Start, error) {
	var err error
	if spec.Mountpoint, err = realPath(spec.Mountpoint); err != nil {
		return Start{}, err
	}
	if err := m.makeWay(ctx, spec); err != nil {
		return Start{}, err
	}
	return Start{Spec: spec, Roots: m.roots, Credentials: creds}, nil
}

// makeWay refuses a double mount and removes a stale one.
func (m *Manager) makeWay(ctx context.Context, spec Spec) error {
	list, err := m.List(ctx)
	if err != nil {
		return err
	}
	for _, s := range list {
		switch {
		case s.Unmounted: // the mount goes on with what is left
		case s.Health == Stale && (s.Mountpoint == spec.Mountpoint || s.ID == spec.ID):
			if err := removeStale(ctx, s.Mountpoint); err != nil {
				return err
			}
		case s.Mountpoint == spec.Mountpoint && s.Health != Draining:
			return alreadyMounted(spec.Mountpoint)
		case s.ID == spec.ID && s.Health == Draining:
			return fault.New(fault.Conflict, "wait until 'artifacts mount list' no longer shows it",
				"workspace %s is still uploading what was written at %s", s.Workspace, s.Mountpoint)
		case s.ID == spec.ID:
			return fault.New(fault.Conflict, "run 'artifacts unmount "+s.Mountpoint+"' first",
				"workspace %s is already mounted at %s", s.Workspace, s.Mountpoint)
		}
	}
	return CheckFree(spec.Mountpoint)
}

// CheckFree refuses a path at which something is mounted already (SPEC C4).
func CheckFree(path string) error {
	mounted, err := isMountpoint(path)
	if err == nil && mounted {
		err = alreadyMounted(path)
	}
	return err
}

// alreadyMounted is SPEC C4's message, word for word.
func alreadyMounted(mountpoint string) error {
	return fault.New(fault.Conflict, "", "path %s is already a mount point; run 'artifacts unmount %s' first", mountpoint, mountpoint)
}

var errNoAnswer = errors.New("the mount process ended without saying why")
