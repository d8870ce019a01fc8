package mounts

import (
	"context"
	"errors"

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

var errNotYet = errors.New("not built yet")

// Mount starts a process that serves spec and returns once the mount is usable.
func (m *Manager) Mount(ctx context.Context, spec Spec, creds keyring.Credentials) (Status, error) {
	return Status{}, errNotYet
}

// List returns every mount of this user's, stale ones included, ordered by mountpoint.
func (m *Manager) List(ctx context.Context) ([]Status, error) { return nil, errNotYet }

// Find returns the mount at a mountpoint or of a workspace (its name or id).
func (m *Manager) Find(ctx context.Context, mountpointOrWorkspace string) (Status, error) {
	return Status{}, errNotYet
}

// Unmount detaches a mount and waits until the store has every closed write.
func (m *Manager) Unmount(ctx context.Context, mountpointOrWorkspace string, opt UnmountOptions) (Drain, error) {
	return Drain{}, errNotYet
}

// Watch sends whenever the mounts may have changed, until ctx ends.
func (m *Manager) Watch(ctx context.Context) <-chan struct{} { return make(chan struct{}) }
