package backend

import (
	"context"
	"errors"
	"fmt"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/keyring"
)

// Stored is what a credential cache holds, as people may see it: every value but the region
// is masked (SPEC A27, A28); an empty one is unset.
type Stored struct {
	Path            string        `json:"path"`
	Profile         string        `json:"profile,omitempty"` // empty: the global cache
	AccessKeyID     string        `json:"access_key_id"`
	SecretAccessKey string        `json:"secret_access_key"`
	SessionToken    string        `json:"session_token"`
	Region          string        `json:"region"`
	Store           keyring.Store `json:"store"`
	Fingerprint     string        `json:"fingerprint"`
}

// StorageChange is what to set in a cache. A nil field stays as it is; with none set, the
// environment is saved (SPEC A20–A22).
type StorageChange struct {
	Profile         string // a static profile; empty: the global cache
	AccessKeyID     *string
	SecretAccessKey *keyring.Secret
	SessionToken    *keyring.Secret // an empty one clears
	Region          *string
	Store           keyring.Store // empty: as it is
}

func (c StorageChange) noFields() bool {
	return c.AccessKeyID == nil && c.SecretAccessKey == nil && c.SessionToken == nil && c.Region == nil
}

// pairCache is the cache of a static profile, or the global one.
func (a *App) pairCache(profile string) (keyring.Cache, error) {
	if profile == "" {
		return a.cache, a.importLegacy()
	}
	p, err := a.profiles.Get(profile)
	if err == nil && p.Type != keyring.Static {
		err = fault.New(fault.Usage, "its pairs come from its provider", "profile %q is of type %s and keeps no pair", profile, p.Type)
	}
	return a.profiles.Pair(profile), err
}

// SetStorage changes a cache and tells what it then holds, and what was done besides. Without
// anything to set it is a fault of kind Usage, and nothing changes (SPEC A23).
func (a *App) SetStorage(change StorageChange) (Stored, []string, error) {
	cache, err := a.pairCache(change.Profile)
	if err != nil {
		return Stored{}, nil, err
	}
	if change.Store != "" {
		if err := keyring.CheckStore(change.Store); err != nil {
			return Stored{}, nil, err
		}
	}
	apply, err := a.storageChange(change, cache)
	if err != nil {
		return Stored{}, nil, err
	}
	if err := a.ensureRoot(a.opt.Roots.Config, "config"); err != nil {
		return Stored{}, nil, err
	}
	if change.Profile != "" {
		if err := a.profiles.MakeRoom(); err != nil {
			return Stored{}, nil, err
		}
	}
	var notices []string
	var after keyring.Entry
	err = cache.Update(func(e *keyring.Entry) error {
		notices = apply(e)
		if change.Store != "" {
			e.Store = change.Store
		}
		if e.SecretAccessKey.IsZero() != (e.AccessKeyID == "") {
			return fault.New(fault.Usage, "give --access-key-id and --secret-access-key",
				"an access key and its secret belong together, and %s has only one of them", cache.Path)
		}
		after = *e
		return nil
	})
	if err != nil {
		return Stored{}, nil, err
	}
	return stored(cache.Path, change.Profile, after), notices, nil
}

// storageChange is how change alters an entry; what that says is for the user.
func (a *App) storageChange(change StorageChange, cache keyring.Cache) (func(*keyring.Entry) []string, error) {
	if !change.noFields() {
		return change.apply, nil
	}
	env, err := keyring.Chain{Getenv: a.opt.Getenv}.Environment()
	if err != nil {
		return nil, err
	}
	if env.Complete() || env.Region != "" {
		return func(e *keyring.Entry) []string {
			if env.Complete() { // key, secret and token are one unit (SPEC A15a)
				e.AccessKeyID, e.SecretAccessKey, e.SessionToken = env.AccessKeyID, env.SecretAccessKey, env.SessionToken
			}
			if env.Region != "" {
				e.Region = env.Region
			}
			return nil
		}, nil
	}
	if _, err := cache.Stat(); change.Store != "" && err == nil { // moves it from one store to the other
		return func(*keyring.Entry) []string { return nil }, nil
	}
	return nil, fault.New(fault.Usage,
		"set "+keyring.EnvAccessKeyID+" and "+keyring.EnvSecretAccessKey+", or give --access-key-id ID --secret-access-key -",
		"nothing to set: no field was given and the environment has no credentials")
}

func (c StorageChange) apply(e *keyring.Entry) (notices []string) {
	if c.AccessKeyID != nil {
		if *c.AccessKeyID != e.AccessKeyID && c.SessionToken == nil && !e.SessionToken.IsZero() {
			e.SessionToken = keyring.Secret{} // it belongs to the former key (SPEC A25)
			notices = append(notices, "cleared the session token, which belonged to the former access key")
		}
		e.AccessKeyID = *c.AccessKeyID
	}
	if c.SecretAccessKey != nil {
		e.SecretAccessKey = *c.SecretAccessKey
	}
	if c.SessionToken != nil {
		e.SessionToken = *c.SessionToken
	}
	if c.Region != nil {
		e.Region = *c.Region
	}
	return notices
}

func stored(path, profile string, e keyring.Entry) Stored {
	fingerprint := e.Fingerprint
	if e.Complete() {
		fingerprint = e.Credentials.Fingerprint()
	}
	return Stored{
		Path: path, Profile: profile, AccessKeyID: keyring.Mask(e.AccessKeyID), SecretAccessKey: e.SecretAccessKey.String(),
		SessionToken: e.SessionToken.String(), Region: e.Region, Store: e.Store, Fingerprint: fingerprint,
	}
}

// ShowStorage tells what a cache holds; nothing of the environment (SPEC A29).
func (a *App) ShowStorage(profile string) (Stored, error) {
	cache, err := a.pairCache(profile)
	if err != nil {
		return Stored{}, err
	}
	e, err := cache.Load()
	if errors.Is(err, keyring.ErrNotFound) {
		e, err = keyring.Entry{Store: keyring.InFile}, nil
	}
	return stored(cache.Path, profile, e), err
}

// ClearStorage removes what a cache holds, from the OS keyring too. It is idempotent, and
// live mounts go on (SPEC A30).
func (a *App) ClearStorage(profile string) (Stored, error) {
	cache, err := a.pairCache(profile)
	if err != nil {
		return Stored{}, err
	}
	return Stored{Path: cache.Path, Profile: profile}, cache.Clear()
}

// EnvironmentPair is the pair of ARTIFACTS_S3_*; none is a fault of kind Usage.
func (a *App) EnvironmentPair() (keyring.Credentials, error) {
	env, err := keyring.Chain{Getenv: a.opt.Getenv}.Environment()
	if err == nil && !env.Complete() {
		err = fault.New(fault.Usage, "set "+keyring.EnvAccessKeyID+" and "+keyring.EnvSecretAccessKey+", or give the pair in flags", "there is no pair in the environment")
	}
	return env, err
}

// Overridden says that the environment has credentials that go before the caches, where it
// has; half a pair counts.
func (a *App) Overridden() bool {
	return a.opt.Getenv(keyring.EnvAccessKeyID) != "" || a.opt.Getenv(keyring.EnvSecretAccessKey) != ""
}

// importLegacy takes over what a former version kept, once.
func (a *App) importLegacy() error {
	home := a.opt.Getenv("HOME")
	if home == "" {
		return nil
	}
	path := keyring.LegacyPath(home)
	done, err := a.cache.ImportLegacy(path)
	if done {
		a.opt.Notify(fmt.Sprintf("note: took over the credentials of %s; they are in %s now, and the former file may go", path, a.cache.Path))
	}
	return err
}

// credentialChain is the chain for a workspace of the user's own; its id and region may be
// empty.
func (a *App) credentialChain(profile, workspaceID, region string) (keyring.Chain, error) {
	if !a.opt.Offhand {
		if err := a.importLegacy(); err != nil {
			return keyring.Chain{}, err
		}
	}
	c := keyring.Chain{Getenv: a.opt.Getenv, Cache: a.cache, Profiles: a.profiles, Profile: profile, Region: region}
	if workspaceID != "" {
		bindings, err := a.profiles.Bindings()
		if err != nil {
			return c, err
		}
		c.Bound = bindings[workspaceID]
	}
	if a.opt.Offhand && !c.AtHand() {
		return c, fault.New(fault.Auth, "", "the pair is in no variable and no file")
	}
	return c, nil
}

// resolve walks the chain and tells its notice.
func (a *App) resolve(ctx context.Context, c keyring.Chain) (keyring.Resolved, error) {
	r, err := c.Resolve(ctx)
	if r.Notice != "" {
		a.opt.Notify("note: " + r.Notice)
	}
	return r, err
}

// Explained says which source won for a field of the credentials (SPEC C25).
type Explained struct {
	Field  string         `json:"field"`
	Value  string         `json:"value"` // masked, but for the region
	Source keyring.Source `json:"source"`
	From   string         `json:"from"` // variable, file or profile
}

// Explanation is how credentials are resolved, field by field, and what else was there.
type Explanation struct {
	Workspace string      `json:"workspace,omitempty"`
	Fields    []Explained `json:"fields"`
	Unused    []string    `json:"unused"` // sources that have something and were not asked
}

// ExplainStorage resolves the credentials as a mount would, of a workspace or of none, and
// tells why.
func (a *App) ExplainStorage(ctx context.Context, name, profile string) (Explanation, error) {
	x := Explanation{Workspace: name, Unused: []string{}}
	id, region := "", ""
	if name != "" {
		w, err := a.Workspace(ctx, name)
		if err != nil {
			return x, err
		}
		if err := ownBucket(w); err != nil {
			return x, err
		}
		id, region = w.ID, w.Region
	}
	chain, err := a.credentialChain(profile, id, region)
	if err != nil {
		return x, err
	}
	r, err := a.resolve(ctx, chain)
	if err != nil {
		return x, err
	}
	from := func(s keyring.Source, variable string) string {
		switch s {
		case keyring.FromEnv:
			return variable
		case keyring.FromProfile:
			if r.Profile != nil {
				return r.Profile.Name
			}
			return a.profiles.Path()
		case keyring.FromWorkspace:
			return name
		case keyring.FromCache:
			return a.cache.Path
		}
		return ""
	}
	field := func(name, value string, s keyring.Source, variable string) {
		if value == "" {
			s = keyring.Unset
		}
		x.Fields = append(x.Fields, Explained{Field: name, Value: value, Source: s, From: from(s, variable)})
	}
	field("ACCESS_KEY_ID", keyring.Mask(r.AccessKeyID), r.PairSource, keyring.EnvAccessKeyID)
	field("SECRET_ACCESS_KEY", r.SecretAccessKey.String(), r.PairSource, keyring.EnvSecretAccessKey)
	field("SESSION_TOKEN", r.SessionToken.String(), r.PairSource, keyring.EnvSessionToken)
	field("REGION", r.Region, r.RegionSource, keyring.EnvRegion)
	x.Unused = append(x.Unused, a.unused(r)...)
	return x, nil
}

// unused are the sources that the resolved pair hides.
func (a *App) unused(r keyring.Resolved) (lines []string) {
	if r.PairSource == keyring.FromEnv || r.PairSource == keyring.FromProfile {
		if e, err := a.cache.Stat(); err == nil && (e.Complete() || e.Store == keyring.InKeyring) {
			lines = append(lines, fmt.Sprintf("%s (%s) holds a pair too", keyring.FromCache, a.cache.Path))
		}
	}
	if a.opt.Getenv(keyring.EnvSessionToken) != "" && r.PairSource != keyring.FromEnv {
		lines = append(lines, keyring.EnvSessionToken+" is set without a pair")
	}
	for _, v := range []string{"AWS_ACCESS_KEY_ID", "AWS_PROFILE"} {
		if a.opt.Getenv(v) != "" {
			lines = append(lines, v+" is not part of the chain; a profile of type aws uses ~/.aws")
		}
	}
	return lines
}
