package keyring

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// The variables of the chain (SPEC A14, A41). An empty one counts as unset.
const (
	EnvAccessKeyID     = "ARTIFACTS_S3_ACCESS_KEY_ID"
	EnvSecretAccessKey = "ARTIFACTS_S3_SECRET_ACCESS_KEY" //nolint:gosec // the name of a variable, not a secret
	EnvSessionToken    = "ARTIFACTS_S3_SESSION_TOKEN"     //nolint:gosec // the name of a variable, not a secret
	EnvRegion          = "ARTIFACTS_S3_REGION"
	EnvProfile         = "ARTIFACTS_PROFILE"
)

// Source says where a resolved value came from.
type Source string

// The sources, in the order they are asked.
const (
	FromEnv       Source = "environment"
	FromProfile   Source = "profile"
	FromWorkspace Source = "workspace" // the region that was given when it was created
	FromCache     Source = "cache"
	Unset         Source = "unset"
)

// Resolved is a pair and where its parts came from. Key, secret and token are
// one unit and share PairSource (SPEC A15a).
type Resolved struct {
	Credentials
	PairSource   Source
	RegionSource Source
	Profile      *Profile // that the pair is of, where PairSource is FromProfile
	Notice       string   // one line a person should see; empty: none
}

// Provider issues the pair's successors; nil where the pair does not end.
func (r Resolved) Provider() *Provider {
	if r.Profile == nil || r.Profile.Type == Static {
		return nil
	}
	p := r.Profile.Provider()
	return &p
}

// Chain finds credentials: environment, then a named profile, then the cache, else an
// error (SPEC A13, A41).
type Chain struct {
	Getenv   func(string) string
	Cache    Cache
	Profiles Profiles
	Profile  string // that was asked for; empty: EnvProfile, then Bound
	Bound    string // profile that the workspace is bound to
	Region   string // of the workspace: before the profile's and the cache's, after the environment's
}

// profile is the name of the profile to use, and who said so.
func (c Chain) profile() (name, saidBy string) {
	switch {
	case c.Profile != "":
		return c.Profile, "--profile"
	case c.Getenv(EnvProfile) != "":
		return c.Getenv(EnvProfile), EnvProfile
	case c.Bound != "":
		return c.Bound, "the workspace's binding"
	}
	return "", ""
}

// Environment is the part of the chain that is in variables. Half a pair, or a value that
// cannot be stored, is a fault of kind Usage.
func (c Chain) Environment() (Credentials, error) {
	env := Credentials{
		AccessKeyID:     c.Getenv(EnvAccessKeyID),
		SecretAccessKey: NewSecret(c.Getenv(EnvSecretAccessKey)),
		SessionToken:    NewSecret(c.Getenv(EnvSessionToken)),
		Region:          c.Getenv(EnvRegion),
	}
	if err := refuseHalfPair(env); err != nil {
		return env, err
	}
	if err := env.Validate(); err != nil {
		return env, fault.Wrap(fault.Usage, err, "set the ARTIFACTS_S3_* variables again", "credentials in the environment refused")
	}
	return env, nil
}

// Resolve walks the chain. It fails with fault.Usage where one of key and secret
// is set without the other, or where no source has a pair; with what the profile
// says where one is named and has none.
func (c Chain) Resolve(ctx context.Context) (Resolved, error) {
	env, err := c.Environment()
	if err != nil {
		return Resolved{}, err
	}
	name, saidBy := c.profile()
	r := Resolved{PairSource: FromEnv}
	switch {
	case env.Complete():
		r.Credentials = env
		if name != "" {
			r.Notice = fmt.Sprintf("the pair in the environment is used, not that of profile %s (%s)", name, saidBy)
		}
	case name != "":
		if r, err = c.fromProfile(ctx, name); err != nil {
			return Resolved{}, err
		}
	default:
		if r, err = c.fromCache(); err != nil {
			return Resolved{}, err
		}
	}
	r.Region, r.RegionSource, err = c.region(env, r, name)
	return r, err
}

// AtHand reports whether the pair is in a variable or a file, so that Resolve has neither to ask the
// OS keyring nor to run a command.
func (c Chain) AtHand() bool {
	if env, err := c.Environment(); err != nil || env.Complete() {
		return err == nil
	}
	cache := c.Cache
	if name, _ := c.profile(); name != "" {
		p, err := c.Profiles.Get(name)
		if err != nil || p.Type != Static {
			return false
		}
		cache = c.Profiles.Pair(name)
	}
	e, err := cache.Stat()
	return err == nil && e.Store != InKeyring
}

func (c Chain) fromProfile(ctx context.Context, name string) (Resolved, error) {
	p, err := c.Profiles.Get(name)
	if err != nil {
		return Resolved{}, err
	}
	r := Resolved{PairSource: FromProfile, Profile: &p}
	if p.Type != Static {
		r.Credentials, err = p.Provider().Retrieve(ctx)
		return r, err
	}
	e, err := c.Profiles.Pair(name).Load()
	if errors.Is(err, ErrNotFound) || (err == nil && !e.Complete()) {
		return Resolved{}, fault.New(fault.Usage, "give it one: `artifacts storage set --profile "+name+"`", "profile %q has no credentials yet", name)
	}
	r.Credentials = e.Credentials
	return r, err
}

func (c Chain) fromCache() (Resolved, error) {
	e, err := c.Cache.Load()
	if err != nil && !errors.Is(err, ErrNotFound) {
		return Resolved{}, err
	}
	if !e.Complete() {
		return Resolved{}, &fault.Error{
			Kind: fault.Usage, Err: ErrNotFound, Message: "no S3 credentials in the environment or in " + c.Cache.Path,
			Hint: "set " + EnvAccessKeyID + " and " + EnvSecretAccessKey + "; a successful `workspace create --backend byo` keeps them for later",
		}
	}
	return Resolved{Credentials: e.Credentials, PairSource: FromCache}, nil
}

// region is resolved by itself (SPEC A15): environment, workspace, then the profile where
// one is named, else the cache.
func (c Chain) region(env Credentials, r Resolved, profile string) (string, Source, error) {
	switch {
	case env.Region != "":
		return env.Region, FromEnv, nil
	case c.Region != "":
		return c.Region, FromWorkspace, nil
	case r.Profile != nil && r.Profile.Region != "":
		return r.Profile.Region, FromProfile, nil
	case r.Profile != nil && r.Region != "":
		return r.Region, FromProfile, nil
	case profile != "" && r.Profile == nil: // the environment's pair, in spite of a profile
		if p, err := c.Profiles.Get(profile); err == nil && p.Region != "" {
			return p.Region, FromProfile, nil
		}
		return "", Unset, nil
	case r.Profile != nil:
		return "", Unset, nil
	case r.PairSource == FromCache && r.Region != "":
		return r.Region, FromCache, nil
	}
	e, err := c.Cache.Stat()
	if err == nil && e.Region != "" && r.PairSource == FromEnv {
		return e.Region, FromCache, nil
	}
	return "", Unset, nil // a cache that cannot be read does not matter to an env pair
}

func refuseHalfPair(env Credentials) error {
	set, missing := EnvAccessKeyID, EnvSecretAccessKey
	switch {
	case (env.AccessKeyID == "") == env.SecretAccessKey.IsZero():
		return nil
	case env.AccessKeyID == "":
		set, missing = missing, set
	}
	return fault.New(fault.Usage, "set both, or unset both to use the cached pair",
		"%s is set but %s is not; refusing to combine it with the cached secret", set, missing)
}

// CheckEndpoint refuses a URL that carries a user or password (SPEC A15c).
// The message does not repeat it.
func CheckEndpoint(endpoint string) error {
	scheme, rest, found := strings.Cut(endpoint, "://")
	if !found {
		rest = endpoint
	}
	authority, _, _ := strings.Cut(rest, "/")
	switch {
	case strings.Contains(authority, "@"):
		return fault.New(fault.Usage, "give the keys in "+EnvAccessKeyID+" and "+EnvSecretAccessKey,
			"the endpoint holds a user or password; keys do not belong in a URL")
	case !found || authority == "" || (scheme != "http" && scheme != "https"):
		return fault.New(fault.Usage, "an endpoint looks like https://s3.example.com",
			"endpoint %q is not an http or https URL", endpoint)
	}
	return nil
}
