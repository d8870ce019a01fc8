package backend

import (
	"context"

	"github.com/artifacts-tui/artifacts-tui/backend/workspace"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/keyring"
)

// Profile is a credential profile as people see it, with what is bound to it.
type Profile struct {
	keyring.Profile
	Pair       *Stored  `json:"pair,omitempty"` // of a static one
	Workspaces []string `json:"workspaces"`     // bound to it on this machine, by name
}

// Profiles lists the credential profiles (SPEC A41). The OS keyring is not asked.
func (a *App) Profiles() ([]Profile, error) {
	list, err := a.profiles.List()
	if err != nil {
		return nil, err
	}
	bindings, err := a.profiles.Bindings()
	if err != nil {
		return nil, err
	}
	names := map[string]string{}
	for _, w := range a.Remembered() {
		names[w.ID] = w.Name
	}
	profiles := make([]Profile, len(list))
	for i, p := range list {
		profiles[i] = Profile{Profile: p, Workspaces: []string{}}
		for id, name := range bindings {
			if name != p.Name {
				continue
			}
			if w := names[id]; w != "" {
				id = w
			}
			profiles[i].Workspaces = append(profiles[i].Workspaces, id)
		}
		if p.Type == keyring.Static {
			e, err := a.profiles.Pair(p.Name).Stat()
			if err == nil {
				s := stored(a.profiles.Pair(p.Name).Path, p.Name, e)
				profiles[i].Pair = &s
			}
		}
	}
	return profiles, nil
}

// Profile returns one by name, with the masks of its pair.
func (a *App) Profile(name string) (Profile, error) {
	list, err := a.Profiles()
	if err != nil {
		return Profile{}, err
	}
	for _, p := range list {
		if p.Name != name {
			continue
		}
		if p.Pair != nil {
			s, err := a.ShowStorage(name)
			if err != nil {
				return Profile{}, err
			}
			p.Pair = &s
		}
		return p, nil
	}
	_, err = a.profiles.Get(name)
	return Profile{}, err
}

// AddProfile makes a profile; a static one gets its pair with SetStorage.
func (a *App) AddProfile(p keyring.Profile) error {
	if err := a.ensureRoot(a.opt.Roots.Config, "config"); err != nil {
		return err
	}
	return a.profiles.Add(p)
}

// RemoveProfile takes a profile and its pair away; one that a workspace is bound to is a
// fault of kind Conflict. Live mounts go on.
func (a *App) RemoveProfile(name string) error {
	if _, err := a.profiles.Get(name); err != nil {
		return err
	}
	return a.profiles.Remove(name)
}

// BindProfile makes a byo workspace use a profile on this machine; the empty name unbinds it.
func (a *App) BindProfile(ctx context.Context, name, profile string) error {
	w, err := a.Workspace(ctx, name)
	if err != nil {
		return err
	}
	if err := ownBucket(w); err != nil {
		return err
	}
	if profile != "" {
		return a.profiles.Bind(w.ID, profile)
	}
	if bindings, err := a.profiles.Bindings(); err != nil || bindings[w.ID] == "" {
		return err
	}
	return a.profiles.Unbind(w.ID)
}

// ownBucket refuses a workspace whose credentials are the coordinator's business.
func ownBucket(w workspace.Workspace) error {
	const hint = "credentials of your own belong to byo workspaces"
	switch w.Backend {
	case workspace.Managed:
		return fault.New(fault.Usage, hint, "workspace %q is managed: the coordinator issues its credentials", w.Name)
	case workspace.Mesh:
		return fault.New(fault.Usage, hint, "workspace %q is in the mesh's store: its credentials are those of the peer you are", w.Name)
	}
	return nil
}
