package keyring

import (
	"context"
	"errors"
	"net/http"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/ec2rolecreds"
	"github.com/aws/aws-sdk-go-v2/credentials/processcreds"
	smithy "github.com/aws/smithy-go"

	"github.com/artifacts-tui/artifacts-tui/internal/webproxy"
)

// askAWS resolves a profile of ~/.aws with the SDK: keys, SSO, assume-role, web identity,
// credential_process. Where the profile has none of these the SDK would ask the machine's
// metadata service, which is no answer to a profile that was named.
func (p Provider) askAWS(ctx context.Context) (Credentials, error) {
	options := []func(*config.LoadOptions) error{config.WithSharedConfigProfile(p.AWSProfile)}
	if p.Proxy != (webproxy.Settings{}) {
		options = append(options, config.WithHTTPClient(awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
			t.Proxy, t.OnProxyConnectResponse = p.Proxy.Func(), webproxy.Refused
		})))
	}
	if p.ConfigFile != "" {
		options = append(options, config.WithSharedConfigFiles([]string{p.ConfigFile}))
	}
	if p.CredentialsFile != "" {
		options = append(options, config.WithSharedCredentialsFiles([]string{p.CredentialsFile}))
	}
	cfg, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return Credentials{}, p.refused(awsReason(err))
	}
	got, err := cfg.Credentials.Retrieve(ctx)
	if ctx.Err() != nil && !errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return Credentials{}, ctx.Err()
	}
	if (err != nil || got.Source == ec2rolecreds.ProviderName) && !hasCredentials(cfg.ConfigSources) {
		return Credentials{}, p.refused("the AWS profile " + p.AWSProfile + " says nothing of credentials")
	}
	if err != nil {
		return Credentials{}, p.refused(awsReason(err))
	}
	c := Credentials{
		AccessKeyID: got.AccessKeyID, SecretAccessKey: NewSecret(got.SecretAccessKey), SessionToken: NewSecret(got.SessionToken), Region: cfg.Region,
	}
	if got.CanExpire {
		c.Expires = got.Expires
	}
	return c, nil
}

// hasCredentials reports whether the profile that was loaded says where its credentials
// are from.
func hasCredentials(sources []any) bool {
	for _, source := range sources {
		if s, ok := source.(config.SharedConfig); ok {
			return s.Credentials.HasKeys() || s.CredentialSource != "" || s.CredentialProcess != "" || s.RoleARN != "" ||
				s.WebIdentityTokenFile != "" || s.SSOAccountID != "" || s.SSOSessionName != ""
		}
	}
	return false
}

// awsReason is the part of an error of the SDK that cannot hold what a command printed or a
// service answered.
func awsReason(err error) string {
	var missing config.SharedConfigProfileNotExistError
	var role config.SharedConfigAssumeRoleError
	var process *processcreds.ProviderError
	var api smithy.APIError
	switch {
	case errors.As(err, &missing):
		return "there is no AWS profile " + missing.Profile
	case errors.As(err, &role):
		return "its source profile is missing or incomplete"
	case errors.As(err, &process):
		return "its credential_process failed"
	case errors.As(err, &api):
		return "AWS answered " + api.ErrorCode()
	case errors.Is(err, context.DeadlineExceeded):
		return "AWS did not answer in time"
	}
	return "the AWS SDK could not resolve it"
}
