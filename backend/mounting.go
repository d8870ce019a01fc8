package backend

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/artifacts-tui/artifacts-tui/backend/coordinator/embedded"
	"github.com/artifacts-tui/artifacts-tui/backend/workspace"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/keyring"
	"github.com/artifacts-tui/artifacts-tui/mounts"
	"github.com/artifacts-tui/artifacts-tui/mounts/profile"
)

// Mounts lists this user's mounts, stale ones included.
func (a *App) Mounts(ctx context.Context) ([]mounts.Status, error) { return a.mounts.List(ctx) }

// DefaultMountpoint is where a workspace is mounted unless the user says otherwise.
func (a *App) DefaultMountpoint(name string) string {
	return filepath.Join(a.opt.Getenv("HOME"), "mnt", name)
}

// Mount mounts a workspace and returns once the directory is usable.
func (a *App) Mount(ctx context.Context, req MountRequest) (status mounts.Status, err error) {
	err = a.mounting(ctx, req, func(spec mounts.Spec, creds keyring.Credentials) error {
		status, err = a.mounts.Mount(ctx, spec, creds)
		return err
	})
	return status, err
}

// ServeMount mounts a workspace and returns when the mount is gone and drained.
func (a *App) ServeMount(ctx context.Context, req MountRequest, fg mounts.Foreground) error {
	ready, said := false, fg.Ready
	fg.Ready = func(s mounts.Status) { ready = true; said(s) }
	var ended error
	err := a.mounting(ctx, req, func(spec mounts.Spec, creds keyring.Credentials) error {
		ended = a.mounts.Serve(ctx, spec, creds, fg)
		if ready {
			return nil // the mountpoint was one, and stays
		}
		return ended
	})
	if err == nil {
		err = ended
	}
	return err
}

// mounting finds out what to mount with which keys, has mount do it, and leaves nothing
// half done where that fails.
func (a *App) mounting(ctx context.Context, req MountRequest, mount func(mounts.Spec, keyring.Credentials) error) error {
	spec, creds, err := a.whatToMount(ctx, req)
	if err != nil {
		return err
	}
	if err := a.ensureLocalRoots(); err != nil {
		return err
	}
	made := false
	if req.CreateDir {
		if made, err = makeDir(spec.Mountpoint); err != nil {
			return err
		}
	}
	err = mount(spec, creds)
	if err != nil && made {
		_ = os.Remove(spec.Mountpoint) // it is empty
	}
	return err
}

// whatToMount asks the coordinator and the chain of credentials.
func (a *App) whatToMount(ctx context.Context, req MountRequest) (spec mounts.Spec, creds keyring.Credentials, err error) {
	if err := workspace.CheckName(req.Workspace); err != nil {
		return spec, creds, err
	}
	options := req.Options
	if options.Profile == "" { // else they are those of a mount that was there
		if options, err = profile.Resolve(req.Profile, req.ProfileFile, options); err != nil {
			return spec, creds, err
		}
	}
	mountpoint, err := filepath.Abs(req.Mountpoint)
	if err != nil {
		return spec, creds, err
	}
	link, err := a.connect(ctx)
	if err != nil {
		return spec, creds, err
	}
	defer link.Close()
	w, err := link.Workspace(ctx, req.Workspace)
	if err != nil {
		return spec, creds, err
	}
	if err := usable(w); err != nil {
		return spec, creds, err
	}
	spec = mounts.Spec{
		ID: w.ID, Workspace: w.Name, Backend: string(w.Backend), Mountpoint: mountpoint,
		Endpoint: w.Endpoint, Bucket: w.Bucket, Prefix: w.Prefix, ReadOnly: req.ReadOnly, Options: options,
	}
	if creds, err = a.mountCredentials(ctx, link, w, req.ReadOnly); err != nil {
		return spec, creds, err
	}
	if w.Backend == workspace.Managed {
		spec.Endpoint = link.storeURL()
		if a.opt.Coordinator == "" {
			spec.Socket = embedded.Socket(a.opt.Roots)
		}
	}
	spec.Region = creds.SigningRegion()
	a.rememberOne(w)
	return spec, creds, nil
}

func usable(w workspace.Workspace) error {
	if w.State == workspace.Active {
		return nil
	}
	return fault.New(fault.Conflict, "run the same `workspace create` again to finish it", "workspace %q is %s", w.Name, w.State)
}

// mountCredentials are the scoped pair of a managed workspace, which no cache and
// no variable has a say in (SPEC A3), or what the chain finds.
func (a *App) mountCredentials(ctx context.Context, link coordinatorLink, w workspace.Workspace, readOnly bool) (keyring.Credentials, error) {
	if w.Backend != workspace.Managed {
		r, err := a.credentials(keyring.Credentials{}, w.Region)
		return r.Credentials, err
	}
	s, err := link.OpenSession(ctx, w.Name, readOnly)
	if err != nil {
		return keyring.Credentials{}, err
	}
	return keyring.Credentials{AccessKeyID: s.AccessKeyID, SecretAccessKey: keyring.NewSecret(s.SecretAccessKey)}, nil
}

func makeDir(path string) (made bool, err error) {
	if _, err := os.Lstat(path); err == nil || !errors.Is(err, os.ErrNotExist) {
		return false, nil // there, or in doubt: the mount says what is wrong with it
	}
	if err := os.MkdirAll(path, 0o755); err != nil {
		return false, fault.Wrap(fault.Failure, err, "choose a path that you may write", "cannot make the mountpoint")
	}
	return true, nil
}

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

// retryWatch is how long Watch waits before it asks a silent coordinator again.
const retryWatch = 2 * time.Second

// Watch tells when workspaces, mounts or the coordinator changed, whoever changed
// them, until ctx ends. It starts no coordinator.
func (a *App) Watch(ctx context.Context) <-chan Event {
	events := make(chan Event)
	send := func(kind EventKind) {
		select {
		case events <- Event{kind}:
		case <-ctx.Done():
		}
	}
	changed := a.mounts.Watch(ctx)
	coordinatorEnded := make(chan struct{})
	go func() {
		defer close(coordinatorEnded)
		a.watchCoordinator(ctx, send)
	}()
	go func() {
		defer close(events)
		defer func() { <-coordinatorEnded }()
		for {
			select {
			case _, ok := <-changed:
				if !ok {
					return
				}
				send(MountsChanged)
			case <-ctx.Done():
				return
			}
		}
	}()
	return events
}

func (a *App) watchCoordinator(ctx context.Context, send func(EventKind)) {
	var revision int64
	answered := true
	for ctx.Err() == nil {
		next, err := a.awaitChange(ctx, revision)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			if answered {
				send(CoordinatorChanged)
			}
			answered, revision = false, 0
			select {
			case <-time.After(retryWatch):
			case <-ctx.Done():
			}
		default:
			if !answered {
				answered = true
				send(CoordinatorChanged)
			}
			if next != revision && revision != 0 {
				send(WorkspacesChanged)
			}
			revision = next
		}
	}
}

// awaitChange asks the running coordinator for the revision past the one given.
func (a *App) awaitChange(ctx context.Context, after int64) (int64, error) {
	link, err := a.connectTo(ctx, a.where())
	if err != nil {
		return 0, err
	}
	defer link.Close()
	return link.Changes(ctx, after)
}
