package keyring

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// ProfilesName is the name of the file of profiles in the config root.
const ProfilesName = "profiles.yaml"

// Profile is a named way to credentials (SPEC A41). It holds nothing secret: the pair of a
// static one is in a Cache of its own.
type Profile struct {
	Name            string      `yaml:"-" json:"name"`
	Type            ProfileType `yaml:"type" json:"type"`
	Region          string      `yaml:"region,omitempty" json:"region,omitempty"`
	Command         string      `yaml:"command,omitempty" json:"command,omitempty"`         // of process
	AWSProfile      string      `yaml:"aws_profile,omitempty" json:"aws_profile,omitempty"` // of aws
	ConfigFile      string      `yaml:"config_file,omitempty" json:"config_file,omitempty"` // of aws; empty: the SDK's default
	CredentialsFile string      `yaml:"credentials_file,omitempty" json:"credentials_file,omitempty"`
}

// Provider is who issues the pairs of a process or aws profile.
func (p Profile) Provider() Provider {
	return Provider{
		Profile: p.Name, Type: p.Type, Command: p.Command,
		AWSProfile: p.AWSProfile, ConfigFile: p.ConfigFile, CredentialsFile: p.CredentialsFile,
	}
}

var profileName = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_-]{0,62}$`)

func (p Profile) check() error {
	usage := func(hint, format string, args ...any) error { return fault.New(fault.Usage, hint, format, args...) }
	switch {
	case !profileName.MatchString(p.Name):
		return usage("letters, digits, - and _, at most 63, a letter or digit first", "%q is not a name for a profile", p.Name)
	case p.Type == Process && p.Command == "":
		return usage("give --command 'PROGRAM ARGUMENTS', which prints what AWS's credential_process has to", "profile %q has no command", p.Name)
	case p.Type == AWS && p.AWSProfile == "":
		return usage("give --aws-profile NAME, a profile of ~/.aws", "profile %q names no AWS profile", p.Name)
	case p.Type != Static && p.Type != Process && p.Type != AWS:
		return usage("the types are static, process and aws", "unknown profile type %q", string(p.Type))
	case p.Type != Process && p.Command != "", p.Type != AWS && p.AWSProfile+p.ConfigFile+p.CredentialsFile != "":
		return usage("a command belongs to the type process, an AWS profile to the type aws", "profile %q has fields of another type", p.Name)
	}
	return nil
}

// Profiles are those of one user: profiles.yaml in the config root, mode 0600, and
// profiles/NAME, a Cache, for each static one. Dir is the config root.
type Profiles struct {
	Dir  string
	Warn func(string)
}

type profilesFile struct {
	Profiles map[string]Profile `yaml:"profiles,omitempty"`
	// Bindings say which profile a workspace uses on this machine, by the workspace's id.
	Bindings map[string]string `yaml:"bindings,omitempty"`
}

// Path is where profiles.yaml is.
func (p Profiles) Path() string { return filepath.Join(p.Dir, ProfilesName) }

func (p Profiles) load() (profilesFile, error) {
	var f profilesFile
	text, err := readPrivate(p.Path(), p.Warn)
	if errors.Is(err, ErrNotFound) {
		return f, nil
	}
	if err != nil {
		return f, err
	}
	if err := yaml.UnmarshalWithOptions([]byte(text), &f, yaml.Strict()); err != nil {
		reason := strings.TrimSpace(strings.ReplaceAll(yaml.FormatError(err, false, false), "\n", " "))
		return f, fault.New(fault.Usage, "mend it, or remove it and add the profiles again", "%s: %s", p.Path(), reason)
	}
	for name, profile := range f.Profiles {
		profile.Name = name
		if err := profile.check(); err != nil {
			return f, fault.Wrap(fault.Usage, err, "mend it, or remove it and add the profiles again", "%s", p.Path())
		}
		f.Profiles[name] = profile
	}
	return f, nil
}

func (p Profiles) update(change func(*profilesFile) error) error {
	unlock, err := lockBeside(p.Path())
	if err != nil {
		return err
	}
	defer unlock()
	f, err := p.load()
	if err != nil {
		return err
	}
	if f.Profiles == nil {
		f.Profiles = map[string]Profile{}
	}
	if f.Bindings == nil {
		f.Bindings = map[string]string{}
	}
	if err := change(&f); err != nil {
		return err
	}
	text, err := yaml.Marshal(f)
	if err != nil {
		return err
	}
	return writePrivate(p.Path(), string(text))
}

// List returns the profiles by name.
func (p Profiles) List() ([]Profile, error) {
	f, err := p.load()
	return slices.SortedFunc(maps.Values(f.Profiles), func(a, b Profile) int { return strings.Compare(a.Name, b.Name) }), err
}

// Get returns one profile. One that is not there is a fault of kind NotFound: a named
// profile never falls back (SPEC A41).
func (p Profiles) Get(name string) (Profile, error) {
	f, err := p.load()
	if err != nil {
		return Profile{}, err
	}
	profile, found := f.Profiles[name]
	if !found {
		return Profile{}, p.unknown(name)
	}
	return profile, nil
}

func (p Profiles) unknown(name string) error {
	return fault.New(fault.NotFound, "`artifacts storage profile list` shows them; `storage profile add` makes one", "there is no profile %q in %s", name, p.Path())
}

// Add makes a profile. One of that name is a fault of kind Conflict.
func (p Profiles) Add(profile Profile) error {
	if err := profile.check(); err != nil {
		return err
	}
	return p.update(func(f *profilesFile) error {
		if _, found := f.Profiles[profile.Name]; found {
			return fault.New(fault.Conflict, "remove it first, or choose another name", "there is a profile %q already", profile.Name)
		}
		f.Profiles[profile.Name] = profile
		return nil
	})
}

// Remove takes a profile away, the pair of a static one too. One that a workspace is bound
// to is a fault of kind Conflict.
func (p Profiles) Remove(name string) error {
	return p.update(func(f *profilesFile) error {
		profile, found := f.Profiles[name]
		if !found {
			return p.unknown(name)
		}
		for _, bound := range f.Bindings {
			if bound == name {
				return fault.New(fault.Conflict, "unbind it first: `artifacts storage profile unbind WORKSPACE`", "workspaces are bound to profile %q", name)
			}
		}
		delete(f.Profiles, name)
		if profile.Type != Static {
			return nil
		}
		return p.Pair(name).Clear()
	})
}

// Pair is the cache of a static profile's pair.
func (p Profiles) Pair(name string) Cache {
	return Cache{Path: filepath.Join(p.Dir, "profiles", name), Warn: p.Warn}
}

// MakeRoom makes the folder that Pair's files are in, 0700.
func (p Profiles) MakeRoom() error {
	dir := filepath.Join(p.Dir, "profiles")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fault.Wrap(fault.Failure, err, "make its folder writable, or set XDG_CONFIG_HOME", "cannot make %s", dir)
	}
	return nil
}

// Bind makes a workspace, by its id, use a profile on this machine.
func (p Profiles) Bind(workspace, name string) error {
	return p.update(func(f *profilesFile) error {
		if _, found := f.Profiles[name]; !found {
			return p.unknown(name)
		}
		f.Bindings[workspace] = name
		return nil
	})
}

// Unbind is the inverse of Bind, and idempotent.
func (p Profiles) Unbind(workspace string) error {
	return p.update(func(f *profilesFile) error { delete(f.Bindings, workspace); return nil })
}

// Bindings are the profiles by the ids of the workspaces bound to them.
func (p Profiles) Bindings() (map[string]string, error) {
	f, err := p.load()
	return f.Bindings, err
}
