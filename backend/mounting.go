package backend

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/artifacts-tui/artifacts-tui/backend/workspace"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/keyring"
	"github.com/artifacts-tui/artifacts-tui/mounts"
	"github.com/artifacts-tui/artifacts-tui/mounts/profile"
)

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
	if missing := w.Missing(); missing != "" {
		a.opt.Notify(fmt.Sprintf("warning: workspace %s: %s", w.Name, missing))
	}
	spec = mounts.Spec{
		ID: w.ID, Workspace: w.Name, Backend: string(w.Backend), Mountpoint: mountpoint,
		Endpoint: w.Endpoint, Bucket: w.Bucket, Prefix: w.Prefix, ReadOnly: req.ReadOnly, Options: options, Web: a.web(),
	}
	found, err := a.mountCredentials(ctx, link, w, req)
	if err != nil {
		return spec, creds, err
	}
	creds = found.Credentials
	spec.Provider, spec.CredentialSource = found.Provider(), a.sourceOf(found)
	if found.Profile != nil {
		spec.CredentialProfile = found.Profile.Name
	}
	spec.Coordinator = link.target.kept()
	if w.Backend != workspace.BYO {
		link.reach(&spec)
	}
	spec.Region = creds.SigningRegion()
	if w.Backend == workspace.Mesh && !spec.ReadOnly {
		if err := mayWrite(ctx, spec, creds); err != nil {
			return spec, creds, err
		}
	}
	a.rememberOne(w)
	return spec, creds, nil
}

// mayWrite refuses a peer that may read a mesh workspace alone: what it wrote would stay on this
// machine for good.
func mayWrite(ctx context.Context, spec mounts.Spec, creds keyring.Credentials) error {
	err := mounts.Prove(ctx, spec, creds, true)
	if fault.Is(err, fault.Auth) && mounts.Check(ctx, spec, creds) == nil {
		return fault.New(fault.Auth, "mount it with --read-only, or ask an admin for bucket-write on it", "you may only read workspace %q", spec.Workspace)
	}
	return err
}

func usable(w workspace.Workspace) error {
	if w.State == workspace.Active {
		return nil
	}
	return fault.New(fault.Conflict, "run the same `workspace create` again to finish it", "workspace %q is %s", w.Name, w.State)
}

// mountCredentials are the scoped pair of a managed workspace or the peer's own pair of a mesh one, which
// no cache and no variable has a say in (SPEC A3), or what the chain finds.
func (a *App) mountCredentials(ctx context.Context, link coordinatorLink, w workspace.Workspace, req MountRequest) (keyring.Resolved, error) {
	if w.Backend != workspace.BYO {
		if req.CredentialProfile != "" {
			return keyring.Resolved{}, ownBucket(w)
		}
		return coordinatorCredentials(ctx, link, w, req.ReadOnly)
	}
	chain, err := a.credentialChain(req.CredentialProfile, w.ID, w.Region)
	if err != nil {
		return keyring.Resolved{}, err
	}
	if req.KeptCredentials {
		chain.Getenv = nothing
	}
	return a.resolve(ctx, chain)
}

// coordinatorCredentials are those of a workspace in the coordinator's store, of which ID, name
// and backend count.
func coordinatorCredentials(ctx context.Context, link coordinatorLink, w workspace.Workspace, readOnly bool) (keyring.Resolved, error) {
	if w.Backend == workspace.Mesh {
		return link.peerCredentials(ctx)
	}
	s, err := link.OpenSession(ctx, w.Name, readOnly)
	if err != nil {
		return keyring.Resolved{}, err
	}
	if s.Workspace.ID != w.ID {
		return keyring.Resolved{}, fault.New(fault.NotFound, "when that one is deleted `artifacts workspace restore "+w.ID+"` brings it back",
			"workspace %q (%s) was deleted, and another has its name", w.Name, w.ID)
	}
	pair := keyring.Credentials{AccessKeyID: s.AccessKeyID, SecretAccessKey: keyring.NewSecret(s.SecretAccessKey)}
	return keyring.Resolved{Credentials: pair, PairSource: fromCoordinator}, nil
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
