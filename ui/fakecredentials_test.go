package ui

import (
	"context"
	"time"

	"github.com/artifacts-tui/artifacts-tui/backend"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/keyring"
	"github.com/artifacts-tui/artifacts-tui/mounts"
)

// fakeCredentials is what the fake keeps of credentials. Workspaces named in refuse refuse
// every new pair.
type fakeCredentials struct {
	sources  []backend.CredentialSource
	rotation backend.Rotation
	refuse   map[string]bool
	draft    *backend.RotationDraft
	changes  []backend.StorageChange
	saved    []keyring.Credentials
	ended    []bool // undone or finished, in turn
	swapped  []string

	setErr, saveErr, refreshErr, issueErr error
}

func (f *fake) CredentialSources(ctx context.Context) ([]backend.CredentialSource, error) {
	if err := f.enter(ctx, "CredentialSources"); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]backend.CredentialSource(nil), f.cr.sources...), nil
}

func (f *fake) SetStorage(change backend.StorageChange) (backend.Stored, []string, error) {
	if err := f.enter(context.Background(), "SetStorage"); err != nil {
		return backend.Stored{}, nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.cr.changes = append(f.cr.changes, change)
	return backend.Stored{}, nil, f.cr.setErr
}

func (f *fake) ClearStorage(string) (backend.Stored, error) {
	return backend.Stored{}, f.enter(context.Background(), "ClearStorage")
}

func (f *fake) try(each func(backend.Verified)) (results []backend.Verified) {
	for _, u := range f.cr.rotation.Uses {
		v := backend.Verified{Workspace: u.Workspace.Name, Location: u.Workspace.Location(), OK: !f.cr.refuse[u.Workspace.Name]}
		if !v.OK {
			v.Error = fault.New(fault.Auth, "check the key", "the store does not know the access key")
		}
		results = append(results, v)
		if each != nil {
			each(v)
		}
	}
	return results
}

func (f *fake) Verify(ctx context.Context, _ string, each func(backend.Verified)) ([]backend.Verified, error) {
	if err := f.enter(ctx, "Verify"); err != nil {
		return nil, err
	}
	return f.try(each), nil
}

func (f *fake) RefreshCredentials(ctx context.Context, req backend.RefreshRequest) (backend.RefreshedCredentials, error) {
	if err := f.enter(ctx, "RefreshCredentials"); err != nil {
		return backend.RefreshedCredentials{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.cr.swapped = append(f.cr.swapped, "refresh "+req.Where)
	return backend.RefreshedCredentials{Mountpoint: req.Where, Fingerprint: "0123456789ab"}, f.cr.refreshErr
}

func (f *fake) Remount(ctx context.Context, where string, _ mounts.UnmountOptions) (mounts.Status, error) {
	if err := f.enter(ctx, "Remount"); err != nil {
		return mounts.Status{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.cr.swapped = append(f.cr.swapped, "remount "+where)
	return mounts.Status{}, nil
}

func (f *fake) Rotation(ctx context.Context, profile string) (backend.Rotation, error) {
	if err := f.enter(ctx, "Rotation"); err != nil {
		return backend.Rotation{}, err
	}
	r := f.cr.rotation
	r.Profile = profile
	return r, nil
}

func (f *fake) IssuePair(ctx context.Context, _ string) (keyring.Credentials, error) {
	if err := f.enter(ctx, "IssuePair"); err != nil {
		return keyring.Credentials{}, err
	}
	return keyring.Credentials{AccessKeyID: testKey, SecretAccessKey: keyring.NewSecret(testSecret)}, f.cr.issueErr
}

func (f *fake) VerifyRotation(ctx context.Context, _ backend.Rotation, _ keyring.Credentials, each func(backend.Verified)) ([]backend.Verified, error) {
	if err := f.enter(ctx, "VerifyRotation"); err != nil {
		return nil, err
	}
	return f.try(each), ctx.Err()
}

func (f *fake) SaveRotation(_ backend.Rotation, creds keyring.Credentials) error {
	if err := f.enter(context.Background(), "SaveRotation"); err != nil {
		return err
	}
	if f.cr.saveErr == nil {
		f.cr.saved = append(f.cr.saved, creds)
	}
	return f.cr.saveErr
}

func (f *fake) FinishRotation(string) error { return f.endRotation(false) }
func (f *fake) UndoRotation(string) error   { return f.endRotation(true) }

func (f *fake) endRotation(undone bool) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.cr.ended = append(f.cr.ended, undone)
	return nil
}

func (f *fake) RotationDraft() *backend.RotationDraft {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.cr.draft
}

func (f *fake) KeepRotationDraft(d *backend.RotationDraft) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.cr.draft = d
	return nil
}

// withCredentials is aFew with a global pair, two profiles, and a rotation of the global
// pair that concerns two workspaces and a mount.
func withCredentials() *fake {
	f := aFew()
	changed := start.Add(-12 * 24 * time.Hour)
	global := backend.CredentialSource{
		Source: keyring.FromCache, Changed: changed, VerifiedAt: start.Add(-2 * time.Hour), Verified: true,
		Workspaces: []string{"old-runs", "train-data"}, Mounts: []string{testHome + "/mnt/train"}, Stale: []string{},
	}
	global.Stored = backend.Stored{
		Path: testHome + "/.config/tonbo/artifacts/byo-credentials", AccessKeyID: "AKIA***726M", SecretAccessKey: "LFq0***g03S",
		Region: "eu-west-2", Store: keyring.InFile, Fingerprint: "e043d63fb2ed",
	}
	prod := backend.CredentialSource{Source: keyring.FromProfile, Profile: "prod", Type: keyring.Static, Changed: changed, Workspaces: []string{}, Mounts: []string{}}
	prod.Stored = backend.Stored{Path: testHome + "/.config/tonbo/artifacts/profiles/prod", Profile: "prod", AccessKeyID: "AKIA***0002", SecretAccessKey: "abcd***wxyz", Store: keyring.InKeyring, Fingerprint: "aaaabbbbcccc"}
	vault := backend.CredentialSource{Source: keyring.FromProfile, Profile: "vault", Type: keyring.Process, From: "/usr/local/bin/vault-s3 --role ml", Workspaces: []string{}, Mounts: []string{}}
	f.cr.sources = []backend.CredentialSource{global, prod, vault}
	f.cr.refuse = map[string]bool{}
	f.cr.rotation = backend.Rotation{Current: global.Stored}
	for _, w := range f.workspaces {
		if w.Name != "old-runs" && w.Name != "train-data" {
			continue
		}
		u := backend.Use{Workspace: w}
		for _, m := range f.mounts {
			if m.ID == w.ID {
				u.Mounts = append(u.Mounts, m)
			}
		}
		f.cr.rotation.Uses = append(f.cr.rotation.Uses, u)
	}
	return f
}
