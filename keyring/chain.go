package keyring

import (
	"errors"
	"strings"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// The variables of the chain (SPEC A14). An empty one counts as unset.
const (
	EnvAccessKeyID     = "ARTIFACTS_S3_ACCESS_KEY_ID"
	EnvSecretAccessKey = "ARTIFACTS_S3_SECRET_ACCESS_KEY" //nolint:gosec // the name of a variable, not a secret
	EnvSessionToken    = "ARTIFACTS_S3_SESSION_TOKEN"     //nolint:gosec // the name of a variable, not a secret
	EnvRegion          = "ARTIFACTS_S3_REGION"
)

// Source says where a resolved value came from.
type Source string

// The sources, in the order they are asked.
const (
	FromEnv   Source = "environment"
	FromCache Source = "cache"
	Unset     Source = "unset"
)

// Resolved is a pair and where its parts came from. Key, secret and token are
// one unit and share PairSource (SPEC A15a).
type Resolved struct {
	Credentials
	PairSource   Source
	RegionSource Source
}

// Chain finds credentials: environment first, cache second, error last (SPEC A13).
type Chain struct {
	Getenv func(string) string
	Cache  File
}

// Resolve walks the chain. It fails with fault.Usage where one of key and secret
// is set without the other, or where no source has a pair.
func (c Chain) Resolve() (Resolved, error) {
	env := Credentials{
		AccessKeyID:     c.Getenv(EnvAccessKeyID),
		SecretAccessKey: NewSecret(c.Getenv(EnvSecretAccessKey)),
		SessionToken:    NewSecret(c.Getenv(EnvSessionToken)),
		Region:          c.Getenv(EnvRegion),
	}
	if err := refuseHalfPair(env); err != nil {
		return Resolved{}, err
	}
	if err := env.Validate(); err != nil {
		return Resolved{}, fault.Wrap(fault.Usage, err, "set the ARTIFACTS_S3_* variables again", "credentials in the environment refused")
	}
	cached, err := c.Cache.Load()
	if err != nil && !errors.Is(err, ErrNotFound) && !env.Complete() {
		return Resolved{}, err
	}

	r := Resolved{Credentials: cached, PairSource: FromCache, RegionSource: FromCache}
	if env.Complete() {
		r.AccessKeyID, r.SecretAccessKey, r.SessionToken = env.AccessKeyID, env.SecretAccessKey, env.SessionToken
		r.PairSource = FromEnv
	}
	if env.Region != "" {
		r.Region, r.RegionSource = env.Region, FromEnv
	}
	if r.Region == "" {
		r.RegionSource = Unset
	}
	if !r.Complete() {
		return Resolved{}, &fault.Error{
			Kind: fault.Usage, Err: ErrNotFound, Message: "no S3 credentials in the environment or in " + c.Cache.Path,
			Hint: "set " + EnvAccessKeyID + " and " + EnvSecretAccessKey + "; a successful `workspace create --backend byo` keeps them for later",
		}
	}
	return r, nil
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
