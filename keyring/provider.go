package keyring

import (
	"context"
	"time"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/internal/webproxy"
)

// ProfileType says how a profile comes by its pair (SPEC A41).
type ProfileType string

// The types of profiles.
const (
	Static  ProfileType = "static"  // a pair kept in a 0600 file of its own or in the OS keyring
	Process ProfileType = "process" // what a command prints, after AWS's credential_process
	AWS     ProfileType = "aws"     // a profile of ~/.aws: SSO, assume-role, web identity, keys
)

// Provider issues pairs that may end and are then asked for anew, also by a mount process.
// It holds nothing secret. The zero value issues nothing.
type Provider struct {
	Profile string      `json:"profile"` // whose it is, for messages
	Type    ProfileType `json:"type"`    // Process or AWS
	Command string      `json:"command,omitempty"`
	// AWSProfile is a name in ConfigFile or CredentialsFile; a path that is empty is the
	// SDK's default.
	AWSProfile      string `json:"aws_profile,omitempty"`
	ConfigFile      string `json:"config_file,omitempty"`
	CredentialsFile string `json:"credentials_file,omitempty"`

	// Proxy is which proxies requests to AWS go through; it may hold a password, and travels beside.
	Proxy webproxy.Settings `json:"-"`
}

// retrieveTimeout bounds how long a command, or a service behind a profile of ~/.aws, may take.
const retrieveTimeout = time.Minute

// Retrieve asks for a pair. Its Expires is zero where it does not end, its Region empty
// where the provider has none. Errors are faults of kind Auth or Usage that hold nothing
// of what the provider said: that may be half a pair.
func (p Provider) Retrieve(ctx context.Context) (Credentials, error) {
	ctx, cancel := context.WithTimeout(ctx, retrieveTimeout)
	defer cancel()
	var c Credentials
	var err error
	switch p.Type {
	case Process:
		c, err = p.runProcess(ctx)
	case AWS:
		c, err = p.askAWS(ctx)
	default:
		return c, fault.New(fault.Usage, "", "profile %q has no provider", p.Profile)
	}
	if err != nil {
		return Credentials{}, err
	}
	switch {
	case !c.Complete():
		return Credentials{}, p.refused("it gave no access key or no secret")
	case !c.Expires.IsZero() && !c.Expires.After(time.Now()):
		return Credentials{}, p.refused("the pair it gave ended at " + c.Expires.Local().Format(time.DateTime))
	}
	if err := c.Validate(); err != nil {
		return Credentials{}, p.refused("the pair it gave cannot be used: " + err.Error())
	}
	return c, nil
}

func (p Provider) refused(why string) error {
	hint := "run its command in a shell and compare with what AWS's credential_process has to print"
	if p.Type == AWS {
		hint = "try `aws sts get-caller-identity --profile " + p.AWSProfile + "`; for SSO `aws sso login --profile " + p.AWSProfile + "`"
	}
	return fault.New(fault.Auth, hint, "profile %q has no credentials: %s", p.Profile, why)
}
