package backend

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"time"

	"github.com/artifacts-tui/artifacts-tui/backend/workspace"
	"github.com/artifacts-tui/artifacts-tui/internal/atomicfile"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/keyring"
	"github.com/artifacts-tui/artifacts-tui/mounts"
)

// Use is a workspace that uses some credentials, and its mounts here.
type Use struct {
	Workspace workspace.Workspace `json:"workspace"`
	Mounts    []mounts.Status     `json:"mounts"`
}

// CredentialUses are the byo workspaces that use a profile on this machine, bound to it or
// mounted with it, or the global cache where profile is "": those bound to none.
func (a *App) CredentialUses(ctx context.Context, profile string) ([]Use, error) {
	if profile != "" {
		if _, err := a.profiles.Get(profile); err != nil {
			return nil, err
		}
	}
	list, err := a.Workspaces(ctx)
	if err != nil {
		return nil, err
	}
	mounted, err := a.Mounts(ctx)
	if err != nil {
		return nil, err
	}
	bindings, err := a.profiles.Bindings()
	if err != nil {
		return nil, err
	}
	uses := []Use{}
	for _, w := range list {
		if w.Backend != workspace.BYO || w.State != workspace.Active {
			continue
		}
		u, used := Use{Workspace: w, Mounts: []mounts.Status{}}, bindings[w.ID] == profile
		for _, m := range mounted {
			if m.ID == w.ID && !m.Unmounted && m.CredentialProfile == profile {
				u.Mounts, used = append(u.Mounts, m), true
			}
		}
		if used {
			uses = append(uses, u)
		}
	}
	return uses, nil
}

// Verified is what became of trying credentials on a workspace.
type Verified struct {
	Workspace string       `json:"workspace"`
	Location  string       `json:"location"`
	OK        bool         `json:"ok"`
	Error     *fault.Error `json:"error,omitempty"`
	// Before: the credentials in use now do not serve it either, so that nothing is lost.
	Before bool `json:"refused_before,omitempty"`
}

// VerifyCredentials tries creds on the workspaces of uses, one after the other: to list,
// and to write unless all that is mounted of it is read-only. former, which may be incomplete, are tried where
// creds fail. each is called with every outcome, and may be nil.
func (a *App) VerifyCredentials(ctx context.Context, uses []Use, creds, former keyring.Credentials, each func(Verified)) ([]Verified, error) {
	results := []Verified{}
	for _, u := range uses {
		v := Verified{Workspace: u.Workspace.Name, Location: u.Workspace.Location()}
		spec, write := u.proof(creds)
		spec.Web = a.web()
		err := mounts.Prove(ctx, spec, creds, write)
		if ctx.Err() != nil {
			return results, ctx.Err()
		}
		v.OK, v.Error = err == nil, fault.As(err)
		if err != nil && former.Complete() {
			v.Before = mounts.Prove(ctx, spec, former, write) != nil
		}
		results = append(results, v)
		if each != nil {
			each(v)
		}
	}
	ok := len(results) > 0
	for _, v := range results {
		ok = ok && (v.OK || v.Before)
	}
	a.rememberVerified(creds, ok)
	return results, nil
}

// Verify tries the credentials in use, of a profile or the global cache, on every workspace
// that uses them.
func (a *App) Verify(ctx context.Context, profile string, each func(Verified)) ([]Verified, error) {
	uses, err := a.CredentialUses(ctx, profile)
	if err != nil {
		return nil, err
	}
	chain, err := a.credentialChain(profile, "", "")
	if err != nil {
		return nil, err
	}
	if profile == "" {
		chain.Getenv = a.withoutProfile
	}
	r, err := a.resolve(ctx, chain)
	if err != nil {
		return nil, err
	}
	return a.VerifyCredentials(ctx, uses, r.Credentials, keyring.Credentials{}, each)
}

// withoutProfile is the environment without the profile it names.
func (a *App) withoutProfile(name string) string {
	if name == keyring.EnvProfile {
		return ""
	}
	return a.opt.Getenv(name)
}

// proof is what to try, and whether writing is part of it.
func (u Use) proof(creds keyring.Credentials) (spec mounts.Spec, write bool) {
	w := u.Workspace
	region := w.Region
	if region == "" {
		region = creds.SigningRegion()
	}
	write = len(u.Mounts) == 0
	for _, m := range u.Mounts {
		write = write || !m.ReadOnly
	}
	return mounts.Spec{Endpoint: w.Endpoint, Bucket: w.Bucket, Prefix: w.Prefix, Region: region}, write
}

// verification is when credentials were last tried, by fingerprint.
type verification struct {
	At time.Time `json:"at"`
	OK bool      `json:"ok"`
}

func (a *App) verifiedFile() string {
	return filepath.Join(a.opt.Roots.State, "verified-credentials.json")
}

func (a *App) verifications() map[string]verification {
	m := map[string]verification{}
	text, err := os.ReadFile(a.verifiedFile())
	if err != nil || json.Unmarshal(text, &m) != nil || m == nil {
		return map[string]verification{}
	}
	return m
}

// verificationsKept bounds the file: who rotates often leaves fingerprints behind.
const verificationsKept = 100

func (a *App) rememberVerified(creds keyring.Credentials, ok bool) {
	m := a.verifications()
	if len(m) >= verificationsKept {
		m = map[string]verification{}
	}
	m[creds.Fingerprint()] = verification{At: time.Now().UTC(), OK: ok}
	text, err := json.Marshal(m)
	if err == nil && a.ensureRoot(a.opt.Roots.State, "state") == nil {
		_ = atomicfile.Write(a.verifiedFile(), text, 0o600) // only what a page shows
	}
}
