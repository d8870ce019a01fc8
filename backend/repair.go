package backend

import (
	"context"
	"os"
	"path/filepath"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/mounts"
)

// Repaired is what a repair did for one workspace (SPEC C7).
type Repaired struct {
	Workspace  string `json:"workspace"`
	Mountpoint string `json:"mountpoint,omitempty"` // where it is mounted again; empty: it was not, and is not
	mounts.Drain
	Files []mounts.Quarantined `json:"set_aside,omitempty"` // in quarantine, from this crash or an earlier one
}

// Stale names the workspaces whose mount process is gone, and left something to go on with.
func (a *App) Stale(ctx context.Context) ([]string, error) {
	list, err := a.mounts.List(ctx)
	var names []string
	for _, m := range list {
		if m.Health == mounts.Stale && !m.Foreign() {
			names = append(names, m.Workspace)
		}
	}
	return names, err
}

// Repair brings a workspace back after its mount process died, by name or mountpoint: the
// stale mountpoint goes and is mounted again as it was, what was not uploaded is, and what is in
// doubt is named. A workspace that is not mounted is mounted nowhere in particular for as
// long as its uploads take. The error is fault.Pending where some are left.
func (a *App) Repair(ctx context.Context, where string, opt mounts.UnmountOptions) (Repaired, error) {
	abs, err := filepath.Abs(where)
	if err != nil {
		return Repaired{}, err
	}
	m, err := a.mounts.Find(ctx, abs)
	if fault.Is(err, fault.NotFound) {
		m, err = a.mounts.Find(ctx, where)
	}
	switch {
	case fault.Is(err, fault.NotFound):
		return a.repairUnmounted(ctx, where, opt)
	case err != nil:
		return Repaired{}, err
	case m.Unmounted:
		return a.through(m.Coordinator).repairUnmounted(ctx, m.Workspace, opt)
	case m.Health == mounts.Stale:
		if m, err = a.through(m.Coordinator).Mount(ctx, MountRequest{Workspace: m.Workspace, Mountpoint: m.Mountpoint, ReadOnly: m.ReadOnly, CredentialProfile: m.CredentialProfile, Options: m.Options}); err != nil {
			return Repaired{}, err
		}
	}
	left, err := a.mounts.Drain(ctx, m.ID, opt)
	files, qerr := a.mounts.Quarantine(m.ID)
	if err == nil {
		err = qerr
	}
	return Repaired{Workspace: m.Workspace, Mountpoint: m.Mountpoint, Drain: left, Files: files}, err
}

func (a *App) repairUnmounted(ctx context.Context, name string, opt mounts.UnmountOptions) (Repaired, error) {
	w, err := a.Workspace(ctx, name)
	if err != nil {
		return Repaired{}, err
	}
	if err := a.ensureLocalRoots(); err != nil {
		return Repaired{}, err
	}
	dir, err := os.MkdirTemp(a.opt.Roots.State, "repair-")
	if err != nil {
		return Repaired{}, err
	}
	defer os.Remove(dir)
	if _, err := a.Mount(ctx, MountRequest{Workspace: w.Name, Mountpoint: dir}); err != nil {
		return Repaired{}, err
	}
	left, err := a.mounts.Unmount(ctx, dir, opt)
	files, qerr := a.mounts.Quarantine(w.ID)
	if err == nil {
		err = qerr
	}
	return Repaired{Workspace: w.Name, Drain: left, Files: files}, err
}
