package engines

import (
	"context"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/artifacts-tui/artifacts-tui/backend/store/s3blobs"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// Keys are those of an S3 bucket. They are never shown. Without any of them the AWS SDK's own
// sources are asked: the environment, ~/.aws, the machine's role.
type Keys struct{ AccessKeyID, SecretAccessKey, SessionToken string }

// S3 is a bucket as storage.blobs names it.
type S3 struct {
	Bucket   string
	Prefix   string // without slashes at its ends
	Endpoint string // URL; empty: Amazon's
	Region   string // empty: us-east-1
}

// ParseS3 reads s3://BUCKET[/PREFIX][?endpoint=URL&region=REGION]. Its errors do not repeat the
// text, which may hold a secret.
func ParseS3(text string) (S3, error) {
	const form = "write it as s3://BUCKET/PREFIX?endpoint=https://HOST&region=REGION"
	bad := func(format string, args ...any) (S3, error) {
		return S3{}, fault.New(fault.Usage, form, format, args...)
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Scheme != "s3":
		return bad("not an s3:// URL")
	case u.User != nil:
		return S3{}, fault.New(fault.Usage, "take them out, and name a file with blobs_credentials_file", "the URL holds credentials")
	case u.Host == "" || u.Port() != "":
		return bad("the URL names no bucket")
	case u.Fragment != "":
		return bad("the URL has a #")
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return bad("what follows the ? cannot be read")
	}
	for name := range query {
		if !slices.Contains([]string{"endpoint", "region"}, name) {
			return bad("the URL has a parameter that is neither endpoint nor region")
		}
	}
	s := S3{Bucket: u.Host, Prefix: strings.Trim(u.Path, "/"), Endpoint: query.Get("endpoint"), Region: query.Get("region")}
	if s.Endpoint != "" {
		e, err := url.Parse(s.Endpoint)
		switch {
		case err != nil || e.Host == "" || e.Scheme != "http" && e.Scheme != "https":
			return bad("the endpoint is not an http or https URL")
		case e.User != nil || e.RawQuery != "":
			return S3{}, fault.New(fault.Usage, "take them out, and name a file with blobs_credentials_file", "the endpoint holds credentials")
		}
	}
	return s, nil
}

func openS3(ctx context.Context, o Options) (*s3blobs.Blobs, error) {
	at, err := ParseS3(o.Blobs)
	if err != nil {
		return nil, err
	}
	opt := s3blobs.Options{
		Bucket: at.Bucket, Prefix: at.Prefix, Endpoint: at.Endpoint, Region: at.Region, CABundle: o.CABundle, Log: o.Log,
		Credentials: credentials.NewStaticCredentialsProvider(o.Keys.AccessKeyID, o.Keys.SecretAccessKey, o.Keys.SessionToken),
	}
	if o.Keys == (Keys{}) {
		c, err := config.LoadDefaultConfig(ctx)
		if err != nil {
			return nil, fault.New(fault.Usage, "name a file with storage.blobs_credentials_file", "the AWS SDK finds no credentials for storage.blobs")
		}
		opt.Credentials = c.Credentials
		if opt.Region == "" {
			opt.Region = c.Region
		}
	}
	return s3blobs.Open(opt)
}

// ReadKeys reads a file of credentials: KEY=value lines with ACCESS_KEY_ID, SECRET_ACCESS_KEY
// and SESSION_TOKEN, or those of ~/.aws/credentials, of which it takes one profile's. Its errors repeat nothing of it.
func ReadKeys(path string) (k Keys, err error) {
	const hint = "write two lines into it: ACCESS_KEY_ID=… and SECRET_ACCESS_KEY=…"
	text, err := os.ReadFile(path)
	if err != nil {
		return k, fault.Wrap(fault.Usage, err, hint, "cannot read the credentials")
	}
	profiles := 0
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' || line[0] == ';' {
			continue
		}
		if line[0] == '[' {
			if profiles++; profiles > 1 {
				return k, fault.New(fault.Usage, "keep the one in it that is meant", "%s has more than one profile", path)
			}
			continue
		}
		name, value, _ := strings.Cut(line, "=")
		value = strings.TrimSpace(value)
		switch strings.TrimPrefix(strings.ToUpper(strings.TrimSpace(name)), "AWS_") {
		case "ACCESS_KEY_ID":
			k.AccessKeyID = value
		case "SECRET_ACCESS_KEY":
			k.SecretAccessKey = value
		case "SESSION_TOKEN":
			k.SessionToken = value
		case "REGION":
		default:
			return k, fault.New(fault.Usage, hint, "%s has a line that is none of credentials", path)
		}
	}
	if k.AccessKeyID == "" || k.SecretAccessKey == "" {
		return k, fault.New(fault.Usage, hint, "%s lacks the access key or the secret", path)
	}
	return k, nil
}

// escape is a password as a URL has it.
func escape(password string) string {
	return strings.TrimPrefix(url.UserPassword("", password).String(), ":")
}

// without masks a secret that an error may repeat.
func without(text, secret string) string {
	if secret == "" {
		return text
	}
	return strings.NewReplacer(secret, "***", escape(secret), "***").Replace(text)
}
