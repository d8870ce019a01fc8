package backend

import (
	"context"
	"path/filepath"
	"strings"

	"github.com/artifacts-tui/artifacts-tui/backend/workspace"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/mounts"
)

// Unmount detaches a mount, by mountpoint or workspace, and waits until the
// store has every closed write. What is left comes back with fault.Pending.
func (a *App) Unmount(ctx context.Context, where string, opt mounts.UnmountOptions) (mounts.Drain, error) {
	where, err := a.mountAt(ctx, where)
	if err != nil {
		return mounts.Drain{}, err
	}
	return a.mounts.Unmount(ctx, where, opt)
}

// mountAt tells a mountpoint, which it makes absolute, from a workspace: "work" may be a
// folder here or a workspace; what is mounted decides.
func (a *App) mountAt(ctx context.Context, where string) (string, error) {
	abs, err := filepath.Abs(where)
	if err != nil {
		return "", err
	}
	if _, err := a.mounts.Find(ctx, abs); !fault.Is(err, fault.NotFound) || workspace.CheckName(where) != nil {
		return abs, nil
	}
	return where, nil
}

// Refreshed is which listings a mount was told to forget.
type Refreshed struct {
	Mountpoint string `json:"mountpoint"`
	Path       string `json:"path"` // relative to it; "" for all
}

// Refresh makes a mount list its directories again when they are next used. where is a
// mountpoint, a directory in one, of which only what is below is forgotten, or a workspace.
func (a *App) Refresh(ctx context.Context, where string) (Refreshed, error) {
	list, err := a.mounts.List(ctx)
	if err != nil {
		return Refreshed{}, err
	}
	if abs, err := filepath.Abs(where); err == nil {
		for _, m := range list {
			if rel, ok := strings.CutPrefix(abs, m.Mountpoint+"/"); ok {
				return Refreshed{m.Mountpoint, rel}, a.mounts.Refresh(ctx, m.Mountpoint, rel)
			}
		}
	}
	if where, err = a.mountAt(ctx, where); err != nil {
		return Refreshed{}, err
	}
	m, err := a.mounts.Find(ctx, where)
	if err != nil {
		return Refreshed{}, err
	}
	return Refreshed{Mountpoint: m.Mountpoint}, a.mounts.Refresh(ctx, m.Mountpoint, "")
}

// MountStatus is one mount, by mountpoint or workspace.
func (a *App) MountStatus(ctx context.Context, where string) (mounts.Status, error) {
	where, err := a.mountAt(ctx, where)
	if err != nil {
		return mounts.Status{}, err
	}
	return a.mounts.Find(ctx, where)
}

// MountStats is what a mount has done so far, by mountpoint or workspace.
func (a *App) MountStats(ctx context.Context, where string) (mounts.Stats, error) {
	where, err := a.mountAt(ctx, where)
	if err != nil {
		return mounts.Stats{}, err
	}
	return a.mounts.Stats(ctx, where)
}

// SetBandwidth changes the bounds of a running mount, by mountpoint or workspace (SPEC C18).
func (a *App) SetBandwidth(ctx context.Context, where string, b mounts.Bandwidth) (mounts.Status, error) {
	where, err := a.mountAt(ctx, where)
	if err != nil {
		return mounts.Status{}, err
	}
	return a.mounts.SetBandwidth(ctx, where, b)
}
