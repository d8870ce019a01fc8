package backend

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/artifacts-tui/artifacts-tui/backend/workspace"
	"github.com/artifacts-tui/artifacts-tui/internal/atomicfile"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/keyring"
)

// CredentialSource is one place that credentials are found in, as people may see it.
type CredentialSource struct {
	Source  keyring.Source      `json:"source"`            // environment, cache or profile
	Profile string              `json:"profile,omitempty"` // its name, of a profile
	Type    keyring.ProfileType `json:"type,omitempty"`    // of a profile
	From    string              `json:"from,omitempty"`    // the command or AWS profile of one that keeps no pair
	Stored                      // masked; nothing in it where the pair is not kept here
	Changed time.Time           `json:"changed"` // of the file; zero where there is none
	// VerifiedAt is when the pair was last tried on the workspaces, Verified how that went.
	VerifiedAt time.Time    `json:"verified_at"`
	Verified   bool         `json:"verified"`
	Expires    time.Time    `json:"expires"`    // of the pair that a mount has of it; zero: not known, or never
	Workspaces []string     `json:"workspaces"` // that use it
	Mounts     []string     `json:"mounts"`     // mountpoints that use it
	Stale      []string     `json:"stale"`      // of these, those with a former pair
	Rotating   bool         `json:"rotating"`   // a rotation has not ended
	Error      *fault.Error `json:"error,omitempty"`
}

// Kept reports whether there is a pair, here or in the OS keyring.
func (s CredentialSource) Kept() bool {
	return s.AccessKeyID != "" || s.Store == keyring.InKeyring && s.Fingerprint != ""
}

// CredentialSources are the environment where it has credentials, the global cache, and the
// profiles by name. A source that cannot be read has its Error; the workspaces are those that were seen last.
func (a *App) CredentialSources(ctx context.Context) ([]CredentialSource, error) {
	var list []CredentialSource
	if a.Overridden() {
		list = append(list, a.environmentSource())
	}
	list = append(list, a.keptSource(keyring.FromCache, ""))
	profiles, err := a.profiles.List()
	if err != nil {
		return list, err
	}
	for _, p := range profiles {
		s := CredentialSource{Source: keyring.FromProfile, Stored: Stored{Profile: p.Name, Region: p.Region}, From: p.Command}
		switch p.Type {
		case keyring.Static:
			s = a.keptSource(keyring.FromProfile, p.Name)
		case keyring.AWS:
			s.From = p.AWSProfile
		}
		s.Profile, s.Type = p.Name, p.Type
		list = append(list, s)
	}
	return list, a.usesOf(ctx, list)
}

func (a *App) environmentSource() CredentialSource {
	s := CredentialSource{Source: keyring.FromEnv}
	env, err := keyring.Chain{Getenv: a.opt.Getenv}.Environment()
	s.Stored = stored("", "", keyring.Entry{Credentials: env})
	s.Error = fault.As(err)
	a.verifiedSource(&s)
	return s
}

func (a *App) keptSource(source keyring.Source, profile string) CredentialSource {
	s := CredentialSource{Source: source, Profile: profile}
	cache, err := a.pairCache(profile)
	if err == nil {
		var e keyring.Entry
		e, err = cache.Load()
		s.Stored = stored(cache.Path, profile, e)
		_, s.Rotating = cache.Rotating()
	}
	if info, err := os.Lstat(cache.Path); err == nil {
		s.Changed = info.ModTime()
	}
	if !errors.Is(err, keyring.ErrNotFound) {
		s.Error = fault.As(err)
	}
	a.verifiedSource(&s)
	return s
}

func (a *App) verifiedSource(s *CredentialSource) {
	if v, found := a.verifications()[s.Fingerprint]; found && s.Fingerprint != "" {
		s.VerifiedAt, s.Verified = v.At, v.OK
	}
}

// usesOf fills in who uses each source.
func (a *App) usesOf(ctx context.Context, list []CredentialSource) error {
	bindings, err := a.profiles.Bindings()
	if err != nil {
		return err
	}
	mounted, err := a.Mounts(ctx)
	if err != nil {
		return err
	}
	for i := range list {
		s := &list[i]
		s.Workspaces, s.Mounts, s.Stale = []string{}, []string{}, []string{}
		for _, w := range a.Remembered() {
			if s.Source != keyring.FromEnv && w.Backend == workspace.BYO && w.State == workspace.Active && bindings[w.ID] == s.Profile {
				s.Workspaces = append(s.Workspaces, w.Name)
			}
		}
		for _, m := range mounted {
			if m.Unmounted || m.CredentialSource != string(s.Source) || m.CredentialProfile != s.Profile {
				continue
			}
			s.Mounts = append(s.Mounts, m.Mountpoint)
			if m.StaleCredentials {
				s.Stale = append(s.Stale, m.Mountpoint)
			}
			if end := m.CredentialsEnd; end != nil && (s.Expires.IsZero() || end.Before(s.Expires)) {
				s.Expires = *end
			}
		}
		slices.Sort(s.Workspaces)
	}
	return nil
}

// RotationDraft is a rotation that was left before anything was saved; nothing secret is kept.
type RotationDraft struct {
	Profile string `json:"profile,omitempty"`
	Command string `json:"command,omitempty"` // that prints the new pair; empty: it is typed
}

func (a *App) draftFile() string { return filepath.Join(a.opt.Roots.State, "rotation-draft.json") }

// RotationDraft is the one that was kept last; nil where there is none.
func (a *App) RotationDraft() *RotationDraft {
	var d RotationDraft
	text, err := os.ReadFile(a.draftFile())
	if err != nil || json.Unmarshal(text, &d) != nil {
		return nil
	}
	return &d
}

// KeepRotationDraft keeps a draft; nil forgets it.
func (a *App) KeepRotationDraft(d *RotationDraft) error {
	if d == nil {
		if err := os.Remove(a.draftFile()); !errors.Is(err, os.ErrNotExist) {
			return err
		}
		return nil
	}
	if err := a.ensureRoot(a.opt.Roots.State, "state"); err != nil {
		return err
	}
	text, err := json.Marshal(d)
	if err != nil {
		return err
	}
	return atomicfile.Write(a.draftFile(), text, 0o600)
}

// IssuePair runs a command that prints a pair as AWS's credential_process does.
func (a *App) IssuePair(ctx context.Context, command string) (keyring.Credentials, error) {
	return keyring.Provider{Profile: command, Type: keyring.Process, Command: command}.Retrieve(ctx)
}
