package conformance

import (
	"testing"

	"github.com/artifacts-tui/artifacts-tui/backend/s3/s3test"
)

func ours(t *testing.T) service {
	s := s3test.Start(t)
	return service{s.Endpoint(), s.AccessKey, s.Secret}
}

func versity(t *testing.T) service {
	endpoint, access, secret := s3test.StartVersity(t)
	return service{endpoint, access, secret}
}
