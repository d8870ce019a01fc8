package backend

import (
	"context"
	"errors"
	"time"

	"github.com/artifacts-tui/artifacts-tui/backend/workspace"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/keyring"
	"github.com/artifacts-tui/artifacts-tui/mounts"
)

// Rotation is where the rotation of a pair stands: that of a static profile, or the global
// one where Profile is "".
type Rotation struct {
	Profile string `json:"profile,omitempty"`
	Current Stored `json:"current"`
	// Saved: the new pair is in the cache, and the former one beside it until FinishRotation.
	Saved             bool   `json:"saved"`
	FormerFingerprint string `json:"former_fingerprint,omitempty"`
	Uses              []Use  `json:"uses"`
}

// Rotation tells what the rotation of a pair would concern, and whether one has not ended.
func (a *App) Rotation(ctx context.Context, profile string) (Rotation, error) {
	cache, err := a.pairCache(profile)
	if err != nil {
		return Rotation{}, err
	}
	r := Rotation{Profile: profile}
	if r.Current, err = a.ShowStorage(profile); err != nil {
		return r, err
	}
	r.FormerFingerprint, r.Saved = cache.Rotating()
	r.Uses, err = a.CredentialUses(ctx, profile)
	return r, err
}

// VerifyRotation tries a new pair on every workspace that uses the one it is to replace. What the pair in
// use could not do either does not count against it.
func (a *App) VerifyRotation(ctx context.Context, r Rotation, creds keyring.Credentials, each func(Verified)) ([]Verified, error) {
	if err := checkNewPair(creds); err != nil {
		return nil, err
	}
	cache, err := a.pairCache(r.Profile)
	if err != nil {
		return nil, err
	}
	e, err := cache.Load()
	if err != nil && !errors.Is(err, keyring.ErrNotFound) {
		return nil, err
	}
	return a.VerifyCredentials(ctx, r.Uses, creds, e.Credentials, each)
}

func checkNewPair(creds keyring.Credentials) error {
	if !creds.Complete() {
		return fault.New(fault.Usage, "give the access key and its secret", "a new pair is an access key and its secret")
	}
	if err := creds.Validate(); err != nil {
		return fault.Wrap(fault.Usage, err, "paste it again", "credentials refused")
	}
	return nil
}

// SaveRotation puts a new pair in the cache, as a whole, and keeps the former one beside it.
// An empty region of creds leaves the cache's.
func (a *App) SaveRotation(r Rotation, creds keyring.Credentials) error {
	if err := checkNewPair(creds); err != nil {
		return err
	}
	cache, err := a.pairCache(r.Profile)
	if err != nil {
		return err
	}
	if err := a.ensureRoot(a.opt.Roots.Config, "config"); err != nil {
		return err
	}
	if r.Profile != "" {
		if err := a.profiles.MakeRoom(); err != nil {
			return err
		}
	}
	e, err := cache.Stat()
	if errors.Is(err, keyring.ErrNotFound) {
		e = keyring.Entry{Store: keyring.InFile}
	} else if err != nil {
		return err
	}
	region := e.Region
	e.Credentials = creds
	if e.Region == "" {
		e.Region = region
	}
	return cache.Rotate(e)
}

// FinishRotation forgets the former pair; it is idempotent.
func (a *App) FinishRotation(profile string) error {
	cache, err := a.pairCache(profile)
	if err != nil {
		return err
	}
	return cache.FinishRotation()
}

// UndoRotation brings the former pair back. Mounts that took the new one keep it.
func (a *App) UndoRotation(profile string) error {
	cache, err := a.pairCache(profile)
	if err != nil {
		return err
	}
	return cache.UndoRotation()
}

// RefreshedCredentials is a mount that signs with another pair now.
type RefreshedCredentials struct {
	Workspace   string `json:"workspace"`
	Mountpoint  string `json:"mountpoint"`
	Fingerprint string `json:"fingerprint"`
	// FormerRequests are still signed with the former pair, which must not be revoked yet.
	FormerRequests int          `json:"former_requests"`
	Error          *fault.Error `json:"error,omitempty"`
}

// RefreshRequest asks for other credentials for a running mount.
type RefreshRequest struct {
	Where   string        // mountpoint or workspace
	Profile string        // to take them from; empty: the one it was mounted with, else as a new mount does
	Kept    bool          // those that are kept, whatever the environment has: what a rotation has saved
	Wait    time.Duration // how long to wait for requests of the former pair
}

// RefreshCredentials gives a running mount the credentials that a new mount of it would
// get, and the certificate that one would take, without unmounting (SPEC A40b).
func (a *App) RefreshCredentials(ctx context.Context, req RefreshRequest) (RefreshedCredentials, error) {
	where, err := a.mountAt(ctx, req.Where)
	if err != nil {
		return RefreshedCredentials{}, err
	}
	m, err := a.mounts.Find(ctx, where)
	if err != nil {
		return RefreshedCredentials{}, err
	}
	r := RefreshedCredentials{Workspace: m.Workspace, Mountpoint: m.Mountpoint, Fingerprint: m.Fingerprint}
	found, err := a.successor(ctx, m, req)
	if err != nil {
		return r, err
	}
	spec := mounts.Spec{CredentialSource: a.sourceOf(found), Provider: found.Provider()}
	if found.Profile != nil {
		spec.CredentialProfile = found.Profile.Name
	}
	if t, err := a.through(m.Coordinator).target(); err == nil && m.CertificatePin != "" {
		spec.CertificatePin = t.context.CertificatePin // another login may have taken another certificate
	}
	_, answer, err := a.mounts.RefreshCredentials(ctx, m.ID, spec, found.Credentials, req.Wait)
	if err == nil {
		r.Fingerprint, r.FormerRequests = answer.Fingerprint, answer.FormerRequests
		a.rememberVerified(found.Credentials, true)
	}
	return r, err
}

// successor are the credentials that a new mount of m would get.
func (a *App) successor(ctx context.Context, m mounts.Status, req RefreshRequest) (keyring.Resolved, error) {
	if backend := workspace.Backend(m.Backend); backend == workspace.Managed || backend == workspace.Mesh {
		if req.Profile != "" {
			return keyring.Resolved{}, ownBucket(workspace.Workspace{Name: m.Workspace, Backend: backend})
		}
		link, err := a.through(m.Coordinator).connect(ctx)
		if err != nil {
			return keyring.Resolved{}, err
		}
		defer link.Close()
		return coordinatorCredentials(ctx, link, workspace.Workspace{ID: m.ID, Name: m.Workspace, Backend: backend}, m.ReadOnly)
	}
	profile := req.Profile
	if profile == "" {
		profile = m.CredentialProfile
	}
	chain, err := a.credentialChain(profile, m.ID, m.Region)
	if err != nil {
		return keyring.Resolved{}, err
	}
	if req.Kept {
		chain.Getenv = nothing
	}
	return a.resolve(ctx, chain)
}

func nothing(string) string { return "" }

// RefreshAllCredentials does so for every mount of this user's that runs; the error is of the first that
// failed, and each has its own in the list.
func (a *App) RefreshAllCredentials(ctx context.Context, req RefreshRequest) ([]RefreshedCredentials, error) {
	list, err := a.Mounts(ctx)
	if err != nil {
		return nil, err
	}
	var first error
	results := []RefreshedCredentials{}
	for _, m := range list {
		if m.PID == 0 || m.Health == mounts.Draining || (req.Profile != "" && m.Backend != string(workspace.BYO)) {
			continue
		}
		req.Where = m.ID
		r, err := a.RefreshCredentials(ctx, req)
		if err != nil {
			r.Error = fault.As(err)
			r.Workspace, r.Mountpoint = m.Workspace, m.Mountpoint
			if first == nil {
				first = err
			}
		}
		results = append(results, r)
	}
	return results, first
}

// Remount unmounts and mounts again as it was, with the credentials that are kept. What could not be
// uploaded is an error, and then it stays unmounted.
func (a *App) Remount(ctx context.Context, where string, opt mounts.UnmountOptions) (mounts.Status, error) {
	m, err := a.MountStatus(ctx, where)
	if err != nil {
		return m, err
	}
	if _, err := a.mounts.Unmount(ctx, m.ID, opt); err != nil {
		return m, err
	}
	return a.through(m.Coordinator).Mount(ctx, MountRequest{
		Workspace: m.Workspace, Mountpoint: m.Mountpoint, ReadOnly: m.ReadOnly, CredentialProfile: m.CredentialProfile, KeptCredentials: true, Options: m.Options,
	})
}
